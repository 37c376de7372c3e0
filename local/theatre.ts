/** Plays scripts on real workflows under Temporal's time-skipping server, for a command line that reads the answer. */
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { WorkflowBundleOption } from '@temporalio/worker';
import { second } from '../domain/time.js';
import { workflowBundle } from '../worker/bundle.js';
import { TemporalUnavailableError } from './temporal-binary.js';

/** A script takes about one, a server about ten; more only on a machine that is busy with other things. */
const limitS = 180;

type Say = (line: string) => void;
const say: Say = (line) => void process.stderr.write(`${line}\n`);

interface Unplayed {
  readonly ok: false;
  readonly error: string;
}

/** A script that cannot be played on workflows; the message says why, and the stage is as good as before. */
export class Unplayable extends Error {
  override readonly name = 'Unplayable';
}

/** Builds its stage when it is first needed; after a play that broke off the next one gets a new stage. */
export class Theatre<Stage extends AsyncDisposable> implements AsyncDisposable {
  private readonly build: (bundle: WorkflowBundleOption, say: Say) => Promise<Stage>;
  private stage: Stage | null = null;
  private bundle: WorkflowBundleOption | null = null;

  constructor(build: (bundle: WorkflowBundleOption, say: Say) => Promise<Stage>) {
    this.build = build;
  }

  /** @throws TemporalUnavailableError: nor will there be one for the others */
  async play<Played>(work: (stage: Stage) => Promise<Played>): Promise<Played | Unplayed> {
    try {
      this.stage ??= await within(2 * limitS, this.opened());
      return await within(limitS, work(this.stage));
    } catch (error) {
      if (error instanceof TemporalUnavailableError) throw error;
      if (!(error instanceof Unplayable)) await this[Symbol.asyncDispose]();
      return { ok: false, error: error instanceof Error ? error.message : String(error) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { stage } = this;
    this.stage = null;
    await stage?.[Symbol.asyncDispose]();
  }

  private async opened(): Promise<Stage> {
    this.bundle ??= await workflowBundle(new DefaultLogger('ERROR'));
    return this.build(this.bundle, say);
  }
}

async function within<Result>(seconds: number, work: Promise<Result>): Promise<Result> {
  const over = new AbortController();
  const limit = pause(seconds * second, undefined, { signal: over.signal });
  const tooLong = limit.then(() => Promise.reject(new Error(`not at its end after ${seconds} s`)));
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    over.abort();
  }
}

/** What is to be played, with a name for each run. */
interface Programme<Run> {
  readonly runs: readonly Run[];
}

/**
 * The whole life of such a process: one request on standard input, one run after the other, one answer on standard output.
 *
 * @param nameOf what the error stream says of a run before it begins
 */
export async function playAll<Run, Stage extends AsyncDisposable, Played>(
  theatre: Theatre<Stage>,
  nameOf: (run: Run) => string,
  play: (run: Run) => Promise<Played>,
  answer: (played: readonly Played[]) => unknown,
): Promise<never> {
  process.on('disconnect', () => process.exit()); // nobody waits for the answer any more
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the command line of the same checkout
  const { runs } = JSON.parse(await text(process.stdin)) as Programme<Run>;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: 'OFF', forward: {} } },
    shutdownSignals: [], // a signal ends this process, not only its workers
  });
  const played: Played[] = [];
  for (const [place, run] of runs.entries()) {
    say(`${place + 1}/${runs.length} ${nameOf(run)}`);
    played.push(await play(run));
  }
  await theatre[Symbol.asyncDispose]();
  await new Promise((done) => process.stdout.write(JSON.stringify(answer(played)), done));
  process.exit(); // eslint-disable-line unicorn/no-process-exit -- a script that was given up may still be waiting
}
