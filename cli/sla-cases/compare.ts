/** Holds what a scenario expects against the trace of playing it. */
import { wholeSecond } from '../../domain/sla/clock.js';
import type { ClockView, Scenario, ScenarioTrace } from '../../domain/sla/scenario.js';
import { second } from '../../domain/time.js';
import type { Difference, Shown } from './difference.js';
import { expectedFields } from './expectations.js';
import type { ClockField, Expectation } from './expectations.js';
import { showInstant } from './instant.js';

export type Finding = Omit<Difference, 'line'> & {
  /** Place of the expectation; null: it is the scenario itself that could not go on. */
  readonly expectation: number | null;
};

/**
 * Compares to the whole second: a watcher wakes a moment after what is due, and how long that moment is belongs to the engine that played.
 *
 * @returns in the order of the expectations; an event that was refused comes first
 */
export const compare = (scenario: Scenario, expect: readonly Expectation[], trace: ScenarioTrace): Finding[] => [
  ...trace.refused.flatMap(({ event, code }): Finding[] => {
    const { at = null, verb = '' } = scenario.events[event] ?? {};
    if (verb === 'customer' && code === 'ticket.closed') return []; // such a message opens another ticket
    return [{ expectation: null, at, clock: null, rung: null, field: `event ${event + 1} (${verb})`, expected: 'accepted', got: code }];
  }),
  ...expect.flatMap((expected, index) => findings(expected, trace).map((finding) => ({ ...finding, expectation: index }))),
];

type Found = Omit<Finding, 'expectation'>;

function findings(expected: Expectation, trace: ScenarioTrace): Found[] {
  switch (expected.kind) {
    case 'clock': {
      const { at, clock } = expected;
      const clocks = trace.clocksAt(at);
      const view = clocks.find((one) => one.clock === clock);
      const base = { at, clock, rung: null };
      if (view === undefined) return [{ ...base, field: 'clock', expected: clock, got: namesOf(clocks) }];
      return expectedFields(expected.fields).flatMap(({ field, expected: wanted }) => {
        const [want, got] = [shown(field, wanted), shown(field, view[field])];
        return want === got ? [] : [{ ...base, field, expected: want, got }];
      });
    }
    case 'clocks': {
      const [want, got] = [expected.clocks.toSorted(), namesOf(trace.clocksAt(expected.at))];
      const same = want.length === got.length && want.every((name, index) => name === got[index]);
      return same ? [] : [{ at: expected.at, clock: null, rung: null, field: 'clocks', expected: want, got }];
    }
    case 'rung': {
      const { clock, rung, firedAt } = expected;
      const [want, got] = [shown('dueAt', firedAt), shown('dueAt', trace.rung(clock, rung))];
      return want === got ? [] : [{ at: firedAt, clock, rung, field: 'firedAt', expected: want ?? 'never', got: got ?? 'never' }];
    }
  }
}

const namesOf = (clocks: readonly ClockView[]): string[] => clocks.map(({ clock }) => clock).toSorted();

const instants: readonly ClockField[] = ['dueAt', 'breachedAt', 'fulfilledAt'];

/** A value as it is written, to the whole second. */
function shown(field: ClockField, value: string | number | null): Exclude<Shown, boolean | readonly string[]> {
  if (typeof value !== 'number') return value;
  if (field === 'lateMs') return Math.floor(value / second) * second;
  return instants.includes(field) ? showInstant(wholeSecond(value)) : value;
}
