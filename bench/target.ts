/** The system under test: a stack of our own in a folder that goes away, or one that runs already. */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { z } from 'zod';
import type { Db } from '../db/client.js';
import { createDb } from '../db/client.js';
import type { Log } from '../local/log.js';
import { silent } from '../local/log.js';
import { removePostgres } from '../local/postgres.js';
import type { Stack } from '../local/stack.js';
import { startStack } from '../local/stack.js';

const Info = z.object({ apiUrl: z.string(), temporalAddress: z.string(), namespace: z.string(), databaseUrl: z.string() });
type Info = z.output<typeof Info>;

export interface Target extends AsyncDisposable {
  readonly info: Info;
  /** The parts, when they are ours to stop and start. */
  readonly stack: Stack | undefined;
  /** Where the state is, when it is ours. */
  readonly folder: string | undefined;
  readonly client: Client;
  /** As api and worker see the database. */
  readonly db: Db;
  /** For counters of the server itself. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
}

export interface OwnOptions {
  engine: 'dev' | 'server';
  signal: AbortSignal;
  /** For api and worker. */
  env?: Record<string, string>;
  log: Log;
}

/** Starts the same parts as `npm start`, on free ports. */
export async function openOwn({ engine, signal, env = {}, log }: OwnOptions): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), 'usher-bench-'));
  await chmod(folder, 0o711); // PostgreSQL may run as another account and has to pass
  const stateDir = join(folder, 'state');
  const remove = async (): Promise<void> => {
    await removePostgres(join(stateDir, 'postgres'), silent); // it may have been kept elsewhere
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const stack = await startStack({ stateDir, ports: 'free', engine, signal, env, log });
    const end = async (): Promise<void> => {
      await stack.stop();
      await remove();
    };
    return await connect(stack.info, { stack, folder, end });
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Uses a system that runs on this state folder. */
export async function attach(stateDir: string): Promise<Target> {
  const text = await readFile(join(stateDir, 'local.json'), 'utf8').catch(() => {
    throw new Error(`nothing runs on ${stateDir}: start it with npm start, or leave --attach out`);
  });
  return connect(Info.parse(JSON.parse(text)), { stack: undefined, folder: undefined, end: () => Promise.resolve() });
}

interface Origin {
  stack: Stack | undefined;
  folder: string | undefined;
  end: () => Promise<void>;
}

async function connect(info: Info, { stack, folder, end }: Origin): Promise<Target> {
  const connection = await Connection.connect({ address: info.temporalAddress }).catch(async (error: unknown) => {
    await end();
    throw error;
  });
  const db = createDb({ url: info.databaseUrl, role: 'usher_app', pool: 2, name: 'usher-bench', onBroken: () => undefined });
  return {
    info,
    stack,
    folder,
    client: new Client({ connection, namespace: info.namespace }),
    db,
    async sql(text, values) {
      const client = new pg.Client({ connectionString: info.databaseUrl, application_name: 'usher-bench' });
      await client.connect();
      try {
        return (await client.query(text, values)).rows;
      } finally {
        await client.end();
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([db.destroy(), connection.close()]);
      await end();
    },
  };
}
