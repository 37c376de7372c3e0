/** Connections that may come up later than the API itself. */
import { Client, Connection } from '@temporalio/client';
import type { Logger } from '../logger.js';
import { assertSafe, createDb } from '../db/client.js';
import type { Db, DbOptions } from '../db/client.js';
import { isDatabaseDown } from './errors.js';

export interface TemporalSettings {
  readonly address: string;
  readonly namespace: string;
  readonly apiKey: string | undefined;
  readonly tls: boolean;
}

/** A client that connects when it is first used, and again after every loss. It never retries by itself: see `createCommands`. */
export function openTemporal({ address, namespace, apiKey, tls }: TemporalSettings): AsyncDisposable & { readonly client: Client } {
  const connection = Connection.lazy({
    address,
    tls: tls || apiKey !== undefined,
    ...(apiKey === undefined ? {} : { apiKey }),
    interceptors: [],
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 250, 'grpc.max_reconnect_backoff_ms': 2_000 },
  });
  return { client: new Client({ connection, namespace }), [Symbol.asyncDispose]: () => connection.close() };
}

export function openDb(options: Omit<DbOptions, 'onBroken'>, log: Logger): AsyncDisposable & { readonly db: Db } {
  const db = createDb({ ...options, onBroken: (reason) => log.warn({ reason }, 'a database connection broke') });
  return { db, [Symbol.asyncDispose]: () => db.destroy() };
}

const pause = 1_000;

/**
 * Checks the database as soon as it answers, and tells what is wrong with it.
 *
 * @returns how the check stands: rejects until it has passed
 */
export function safeOnceReachable(db: Db, log: Logger, unsafe: (error: unknown) => void): () => Promise<void> {
  let safe = false;
  const look = async (): Promise<void> => {
    try {
      await assertSafe(db);
      safe = true;
    } catch (error) {
      if (!isDatabaseDown(error)) return unsafe(error);
      log.warn('PostgreSQL not reachable yet');
      setTimeout(() => void look(), pause).unref();
    }
  };
  void look();
  return async () => {
    if (!safe) throw new Error('not checked yet');
  };
}
