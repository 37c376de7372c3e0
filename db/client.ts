/** The one place where pools are made; every unit of work runs in a transaction that knows its tenant. */
import { CamelCasePlugin, Kysely, PostgresDialect, sql } from 'kysely';
import type { Transaction } from 'kysely';
import pg from 'pg';
import type { TenantId } from '../domain/ids.js';
import type { DB } from './schema.js';

export type Db = Kysely<DB>;
export type TenantTx = Transaction<DB>;

/** Roles a pool may run as; none of them can step round row-level security. */
export type DatabaseRole = 'usher_app' | 'usher_relay' | 'usher_owner';

export interface DbOptions {
  readonly url: string;
  readonly role: DatabaseRole;
  /** Connections at most. */
  readonly pool: number;
  /** Shown by PostgreSQL beside each connection. */
  readonly name: string;
  /** Told about connections that broke; the pool replaces them by itself. */
  readonly onBroken: (message: string) => void;
}

/** How long a unit of work waits for a connection or a lock, and how long one statement may take, in milliseconds. */
const waits = { pool: 2_000, lock: 2_000, statement: 5_000 } as const;

/** Opens a pool. The role is taken when a connection starts, so no statement ever runs without it. */
export function createDb({ url, role, pool, name, onBroken }: DbOptions): Db {
  const settings = `-c role=${role} -c statement_timeout=${waits.statement} -c lock_timeout=${waits.lock} -c idle_in_transaction_session_timeout=30000`;
  const connections = new pg.Pool({
    connectionString: url,
    max: pool,
    connectionTimeoutMillis: waits.pool,
    application_name: name,
    options: settings,
    keepAlive: true,
  });
  // Without a listener a lost server would end the whole process: an idle connection tells the pool, one at work only itself.
  // The error is told by its message, since it carries the connection with its password.
  connections.on('connect', (client) => client.on('error', ({ message }) => onBroken(message)));
  connections.on('error', () => undefined);
  return new Kysely<DB>({
    dialect: new PostgresDialect({ pool: connections }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
}

/** Runs work in one transaction that sees this tenant's rows and no others. */
export const withTenant = <T>(db: Db, tenant: TenantId, work: (tx: TenantTx) => Promise<T>): Promise<T> =>
  db.transaction().execute(async (tx) => {
    await sql`select set_config('app.tenant', ${tenant}, true)`.execute(tx);
    return work(tx);
  });

/**
 * Refuses a database that would not keep what it was told, or a role that row-level security does not bind.
 *
 * @throws Error naming the setting
 */
export async function assertSafe(db: Db): Promise<void> {
  const { rows } = await sql<{ name: string; ok: boolean }>`
    select name, setting = 'on' as ok from pg_settings where name in ('fsync', 'full_page_writes')
    union all select 'synchronous_commit', current_setting('synchronous_commit') <> 'off'
    union all select 'role ' || current_user, not (rolsuper or rolbypassrls) from pg_roles where rolname = current_user`.execute(db);
  const unsafe = rows.filter((row) => !row.ok).map((row) => row.name);
  if (unsafe.length > 0) throw new Error(`PostgreSQL is not set up safely: ${unsafe.join(', ')}`);
}

/** Answers when PostgreSQL does. */
export const ping = async (db: Db): Promise<void> => void (await sql`select 1`.execute(db));
