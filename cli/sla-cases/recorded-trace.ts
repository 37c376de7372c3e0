/** Traces as plain JSON: what was to be seen of one, and a trace that answers from it. */
import { second, year } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';
import type { RecordedTrace, Scenario, ScenarioLooks, ScenarioTrace } from '../../domain/sla/scenario.js';
import type { Expectation } from './expectations.js';

/** How long after the last instant a scenario names its rungs may still fire: `never` says that they do not. */
const aftermath = year;

/** What has to be seen of a scenario to compare it. */
export function looksOf({ events }: Scenario, expect: readonly Expectation[]): ScenarioLooks {
  const at = expect.flatMap((expected) => (expected.kind === 'rung' ? [] : [expected.at]));
  const rungs = expect.flatMap((expected) => (expected.kind === 'rung' ? [expected] : []));
  const named = [...events.map((event) => event.at), ...at, ...rungs.flatMap(({ firedAt }) => firedAt ?? [])];
  return {
    at: ascending(at),
    rungs: rungs.map(({ clock, rung }) => ({ clock, rung })),
    until: Math.max(...named) + (rungs.length > 0 ? aftermath : second),
  };
}

const ascending = (instants: readonly Instant[]): Instant[] => [...new Set(instants)].toSorted((one, other) => one - other);

/** Keeps what was to be seen of a trace. */
export const recordTrace = (trace: ScenarioTrace, { at, rungs }: ScenarioLooks): RecordedTrace => ({
  clocks: at.map((instant) => ({ at: instant, clocks: trace.clocksAt(instant) })),
  rungs: rungs.map(({ clock, rung }) => ({ clock, rung, firedAt: trace.rung(clock, rung) })),
  refused: trace.refused,
});

/** A trace that knows what was recorded of it, and nothing else: asking for more is a bug. */
export const recalled = ({ clocks, rungs, refused }: RecordedTrace): ScenarioTrace => ({
  clocksAt: (at) => known(clocks.find((entry) => entry.at === at)).clocks,
  rung: (clock, rung) => known(rungs.find((entry) => entry.clock === clock && entry.rung === rung)).firedAt,
  refused,
});

function known<Entry>(entry: Entry | undefined): Entry {
  if (entry === undefined) throw new RangeError('the trace was not recorded there');
  return entry;
}
