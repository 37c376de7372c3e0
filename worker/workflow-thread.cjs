/**
 * The thread in which workflows run: the SDK’s, with less noted and without threads of its own. The reasons stand in workflow-threads.ts.
 * A script as Node runs it, because no loader reaches into a thread.
 */
const { Script } = require('node:vm');
const { workerData } = require('node:worker_threads');
const { BaseVMWorkflow, globalHandlers } = require('@temporalio/worker/lib/workflow/vm-shared.js');

/** @type {import('./workflow-threads.js').ThreadData} */
const { callStacks, present, run } = workerData;

const encoder = new TextEncoder();
let activations = 0n;

// Without its hook the SDK answers a query for call stacks that they are not enabled.
if (!callStacks) Object.assign(globalHandlers, { setPromiseHook: () => undefined });

// oxlint-disable-next-line typescript/unbound-method -- called with the script it is a method of
const { runInContext } = Script.prototype;
Script.prototype.runInContext = function (context, options) {
  const { timeout: _ofNoUse, ...rest } = options ?? {};
  return runInContext.call(this, context, rest);
};

// oxlint-disable-next-line typescript/unbound-method -- called with the workflow it is a method of
const { activate } = BaseVMWorkflow.prototype;
BaseVMWorkflow.prototype.activate = function (activation) {
  encoder.encodeInto(this.runId, run);
  activations += 1n;
  Atomics.store(present, 0, activations);
  try {
    // All code of the workflow runs before this returns its promise.
    return activate.call(this, activation).then((completion) => {
      // What calls there are is asked for; that there are none is said at once.
      return this.activator.sinkCalls.length === 0 ? Object.assign(completion, { quiet: true }) : completion;
    });
  } finally {
    Atomics.store(present, 0, 0n);
  }
};

// oxlint-disable-next-line import/no-unassigned-import -- the SDK's thread listens as soon as it is loaded
require('@temporalio/worker/lib/workflow/workflow-worker-thread.js');
