/** A run on workflows held against the same script on the virtual clock. */
import { oddLines, oddMembers } from '../../domain/journey/simulate/recorded.js';
import type { Odd } from '../../domain/journey/simulate/recorded.js';
import { shownInstant } from '../../domain/journey/simulate/instant.js';
import type { Run } from '../../domain/journey/simulate/run.js';
import { table } from '../table.js';
import { counted } from './output.js';
import { heads, rowOf } from './trace-text.js';

export interface Comparison {
  readonly lines: readonly Odd[];
  /** What else differs, by name. */
  readonly members: readonly string[];
}

export const comparisonOf = (simulated: Run, played: Run): Comparison => ({
  lines: oddLines(simulated, played),
  members: oddMembers(simulated, played),
});

export const isSame = ({ lines, members }: Comparison): boolean => lines.length === 0 && members.length === 0;

const onlyOn = { first: 'virtual clock', second: 'workflows' } as const;

export function comparisonText({ lines, members }: Comparison, { trace, startedAt }: Run): string {
  if (lines.length === 0 && members.length === 0) return `the same trace as on the virtual clock: ${counted(trace.length, 'line')}`;
  const rows = lines.map(({ in: where, line }) => [onlyOn[where], ...rowOf(line, startedAt)]);
  const parts = [
    rows.length === 0 ? [] : [`${counted(rows.length, 'line')} of one only\n${table([['only on', ...heads], ...rows])}`],
    members.length === 0 ? [] : [`not as on the virtual clock: ${members.join(', ')}`],
  ];
  return parts.flat().join('\n');
}

export const comparisonJson = ({ lines, members }: Comparison) => ({
  same: lines.length === 0 && members.length === 0,
  lines: lines.map(({ in: where, line: { at, ...line } }) => ({ onlyOn: onlyOn[where], at: shownInstant(at), ...line })),
  members,
});
