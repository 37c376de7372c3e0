/** Traces made by hand: what a comparison is tested with. */
import type { ClockView, RefusedEvent, Scenario, ScenarioTrace } from '../../../domain/sla/scenario.js';

export const at = Date.UTC(2026, 6, 20, 16);

export const aView = (changes: Partial<ClockView> = {}): ClockView => ({
  clock: 'resolution#1',
  kind: 'resolution',
  phase: 'running',
  dueAt: at + 3_600_000,
  consumedS: 0,
  remainingS: 3600,
  spareS: 3600,
  overrunS: null,
  outcome: null,
  breaches: 0,
  breachedAt: null,
  fulfilledAt: null,
  reason: null,
  cause: null,
  lateMs: null,
  ...changes,
});

interface Parts {
  readonly views?: readonly ClockView[];
  /** By `<clock> <rung>`. */
  readonly fired?: Readonly<Record<string, number>>;
  readonly refused?: readonly RefusedEvent[];
}

/** Shows the same clocks at every instant. */
export const aTrace = ({ views = [aView()], fired = {}, refused = [] }: Parts = {}): ScenarioTrace => ({
  clocksAt: () => views,
  rung: (clock, rung) => fired[`${clock} ${rung}`] ?? null,
  refused,
});

export const aScenario = (changes: Partial<Scenario> = {}): Scenario => ({
  id: 'S',
  calendar: '24x7',
  pause: {},
  pauseOnApproval: [],
  reopen: 'resume',
  counts: { bot: false, call: false, firstInNext: false },
  targets: { resolution: 3600 },
  rungs: [],
  events: [{ at, verb: 'open', by: 'customer', status: 'new', receivedAt: at }],
  ...changes,
});
