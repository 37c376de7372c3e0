/** W2: reads of two desks, one ten times the other, side by side. Source: performance.md, sections 5 and 6, G7 and G10. */
import type { Bench } from '../bench.js';
import { Reader, reads } from '../calls/reads.js';
import type { Read } from '../calls/reads.js';
import { openLoop } from '../generator.js';
import { Histogram } from '../histogram.js';
import type { Summary } from '../histogram.js';
import { createHttp } from '../http.js';
import type { Outcome } from '../outcome.js';
import { ms, systemRow } from '../report.js';
import type { Row } from '../report.js';
import { sendTimes } from '../schedule.js';
import type { Surroundings } from '../surroundings.js';
import { openOwn } from '../target.js';
import type { Target } from '../target.js';
import type { Verdict } from '../verdicts.js';
import { loadSample } from '../../db/sample/load.js';
import { sizes } from '../../db/sample/plan.js';
import type { SizeName } from '../../db/sample/plan.js';
import { demo } from '../../db/seed.js';

const mostMs = { get: 50, list: 50, search: 300 } as const;
const mostGrowth = 3;
/** Plans and pages of both are in memory before anything counts. */
const warmUpSeconds = 5;

interface Round {
  size: SizeName;
  rate: number;
  /** Milliseconds, by what was read. */
  latency: Record<Read, Summary>;
  failed: number;
  /** How late the generator sent, part of every latency. */
  late: Summary;
}

export async function w2(bench: Bench, surroundings: Surroundings): Promise<Outcome> {
  const { target, plan, engine, signal, say } = bench;
  if (target.stack === undefined) throw new Error('w2 loads a desk of its own: it needs a system of its own');
  const [less, more]: [SizeName, SizeName] = plan.quick ? ['small', 'medium'] : ['medium', 'large'];
  const first = await measure(bench, target, less);
  // One after the other: the second desk would share the memory of the first one's database.
  await target.stack.worker.stop();
  await using other = await openOwn({ engine, signal, log: say });
  const second = await measure(bench, other, more);
  const rounds = [...first, ...second];
  const verdicts = verdictsOf(first[0], second[0]);
  const problems = rounds.flatMap(({ size, rate, failed }) => (failed > 0 ? [`${size}, ${rate}/s: ${failed} reads failed`] : []));
  return {
    findings: { workload: 'w2', rounds },
    rows: [systemRow(surroundings), ...rounds.flatMap(rowsOf), ...growthRows(first, second)],
    notes: ['Nothing else was done meanwhile. A search of a common word finds about every second ticket, one of a rare word a handful.'],
    verdicts,
    problems,
    ok: problems.length === 0 && verdicts.every(({ ok }) => ok),
  };
}

async function measure(bench: Bench, target: Target, size: SizeName): Promise<Round[]> {
  const { plan, say, signal } = bench;
  say(`loading ${size}: ${sizes[size].tickets} tickets`);
  await loadSample({
    url: target.info.databaseUrl,
    tenant: demo.tenant,
    size,
    until: Date.now(),
    onProgress: () => signal.throwIfAborted(),
  });
  const [rate = 1] = plan.rates;
  await readOpenly(bench, target, { size, rate, seconds: warmUpSeconds, seed: 1 });
  const rounds: Round[] = [];
  for (const [index, each] of plan.rates.entries()) {
    const round = await readOpenly(bench, target, { size, rate: each, seconds: plan.openSeconds, seed: index + 2 });
    say(`${size}, ${each}/s: ${reads.map((read) => `${read} ${ms(round.latency[read].p95)}`).join(', ')} ms at p95`);
    rounds.push(round);
  }
  return rounds;
}

interface Reading {
  size: SizeName;
  rate: number;
  seconds: number;
  seed: number;
}

async function readOpenly({ plan, signal }: Bench, target: Target, { size, rate, seconds, seed }: Reading): Promise<Round> {
  const http = createHttp(target.info.apiUrl);
  const key = target.stack?.info.credentials.admin ?? '';
  const reader = new Reader(sizes[size], seed);
  const latency = new Map<Read, Histogram>(reads.map((read) => [read, new Histogram()]));
  let failed = 0;
  try {
    const times = sendTimes({ rate, seconds, arrivals: plan.arrivals, seed });
    const { late } = await openLoop(times, async (_index, intendedAt) => {
      signal.throwIfAborted();
      const { read, path } = reader.next();
      const { outcome } = await http.get(path, key);
      latency.get(read)?.add(performance.now() - intendedAt);
      if (outcome !== 'ok') failed += 1;
      return outcome === 'ok';
    });
    const summaries = Object.fromEntries(Array.from(latency, ([read, histogram]) => [read, histogram.summary()]));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one of each was put in above
    return { size, rate, failed, late: late.summary(), latency: summaries as Record<Read, Summary> };
  } finally {
    http.close();
  }
}

const limitOf = (read: Read): number => (read === 'get' || read === 'list' ? mostMs[read] : mostMs.search);

const within = (what: string, counted: number, limit: number): Verdict => ({ what, counted, limit, ok: counted <= limit });

function verdictsOf(less: Round | undefined, more: Round | undefined): Verdict[] {
  if (less === undefined || more === undefined) return [];
  return [
    ...[less, more].flatMap(({ size, rate, latency }) =>
      reads.map((read) => within(`${size}, ${rate}/s: ms at p95, ${read}`, Math.round(latency[read].p95), limitOf(read))),
    ),
    ...reads.map((read) => within(`times as long in the larger desk, ${read}`, growth(less, more, read), mostGrowth)),
  ];
}

const growth = (less: Round, more: Round, read: Read): number =>
  Math.round((more.latency[read].p95 / Math.max(0.001, less.latency[read].p95)) * 10) / 10;

const rowsOf = ({ size, rate, latency, late }: Round): Row[] => [
  ...reads.map((read): Row => {
    const { count, p50, p95, p99 } = latency[read];
    return [`${size}, ${rate}/s: ${read}, p50 p95 p99`, `${ms(p50)} ${ms(p95)} ${ms(p99)} ms (${count})`];
  }),
  [`${size}, ${rate}/s: generator late at p99`, `${ms(late.p99)} ms`],
];

const growthRows = (first: readonly Round[], second: readonly Round[]): Row[] =>
  first.flatMap((less, index) => {
    const more = second[index];
    return more === undefined
      ? []
      : [[`${less.rate}/s: larger by smaller desk at p95`, reads.map((read) => `${read} ${growth(less, more, read)}`).join(', ')]];
  });
