/**
 * A ticket with its clocks, driven as its workflow drives it: what was due is done first, a moment after its instant. Each step is checked
 * for what must hold of every ledger, whatever happens to it.
 */
import type { Refused, TicketCode } from '../../domain/decision.js';
import { asContentId } from '../../domain/ids.js';
import type { Clock, Segment } from '../../domain/sla/clock.js';
import { act, catchUp, follow, happenedAt, nearestOf } from '../../domain/sla/desk.js';
import type { Outcome, PlannedNotice } from '../../domain/sla/desk.js';
import type { ReplanReason, SlaFact } from '../../domain/sla/facts.js';
import { emptyLedger, windowsWanted } from '../../domain/sla/ledger.js';
import type { Ledger } from '../../domain/sla/ledger.js';
import type { SlaPlan } from '../../domain/sla/policy.js';
import type { FiredRung, Reassignment } from '../../domain/sla/posting.js';
import { openMs } from '../../domain/sla/windows.js';
import type { Windows } from '../../domain/sla/windows.js';
import type { CommandFields, CommandKind, Envelope, OpenFields, TicketCommand } from '../../domain/ticket/command.js';
import type { TicketEvent } from '../../domain/ticket/event.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { anEnvelope, anOpen, aPlan, on, requester, someWindows, uuid } from './builders.js';

const content = asContentId(uuid(0x200));

/** `mon 09:00` of the cases' week, or epoch milliseconds. */
type When = string | number;
const instant = (when: When): number => (typeof when === 'number' ? when : on(when));

export class SlaDesk {
  ticket: Ticket | null = null;
  ledger: Ledger = { ...emptyLedger, planned: false };
  readonly events: TicketEvent[] = [];
  /** Every instance there ever was, as last told. */
  readonly clocks = new Map<string, Clock>();
  readonly segments: Segment[] = [];
  readonly rungs: FiredRung[] = [];
  readonly notices: PlannedNotice[] = [];
  readonly reassignments: Reassignment[] = [];
  /** No timer fires: what falls due waits for the next message. */
  asleep = false;
  private readonly plan: SlaPlan | null;
  private readonly windows: Windows;
  /** All it was ever told. */
  private readonly hours: Windows[] = [];

  constructor(plan: SlaPlan | null = aPlan(), windows: Windows = someWindows()) {
    this.plan = plan;
    this.windows = windows;
  }

  /** A ticket that a customer opens, planned at once. */
  static opened(when: When, plan: SlaPlan | null = aPlan(), fields: Partial<OpenFields> = {}, envelope: Partial<Envelope> = {}): SlaDesk {
    const desk = new SlaDesk(plan);
    desk.open(when, fields, envelope);
    desk.planFirst(when);
    return desk;
  }

  open(when: When, fields: Partial<OpenFields> = {}, envelope: Partial<Envelope> = {}): Outcome {
    return this.send(when, 'open', anOpen({ sla: { set: 1 }, ...fields }), { role: 'customer', ...envelope });
  }

  planFirst(when: When): Outcome {
    return this.replan(when, this.plan, this.windows, 'policy');
  }

  /** One command that the rules accept. */
  send<Kind extends CommandKind>(when: When, kind: Kind, fields: CommandFields[Kind], envelope: Partial<Envelope> = {}): Outcome {
    const answer = this.ask(when, kind, fields, envelope);
    if (!answer.ok) throw new Error(`${kind} was refused: ${answer.code}`);
    return answer;
  }

  ask<Kind extends CommandKind>(
    when: When,
    kind: Kind,
    fields: CommandFields[Kind],
    envelope: Partial<Envelope> = {},
  ): Outcome | Refused<TicketCode> {
    const now = instant(when);
    // The kind and its fields belong together by the signature.
    const command = { kind, ...anEnvelope({ role: 'agent', ...envelope }), ...fields } as unknown as TicketCommand;
    this.pass(now);
    if (this.ticket !== null) this.keep(catchUp(this.ticket, this.ledger, now, happenedAt(command, this.ledger, now)));
    const answer = act(this.ticket, this.ledger, command, now);
    return answer.ok ? this.keep(answer) : answer;
  }

  customer(when: When, envelope: Partial<Envelope> = {}): Outcome {
    return this.send(when, 'receive', { content, author: requester }, { role: 'customer', ...envelope });
  }

  reply(when: When, then?: 'waiting_on_customer' | 'resolved', envelope: Partial<Envelope> = {}): Outcome {
    return this.send(when, 'reply', then === undefined ? { content } : { content, then }, envelope);
  }

  status(when: When, status: Ticket['status']): Outcome {
    return this.send(when, 'edit', { status });
  }

  tell(when: When, fact: SlaFact): Outcome {
    const now = instant(when);
    this.pass(now);
    if ('windows' in fact && fact.windows !== null) this.hours.push(fact.windows);
    return this.keep(follow(this.opened, this.ledger, [fact], now));
  }

  replan(when: When, plan: SlaPlan | null, windows: Windows = this.windows, reason: ReplanReason = 'policy'): Outcome {
    const fact = { kind: 'planned', at: instant(when), plan, windows: plan === null ? null : windows } as const;
    return this.tell(when, { ...fact, rematchOn: [], teamCalendar: false, reason });
  }

  cause(when: When, cause: string, isOn: boolean): Outcome {
    return this.tell(when, { kind: 'cause', at: instant(when), cause, on: isOn });
  }

