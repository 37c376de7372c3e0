/** How a guard came out, as events and incidents tell it: paths and verdicts, never a value. Source: journeys.md, section 5. */
import type { Choice, Fault, GuardTrace } from '../expression.js';
import type { Json, JsonObject } from '../json.js';

export const traceOf = (trace: readonly GuardTrace[]): Json =>
  trace.map(({ expression, verdict, reads, fault }) => ({
    expression,
    verdict,
    reads: reads.map(({ path, found }) => ({ path, found })),
    ...(fault === null ? {} : { fault: { reason: fault.reason, path: fault.path } }),
  }));

/** What an incident says of an expression without a value. */
export const faultDetail = (expression: string | null, { reason, path }: Fault): JsonObject => ({ expression, path, reason });

/** The expression that has no value; null: all have one. */
export function faultIn({ trace }: Pick<Choice, 'trace'>): JsonObject | null {
  const failed = trace.find(({ fault }) => fault !== null);
  return failed?.fault === undefined || failed.fault === null ? null : faultDetail(failed.expression, failed.fault);
}
