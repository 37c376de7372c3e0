/** What operators have of the threads workflows run in: a step that never ends does not hold a worker up for ever, call stacks come when they are asked for. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { ThreadSettings } from '../../worker/workflow-threads.js';
import { devEnvironment } from '../support/dev-env.js';

let env: TestWorkflowEnvironment;
let client: Client;

beforeAll(async () => {
  env = await devEnvironment();
  client = env.client;
});
afterAll(() => env.teardown());

interface LeanWorker extends AsyncDisposable {
  readonly process: ChildProcess;
  start(type: 'waits' | 'spins'): Promise<WorkflowHandle>;
}

type LeanSettings = Partial<Omit<ThreadSettings, 'onStuck' | 'onCommand'>> & {
  readonly commandsOf?: string;
  readonly cache?: number;
  readonly questions?: true;
};

function workerWith(settings: LeanSettings): LeanWorker {
  const { address, namespace } = inject('devServer');
  const taskQueue = `lean-${randomUUID()}`;
  const script = fileURLToPath(new URL('../support/lean-worker.ts', import.meta.url));
  const worker = fork(script, [address, namespace, taskQueue, JSON.stringify(settings)], { execArgv: ['--import', 'tsx'], silent: true });
  return {
    process: worker,
    start: (type) => client.workflow.start(type, { taskQueue, workflowId: `${type}-${randomUUID()}`, workflowTaskTimeout: '60s' }),
    async [Symbol.asyncDispose]() {
      const exited = once(worker, 'exit');
      worker.disconnect();
      await exited;
    },
  };
}

test('a step that never ends is told, by the run it belongs to, so that its process can end', async () => {
  await using worker = workerWith({ limit: 500 });
  const told = once(worker.process, 'message');
  const spinning = await worker.start('spins');
  await spinning.signal('go');
  const { runId } = await spinning.describe();
  expect(await told).toEqual([{ stuck: runId }, undefined]);
  await spinning.terminate();
});

test('call stacks are noted when they are asked for, and only then', async () => {
  await using silent = workerWith({});
  await using talking = workerWith({ callStacks: true });
  const [quiet, told] = await Promise.all([silent.start('waits'), talking.start('waits')]);
  await expect(quiet.query('__stack_trace')).rejects.toThrow('Workflow stack traces are not enabled on this worker');
  expect(await told.query('__stack_trace')).toContain('at toldTo');
  for (const workflow of [quiet, told]) {
    await workflow.signal('go');
    expect(await workflow.result()).toBe('went on');
  }
});

test('a command of the type that is asked about is told as it is taken up, a new workflow as it begins, and nothing else is', async () => {
  await using worker = workerWith({ commandsOf: 'waits' });
  await using other = workerWith({ commandsOf: 'spins' });
  const heard: unknown[] = [];
  for (const { process } of [worker, other]) process.on('message', (message) => heard.push(message));
  const [asked, ignored] = await Promise.all([worker.start('waits'), other.start('waits')]);
  const { runId } = await asked.describe();
  const told = { command: runId };
  await expect.poll(() => heard).toEqual([told]);
  expect(await Promise.all([asked.executeUpdate('ask'), ignored.executeUpdate('ask')])).toEqual(['waits', 'waits']);
  await asked.executeUpdate('ask');
  for (const workflow of [asked, ignored]) {
    await workflow.signal('go');
    expect(await workflow.result()).toBe('went on');
  }
  await expect.poll(() => heard).toEqual([told, told, told]);
});

test('a workflow that its worker only has to remember is not told as a new one', async () => {
  await using worker = workerWith({ commandsOf: 'waits', cache: 0 });
  const heard: unknown[] = [];
  worker.process.on('message', (message) => heard.push(message));
  const workflow = await worker.start('waits');
  const { runId } = await workflow.describe();
  const told = { command: runId };
  await expect.poll(() => heard).toEqual([told]);
  await workflow.executeUpdate('ask');
  await workflow.signal('go');
  expect(await workflow.result()).toBe('went on');
  await expect.poll(() => heard).toEqual([told, told]);
});

test('a thread is asked for calls to the world outside only when there are some, and what a workflow logs arrives', async () => {
  await using worker = workerWith({ questions: true });
  const heard: unknown[] = [];
  worker.process.on('message', (message) => heard.push(message));
  let logged = '';
  worker.process.stderr?.setEncoding('utf8').on('data', (text: string) => (logged += text));
  const workflow = await worker.start('waits');
  const asked = { asked: (await workflow.describe()).runId };
  // That it started is logged.
  await expect.poll(() => heard).toEqual([asked]);
  for (let times = 0; times < 3; times += 1) expect(await workflow.executeUpdate('ask')).toBe('waits');
  await workflow.signal('go');
  expect(await workflow.result()).toBe('went on');
  await expect.poll(() => logged).toContain('was told');
  expect(heard).toEqual([asked, asked]);
});
