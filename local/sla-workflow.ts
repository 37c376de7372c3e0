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

type Played = PlayAnswer['traces'][number];

/** Most take less than one. */
const limitS = 60;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Plays one after the other; after one that could not be played to its end, the others get a new server. */
class Theatre implements AsyncDisposable {
  private stage: Stage | null = null;
  private bundle: WorkflowBundleOption | null = null;

  async play(run: Run): Promise<Played> {
    const unplayable = whyUnplayable(run.scenario);
    if (unplayable !== null) return { ok: false, error: unplayable };
    const over = new AbortController();
    try {
      const stage = await this.open();
      const limit = pause(limitS * second, undefined, { signal: over.signal });
      const tooLong = limit.then(() => Promise.reject(new Error(`not at its end after ${limitS} s`)));
      return { ok: true, trace: await Promise.race([stage.perform(run), tooLong]) };
    } catch (error) {
      await this[Symbol.asyncDispose]();
      return { ok: false, error: error instanceof Error ? error.message : String(error) };
    } finally {
      over.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { stage } = this;
    this.stage = null;
    await stage?.[Symbol.asyncDispose]();
  }

  private async open(): Promise<Stage> {
    this.bundle ??= await workflowBundle(new DefaultLogger('ERROR'));
    this.stage ??= await Stage.build(this.bundle, say);
    return this.stage;
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
