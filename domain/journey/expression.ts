/** What the rest of the journey rules know of expressions; the engine itself is handed to them. Source: journeys.md, section 5. */
import { isObject } from './json.js';
import type { Json, JsonObject } from './json.js';
import type { Place } from './json-schema.js';
import type { Segments } from './path.js';

/** How long an expression may be, how many nodes and levels it may have, and how long a list it may read. */
export const guardLimits = { characters: 2_000, nodes: 200, depth: 20, items: 500, budgetMs: 1_000 } as const;

/** Tells what lies at a path; an instant is what `now` is. */
export type TypeLookup = (path: Segments) => Place | { readonly kind: 'instant' };

/** What an expression is for: to decide, to name people, or to give a value. */
export type Wanted = 'verdict' | 'people' | 'value';

export interface ExpressionProblem {
  readonly code: 'J022' | 'J023' | 'J024' | 'J025';
  readonly message: string;
}

/** A path an expression reads, or only tests with `has`. */
export interface Reading {
  readonly path: Segments;
  readonly tested: boolean;
}

export interface ExpressionReport {
  /** Empty: it can be published. */
  readonly problems: readonly ExpressionProblem[];
  readonly reads: readonly Reading[];
  /** Numbers, texts and truths that are written out in it. */
  readonly literals: readonly Json[];
  /** It only tests presence and compares paths with literals, so that nothing but those can change its answer. */
  readonly isPlain: boolean;
}

/** Root → plain JSON. `now` is epoch milliseconds or ISO 8601. Personal data that was erased stands as `erased`. */
export type GuardData = Readonly<Record<string, Json>>;

/** Stands where a value was erased for privacy. */
export const erased: JsonObject = { $erased: true };
export const isErased = (value: Json | undefined): boolean => isObject(value) && value['$erased'] === true;

/** Why an expression has no value: it cannot be read, a field is missing, a type does not fit, a list is too long, the time is over. */
export type FaultReason = 'invalid' | 'missing' | 'type' | 'limit' | 'budget';

export interface Fault {
  readonly reason: FaultReason;
  /** The path at fault, where there is one. */
  readonly path: string | null;
}

/** What was found at a path; never the value. */
export interface TracedRead {
  readonly path: string;
  readonly found: 'present' | 'absent' | 'erased';
}

/** How one guard came out; plain JSON, recorded as it is. `erased` counts as false. */
export interface GuardTrace {
  readonly expression: string;
  readonly verdict: 'true' | 'false' | 'erased' | 'error';
  /** In order of evaluation. */
  readonly reads: readonly TracedRead[];
  /** Null but for an error. */
  readonly fault: Fault | null;
}

export type Value = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly fault: Fault };

/** An engine for restricted CEL. None of it throws, reads a clock or sees anything but the data it is given. */
export interface GuardEngine {
  /** Syntax, limits, names and types. */
  readonly check: (source: string, typeAt: TypeLookup, wanted: Wanted) => ExpressionReport;
  readonly evaluate: (source: string, data: GuardData) => GuardTrace;
  /** The value of an expression that is no guard; instants come as ISO 8601. */
  readonly value: (source: string, data: GuardData) => Value;
}

export interface Choice {
  /** Position of the first guard that is true; null: none is, or one failed before. */
  readonly chosen: number | null;
  /** One entry for each guard that was evaluated. */
  readonly trace: readonly GuardTrace[];
}

/**
 * Finds the first of several guards that is true. A failure ends the search: it is never taken for false.
 *
 * @param guards null is always true
 * @param spentMs milliseconds since the search began; past the budget the next guard fails
 */
export function choose(engine: GuardEngine, guards: readonly (string | null)[], data: GuardData, spentMs: () => number = () => 0): Choice {
  const trace: GuardTrace[] = [];
  for (const [index, expression] of guards.entries()) {
    if (expression === null) return { chosen: index, trace };
    const late = spentMs() > guardLimits.budgetMs;
    const result = late ? overBudget(expression) : engine.evaluate(expression, data);
    trace.push(result);
    if (result.verdict === 'true') return { chosen: index, trace };
    if (result.verdict === 'error') break;
  }
  return { chosen: null, trace };
}

const overBudget = (expression: string): GuardTrace => ({
  expression,
  verdict: 'error',
  reads: [],
  fault: { reason: 'budget', path: null },
});
