/** One scenario while the ticket workflow plays it: what its activities are answered, and what was seen. */
import { randomBytes } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import type { ExpandRequest, PlanRequest, PlanResult } from '../activities/contract.js';
import { ticketIdFrom } from '../domain/ids.js';
import type { TicketId } from '../domain/ids.js';
import { alwaysOpenCalendar, expand } from '../domain/sla/calendar.js';
import type { Calendar } from '../domain/sla/calendar.js';
import type { Clock } from '../domain/sla/clock.js';
import { wholeSecond } from '../domain/sla/clock.js';
import { neededMs } from '../domain/sla/ledger.js';
import { planOf, targetsOf, viewOf } from '../domain/sla/play.js';
import { alwaysOpen } from '../domain/sla/policy.js';
import type { SlaPlan } from '../domain/sla/policy.js';
import type { ClockView, PlayRequest, RecordedTrace, RefusedEvent, Scenario, ScenarioEvent } from '../domain/sla/scenario.js';
import type { Windows } from '../domain/sla/windows.js';
import { openStatuses } from '../domain/ticket/status.js';
import type { TicketStatus } from '../domain/ticket/status.js';
import type { TicketStep } from '../domain/ticket/step.js';
import { day, minute, second, toIso } from '../domain/time.js';
import type { Instant } from '../domain/time.js';

export type Run = PlayRequest['runs'][number];

/** Since when, in the scenario's time, a step is to be seen. */
interface Since {
  readonly from: Instant;
  /** What is due at an instant comes after all that happens at it: at the instant itself it is not to be seen yet. */
  readonly after: boolean;
}

interface Seen extends Since {
  readonly step: TicketStep;
}

const zoneData = process.versions['tz'] ?? '';

/** Instants that the workflow knows are the server's; those of `run` are the scenario's, a constant number of whole seconds away. */
export class Play {
  readonly run: Run;
  readonly ticketId: TicketId = ticketIdFrom(randomBytes(5));
  readonly refused: RefusedEvent[] = [];
  /** The server's clock runs on while somebody works: of a machine that stalled meanwhile the trace says nothing. Null: it kept up. */
  disturbance: string | null = null;
  /** Scenario time less the server's. */
  private readonly offsetMs: number;
  private readonly seen: Seen[] = [];
  /** Plans by the revision of the policy set that brings them; null: no policy. */
  private readonly plans: (SlaPlan | null)[];
  private present: SlaPlan;

  /** @param begin the server's instant of the first event, a whole second */
  constructor(run: Run, begin: Instant) {
    this.run = run;
    this.present = planOf(run.scenario);
    this.plans = [this.present];
    this.offsetMs = (run.scenario.events[0]?.at ?? begin) - begin;
  }

  /** An instant of the scenario, by the server's clock. */
  onServer(at: Instant): Instant {
    return at - this.offsetMs;
  }

  get ticket(): TicketStep['ticket'] | null {
    return this.seen.at(-1)?.step.ticket ?? null;
  }

  /** The revision that brings what an event changes about the policy; null: nothing. */
  revisionFor(event: ScenarioEvent): number | null {
    switch (event.verb) {
      case 'target':
        this.present = { ...this.present, targets: targetsOf(event.targets) };
        return this.plans.push(this.present);
      case 'calendar':
        this.present = { ...this.present, calendar: { id: event.calendar, revision: 1 } };
        return this.plans.push(this.present);
      case 'no_policy':
        return this.plans.push(null);
      case 'policy_again':
        return this.plans.push(this.present);
      default:
        return null;
    }
  }

  plan({ set, from, now }: PlanRequest): PlanResult {
    const plan = this.plans[set - 1] ?? null;
    if (plan === null) return { plan, windows: null, rematchOn: [], teamCalendar: false };
    const reach = { from, until: now + 35 * day, needMs: neededMs(plan), needFrom: now };
    return { plan: { ...plan, set }, windows: this.expand({ calendar: plan.calendar, ...reach }), rematchOn: [], teamCalendar: false };
  }

  expand({ calendar, from, until, needMs, needFrom }: Omit<ExpandRequest, 'tenant'>): Windows {
    const by = this.offsetMs;
    const found = calendar.id === alwaysOpen ? alwaysOpenCalendar : this.run.calendars[calendar.id];
    if (found === undefined) throw ApplicationFailure.nonRetryable(`no calendar ${calendar.id}`, 'sla.unknown_revision');
    const windows = expandOr(found, calendar, { from: from + by, until: until + by, zoneData, needMs, needFrom: needFrom + by });
    return {
      ...windows,
      from: windows.from - by,
      until: windows.until - by,
      windows: windows.windows.map(([open, close]) => [open - by, close - by] as const),
    };
  }

