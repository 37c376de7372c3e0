/** The outcome of case files as text for people and as JSON for machines. */
import { table } from '../table.js';
import type { Shown } from './difference.js';
import { showInstant } from './instant.js';
import type { CaseResult, FileFault, SlaReport } from './run.js';

/** 0: all passed · 1: something differed · 2: a file is malformed, nothing was run. */
export const exitCodeOf = ({ cases, faults }: SlaReport): 0 | 1 | 2 => (faults.length > 0 ? 2 : cases.every(passed) ? 0 : 1);

const passed = ({ differences }: CaseResult): boolean => differences.length === 0;

/** A table of what differed, and one line of counts. */
export function textOf({ cases, durationMs }: SlaReport): string {
  const rows = cases.flatMap(({ file, id, differences }) =>
    differences.map(({ line, at, clock, rung, field, expected, got }) => [
      `${file}:${line}`,
      id,
      at === null ? '' : showInstant(at),
      [clock, rung].filter((part) => part !== null).join(' '),
      field,
      written(expected),
      written(got),
    ]),
  );
  const good = cases.filter(passed).length;
  const counts = `${good} passed, ${cases.length - good} failed in ${Math.round(durationMs)} ms`;
  return rows.length === 0 ? counts : `${table([heads, ...rows])}\n\n${counts}`;
}

const heads = ['where', 'case', 'at', 'clock', 'field', 'expected', 'got'];

const written = (value: Shown): string => {
  if (value === null) return 'null';
  return typeof value === 'object' ? `[${value.join(', ')}]` : String(value);
};

/** Every fault on a line of its own: place, field, rule. */
export function faultsText(faults: readonly FileFault[]): string {
  const lines = faults.map(({ file, line, column, field, rule }) => {
    const place = line === 0 ? file : `${file}:${line}:${column}`;
    return [place, field, rule].filter((part) => part !== '').join(' ');
  });
  return [...lines, '', `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}; nothing was run`].join('\n');
}

/** Members are only ever added; `schema` changes when one changes its meaning. */
export const jsonOf = ({ engine, durationMs, cases, faults }: SlaReport): string =>
  JSON.stringify(
    {
      schema: 1,
      engine,
      passed: cases.filter(passed).length,
      failed: cases.filter((one) => !passed(one)).length,
      durationMs: rounded(durationMs),
      cases: cases.map(({ file, line, id, kind, durationMs: took, differences }) => ({
        file,
        line,
        id,
        kind,
        passed: differences.length === 0,
        durationMs: took === null ? null : rounded(took),
        differences: differences.map((difference) => ({ ...difference, at: difference.at === null ? null : showInstant(difference.at) })),
      })),
      faults,
    },
    null,
    2,
  );

/** To the microsecond. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
