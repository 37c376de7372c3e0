/** Cases of calendar arithmetic: what they ask, and what comes out. */
import { z } from 'zod';
import { calendarProblems, dueAt, elapsedS, opens } from '../../domain/sla/calendar.js';
import type { Calendar } from '../../domain/sla/calendar.js';
import { alwaysOpen } from '../../domain/sla/policy.js';
import { fromIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';
import { chosen } from '../../domain/choice/schema.js';
import { parseInstant, showInstant } from './instant.js';
import { AnyNumber, Moment, Name, oneOf, Truth, Whole } from './values.js';

/** Why a calendar or a budget is refused. */
const problemCodes = ['calendar_invalid', 'policy_invalid', 'sla_horizon_exceeded'] as const;
type ProblemCode = (typeof problemCodes)[number];

/** A result as it is written: an instant, seconds, a truth value, a problem code; null: no problem. */
export type Result = string | number | boolean | null;

interface Common {
  readonly id: string;
  readonly calendar: string;
}
export type ArithmeticCase = Common &
  (
    | { readonly op: 'due'; readonly start: Instant; readonly budgetS: number; readonly expect: Instant | ProblemCode }
    | { readonly op: 'elapsed'; readonly start: Instant; readonly end: Instant; readonly expect: number | ProblemCode }
    | { readonly op: 'open'; readonly start: Instant; readonly expect: boolean | ProblemCode }
    | { readonly op: 'invalid'; readonly start?: Instant; readonly budgetS?: number; readonly expect: boolean | ProblemCode }
  );

const Code = oneOf(problemCodes);
const isCode = (value: unknown): boolean => Code.safeParse(value).success;
const codes = problemCodes.join(', ');
const orCode = <Output>(schema: z.ZodType<Output>, what: string, fits: (value: unknown) => boolean) =>
  chosen<Output | ProblemCode>((value) => (isCode(value) ? Code : fits(value) ? schema : { rule: `must be ${what}, or one of ${codes}` }));

const TruthOrCode = orCode(Truth, 'true or false', (value) => Truth.safeParse(value).success);
const SecondsOrCode = orCode(Whole, 'whole seconds', (value) => Whole.safeParse(value).success);
const MomentOrCode = orCode(Moment, 'an instant with its zone', (value) => typeof value === 'string' && parseInstant(value) !== null);

const shapesOf = (calendar: z.ZodType<string>) => {
  const common = { id: Name, calendar };
  return {
    due: z.strictObject({ ...common, op: z.literal('due'), start: Moment, budgetS: AnyNumber, expect: MomentOrCode }),
    elapsed: z
      .strictObject({ ...common, op: z.literal('elapsed'), start: Moment, end: Moment, expect: SecondsOrCode })
      .refine(({ start, end }) => start <= end, { path: ['end'], message: 'must not be before start' }),
    open: z.strictObject({ ...common, op: z.literal('open'), start: Moment, expect: TruthOrCode }),
    // A budget can be wrong on any calendar.
    invalid: z.strictObject({
      ...common,
      calendar: calendar.default(alwaysOpen),
      op: z.literal('invalid'),
      start: z.exactOptional(Moment),
      budgetS: z.exactOptional(AnyNumber),
      expect: TruthOrCode,
    }),
  } satisfies Record<ArithmeticCase['op'], z.ZodType<ArithmeticCase>>;
};

/** @param calendar a name that the file knows */
export function arithmeticOf(calendar: z.ZodType<string>) {
  const shapes = shapesOf(calendar);
  const Op = oneOf(['due', 'elapsed', 'open', 'invalid']);
  return chosen<ArithmeticCase>((value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return { rule: 'must be a map' };
    const op = Op.safeParse('op' in value ? value.op : undefined);
    return op.success ? shapes[op.data] : { rule: op.error.issues[0]?.message ?? '', path: ['op'] };
  });
}

/** Where a budget is tried when the case names no instant: it is too long for the calendar from anywhere, or from nowhere. */
const somewhere = fromIso('2026-01-01T00:00:00Z');

/** What comes out, written as a case file has it. A calendar with problems gives `calendar_invalid` whatever was asked. */
export function calculate(asked: ArithmeticCase, calendar: Calendar): Result {
  if (calendarProblems(calendar).length > 0) return 'calendar_invalid';
  switch (asked.op) {
    case 'due': {
      const due = dueAt(calendar, asked.start, asked.budgetS);
      return due.ok ? showInstant(due.at) : due.code;
    }
    case 'elapsed':
      return elapsedS(calendar, asked.start, asked.end);
    case 'open':
      return opens(calendar, asked.start);
    case 'invalid': {
      if (asked.budgetS === undefined) return null;
      const due = dueAt(calendar, asked.start ?? somewhere, asked.budgetS);
      return due.ok ? null : due.code;
    }
  }
}

/** What was expected, in the same writing as the result; for `invalid`, false is no problem and true any. */
export function expectedResult(asked: ArithmeticCase, result: Result): Result {
  if (asked.op === 'due') return typeof asked.expect === 'number' ? showInstant(asked.expect) : asked.expect;
  if (asked.op !== 'invalid' || typeof asked.expect === 'string') return asked.expect;
  return asked.expect && result !== null ? result : asked.expect ? 'a problem' : null;
}
