/** W4: deadlines by the thousand, within a minute and at one instant. Source: performance.md, sections 5 and 6, G8 and G9. */
import type { Bench } from '../bench.js';
import { markedLate, openScannerTable, startScanner } from '../engines/scanner.js';
import type { LiveScanner } from '../engines/scanner.js';
import { scanEveryMs } from '../engines/scanner-lateness.js';
import { countKept } from '../lost.js';
import type { Kept } from '../lost.js';
import type { Outcome } from '../outcome.js';
import { systemRow } from '../report.js';
import type { Row } from '../report.js';
import { withoutTickets } from '../rounds.js';
import type { Surroundings } from '../surroundings.js';
import { goalsOf } from '../storm/goals.js';
import { createTools, publishPolicy } from '../storm/opening.js';
import { partOf } from '../storm/parts.js';
import { runStorm } from '../storm/storm.js';
import type { Storm } from '../storm/storm.js';
import { stormRows } from '../storm/storm-report.js';
import { summaryOf } from '../storm/tally.js';

export async function w4(bench: Bench, surroundings: Surroundings): Promise<Outcome> {
  const { target, plan, signal, say } = bench;
  const { stack } = target;
  if (stack === undefined) throw new Error('w4 publishes policies and empties the mail server: it needs a system of its own');
  await openScannerTable(target);
  const began = Date.now();
  await using scanner = startScanner(target, began + Math.floor(Math.random() * scanEveryMs));
  const tools = createTools(target.info.apiUrl, stack.info.credentials.admin);
  await publishPolicy(tools);
  say(
    `a scanner looks each ${scanEveryMs / 1_000} s, first in ${((scanner.firstAt - began) / 1_000).toFixed(0)} s: a moment taken at random`,
  );

  const storms: Storm[] = [];
  const failed: string[] = [];
  for (const name of plan.parts) {
    try {
      storms.push(await runStorm(bench, { tools, scanner, stack }, partOf(name, plan.quick)));
    } catch (error) {
      signal.throwIfAborted();
      failed.push(`not measured: ${name}: ${error instanceof Error ? error.message : String(error)}`);
      say(failed.at(-1) ?? '');
    }
  }
  tools.http.close();
  const created = storms.flatMap(({ calm, beside }) => [...calm.tickets, ...beside.tickets]);
  const kept = await countKept(bench, created, 'open');
  // Only now: its look after the last deadline of a storm may have come during the next one.
  const marked = await Promise.all(storms.map(async ({ tickets }) => summaryOf(await markedLate(target, tickets))));
  const verdicts = storms.flatMap(goalsOf);
  const problems = [...failed, ...storms.flatMap(problemsOf), ...scanner.faults, ...(kept.lost > 0 ? [`LOST: ${kept.lost} creates`] : [])];
  return {
    findings: { workload: 'w4', storms: storms.map(bare), marked, kept, scans: scanner.scans, notes },
    rows: [
      systemRow(surroundings),
      scansRow(scanner, began),
      ...storms.flatMap((storm, index) => stormRows(storm, marked[index] ?? summaryOf([]))),
      keptRow(kept),
    ],
    notes,
    verdicts,
    problems,
    // Short storms are there to be seen running; whether they reach anything says nothing.
    ok: problems.length === 0 && (plan.quick || verdicts.every((verdict) => verdict.ok)),
  };
}

function problemsOf({ part, tally, calm, beside }: Storm): string[] {
  const { lost, doubled, misplaced } = tally;
  return [
    ...(lost + doubled + misplaced > 0
      ? [`${part.name}: ${lost} LOST, ${doubled} DOUBLED, ${misplaced} MISPLACED of ${tally.tickets}`]
      : []),
    ...[calm, beside].flatMap(({ name, faults }) => faults.map((fault) => `does not count: ${name}: ${fault}`)),
  ];
}

/** What the comparison is, so that nobody has to guess. */
const notes = [
  `The scanner is simulated: every ${scanEveryMs / 1_000} s one statement marks what is overdue in sla_clock, and tells nobody.`,
  'Its lateness is counted, from the same deadlines to its next look; what a look takes, measured after each storm, is added.',
  'Begun at any moment: one scanner for each second of the period, all alike likely. Begun when this one was: the one that ran beside.',
  'Each storm is one round, on no data but that of the storms before it. Opening its tickets is the warm-up.',
];

const scansRow = ({ firstAt, scans }: LiveScanner, began: number): Row => [
  'the scanner’s looks in this run',
  [
    `first ${((firstAt - began) / 1_000).toFixed(1)} s after the run began, a moment taken at random`,
    ...scans.map(({ at, marked, ms }) => `at ${((at - began) / 1_000).toFixed(1)} s ${marked} marked in ${ms} ms`),
  ].join('; '),
];

const keptRow = ({ lost, answered, rows, workflows }: Kept): Row => [
  'lost creates beside the storms',
  `${lost} of ${answered} (rows ${rows}, workflows ${workflows})`,
];

const bare = ({ tickets: _tickets, calm, beside, ...storm }: Storm) => ({
  ...storm,
  calm: withoutTickets(calm),
  beside: withoutTickets(beside),
});
