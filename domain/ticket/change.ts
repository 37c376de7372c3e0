/** A decision under way: the ticket as it becomes, and the events that say how. */
import type { Accepted, Members } from '../decision.js';
import type { ContentId } from '../ids.js';
import type { Instant } from '../time.js';
import type { TicketEvent, TicketEventType } from './event.js';
import type { Ticket } from './ticket.js';

/** Collects the events of one decision, so that each gets the next version. */
export class Change {
  readonly events: TicketEvent[] = [];
  ticket: Ticket;
  private readonly now: Instant;

  constructor(ticket: Ticket, now: Instant) {
    this.ticket = ticket;
    this.now = now;
  }

  record(type: TicketEventType, data: Members, patch: Partial<Ticket> = {}, content?: ContentId): this {
    const version = this.ticket.version + 1;
    this.ticket = { ...this.ticket, ...patch, version, updatedAt: this.now };
    this.events.push(content === undefined ? { type, version, data } : { type, version, data, content });
    return this;
  }

  /** Takes over what another rule decided on this ticket. */
  append({ state, events }: Accepted<Ticket, TicketEvent>): void {
    this.ticket = state;
    this.events.push(...events);
  }

  accepted(): Accepted<Ticket, TicketEvent> {
    return { ok: true, state: this.ticket, events: this.events };
  }
}
