import pg from 'pg';
import { environmentWithout } from './environment.js';
import type { Log } from './log.js';
import { runCommand } from './run-command.js';

/** The databases of the production-like server and the folder of their tables within its own sources. */
const databases = { temporal: 'temporal', temporal_visibility: 'visibility' };

/** Its login; it owns both databases, which hold nothing of Usher's. */
export const engineLogin = { user: 'temporal', password: 'temporal' };

/** Brings role, databases and tables to what this server version wants; what is there already stays. */
export async function prepareEngineDatabases(sqlTool: string, adminUrl: string, log: Log): Promise<void> {
  await withClient(adminUrl, async (client) => {
    const { user, password } = engineLogin;
    const role = await client.query('select from pg_roles where rolname = $1', [user]);
    if (role.rowCount === 0) await client.query(`create role ${user} login password '${password}'`);
    for (const name of Object.keys(databases)) {
      const found = await client.query('select from pg_database where datname = $1', [name]);
      if (found.rowCount === 0) await client.query(`create database ${name} owner ${user}`);
    }
  });
  for (const [name, tables] of Object.entries(databases)) await updateSchema(sqlTool, urlOf(adminUrl, name), tables, log);
  await withClient(urlOf(adminUrl, 'temporal'), (client) => client.query('truncate cluster_membership')); // it runs alone: no other member lives
}

/** The same server, another database. */
function urlOf(adminUrl: string, database: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  return url.href;
}

async function updateSchema(sqlTool: string, adminUrl: string, tables: string, log: Log): Promise<void> {
  const { hostname, port, pathname } = new URL(adminUrl);
  const env = environmentWithout(['SQL_'], {
    SQL_PLUGIN: 'postgres12_pgx',
    SQL_HOST: hostname,
    SQL_PORT: port === '' ? '5432' : port,
    SQL_USER: engineLogin.user,
    SQL_PASSWORD: engineLogin.password,
    SQL_DATABASE: pathname.slice(1),
  });
  const run = (...args: string[]): Promise<string> => runCommand(sqlTool, args, { env, limitMs: 120_000 });
  let isNew = false;
  await withClient(adminUrl, async (client) => {
    isNew = (await client.query("select from pg_tables where tablename = 'schema_version'")).rowCount === 0;
    await client.query('create extension if not exists btree_gin');
  });
  if (isNew) {
    log(`preparing the tables in ${pathname.slice(1)} (once)`);
    await run('setup-schema', '-v', '0.0');
  }
  await run('update-schema', '--schema-name', `postgresql/v12/${tables}`);
}

async function withClient(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
