/** Reads a case file: YAML, and so JSON too. Every fault is told with its line, its field and the rule it breaks. */
import { z } from 'zod';
import { faultsOf, memberOf, readSource } from '../source.js';
import type { Fault } from '../source.js';
import { arithmeticOf } from './arithmetic.js';
import type { ArithmeticCase } from './arithmetic.js';
import { Calendars, KnownCalendars } from './calendars.js';
import { scenarioOf } from './scenarios.js';
import type { ScenarioCase } from './scenarios.js';

export interface CaseFile {
  readonly calendars: KnownCalendars;
  readonly arithmetic: readonly (ArithmeticCase & { readonly line: number })[];
  /** `lines` holds the line of each expectation. */
  readonly scenarios: readonly (ScenarioCase & { readonly line: number; readonly lines: readonly number[] })[];
}

export type ReadAnswer = { readonly ok: true; readonly file: CaseFile } | { readonly ok: false; readonly faults: readonly Fault[] };

/** @returns the cases in the order of the file; or every fault, by line */
export function readCases(text: string): ReadAnswer {
  const answer = readSource(text);
  if (!answer.ok) return answer;
  const { value, where } = answer.source;
  const calendars = new KnownCalendars(memberOf(value, 'calendars'));
  const parsed = fileOf(calendars).safeParse(value);
  if (!parsed.success) return { ok: false, faults: faultsOf(parsed.error, answer.source) };
  const { arithmetic, scenarios } = parsed.data;
  return {
    ok: true,
    file: {
      calendars,
      arithmetic: arithmetic.map((asked, index) => ({ ...asked, line: where(['arithmetic', index]).line })),
      scenarios: scenarios.map((found, index) => ({
        ...found,
        line: where(['scenarios', index]).line,
        lines: found.expect.map((_, n) => where(['scenarios', index, 'expect', n]).line),
      })),
    },
  };
}

/** A heading with nothing under it is an empty list. */
const listOf = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((list) => list ?? [], z.array(item, { error: 'must be a list of cases' }));

const fileOf = (calendars: KnownCalendars) =>
  z
    .strictObject(
      {
        calendars: z.preprocess((map) => map ?? {}, Calendars),
        arithmetic: listOf(arithmeticOf(calendars.named)),
        scenarios: listOf(scenarioOf(calendars.usable)),
      },
      { error: 'must be a map of calendars, arithmetic and scenarios' },
    )
    .refine(({ arithmetic, scenarios }) => arithmetic.length + scenarios.length > 0, 'must hold a case under arithmetic or scenarios');
