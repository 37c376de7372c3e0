import type { Actor, Origin, Role, Source } from '../actor.js';
import type { PlannedMessage } from '../messaging/plan.js';
import type { SlaStep } from '../sla/desk.js';
import type { Instant } from '../time.js';
import type { CommandKind } from './command.js';
import type { TicketEvent } from './event.js';
import type { Ticket } from './ticket.js';

/** One accepted command, as PostgreSQL is to see it. */
export interface TicketStep extends Origin {
  readonly commandId: string;
  /** `sla`: what the clocks did by themselves. */
  readonly kind: CommandKind | 'sla';
  readonly actor: Actor;
  readonly role: Role;
  readonly source: Source;
  /** The run that decided it; tells a repeated attempt from a Reset. */
  readonly runId: string;
  readonly at: Instant;
  readonly events: readonly TicketEvent[];
  /** The ticket after these events. */
  readonly ticket: Ticket;
  readonly planned: readonly PlannedMessage[];
  /** What of the service levels changed; absent: nothing. */
  readonly sla?: SlaStep;
}
