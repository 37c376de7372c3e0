/** What a scenario expects, of a clock at an instant, of the clocks there are, or of a rung. */
import { z } from 'zod';
import { cancelReasons } from '../../domain/sla/clock.js';
import type { BreachCause, ClockPhase } from '../../domain/sla/clock.js';
import { chosen } from '../../domain/choice/schema.js';
import { ClockName, Moment, Name, oneOf, Whole } from './values.js';

const phases = ['running', 'paused', 'fulfilled', 'cancelled'] as const satisfies readonly ClockPhase[];
const causes = ['deadline', 'retarget', 'reopen', 'late_ingest'] as const satisfies readonly BreachCause[];

const fields = {
  phase: z.exactOptional(oneOf(phases)),
  dueAt: z.exactOptional(Moment.nullable()),
  consumedS: z.exactOptional(Whole),
  remainingS: z.exactOptional(Whole),
  spareS: z.exactOptional(Whole),
  overrunS: z.exactOptional(Whole.nullable()),
  outcome: z.exactOptional(oneOf(['met', 'breached']).nullable()),
  breaches: z.exactOptional(Whole),
  breachedAt: z.exactOptional(Moment.nullable()),
  fulfilledAt: z.exactOptional(Moment.nullable()),
  reason: z.exactOptional(oneOf(cancelReasons).nullable()),
  cause: z.exactOptional(oneOf(causes).nullable()),
  lateMs: z.exactOptional(Whole.nullable()),
};

/** Fields that may be compared, in the order in which differences are told. */
export type ClockField = keyof typeof fields;
const isClockField = (key: string): key is ClockField => Object.hasOwn(fields, key);

export type Expectation =
  | { readonly kind: 'clock'; readonly at: number; readonly clock: string; readonly fields: ClockFields }
  | { readonly kind: 'clocks'; readonly at: number; readonly clocks: readonly string[] }
  /** `firedAt` null: never. */
  | { readonly kind: 'rung'; readonly clock: string; readonly rung: string; readonly firedAt: number | null };

export type ClockFields = { readonly [Field in ClockField]?: z.output<(typeof fields)[Field]> };

const OfClock = z
  .strictObject({ at: Moment, clock: ClockName, ...fields })
  .transform(({ at, clock, ...rest }): Expectation => ({ kind: 'clock', at, clock, fields: rest }));

const OfClocks = z
  .strictObject({ at: Moment, clocks: z.array(ClockName, { error: 'must be a list of clock instances' }) })
  .transform(({ at, clocks }): Expectation => ({ kind: 'clocks', at, clocks }));

const Fired = z
  .strictObject({ rung: Name, clock: ClockName, firedAt: Moment.nullable() })
  .transform((expected): Expectation => ({ kind: 'rung', ...expected }));

const Never = z
  .strictObject({ rung: Name, clock: ClockName, never: z.literal(true, { error: 'must be true' }) })
  .transform(({ rung, clock }): Expectation => ({ kind: 'rung', rung, clock, firedAt: null }));

export const Expectation = chosen<Expectation>((value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { rule: 'must be a map' };
  if ('rung' in value) return 'never' in value ? Never : Fired;
  return 'clocks' in value ? OfClocks : OfClock;
});

/** The fields an expectation names, with what it expects of each. */
export const expectedFields = (named: ClockFields) =>
  Object.entries(named).flatMap(([key, expected]) => (isClockField(key) ? [{ field: key, expected }] : []));
