/** A worker with lean threads, in a process of its own: address, namespace, task queue and settings are its arguments. Ends with its parent. */
import { fileURLToPath } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';
import { NativeConnection, Worker } from '@temporalio/worker';
import { useLeanThreads } from '../../worker/workflow-threads.js';

const [address = '', namespace = '', taskQueue = '', settings = '{}'] = process.argv.slice(2);
const tell = (message: object): void => void process.send?.(message);
const { commandsOf, cache, questions, ...rest } = JSON.parse(settings);
if (questions === true) {
  // oxlint-disable-next-line typescript/unbound-method -- called with the thread it is a method of
  const { postMessage } = Thread.prototype;
  Thread.prototype.postMessage = function (request, transfer) {
    if (request?.input?.type === 'extract-sink-calls') tell({ asked: request.input.runId });
    postMessage.call(this, request, transfer);
  };
}
useLeanThreads({
  callStacks: false,
  ...rest,
  onStuck: (runId) => tell({ stuck: runId }),
  ...(commandsOf === undefined ? {} : { onCommand: { workflowType: commandsOf, tell: (runId) => tell({ command: runId }) } }),
});
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  namespace,
  taskQueue,
  workflowsPath: fileURLToPath(new URL('./spinning.ts', import.meta.url)),
  ...(cache === undefined ? {} : { maxCachedWorkflows: cache }),
});
// Nothing else ends one whose thread is stuck.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
await worker.run();
