/** What fields of a message may hold, checked without a package: for validators in the sandbox, which refuse what an operator typed by hand. */
import { actorPattern, roles, sources } from './actor.js';
import { uuidPattern } from './ids.js';

export interface Field {
  readonly required: boolean;
  /** What a right value is, for the refusal: `a UUID`, `one of low, medium`. */
  readonly wants: string;
  readonly fits: (value: unknown) => boolean;
}

export const field = (wants: string, fits: (value: unknown) => boolean): Field => ({ required: true, wants, fits });
export const maybe = (inner: Field): Field => ({ ...inner, required: false });
export const orNull = (inner: Field): Field => ({
  ...inner,
  wants: `${inner.wants} or null`,
  fits: (value) => value === null || inner.fits(value),
});

export const matching = (wants: string, pattern: RegExp): Field =>
  field(wants, (value) => typeof value === 'string' && pattern.test(value));
export const oneOf = (values: readonly string[]): Field =>
  field(`one of ${values.join(', ')}`, (value) => typeof value === 'string' && values.includes(value));
export const listOf = (inner: Field, most: number): Field =>
  field(`at most ${most} items, each ${inner.wants}`, (value) => Array.isArray(value) && value.length <= most && value.every(inner.fits));

export const uuid = matching('a UUID', uuidPattern);
export const truth = field('true or false', (value) => typeof value === 'boolean');
export const instant = field('an instant in epoch milliseconds', (value) => Number.isSafeInteger(value) && Number(value) > 0);

/** What every command carries beside its own fields. */
export const envelopeFields = {
  commandId: maybe(matching('1 to 100 characters of A–Z, a–z, 0–9 and . _ : / -', /^[A-Za-z0-9._:/-]{1,100}$/)),
  actor: matching('user/<id>, customer/<id>, service/<id>, key/<id> or system/<name>', actorPattern),
  role: maybe(oneOf(roles)),
  source: maybe(oneOf(sources)),
  expectedVersion: maybe(field('a version number', (value) => Number.isSafeInteger(value) && Number(value) >= 0)),
  receivedAt: maybe(instant),
  requestId: maybe(matching('1 to 64 characters of A–Z, a–z, 0–9 and . _ -', /^[A-Za-z0-9._-]{1,64}$/)),
  actingFor: maybe(matching('customer/<id>', actorPattern)),
} as const;

export interface ShapeError {
  readonly field: string;
  /** The rule that was broken. */
  readonly rule: string;
}

/**
 * Checks a message against its fields.
 *
 * @returns every error, the field and its rule; empty when the shape is right
 */
export function errorsIn(fields: Readonly<Record<string, Field>>, value: unknown): ShapeError[] {
  if (!isRecord(value)) return [{ field: '', rule: 'must be one JSON object' }];
  const unknown = Object.keys(value).filter((name) => !Object.hasOwn(fields, name));
  const errors = unknown.map((name) => ({ field: name, rule: 'is not a field of this command' }));
  for (const [name, { required, wants, fits }] of Object.entries(fields)) {
    const given = value[name];
    if (given === undefined ? required : !fits(given)) errors.push({ field: name, rule: `must be ${wants}` });
  }
  return errors;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
