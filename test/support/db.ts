/** A database of its own for each test file, cloned from the migrated template. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { createDb } from '../../db/client.js';
import type { Db } from '../../db/client.js';

export interface TestDatabase extends AsyncDisposable {
  /** As api and activities see it. */
  readonly db: Db;
  /** As relays and sweeps see it. */
  readonly relay: Db;
  readonly url: string;
  /** Past all row rules: for looking at what was written. */
  readonly superuser: string;
}

/** Nobody has to be quick here: a machine that stands still breaks nothing off. */
const waits = { pool: 60_000, lock: 60_000, statement: 60_000 };

/** A fresh, migrated, empty database. */
export async function freshDatabase(): Promise<TestDatabase> {
  const urls = inject('postgres');
  const name = `t_${randomBytes(6).toString('hex')}`;
  const of = (database: string) => ({ url: urls.url.replace('%', database), superuser: urls.superuser.replace('%', database) });
  await administer(of('postgres').superuser, `create database ${name} template usher owner usher_login`);
  const { url, superuser } = of(name);
  const open = (role: 'usher_app' | 'usher_relay'): Db =>
    createDb({ url, role, pool: 5, waits, name: `test-${role}`, onBroken: () => undefined });
  const db = open('usher_app');
  const relay = open('usher_relay');
  return {
    db,
    relay,
    url,
    superuser,
    async [Symbol.asyncDispose]() {
      await Promise.all([db.destroy(), relay.destroy()]);
      await administer(of('postgres').superuser, `drop database ${name} with (force)`);
    },
  };
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
