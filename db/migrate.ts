/** Brings the database to the newest schema: `npm run db:migrate`, `db:rollback`, `-- status`. */
import { Kysely, Migrator, PostgresDialect } from 'kysely';
import pg from 'pg';
import { loadConfig } from '../config.js';
import { createLogger } from '../logger.js';
import { migrations } from './migrations/index.js';

/** NOLOGIN roles, made before the first migration: what each may do stands in the migrations. */
const databaseRoles = ['usher_owner', 'usher_app', 'usher_relay', 'usher_search', 'usher_auth'] as const;

const migrateLock = 7_405_681;

/**
 * Makes the roles and applies what is missing. Safe to call from several processes at once.
 *
 * @param ownerUrl a login that may create roles and owns the database
 * @returns the names of the migrations that were applied
 */
export const migrateToLatest = (ownerUrl: string): Promise<string[]> => migrating(ownerUrl, (migrator) => migrator.migrateToLatest());

/** Takes the newest migration back. */
export const migrateDown = (ownerUrl: string): Promise<string[]> => migrating(ownerUrl, (migrator) => migrator.migrateDown());

/** Names of all migrations, and which are applied. */
export async function migrationStatus(ownerUrl: string): Promise<{ name: string; appliedAt: Date | null }[]> {
  const db = await openOwner(ownerUrl);
  try {
    const all = await migratorOf(db).getMigrations();
    return all.map(({ name, executedAt }) => ({ name, appliedAt: executedAt ?? null }));
  } finally {
    await db.destroy();
  }
}

async function migrating(ownerUrl: string, run: (migrator: Migrator) => ReturnType<Migrator['migrateToLatest']>): Promise<string[]> {
  const db = await openOwner(ownerUrl);
  try {
    const { error, results } = await run(migratorOf(db));
    if (error !== undefined) throw error instanceof Error ? error : new Error('a migration failed', { cause: error });
    return (results ?? []).filter((result) => result.status === 'Success').map((result) => result.migrationName);
  } finally {
    await db.destroy();
  }
}

const migratorOf = (db: Kysely<unknown>): Migrator => new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });

async function openOwner(ownerUrl: string): Promise<Kysely<unknown>> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await makeRoles(client);
  } finally {
    await client.end();
  }
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 1, options: '-c role=usher_owner' });
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
}

/** Roles belong to the whole server, so another database may have made them, or make them now. */
async function makeRoles(client: pg.Client): Promise<void> {
  await client.query('select pg_advisory_lock($1)', [migrateLock]);
  try {
    for (const role of databaseRoles) {
      const found = await client.query('select from pg_roles where rolname = $1', [role]);
      if (found.rows.length === 0) await client.query(`create role ${role} nologin`);
      await takeRole(client, role);
    }
    await client.query('grant usher_search, usher_auth to usher_owner');
    await client.query('grant usage, create on schema public to usher_owner, usher_search, usher_auth');
    await client.query('grant usage on schema public to usher_app, usher_relay');
  } finally {
    await client.query('select pg_advisory_unlock($1)', [migrateLock]);
  }
}

/** Lets this login run as the role; a role that another login made has to be granted by somebody who may. */
async function takeRole(client: pg.Client, role: string): Promise<void> {
  const may = async (): Promise<boolean> =>
    client.query(`set role ${role}`).then(
      () => true,
      () => false,
    );
  const had = await may();
  await client.query('reset role');
  if (had) return;
  try {
    await client.query(`grant ${role} to current_user`);
  } catch (cause) {
    const { rows } = await client.query<{ login: string }>('select current_user as login');
    throw new Error(
      `The role ${role} exists and ${rows[0]?.login ?? 'this login'} may not take it: as a superuser, "grant ${role} to …" first.`,
      { cause },
    );
  }
}

const commands: Record<string, (url: string) => Promise<unknown>> = { up: migrateToLatest, down: migrateDown, status: migrationStatus };

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  const config = loadConfig();
  const log = createLogger({ level: config.LOG_LEVEL, pretty: config.LOG_PRETTY, name: 'migrate' });
  const command = process.argv[2] ?? 'up';
  const run = commands[command];
  if (run === undefined) throw new Error(`unknown command ${command}: use ${Object.keys(commands).join(', ')}`);
  log.info({ result: await run(config.DATABASE_OWNER_URL ?? config.DATABASE_URL) }, `migrations: ${command}`);
}
