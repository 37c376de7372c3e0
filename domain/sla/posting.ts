/** One posting to a ticket's ledger: what happened or fell due is worked into the clocks, and told as events. */
import type { Members } from '../decision.js';
import type { TeamId } from '../ids.js';
import type { Change } from '../ticket/change.js';
import { second } from '../time.js';
import type { Instant } from '../time.js';
import { deadline, isOpenClock, outcomeOf, remainingS, wholeSecond } from './clock.js';
import type { BreachCause, CancelReason, Clock, Segment } from './clock.js';
import type { SlaEventType } from './event.js';
import type { Ledger } from './ledger.js';
import { openSeconds } from './ledger.js';
import type { NoticeGroup, NoticeReason } from './notice.js';
import type { ClockKind, SlaPlan } from './policy.js';
import type { Windows } from './windows.js';

/** A rung that fired, whatever came of it. */
export interface FiredRung {
  readonly clock: string;
  readonly rung: string;
  readonly dueAt: Instant;
  readonly firedAt: Instant;
  readonly lateMs: number;
  readonly outcome: 'warned' | 'notified' | 'opened' | 'already_at_level';
}

/** A reason to tell staff; those of one clock at one wake go out together. */
export type Telling = {
  readonly reason: NoticeReason;
  readonly to: readonly NoticeGroup[];
} & (
  | { readonly rung: FiredRung; readonly escalation: number | null }
  /** It is about an escalation: one that a person raised, or that nobody acknowledged. */
  | { readonly rung: null; readonly escalation: number }
);

/** A rung asks for another agent of a team. */
export interface Reassignment {
  readonly clock: string;
  readonly rung: string;
  /** The ticket's own when absent. */
  readonly team: TeamId | null;
}

/** The ledger under way: each step reads what the one before left. */
export class Posting {
  readonly change: Change;
  ledger: Ledger;
  /** When it is posted; what it tells of may be older. */
  readonly now: Instant;
  readonly segments: Segment[] = [];
  readonly rungs: FiredRung[] = [];
  readonly tellings: Telling[] = [];
  readonly reassignments: Reassignment[] = [];
  /** Ids of the clocks that changed. */
  readonly touched = new Set<string>();

  constructor(change: Change, ledger: Ledger, now: Instant) {
    this.change = change;
    this.ledger = ledger;
    this.now = now;
  }

  get windows(): Windows {
    if (this.ledger.windows === null) throw new Error('a clock without open hours');
    return this.ledger.windows;
  }

  /** An instance that is open, or the last of its kind. */
  named(clock: string): Clock | null {
    return this.ledger.clocks.find((one) => one.clock === clock) ?? null;
  }

  open(kinds?: readonly ClockKind[]): Clock[] {
    return this.ledger.clocks.filter((clock) => isOpenClock(clock) && (kinds === undefined || kinds.includes(clock.kind)));
  }

  last(kind: ClockKind): Clock | undefined {
    return this.ledger.clocks.findLast((clock) => clock.kind === kind);
  }

  put(clock: Clock): Clock {
    const dueAt = isOpenClock(clock) ? deadline(clock, this.windows) : clock.dueAt;
    const stored = dueAt === clock.dueAt ? clock : { ...clock, dueAt };
    this.touched.add(clock.clock);
    const { clocks } = this.ledger;
    const known = clocks.some((one) => one.clock === clock.clock);
    // Only the last instance of a kind can count again; an older one is over for good once another took its place.
    const kept = known ? clocks.map((one) => (one.clock === clock.clock ? stored : one)) : [...clocks, stored];
    this.ledger = { ...this.ledger, clocks: kept };
    return stored;
  }

  /** Forgets instances that are over and not the last of their kind; PostgreSQL has them. */
  forget(): void {
    const { clocks } = this.ledger;
    const kept = clocks.filter((clock) => isOpenClock(clock) || this.last(clock.kind) === clock);
    if (kept.length < clocks.length) this.ledger = { ...this.ledger, clocks: kept };
  }

  record(type: SlaEventType, clock: Clock | null, data: Members, at: Instant): void {
    const named = clock === null ? { clock: null } : nameOf(clock);
    this.change.record(type, { ...named, at, ...data });
  }

  /** Starts an instance. */
  start(kind: ClockKind, plan: SlaPlan, { originAt, at, toldAt = this.now, budgetS, consumedS = 0, cause }: ClockStart): Clock {
    const n = (this.ledger.counts[kind] ?? 0) + 1;
    this.ledger = { ...this.ledger, counts: { ...this.ledger.counts, [kind]: n } };
    const origin = wholeSecond(Math.min(originAt, at));
    const causes = this.causesOf(kind, plan);
    const clock = this.put({
      clock: `${kind}#${n}`,
      kind,
      set: plan.set,
      policy: plan.policy,
      calendar: plan.calendar,
      originAt: origin,
      budgetS,
      consumedS,
      wallS: 0,
      phase: causes.length === 0 ? 'running' : 'paused',
      since: origin,
      causes,
      breach: null,
      fulfilledAt: null,
      reason: null,
      fired: [],
      behind: null,
      dueAt: null,
      learned: { at: toldAt, cause: 'late_ingest' },
      segments: 0,
      waived: false,
    });
    this.record('sla.activated', clock, { originAt: origin, budgetS, dueAt: clock.dueAt, cause }, at);
    return clock;
  }

