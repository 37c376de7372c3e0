/**
 * Threads that run workflows for half of the processor time the SDK’s own need.
 *
 * The SDK notes a call stack for every promise of every workflow, for the Call Stack page of the Web UI, and starts a thread for the time limit of
 * every step into the sandbox, six or so in an activation. Ours notes stacks only when asked, and one look a second finds what does not end.
 *
 * After each activation the SDK asks the thread for calls to the world outside, mostly none, and only then passes on what the workflow decided.
 * Ours says with its decision that there are none, and is not asked.
 */
import { fileURLToPath } from 'node:url';
import threads from 'node:worker_threads';
import type { Transferable, WorkerOptions } from 'node:worker_threads';
import type { WorkerThreadInput, WorkerThreadRequest } from '@temporalio/worker/lib/workflow/workflow-worker-thread/input.js';
import type { WorkerThreadResponse } from '@temporalio/worker/lib/workflow/workflow-worker-thread/output.js';

/** How threads run workflows. */
export interface ThreadSettings {
  /** Whether they answer queries for call stacks. */
  readonly callStacks: boolean;
  /** Milliseconds one activation may take; as long as the server waits for a task when absent. */
  readonly limit?: number;
  /**
   * Told of an activation past its limit. Nothing can go on in its thread, so the process should end: another one takes up its
   * workflows. A script that Node 20 cuts ends the process as well, only without a word.
   *
   * @param runId the workflow run it is an activation of
   */
  readonly onStuck: (runId: string) => void;
  /** Told of every command and every new workflow of this type as its thread gets it, long before the first activity for it comes. */
  readonly onCommand?: CommandListener;
}

interface CommandListener {
  readonly workflowType: string;
  readonly tell: (runId: string) => void;
}

/** What a thread is given. */
export interface ThreadData {
  readonly callStacks: boolean;
  /** Counts activations while one runs; 0: none does. */
  readonly present: BigInt64Array;
  /** The id of its run, in UTF-8. */
  readonly run: Uint8Array;
}

/** What a thread adds to the decision of a workflow that calls nothing outside. */
interface Quiet {
  readonly runId: string;
  readonly quiet: true;
}

const isQuiet = (completion: { readonly runId?: string | null }): completion is Quiet =>
  typeof completion.runId === 'string' && 'quiet' in completion && completion.quiet === true;

const runIdLength = 36;
/** Times an activation is seen before it is past its limit: a machine that stood still meanwhile has not worked on it either. */
const looks = 10;
const ours = fileURLToPath(new URL('./workflow-thread.cjs', import.meta.url));

/** Of every worker created later in this process. */
export function useLeanThreads({ callStacks, limit = 10_000, onStuck, onCommand }: ThreadSettings): void {
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    /** Runs whose last decision came with no calls. */
    readonly #quiet = new Set<string>();
    readonly #commands = onCommand === undefined ? undefined : new Commands(onCommand);

    constructor(file: string | URL, options?: WorkerOptions) {
      if (typeof file !== 'string' || !file.endsWith('workflow-worker-thread.js')) {
        super(file, options);
        return;
      }
      const present = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));
      const run = new Uint8Array(new SharedArrayBuffer(runIdLength));
      const workerData: ThreadData = { callStacks, present, run };
      super(ours, { ...options, workerData });
      this.on('message', (response: WorkerThreadResponse) => this.#note(response));
      let seen = { activation: 0n, times: 0 };
      const look = setInterval(() => {
        const activation = Atomics.load(present, 0);
        seen = { activation, times: activation !== 0n && activation === seen.activation ? seen.times + 1 : 0 };
        if (seen.times === looks) onStuck(Buffer.from(run).toString());
      }, limit / looks);
      look.unref();
      this.once('exit', () => clearInterval(look));
    }

    override postMessage(request: WorkerThreadRequest, transfer?: readonly Transferable[]): void {
      const { requestId, input } = request;
      if (input.type === 'extract-sink-calls' && this.#quiet.delete(input.runId)) {
        const none: WorkerThreadResponse = { requestId, result: { type: 'ok', output: { type: 'sink-calls', calls: [] } } };
        // The SDK notes its question only after it has asked.
        queueMicrotask(() => this.emit('message', none));
        return;
      }
      this.#commands?.see(input);
      super.postMessage(request, transfer);
    }

    #note({ result }: WorkerThreadResponse): void {
      if (result.type !== 'ok' || result.output?.type !== 'activation-completion') return;
      const { completion } = result.output;
      if (!(completion instanceof Uint8Array) && isQuiet(completion)) this.#quiet.add(completion.runId);
    }
  };
}

/** Finds commands among what a thread is given. */
class Commands {
  private readonly runs = new Set<string>();
  private readonly listener: CommandListener;

  constructor(listener: CommandListener) {
    this.listener = listener;
  }

  see(input: WorkerThreadInput): void {
    if (input.type === 'create-workflow') {
      const { info } = input.options;
      if (info.workflowType !== this.listener.workflowType) return;
      this.runs.add(info.runId);
      if (!info.unsafe.isReplaying) this.listener.tell(info.runId); // otherwise it is only to be remembered
    } else if (input.type === 'activate-workflow') {
      if (this.runs.has(input.runId) && bringsCommand(input.activation)) this.listener.tell(input.runId);
    } else if (input.type === 'dispose-workflow') {
      this.runs.delete(input.runId);
    }
  }
}

type Activation = Extract<WorkerThreadInput, { type: 'activate-workflow' }>['activation'];

/** Where the SDK encodes what it gives its threads, which it does for another runtime than Node, this sees nothing. */
const bringsCommand = (activation: Activation): boolean =>
  !(activation instanceof Uint8Array) &&
  activation.isReplaying !== true &&
  activation.jobs?.some(({ doUpdate }) => doUpdate != null) === true;
