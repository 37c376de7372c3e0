/** Makes the load, in a process of its own, so that what it costs is told apart from what it measures. */
import { Client, Connection } from '@temporalio/client';
import { createOperation } from './calls/create.js';
import { lifeOperation } from './calls/life.js';
import type { Operation } from './calls/operation.js';
import { startOperation } from './calls/raw-start.js';
import type { Work } from './generator.js';
import { closedLoop, openLoop } from './generator.js';
import { createHttp } from './http.js';
import { LoadMessage } from './load-job.js';
import type { LoadJob, LoadReply, LoadReport, LoadSetup } from './load-job.js';
import { Recorder } from './recorder.js';
import { sendTimes } from './schedule.js';

type Operations = Record<LoadJob['work'], Operation>;

async function prepare(setup: LoadSetup): Promise<Operations> {
  const http = createHttp(setup.apiUrl);
  const connection = await Connection.connect({ address: setup.temporalAddress });
  const client = new Client({ connection, namespace: setup.namespace });
  return { create: createOperation(http, setup), life: lifeOperation(http, setup), start: startOperation(client, setup) };
}

/** Texts and people go on from job to job. */
let done = 0;

async function run(operation: Operation, { loop, product }: LoadJob): Promise<LoadReport> {
  const recorder = new Recorder();
  const tickets: string[] = [];
  const first = done;
  const work: Work = async (index, intendedAt) => {
    const ticket = await operation({ index: first + index, product, intendedAt }, recorder);
    if (ticket !== undefined) tickets.push(ticket);
    return ticket !== undefined;
  };
  const before = process.cpuUsage();
  const result = await (loop.kind === 'open' ? openLoop(sendTimes(loop), work) : closedLoop(loop, work));
  const { user, system } = process.cpuUsage(before);
  done += result.sent;
  const { sent, ok, seconds, late } = result;
  return { sent, ok, seconds, late: late.data(), recorded: recorder.data(), tickets, cpuSeconds: (user + system) / 1_000_000 };
}

let operations: Operations | undefined;

async function answer(message: LoadMessage): Promise<LoadReply> {
  if (message.kind === 'setup') {
    operations = await prepare(message.setup);
    return { kind: 'ready' };
  }
  if (operations === undefined) throw new Error('a job before the setup');
  return { kind: 'report', report: await run(operations[message.job.work], message.job) };
}

const reply = (text: LoadReply): void => void process.send?.(text);
process.on('message', (message) => {
  answer(LoadMessage.parse(message)).then(reply, (error: unknown) =>
    reply({ kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on('SIGINT', () => undefined); // Ctrl-C reaches the whole group; the parent ends this one
process.on('disconnect', () => process.exit()); // nobody waits for a report any more
