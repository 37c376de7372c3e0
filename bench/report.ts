/** The figures of a run for people: a list of rows, and the table of all columns of a file. */
import type { Findings } from './findings.js';
import type { Spread } from './raw-start.js';
import type { Round } from './rounds.js';
import { isHonest } from './rounds.js';
import type { Surroundings } from './surroundings.js';
import type { Verdict } from './verdicts.js';

export type Row = [name: string, value: string];

export const ms = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));
const spread = ({ median, min, max }: Spread, digits = 1): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
const kb = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`;

/** What the figures depend on. */
export const systemRow = ({ cores, temporalServer, temporalStore, postgres, node, stateOn }: Surroundings): Row => [
  'system',
  `${cores} cores with the generator, Node ${node}, Temporal ${temporalServer} on ${temporalStore}, ${postgres}, state on ${stateOn}`,
];

export function rowsOf(findings: Findings, surroundings: Surroundings): Row[] {
  const { workload, rounds, ceiling, comparison, kept, counts, delivery, logBytes, memory, statements } = findings;
  const [one, unit] = workload === 'w1' ? ['create', 'creates'] : ['life', 'lives'];
  const failed = rounds.reduce(
    (sum, { calls }) => sum + Object.values(calls).reduce((all, { outcomes: o }) => all + o.limited + o.timeout + o.error, 0),
    0,
  );
  const pending = rounds.reduce((sum, { calls }) => sum + Object.values(calls).reduce((all, { outcomes }) => all + outcomes.pending, 0), 0);
  return [
    systemRow(surroundings),
    ...rounds.filter((round) => round.concurrency !== undefined).map((round): Row => [round.name, `${round.reached.toFixed(1)}/s`]),
    ['ceiling', `${ceiling.toFixed(1)} ${unit}/s`],
    ...rounds.filter((round) => round.rate !== undefined).flatMap((round) => pacedRows(round, ceiling)),
    ['calls that failed; projected later (202)', `${failed}; ${pending}`],
    [`lost ${unit}`, `${kept.lost} of ${kept.answered} (rows ${kept.rows}, workflows ${kept.workflows})`],
    ['creates/s, c = 8', spread(comparison.creates)],
    ['plain starts/s, c = 8', spread(comparison.starts)],
    ['G1: creates by plain starts (≥ 0.4)', spread(comparison.ratio, 2)],
    ['creates by plain starts with their first task done', spread(comparison.ratioDrained, 2)],
    [`transitions, events, tasks, upserts of a ${one}`, countsText(counts)],
    ['tasks on the cached workflow', `${(counts.cached * 100).toFixed(1)} %`],
    ...(delivery === undefined ? [] : deliveryRows(delivery)),
    [`write-ahead log per ${one}, open rounds`, kb(logBytes.median)],
    ...(statements === undefined ? [] : statementRows(statements)),
    ...(memory === undefined ? [] : memoryRows(memory)),
    ...rounds.map((round): Row => [`processor, ${round.name}`, cpuText(round)]),
  ];
}

export const countsText = ({ transitions, events, tasks, upserts }: Findings['counts']): string =>
  [transitions, events, tasks, upserts].join(', ');

function pacedRows(round: Round, ceiling: number): Row[] {
  const { name, calls, late, reached, faults, concurrency: _closed } = round;
  const note =
    faults.length > 0 ? ` DOES NOT COUNT: ${faults.join('; ')}` : isHonest(round, ceiling) ? '' : ' (above 70 % of the ceiling: no claim)';
  return [
    [`${name}: reached`, `${reached.toFixed(2)}/s; generator late by ${ms(late.p99)} ms at p99${note}`],
    ...Object.entries(calls).map(([call, { p50, p95, p99, max }]): Row => [
      `${name}: ${call}, p50 p95 p99 max`,
      `${ms(p50)} ${ms(p95)} ${ms(p99)} ${ms(max)} ms`,
    ]),
  ];
}

function deliveryRows({ transitions, events, perLife, states }: NonNullable<Findings['delivery']>): Row[] {
  const ledger = Object.entries(states).map(([state, count]) => `${state} ${count}`);
  return [
    ['deliveries per life; ledger of the sample', `${perLife.toFixed(1)}; ${ledger.join(', ')}`],
    ['transitions, events that a delivery adds', `${transitions.toFixed(1)}, ${events.toFixed(1)}`],
  ];
}

const memoryRows = ({ held, heapKb, residentKb, residentMb: [before, after] }: NonNullable<Findings['memory']>): Row[] => [
  ['worker heap per open ticket', `${heapKb.toFixed(0)} kB (${held} held, garbage collected)`],
  ['worker resident memory per open ticket', `${residentKb.toFixed(0)} kB (${before.toFixed(0)} to ${after.toFixed(0)} MB)`],
];

/** What frames transactions by name, all else together; the file of results has each. */
function summed(counts: Record<string, number>): Record<string, number> {
  const { begin = 0, set_config = 0, commit = 0, ...rest } = counts;
  const others = Object.values(rest).reduce((sum, count) => sum + count, 0);
  return { begin, set_config, commit, others: Math.round(others * 100) / 100 };
}

const list = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ');

function statementRows({ worker, api, walPerLife }: NonNullable<Findings['statements']>): Row[] {
  return [
    ['statements of the worker per command', list(worker)],
    ['statements of the API per write', list(summed(api))],
    [
      'write-ahead log per life, quiet, no whole pages',
      Object.entries(walPerLife)
        .map(([name, bytes]) => `${name} ${kb(bytes)}`)
        .join(', '),
    ],
  ];
}

const cpuText = ({ cpu, ok }: Round): string =>
  Object.entries(cpu)
    .map(([name, seconds]) => `${name} ${((seconds * 1_000) / Math.max(1, ok)).toFixed(1)}`)
    .join(', ') + ' ms per operation';

export const verdictLines = (verdicts: readonly Verdict[]): string[] =>
  verdicts.map(({ what, counted, limit, atLeast = false, ok }) => {
    const verdict = ok ? 'ok   ' : atLeast ? 'UNDER' : 'OVER ';
    return `${verdict}  ${what}: ${counted} of ${atLeast ? 'at least' : 'at most'} ${limit}`;
  });

/** All columns side by side. */
export function table(columns: Record<string, readonly Row[]>): string {
  const names = Object.keys(columns);
  const rows = [...new Set(Object.values(columns).flatMap((column) => column.map(([name]) => name)))];
  const cells = [
    ['', ...names],
    ...rows.map((row) => [row, ...names.map((name) => columns[name]?.find(([key]) => key === row)?.[1] ?? '–')]),
  ];
  const widths = cells[0]?.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0))) ?? [];
  const lines = cells.map((line) =>
    line
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [
    ...lines,
    ...(names.length > 1 ? ['', 'Columns stand side by side, not against each other: different servers keep different promises.'] : []),
  ].join('\n');
}
