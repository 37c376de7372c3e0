/**
 * Threads that run workflows for half of the processor time the SDK’s own need.
 *
 * The SDK notes a call stack for every promise of every workflow, for the Call Stack page of the Web UI, and starts a thread for the time limit of
 * every step into the sandbox, six or so in an activation. Ours notes stacks only when asked, and one look a second finds what does not end.
 */
import { fileURLToPath } from 'node:url';
import threads from 'node:worker_threads';
import type { MessagePort, Transferable, WorkerOptions } from 'node:worker_threads';
import type { WorkerThreadRequest } from '@temporalio/worker/lib/workflow/workflow-worker-thread/input.js';

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
  /** Told of every command as its workflow takes it up, long before the first activity for it comes; of a new workflow's as its thread gets it. */
  readonly onCommand?: { readonly workflowType: string; readonly tell: (runId: string) => void };
}

/** What a thread is given. */
export interface ThreadData {
  readonly callStacks: boolean;
  /** Counts activations while one runs; 0: none does. */
  readonly present: BigInt64Array;
  /** The id of its run, in UTF-8. */
  readonly run: Uint8Array;
  /** Hears the ids of runs of this type that take up a command. */
  readonly commands: { readonly workflowType: string; readonly port: MessagePort } | undefined;
}

const runIdLength = 36;
/** Times an activation is seen before it is past its limit: a machine that stood still meanwhile has not worked on it either. */
const looks = 10;
const ours = fileURLToPath(new URL('./workflow-thread.cjs', import.meta.url));

/** Of every worker created later in this process. */
export function useLeanThreads({ callStacks, limit = 10_000, onStuck, onCommand }: ThreadSettings): void {
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    #onCommand: ThreadSettings['onCommand'];

    constructor(file: string | URL, options?: WorkerOptions) {
      if (typeof file !== 'string' || !file.endsWith('workflow-worker-thread.js')) {
        super(file, options);
        return;
      }
      const present = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));
      const run = new Uint8Array(new SharedArrayBuffer(runIdLength));
      const { port1: ear, port2: port } = new threads.MessageChannel();
      const commands = onCommand === undefined ? undefined : { workflowType: onCommand.workflowType, port };
      const workerData: ThreadData = { callStacks, present, run, commands };
      super(ours, { ...options, workerData, transferList: commands === undefined ? [] : [port] });
      this.#onCommand = onCommand;
      if (onCommand !== undefined) ear.on('message', onCommand.tell).unref();
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
      const runId = startedBy(request, this.#onCommand?.workflowType);
      if (runId !== undefined) this.#onCommand?.tell(runId);
      super.postMessage(request, transfer);
    }
  };
}

/** @returns the run, when the thread is to begin with a new workflow of this type, not with one that it only has to remember */
function startedBy({ input }: WorkerThreadRequest, workflowType: string | undefined): string | undefined {
  if (input.type !== 'create-workflow') return undefined;
  const { info } = input.options;
  return info.workflowType === workflowType && !info.unsafe.isReplaying ? info.runId : undefined;
}
