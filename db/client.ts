/** The one place where pools are made; every unit of work runs in a transaction that knows its tenant. */
import { CamelCasePlugin, CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely';
import type { Transaction } from 'kysely';
import pg from 'pg';
import { uuidPattern } from '../domain/ids.js';
import type { TenantId } from '../domain/ids.js';
import { beginForOne, preparing } from './prepared.js';
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
  readonly waits?: Waits;
  /** Shown by PostgreSQL beside each connection. */
  readonly name: string;
  /** Told about connections that broke; the pool replaces them by itself. */
  readonly onBroken: (message: string) => void;
}

/** How long a unit of work waits for a connection or a lock, and how long one statement may take, in milliseconds. */
export interface Waits {
  readonly pool: number;
  readonly lock: number;
  readonly statement: number;
}

/** The waits of work that has this long in all: some of it is left when a connection or a lock does not come. */
export const waitsWithin = (ms: number): Waits => ({ pool: Math.round(0.4 * ms), lock: Math.round(0.4 * ms), statement: ms });

const usual = waitsWithin(5_000);

/** By itself PostgreSQL may plan a statement anew each time, for longer than it takes to run. */
const planMode = { name: 'plan_cache_mode', one: 'force_generic_plan' } as const;

/** Opens a pool. The role is taken when a connection starts, so no statement ever runs without it. */
export function createDb({ url, role, pool, waits = usual, name, onBroken }: DbOptions): Db {
  // What the relays ask again and again is planned once, and must never go through a whole table, whatever was known of its size by then.
  const plans = role === 'usher_relay' ? ` -c enable_seqscan=off -c ${planMode.name}=${planMode.one}` : '';
  const settings = `-c role=${role}${plans} -c statement_timeout=${waits.statement} -c lock_timeout=${waits.lock} -c idle_in_transaction_session_timeout=30000`;
  const connections = new pg.Pool({
    connectionString: url,
    max: pool,
    connectionTimeoutMillis: waits.pool,
    application_name: name,
    options: settings,
    keepAlive: true,
    pipeline: true,
  });
  // Without a listener a lost server would end the whole process: an idle connection tells the pool, one at work only itself.
  // The error is told by its message, since it carries the connection with its password.
  connections.on('connect', (client) => client.on('error', ({ message }) => onBroken(message)));
  connections.on('error', () => undefined);
  return new Kysely<DB>({
    dialect: new PostgresDialect({ pool: preparing(connections) }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
}

export interface Terms {
  /** How long one statement may take, in milliseconds; the pool's own limit when absent. */
  readonly statementMs?: number | undefined;
  /** Each statement keeps one plan, whatever it is given: for those that find their rows by key. */
  readonly onePlan?: boolean;
  /** The work is one statement: its commit goes along with it, so that only a failure of the statement itself takes it back. */
  readonly forOne?: boolean;
}

/** Runs work in one transaction that sees this tenant's rows and no others. */
export const withTenant = <T>(db: Db, tenant: TenantId, work: (tx: TenantTx) => Promise<T>, terms: Terms = {}): Promise<T> =>
  db.connection().execute(async (connection) => {
    await connection.executeQuery(begin(tenant, terms));
    try {
      const result = await work(asTransaction(connection));
      await connection.executeQuery(commit);
      return result;
    } catch (error) {
      // The first error is the one to tell; a connection that is gone has rolled back by itself.
      await connection.executeQuery(rollback).catch(() => undefined);
      throw error;
    }
  });

const commit = CompiledQuery.raw('commit');
const rollback = CompiledQuery.raw('rollback');

/** Begins and sets the tenant in one round trip; such a pair takes no parameters, so what goes in is checked. */
function begin(tenant: TenantId, { statementMs, onePlan, forOne = false }: Terms): CompiledQuery {
  if (!uuidPattern.test(tenant)) throw new Error('a tenant id is a lower-case UUID');
  const limit = statementMs === undefined ? '' : `, set_config('statement_timeout', '${Math.trunc(statementMs)}', true)`;
  const plans = onePlan === true ? `, set_config('${planMode.name}', '${planMode.one}', true)` : '';
  return CompiledQuery.raw(`${forOne ? beginForOne : 'begin'}; select set_config('app.tenant', '${tenant}', true)${limit}${plans}`);
}

/** The connection has begun a transaction, which only `withTenant` ends. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const asTransaction = (connection: Db): TenantTx => connection as TenantTx;

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
