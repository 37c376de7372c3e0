/** Single values of a case file; each says its rule in words that follow the field's name. */
import { z } from 'zod';
import { clockKinds } from '../../domain/sla/policy.js';
import type { ScenarioTargets } from '../../domain/sla/scenario.js';
import { parseInstant } from './instant.js';

export const oneOf = <const Values extends readonly string[]>(values: Values) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` });

/** Numbers and truth values may stand in quotes. */
const unquoted = (value: unknown): unknown => (typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value);
const whole = (schema: z.ZodType<number>) => z.preprocess(unquoted, schema);

export const AnyNumber = whole(z.number({ error: 'must be a number' }));
export const Whole = whole(z.int({ error: 'must be a whole number' }));
export const Positive = whole(
  z.int({ error: 'must be a whole number of seconds above 0' }).min(1, 'must be a whole number of seconds above 0'),
);
export const within = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`;
  return whole(z.int({ error }).min(least, error).max(most, error));
};

export const Truth = z.preprocess(
  (value) => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean({ error: 'must be true or false' }),
);

export const Moment = z.string({ error: 'must be an instant' }).transform((text, context) => {
  const at = parseInstant(text);
  if (at !== null) return at;
  context.issues.push({ code: 'custom', input: text, message: 'must be an instant with its zone, such as 2026-07-20T16:00:00Z' });
  return z.NEVER;
});

const notEmpty = 'must be text that is not empty';
export const Name = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  z.string({ error: notEmpty }).min(1, notEmpty),
);

export const Kind = oneOf(clockKinds);

const clockName = 'must name a clock instance, such as resolution#1';
/** `<kind>#<n>`. */
export const ClockName = z
  .string({ error: clockName })
  .refine((name) => new RegExp(`^(?:${clockKinds.join('|')})#[1-9]\\d*$`).test(name), clockName);

export const Targets: z.ZodType<ScenarioTargets> = z.strictObject(
  Object.fromEntries(clockKinds.map((kind) => [kind, z.exactOptional(Positive)])),
  { error: 'must be a map of clock kinds to seconds' },
);