  /** Takes what the ticket tells, step after step. */
  tell(step: TicketStep): void {
    const before = this.seen.at(-1);
    const since = this.since(step) ?? before ?? { from: step.at + this.offsetMs, after: false };
    const late = wholeSecond(step.at + this.offsetMs) - wholeSecond(since.from);
    // More open hours come weeks later, and belong to nothing.
    if (late > 0 && (since !== before || late < minute)) this.disturb(since.from, `was worked on ${late / second} s later`);
    const overtaken = before !== undefined && isBefore(since, before);
    if (overtaken && !since.after) this.disturb(since.from, 'was overtaken by what was due then');
    this.seen.push({ ...(overtaken ? before : since), step });
  }

  trace(): RecordedTrace {
    const { looks } = this.run;
    const rungs = this.seen.flatMap(({ step }) => step.sla?.rungs ?? []);
    return {
      clocks: looks.at.map((at) => ({ at, clocks: this.clocksAt(at) })),
      rungs: looks.rungs.map(({ clock, rung }) => {
        const fired = rungs.find((one) => one.clock === clock && one.rung === rung);
        return { clock, rung, firedAt: fired === undefined ? null : wholeSecond(fired.firedAt + this.offsetMs) };
      }),
      refused: this.refused.toSorted((one, other) => one.event - other.event), // answers may come in any order
    };
  }

  /** Null: neither a command nor due. A plan or open hours came, for what was told before. */
  private since(step: TicketStep): Since | null {
    const [, index] = /^case\/(\d+)$/.exec(step.commandId) ?? [];
    const event = index === undefined ? undefined : this.run.scenario.events[Number(index)];
    if (event !== undefined) return { from: this.workedAt(event.at) ?? event.at, after: false };
    const due = Math.max(...duesOf(step)) + this.offsetMs;
    const last = this.seen.at(-1);
    if (!Number.isFinite(due) || (last !== undefined && due < last.from)) return null;
    const back = this.workedAt(due);
    return back === null ? { from: due, after: true } : { from: back, after: false };
  }

  private disturb(at: Instant, how: string): void {
    this.disturbance ??= `what belongs to ${toIso(at)} ${how}`;
  }

  /** When something was worked on that came while the worker was down; null: it was up. */
  private workedAt(at: Instant): Instant | null {
    const { events } = this.run.scenario;
    const last = events.findLast((event) => event.at <= at && (event.verb === 'worker_down' || event.verb === 'worker_up'));
    if (last?.verb !== 'worker_down') return null;
    return events.find((event) => event.at > at && event.verb === 'worker_up')?.at ?? null;
  }

  private clocksAt(look: Instant): ClockView[] {
    const by = this.offsetMs;
    const clocks = new Map<string, Clock>();
    const visible = this.seen.filter(({ from, after }) => (after ? from < look : from <= look));
    for (const { step } of visible) for (const clock of step.sla?.clocks ?? []) clocks.set(clock.clock, clock);
    return [...clocks.values()].map((clock) => {
      const at = look - by;
      const reach = { from: clock.since, until: Math.max(at, clock.since) + day, needMs: 0, needFrom: clock.since };
      const view = viewOf(clock, this.expand({ calendar: clock.calendar, ...reach }), at);
      const shifted = (instant: Instant | null): Instant | null => (instant === null ? null : instant + by);
      return { ...view, dueAt: shifted(view.dueAt), breachedAt: shifted(view.breachedAt), fulfilledAt: shifted(view.fulfilledAt) };
    });
  }
}

const isBefore = (one: Since, other: Since): boolean => one.from < other.from || (one.from === other.from && !one.after && other.after);

/** Why a scenario cannot be played on the workflow, in words; null: it can. */
export function whyUnplayable({ events }: Scenario): string | null {
  for (const event of events) {
    if (event.verb === 'call') return 'the ticket has no command for a call yet';
    if ((event.verb === 'cause+' || event.verb === 'cause-') && event.cause !== 'manual')
      return `the ticket has no command for the cause ${event.cause} yet`;
    if (event.verb === 'open' && !isOpenStatus(event.status))
      return `a ticket cannot be opened ${event.status}: no workflow is started for it`;
  }
  return null;
}

const isOpenStatus = (status: TicketStatus): boolean => openStatuses.some((open) => open === status);

/** What was due of itself in a step. */
const duesOf = ({ sla }: TicketStep): Instant[] => [
  ...(sla?.rungs ?? []).map(({ dueAt }) => dueAt),
  ...(sla?.clocks ?? []).flatMap(({ breach }) => (breach?.cause === 'deadline' ? breach.at : [])),
];

function expandOr(calendar: Calendar, ref: Windows['calendar'], reach: Parameters<typeof expand>[2]): Windows {
  const windows = expand(calendar, ref, reach);
  if (windows !== 'horizon') return windows;
  const all = expand(calendar, ref, { from: reach.from, until: reach.from + 5 * 365 * day, zoneData });
  if (all === 'horizon') throw new Error('an expansion that needs nothing always ends');
  return all;
}
