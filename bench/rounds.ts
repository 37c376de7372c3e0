import type { Bench } from './bench.js';
import { products } from './desk.js';
import type { Summary } from './histogram.js';
import { Histogram } from './histogram.js';
import type { LoadJob } from './load-job.js';
import type { Cpu } from './processes.js';
import { cpuBetween, cpuOf, untilCalm } from './processes.js';
import type { Outcome } from './recorder.js';

/** More failed calls than this, and the round says nothing. Source: performance.md, section 8. */
const mostFailed = 0.001;
/** Latencies above this share of the ceiling are a queue's, not the system's. */
const honestShare = 0.7;

export interface Round {
  name: string;
  work: LoadJob['work'];
  /** Asked for, of an open round. */
  rate?: number;
  concurrency?: number;
  seconds: number;
  sent: number;
  ok: number;
  /** Operations per second that went well. */
  reached: number;
  calls: Record<string, Summary & { outcomes: Record<Outcome, number> }>;
  problems: Record<string, number>;
  /** How late the generator sent. */
  late: Summary;
  /** Seconds of processor time by process, the generator's among them. */
  cpu: Cpu;
  tickets: string[];
  /** Why the round does not count; empty when it does. */
  faults: string[];
}

export interface RoundOptions {
  name: string;
  work: LoadJob['work'];
  /** The one that sends no mail, unless said otherwise. */
  product?: string;
}

export const openRound = (bench: Bench, options: RoundOptions, rate: number): Promise<Round> => {
  const { openSeconds: seconds, arrivals } = bench.plan;
  return runRound(bench, options, { kind: 'open', rate, seconds, arrivals, seed: seedOf(rate) });
};

/** Without waiting for calm: what goes on beside is what is measured. */
export const openRoundNow = (bench: Bench, options: RoundOptions, rate: number, seconds: number): Promise<Round> =>
  measure(bench, options, { kind: 'open', rate, seconds, arrivals: bench.plan.arrivals, seed: seedOf(rate) });

const seedOf = (rate: number): number => Math.round(rate * 1_000);

export const closedRound = (bench: Bench, options: RoundOptions, concurrency: number): Promise<Round> =>
  runRound(bench, options, { kind: 'closed', concurrency, seconds: bench.plan.closedSeconds, atMost: Number.MAX_SAFE_INTEGER });

/** Exactly so many operations, one after another. */
export const countedRound = (bench: Bench, options: RoundOptions, operations: number, concurrency = 1): Promise<Round> =>
  runRound(bench, options, { kind: 'closed', concurrency, seconds: 600, atMost: operations });

/** Brings caches, connections and compiled code to where they stay; its figures are dropped. */
export async function warmUp(bench: Bench, { work, product = products.silent }: Omit<RoundOptions, 'name'>): Promise<void> {
  const { seconds, operations } = bench.plan.warmUp;
  bench.say(`warming up: ${seconds} s or ${operations} operations`);
  const report = await bench.load.run({ work, product, loop: { kind: 'closed', concurrency: 8, seconds, atMost: operations } });
  const { problems } = report.recorded;
  if (report.ok === 0) throw new Error(`nothing works: ${JSON.stringify(problems)}`);
}

async function runRound(bench: Bench, options: RoundOptions, loop: LoadJob['loop']): Promise<Round> {
  await untilCalm(bench.target.stack);
  return measure(bench, options, loop);
}

async function measure(bench: Bench, { name, work, product = products.silent }: RoundOptions, loop: LoadJob['loop']): Promise<Round> {
  const before = cpuOf(bench.target.stack);
  const report = await bench.load.run({ work, product, loop });
  const cpu = { ...cpuBetween(before, cpuOf(bench.target.stack)), generator: report.cpuSeconds };
  const { calls, problems } = report.recorded;
  const result: Round = {
    name,
    work,
    ...(loop.kind === 'open' ? { rate: loop.rate } : { concurrency: loop.concurrency }),
    seconds: report.seconds,
    sent: report.sent,
    ok: report.ok,
    reached: report.ok / report.seconds,
    calls: Object.fromEntries(
      Object.entries(calls).map(([call, data]) => [call, { ...Histogram.from(data.histogram).summary(), outcomes: data.outcomes }]),
    ),
    problems,
    late: Histogram.from(report.late).summary(),
    cpu,
    tickets: report.tickets,
    faults: [],
  };
  const faults = faultsOf(result);
  bench.say(
    `${name}: ${result.reached.toFixed(1)}/s, ${report.ok} of ${report.sent}${faults.length === 0 ? '' : `; does not count: ${faults.join('; ')}`}`,
  );
  return { ...result, faults };
}

function faultsOf({ calls, problems }: Round): string[] {
  const all = Object.values(calls).map((call) => call.outcomes);
  const total = all.reduce((sum, call) => sum + call.ok + call.pending + call.limited + call.timeout + call.error, 0);
  const failed = all.reduce((sum, call) => sum + call.limited + call.timeout + call.error, 0);
  if (total > 0 && failed / total <= mostFailed) return [];
  return [`${failed} of ${total} calls failed: ${JSON.stringify(problems)}`];
}

/** Whether the latencies of an open round may be quoted, given what the system does at most. */
export const isHonest = (round: Round, ceiling: number): boolean => round.rate !== undefined && round.rate <= honestShare * ceiling;

/** Their numbers tell nobody anything once the system is gone. */
export const withoutTickets = ({ tickets: _tickets, ...rest }: Round): Omit<Round, 'tickets'> => rest;
