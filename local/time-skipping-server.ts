/** Temporal's time-skipping test server as a process of ours, and its clock. Source: temporal.md 2.4. */
import { Client } from '@temporalio/client';
import { Connection, InternalConnectionOptionsSymbol } from '@temporalio/client/lib/connection.js';
import type { InternalConnectionOptions } from '@temporalio/client/lib/connection.js';
import { msToTs, tsToMs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { NativeConnection } from '@temporalio/worker';
import type { Instant } from '../domain/time.js';
import { describeExit, startChild } from './child.js';
import type { Log } from './log.js';
import { freePort } from './ports.js';
import { untilNamespaceAnswers } from './temporal-namespace.js';
import { acquireTimeSkippingServer } from './time-skipping.js';

export interface TimeSkippingServer extends AsyncDisposable {
  readonly client: Client;
  /** For workers. */
  readonly connection: NativeConnection;
  /** Rejects with the reason when the server ends without being asked to. */
  readonly crashed: Promise<never>;
  now(): Promise<Instant>;
  /** Lets time pass; it stands still while a task waits or is worked on. */
  passTo(until: Instant): Promise<void>;
  /** From now on time passes although one task waits for a worker. */
  overlookOneTask(): Promise<void>;
  /** Takes that back. */
  heedAllTasks(): Promise<void>;
}

const namespace = 'default'; // to this server every name is a namespace

/**
 * Starts one on 127.0.0.1; should this process die, it is ended.
 *
 * @param log hears how the program is fetched, once
 * @throws TemporalUnavailableError when there is no program for it
 */
export async function startTimeSkippingServer(log: Log): Promise<TimeSkippingServer> {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const command = await acquireTimeSkippingServer(log);
  const child = await startChild({ name: 'time-skipping server', command, args: [String(port)], log: () => undefined });
  let stopping = false;
  let ended: string | undefined;
  const crashed = child.exited.then((exit): Promise<never> => {
    ended = `the time-skipping server ended (${describeExit(exit)}):\n${child.tail()}`;
    return stopping ? new Promise(() => undefined) : Promise.reject(new Error(ended));
  });
  crashed.catch(() => undefined); // whether anybody waits for it or not
  const stop = async (): Promise<void> => {
    stopping = true;
    await child.stop(2_000);
  };
  try {
    await untilNamespaceAnswers({ address, namespace, limitMs: 60_000, whyHopeless: () => ended });
    return { ...(await connect(address, stop)), crashed };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function connect(address: string, stop: () => Promise<void>): Promise<Omit<TimeSkippingServer, 'crashed'>> {
  // Only with this the clock of the server is within reach; it is how the test package of the SDK asks for it.
  const options: InternalConnectionOptions = { address, [InternalConnectionOptionsSymbol]: { supportsTestService: true } };
  const own = await Connection.connect(options);
  const connection = await NativeConnection.connect({ address });
  const { testService, operatorService } = own;
  if (testService === undefined) throw new Error('this is no time-skipping server');
  await operatorService.addSearchAttributes({ namespace, searchAttributes });

  const now = async (): Promise<Instant> => tsToMs((await testService.getCurrentTime({})).time);
  return {
    client: new Client({ connection: own, namespace }),
    connection,
    now,
    async passTo(until) {
      const left = until - (await now());
      if (left > 0) await testService.unlockTimeSkippingWithSleep({ duration: msToTs(left) });
    },
    // Each task holds one lock of the clock until it is worked on.
    async overlookOneTask() {
      await testService.unlockTimeSkipping({});
    },
    async heedAllTasks() {
      await testService.lockTimeSkipping({});
    },
    async [Symbol.asyncDispose]() {
      // The client's connection stays: a call that is tried again on a closed one ends this process.
      await connection.close().catch(() => undefined); // a worker that did not end holds it
      await stop();
    },
  };
}

const {
  INDEXED_VALUE_TYPE_KEYWORD: keyword,
  INDEXED_VALUE_TYPE_INT: int,
  INDEXED_VALUE_TYPE_DATETIME: datetime,
} = proto.temporal.api.enums.v1.IndexedValueType;
/** What tickets, journeys and handoffs show: the server refuses attributes that it does not know. */
const searchAttributes = {
  Tenant: keyword,
  Product: keyword,
  Priority: keyword,
  Template: keyword,
  Status: keyword,
  SlaState: keyword,
  Stage: keyword,
  HandoffTo: keyword,
  EscalationLevel: int,
  DueAt: datetime,
};