  /** Budget used up by an instant not before the present stretch. */
  consumedBy(clock: Clock, at: Instant): number {
    return clock.phase === 'running' ? clock.consumedS + openSeconds(this.windows, clock.since, at) : clock.consumedS;
  }

  /** Ends the present stretch: what it counted is settled by the calendar that was in force. */
  settled(clock: Clock, at: Instant): Clock {
    const to = Math.max(wholeSecond(at), clock.since);
    if (to === clock.since) return clock;
    const running = clock.phase === 'running';
    const consumedS = this.consumedBy(clock, to);
    const openS = consumedS - clock.consumedS;
    const wallS = (to - clock.since) / second;
    this.segments.push({
      clock: clock.clock,
      n: clock.segments + 1,
      from: clock.since,
      to,
      state: running ? 'running' : clock.phase === 'paused' ? 'paused' : 'closed',
      causes: clock.causes,
      calendar: clock.calendar,
      openS,
      wallS,
      consumedAfterS: consumedS,
    });
    return { ...clock, consumedS, wallS: clock.wallS + (running ? wallS : 0), since: to, segments: clock.segments + 1 };
  }

  /** Why a clock of this kind pauses right now. */
  causesOf(kind: ClockKind, plan: SlaPlan): string[] {
    const { status, causes } = this.ledger;
    const byStatus = (status === 'waiting_on_customer' || status === 'on_hold') && (plan.pause[kind]?.includes(status) ?? false);
    const others = causes.filter((cause) => !cause.startsWith('approval:') || plan.pauseOnApproval.includes(kind));
    return byStatus ? ['status', ...others] : others;
  }

  /** Lets open clocks pause or run by the causes there are now. */
  applyCauses(at: Instant): void {
    const { plan } = this.ledger;
    if (plan === null) return;
    for (const clock of this.open()) this.pauseFor(clock, this.causesOf(clock.kind, plan), at);
  }

  private pauseFor(clock: Clock, causes: readonly string[], at: Instant): void {
    const added = causes.filter((cause) => !clock.causes.includes(cause));
    const gone = clock.causes.filter((cause) => !causes.includes(cause));
    if (added.length + gone.length === 0) return;
    const phase = causes.length === 0 ? 'running' : 'paused';
    const next = this.put({ ...this.settled(clock, at), causes, phase });
    const data = { consumedS: next.consumedS, remainingS: remainingS(next, next.consumedS), dueAt: next.dueAt };
    for (const cause of added) this.record('sla.paused', next, { cause: kindOfCause(cause), ...data }, at);
    const [last] = gone;
    if (phase === 'running' && last !== undefined) this.record('sla.resumed', next, { cause: kindOfCause(last), ...data }, at);
  }

  /** Met if the instant is not past the deadline; a breach recorded already stays (R5, R6). */
  fulfil(clock: Clock, at: Instant, sentAt: Instant): void {
    const settled = this.settled(clock, sentAt);
    // A message may have left before what it answers was there; it ends nothing before that began.
    const fulfilledAt = Math.max(wholeSecond(sentAt), clock.originAt);
    const next = this.put({ ...settled, phase: 'fulfilled', causes: [], fulfilledAt, behind: null });
    const { breach } = next;
    const late = breach !== null && sentAt <= breach.at;
    const left = breach === null ? { spareS: next.budgetS - next.consumedS } : { overrunS: Math.max(0, next.consumedS - breach.budgetS) };
    this.record(
      'sla.fulfilled',
      next,
      {
        fulfilledAt,
        outcome: outcomeOf(next),
        ...left,
        businessS: next.consumedS,
        calendarS: next.wallS,
        ...(late ? { ingestLate: true } : {}),
      },
      at,
    );
  }

  cancel(clock: Clock, reason: CancelReason, at: Instant): void {
    const next = this.put({ ...this.settled(clock, at), phase: 'cancelled', causes: [], reason, behind: null });
    this.record('sla.cancelled', next, { reason }, at);
  }

  /** Once per instance: its deadline has passed. */
  breach(clock: Clock, at: Instant, cause: BreachCause): void {
    const lateMs = Math.max(0, this.now - at);
    const next = this.put({ ...clock, breach: { at, cause, lateMs, budgetS: clock.budgetS, consumedS: this.consumedBy(clock, at) } });
    this.record('sla.breached', next, { breachedAt: at, cause, lateMs }, this.now);
  }
}

/** What starts an instance. */
export interface ClockStart {
  readonly originAt: Instant;
  readonly at: Instant;
  /** When the desk learned of it; as it is posted when absent. */
  readonly toldAt?: Instant | undefined;
  readonly budgetS: number;
  /** Of an instance that this one goes on from. */
  readonly consumedS?: number;
  readonly cause: string;
}

/** What every event of a clock says of it. */
export const nameOf = ({ clock, kind, set, policy, calendar }: Clock): Members => ({
  clock,
  kind,
  policyRevision: set,
  policy,
  calendar: calendar.id,
  calendarRevision: calendar.revision,
});

/** `approval:<id>` is told as `approval`: the closed list of the event. */
const kindOfCause = (cause: string): string => (cause.startsWith('approval:') ? 'approval' : cause);