  /** Lets time pass; a timer wakes a millisecond after each instant that matters. */
  pass(until: When): void {
    for (let due = this.nextDue(); !this.asleep && due !== null && due < instant(until); due = this.nextDue()) this.wake(due + 1);
  }

  /** A timer fires, on time or not. */
  wake(when: When): Outcome {
    return this.keep(catchUp(this.opened, this.ledger, instant(when)));
  }

  /** Open hours are fetched if they are wanted. */
  refresh(when: When, windows: Windows): void {
    if (windowsWanted(this.ledger, instant(when)) !== null) this.tell(when, { kind: 'windows', at: instant(when), windows });
  }

  nextDue(): number | null {
    return this.ticket === null ? null : (nearestOf(this.ticket, this.ledger)?.at ?? null);
  }

  clock(name: string): Clock {
    const clock = this.clocks.get(name);
    if (clock === undefined) throw new Error(`no clock ${name}; there are ${[...this.clocks.keys()].join(', ') || 'none'}`);
    return clock;
  }

  names(): string[] {
    return [...this.clocks.keys()];
  }

  /** Instances that are open, or the last of their kind, and how each stands: `resolution#1 running`. */
  get standing(): string[] {
    return this.ledger.clocks.map(({ clock, phase }) => `${clock} ${phase}`);
  }

  /** What the events of a kind said, of one clock or of all. */
  told(type: TicketEvent['type'], clock?: string): TicketEvent['data'][] {
    const all = this.events.filter((event) => event.type === type).map(({ data }) => data);
    return clock === undefined ? all : all.filter((data) => data['clock'] === clock);
  }

  /** Names of the events from a place on; all when absent. */
  types(from = 0): string[] {
    return this.events.slice(from).map(({ type }) => type);
  }

  stretches(clock: string): Segment[] {
    return this.segments.filter((segment) => segment.clock === clock);
  }

  /** Rungs that fired, each with the instant it was due. */
  get fired(): [rung: string, dueAt: number][] {
    return this.rungs.map(({ rung, dueAt }) => [rung, dueAt]);
  }

  get opened(): Ticket {
    if (this.ticket === null) throw new Error('the ticket is not open yet');
    return this.ticket;
  }

  /** Works an outcome in, and checks what must hold of every one. */
  keep(outcome: Outcome): Outcome {
    const versions = outcome.events.map(({ version }) => version);
    const first = (this.ticket?.version ?? 0) + 1;
    if (versions.some((version, index) => version !== first + index) || outcome.ticket.version !== first + versions.length - 1)
      throw new Error(`versions ${versions.join(', ')} after ${first - 1}, up to ${outcome.ticket.version}`);
    this.ticket = outcome.ticket;
    this.ledger = outcome.ledger;
    this.events.push(...outcome.events);
    for (const segment of outcome.sla?.segments ?? []) this.keepSegment(segment);
    for (const clock of outcome.sla?.clocks ?? []) this.keepClock(clock);
    for (const fired of outcome.sla?.rungs ?? []) {
      if (this.rungs.some(({ clock, rung }) => clock === fired.clock && rung === fired.rung))
        throw new Error(`${fired.clock} fired ${fired.rung} twice`);
      this.rungs.push(fired);
    }
    this.notices.push(...(outcome.sla?.notices ?? []));
    this.reassignments.push(...outcome.reassignments);
    return outcome;
  }

  /** Gapless from the origin on, and what it counted is what its open hours say. */
  private keepSegment(segment: Segment): void {
    const { clock, n, from, to, state, openS, wallS, consumedAfterS, calendar } = segment;
    const previous = this.stretches(clock).at(-1);
    const where = `stretch ${n} of ${clock}`;
    if (n !== (previous?.n ?? 0) + 1) throw new Error(`${where} follows ${previous?.n ?? 'none'}`);
    if (to <= from || wallS !== (to - from) / 1000) throw new Error(`${where} runs from ${from} to ${to}, ${wallS} s`);
    if (previous !== undefined && (previous.to !== from || previous.consumedAfterS + openS !== consumedAfterS))
      throw new Error(`${where} does not go on where the one before ended`);
    const known = this.hours.filter((windows) => windows.calendar.id === calendar.id && windows.calendar.revision === calendar.revision);
    const counted = state === 'running' ? known.map((windows) => openMs(windows, from, to)) : [0];
    if (!counted.includes(openS * 1000)) throw new Error(`${where} counted ${openS} s; the calendar says ${counted.join(' or ')} ms`);
    this.segments.push(segment);
  }

  private keepClock(clock: Clock): void {
    const previous = this.clocks.get(clock.clock);
    const last = this.stretches(clock.clock).at(-1);
    if (last !== undefined && (last.to !== clock.since || last.consumedAfterS !== clock.consumedS || last.n !== clock.segments))
      throw new Error(`${clock.clock} is not where its last stretch ended`);
    if (last === undefined && clock.since !== clock.originAt) throw new Error(`${clock.clock} begins after its origin`);
    if (previous !== undefined && previous.breach !== null && JSON.stringify(previous.breach) !== JSON.stringify(clock.breach))
      throw new Error(`the breach of ${clock.clock} changed`);
    if (this.told('sla.breached', clock.clock).length !== (clock.breach === null ? 0 : 1))
      throw new Error(`${clock.clock} did not tell its breach once`);
    this.clocks.set(clock.clock, clock);
  }
}
