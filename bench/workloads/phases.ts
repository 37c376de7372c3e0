import type { Bench } from '../bench.js';
import type { Findings } from '../findings.js';
import { measureMemory } from '../memory.js';
import type { Spread } from '../raw-start.js';
import { spreadOf } from '../raw-start.js';
import type { Round, RoundOptions } from '../rounds.js';
import { closedRound, openRound } from '../rounds.js';
import { countStatements, logPosition } from '../statements.js';

/** What is counted beside the load. A failure here costs no figure of the rounds that went before. */
export async function measureAside(bench: Bench): Promise<Pick<Findings, 'memory' | 'statements' | 'unmeasured'>> {
  const unmeasured: string[] = [];
  const attempt = async <T>(what: string, work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      bench.signal.throwIfAborted();
      unmeasured.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  const memory = await attempt('memory', measureMemory(bench));
  const statements = await attempt('statements', countStatements(bench));
  return { unmeasured, ...(memory === undefined ? {} : { memory }), ...(statements === undefined ? {} : { statements }) };
}

type What = Omit<RoundOptions, 'name'>;

const concurrencies = [8, 32];

/** As fast as it goes, with few and with many callers. */
export async function saturate(bench: Bench, what: What): Promise<Round[]> {
  const rounds: Round[] = [];
  for (const concurrency of concurrencies)
    rounds.push(await closedRound(bench, { ...what, name: `${what.work}, c = ${concurrency}` }, concurrency));
  return rounds;
}

/** At each rate in turn, with what the write-ahead log grew by for each operation. */
export async function measureRates(bench: Bench, what: What): Promise<{ rounds: Round[]; logBytes: Spread }> {
  const rounds: Round[] = [];
  const bytes: number[] = [];
  for (const rate of bench.plan.rates) {
    const before = await logPosition(bench);
    const round = await openRound(bench, { ...what, name: `${what.work}, ${rate}/s` }, rate);
    bytes.push(((await logPosition(bench)) - before) / Math.max(1, round.ok));
    rounds.push(round);
  }
  return { rounds, logBytes: spreadOf(bytes) };
}
