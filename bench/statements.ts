/**
 * What commands cost PostgreSQL: statements and bytes of its write-ahead log. Counted on a quiet system by PostgreSQL itself, after it was
 * started again with its extension for that; only on a stack of ours, and after everything whose speed counts.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Stack } from '../local/stack.js';
import { asTicketId } from '../domain/ids.js';
import { ticketWorkflowId } from '../workflows/ticket/start.js';
import type { Bench } from './bench.js';
import { lifeCalls } from './calls/life.js';
import { untilCalm } from './processes.js';
import { countedRound } from './rounds.js';

export interface StatementCounts {
  /** Statements of the worker for one command, by what they are. */
  worker: Record<string, number>;
  /** The same of the API for one write, the worker's not counted. */
  api: Record<string, number>;
  /** Bytes of the write-ahead log for one life, `full_page_writes` off; `all` is what the log grew, the rest what statements wrote, by database. */
  walPerLife: Record<string, number>;
}

const transactionControl = /^(begin|commit|rollback|start transaction)/i;
const commands = 40;

/** What a statement is, for people: the projection is told by how it begins. */
const kindOf = (query: string): string => {
  const text = query.trim();
  if (transactionControl.test(text)) return text.split(/\s/)[0]?.toLowerCase() ?? text;
  if (/set_config/.test(text)) return 'set_config';
  if (/^with given as/i.test(text)) return 'projection';
  if (/^select 1$|^select \$1$/i.test(text)) return 'ping';
  return text.replace(/\s+/g, ' ').slice(0, 60);
};

/** @returns nothing where PostgreSQL is not ours to start again */
export async function countStatements(bench: Bench): Promise<StatementCounts | undefined> {
  const { stack } = bench.target;
  if (stack?.postgres === undefined) return undefined;
  bench.say('counting statements and log bytes on a quiet system');
  await restartCounting(bench, stack);
  const ticket = await oneTicket(bench);
  await send(bench, ticket, 4); // connections and plans
  await countedRound(bench, { name: 'lives, before the counting', work: 'life' }, 8);
  await untilCalm(stack);

  await reset(bench);
  await send(bench, ticket, commands);
  const worker = perOne(await statements(bench), commands);

  const lives = bench.plan.sample;
  await untilCalm(stack);
  await reset(bench);
  const before = await logPosition(bench);
  await countedRound(bench, { name: 'lives, counted', work: 'life' }, lives);
  const all = (await logPosition(bench)) - before;
  const total = perOne(await statements(bench), lives * lifeCalls.length);
  const databases = await logByDatabase(bench);
  return {
    worker,
    api: Object.fromEntries(Object.entries(total).flatMap(([kind, count]) => beside(kind, count, worker[kind] ?? 0))),
    walPerLife: { all: all / lives, ...Object.fromEntries(Object.entries(databases).map(([name, bytes]) => [name, bytes / lives])) },
  };
}

/** What is left when the worker's own is taken away. */
const beside = (kind: string, count: number, workers: number): [string, number][] => {
  const left = Math.round((count - workers) * 100) / 100;
  return left > 0 ? [[kind, left]] : [];
};

async function restartCounting({ target }: Bench, stack: Stack): Promise<void> {
  await target.sql("alter system set shared_preload_libraries = 'pg_stat_statements'");
  await Promise.all([stack.api.stop(), stack.worker.stop()]);
  await stack.temporal?.stop();
  await stack.postgres?.stop();
  await stack.postgres?.start();
  await stack.temporal?.start();
  await Promise.all([stack.api.start(), stack.worker.start()]);
  await stack.untilReady();
  await target.sql('create extension if not exists pg_stat_statements');
  // Whole pages after a checkpoint depend on when it came; without them the bytes are the same each time.
  await target.sql('alter system set full_page_writes = off');
  await target.sql('select pg_reload_conf()');
}

async function oneTicket(bench: Bench): Promise<string> {
  const { tickets } = await countedRound(bench, { name: 'one ticket', work: 'create' }, 1);
  if (tickets[0] === undefined) throw new Error('the system does not work after PostgreSQL was started again');
  return tickets[0];
}

/** Straight to the workflow, so that only the worker speaks to PostgreSQL. */
async function send({ target }: Bench, ticket: string, count: number): Promise<void> {
  const handle = target.client.workflow.getHandle(ticketWorkflowId(asTicketId(ticket)));
  for (let index = 0; index < count; index += 1) {
    const commandId = randomUUID();
    const args = { actor: 'system/bench', role: 'system', source: 'system', commandId };
    await handle.executeUpdate(index % 2 === 0 ? 'hold' : 'start', { args: [args], updateId: commandId });
  }
}

const reset = ({ target }: Bench): Promise<unknown> => target.sql('select pg_stat_statements_reset()');

const Statement = z.object({ query: z.string(), calls: z.coerce.number() });

/** Statements of api and worker, which share a role; what relays and people ask under others is left out. */
async function statements({ target }: Bench): Promise<Map<string, number>> {
  const rows = await target.sql(
    `select query, calls from pg_stat_statements s join pg_roles r on r.oid = s.userid where r.rolname = 'usher_app'`,
  );
  const counts = new Map<string, number>();
  for (const { query, calls } of z.array(Statement).parse(rows)) counts.set(kindOf(query), (counts.get(kindOf(query)) ?? 0) + calls);
  counts.delete('ping');
  return counts;
}

const perOne = (counts: Map<string, number>, of: number): Record<string, number> =>
  Object.fromEntries([...counts].map(([kind, count]) => [kind, Math.round((count / of) * 100) / 100]));

/** Bytes ever written to the log. */
export async function logPosition({ target }: Pick<Bench, 'target'>): Promise<number> {
  const [row] = z
    .array(z.object({ bytes: z.coerce.number() }))
    .parse(await target.sql(`select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as bytes`));
  return row?.bytes ?? 0;
}

async function logByDatabase({ target }: Bench): Promise<Record<string, number>> {
  const rows = await target.sql(
    'select datname, sum(wal_bytes) as bytes from pg_stat_statements s join pg_database d on d.oid = s.dbid group by 1',
  );
  return Object.fromEntries(
    z
      .array(z.object({ datname: z.string(), bytes: z.coerce.number() }))
      .parse(rows)
      .map(({ datname, bytes }) => [datname, bytes]),
  );
}
