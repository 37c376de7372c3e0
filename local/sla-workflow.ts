/**
 * Plays scenarios of a case file on the real ticket workflow, under Temporal's time-skipping server: one request on standard input, one answer
 * on standard output. Only what the activities would ask of a database is answered from the scenario.
 */
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { WorkflowBundleOption } from '@temporalio/worker';
import type { PlayAnswer, PlayRequest } from '../domain/sla/scenario.js';
import { second } from '../domain/time.js';
import { workflowBundle } from '../worker/bundle.js';
import { whyUnplayable } from './sla-play.js';
import type { Run } from './sla-play.js';
import { Stage } from './sla-stage.js';
import { TemporalUnavailableError } from './temporal-binary.js';

type Played = PlayAnswer['traces'][number];

/** A scenario takes about one, a server about ten; more only on a machine that is busy with other things. */
const limitS = 60;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Plays one after the other; after one that could not be played to its end, the others get a new server. */
class Theatre implements AsyncDisposable {
  private stage: Stage | null = null;
  private bundle: WorkflowBundleOption | null = null;

  /** @throws TemporalUnavailableError */
  async play(run: Run): Promise<Played> {
    const unplayable = whyUnplayable(run.scenario);
    if (unplayable !== null) return { ok: false, error: unplayable };
    try {
      this.stage ??= await within(2 * limitS, this.build());
      return { ok: true, trace: await within(limitS, this.stage.perform(run)) };
    } catch (error) {
      if (error instanceof TemporalUnavailableError) throw error; // nor will there be one for the others
      await this[Symbol.asyncDispose]();
      return { ok: false, error: error instanceof Error ? error.message : String(error) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { stage } = this;
    this.stage = null;
    await stage?.[Symbol.asyncDispose]();
  }

  private async build(): Promise<Stage> {
    this.bundle ??= await workflowBundle(new DefaultLogger('ERROR'));
    return Stage.build(this.bundle, say);
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

async function main(): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the command line of the same checkout
  const { runs } = JSON.parse(await text(process.stdin)) as PlayRequest;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: 'OFF', forward: {} } },
    shutdownSignals: [], // a signal ends this process, not only its workers
  });
  await using theatre = new Theatre();
  const traces: Played[] = [];
  for (const [place, run] of runs.entries()) {
    say(`${place + 1}/${runs.length} ${run.scenario.id}`);
    traces.push(await theatre.play(run));
  }
  const answer: PlayAnswer = { schema: 1, traces };
  await new Promise((done) => process.stdout.write(JSON.stringify(answer), done));
}

process.on('disconnect', () => process.exit()); // nobody waits for the answer any more
await main();
process.exit(); // eslint-disable-line unicorn/no-process-exit -- a scenario that was given up may still be waiting
