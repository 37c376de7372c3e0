/** Fills a database with a sample desk; what a broken-off run has loaded stays, and the next one goes on behind it. */
import pg from 'pg';
import { copyRows } from './copy.js';
import { lived } from './lives.js';
import { agentOf, customerOf, sampleProduct, sizes, teamOf } from './plan.js';
import type { SizeName } from './plan.js';
import { lifeRows } from './rows.js';
import type { Row } from './rows.js';
import { sampleCategories, sampleSettings, storyOf } from './stories.js';
import { ProductSettings } from '../../domain/configuration/schema.js';
import type { TenantId } from '../../domain/ids.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { hour } from '../../domain/time.js';

const batchSize = 1_000;

export class SampleError extends Error {
  override readonly name = 'SampleError';
}

export interface SampleOptions {
  /** Of a login that may bypass row-level security and triggers. */
  readonly url: string;
  readonly tenant: TenantId;
  readonly size: SizeName;
  /** The stories end there, in epoch milliseconds. */
  readonly until: number;
  readonly onProgress: (loaded: number, total: number) => void;
}

export interface Loaded {
  /** Tickets this run has written. */
  readonly written: number;
  /** All that are open, whoever wrote them: their workflows are to be started. */
  readonly open: readonly Ticket[];
}

/** @throws SampleError when another size is there, the tenant is not, or the login may not load */
export async function loadSample({ url, tenant, size: name, until, onProgress }: SampleOptions): Promise<Loaded> {
  const client = new pg.Client({ connectionString: url, application_name: 'usher-sample' });
  await client.connect();
  try {
    await mayLoad(client);
    const size = sizes[name];
    const ends = await begin(client, tenant, name, Math.floor(until / hour) * hour);
    const { rows } = await client.query<{ count: number }>(
      'select count(*)::int as count from ticket where tenant_id = $1 and product = $2 and scope like $3',
      [tenant, sampleProduct, 'sample/%'],
    );
    const there = rows[0]?.count ?? 0;
    const open: Ticket[] = [];
    for (let number = size.tickets - size.open; number < Math.min(there, size.tickets); number += 1)
      open.push(lived(storyOf(tenant, size, ends, number)).ticket);
    for (let first = there; first < size.tickets; first += batchSize) {
      const lives = Array.from({ length: Math.min(batchSize, size.tickets - first) }, (_, index) =>
        lived(storyOf(tenant, size, ends, first + index)),
      );
      const all = lives.map(lifeRows);
      await inTransaction(client, async () => {
        await copyRows(
          client,
          'content',
          all.flatMap(({ content }) => content),
        );
        await copyRows(
          client,
          'event',
          all.flatMap(({ event }) => event),
        );
        await copyRows(
          client,
          'ticket',
          all.map(({ ticket }) => ticket),
        );
        await client.query(
          `insert into audit (tenant_id, id, at, actor, source, action, subject, changes)
           values ($1, gen_random_uuid(), now(), 'system/sample', 'cli', 'sample.loaded', $2, $3)`,
          [tenant, `product/${sampleProduct}`, JSON.stringify({ first, count: all.length })],
        );
      });
      open.push(...lives.filter(({ story }) => story.number >= size.tickets - size.open).map(({ ticket }) => ticket));
      onProgress(first + lives.length, size.tickets);
    }
    if (there < size.tickets) await client.query('vacuum (analyze) content, event, ticket, customer, customer_contact, agent, team_member');
    return { written: Math.max(0, size.tickets - there), open: open.filter(({ status }) => status !== 'closed') };
  } finally {
    await client.end();
  }
}

/** COPY reaches no table under row-level security, and the live stream is not to tell of a year at once. */
async function mayLoad(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ may: boolean }>('select rolsuper as may from pg_roles where rolname = current_user');
  if (rows[0]?.may !== true)
    throw new SampleError('DATABASE_URL must be of a superuser: sample data are loaded by COPY, past row-level security.');
}

/** Writes what tickets refer to, once; answers when the stories end. */
async function begin(client: pg.Client, tenant: TenantId, name: SizeName, until: number): Promise<number> {
  const known = await client.query<{ name: string; until: Date }>(
    'select name, created_at as until from product where tenant_id = $1 and key = $2',
    [tenant, sampleProduct],
  );
  const [product] = known.rows;
  if (product !== undefined) {
    if (product.name !== titleOf(name))
      throw new SampleError(`There is a sample desk of another size already: "${product.name}". Begin anew with npm start -- --fresh.`);
    return product.until.getTime();
  }
  const { rowCount } = await client.query('select 1 from tenant where tenant_id = $1', [tenant]);
  if (rowCount === 0) throw new SampleError(`There is no tenant ${tenant} to load into. Run npm run db:seed first.`);
  await inTransaction(client, async () => {
    for (const [table, rows] of Object.entries(people(tenant, name, until))) await copyRows(client, table, rows);
  });
  return until;
}

const titleOf = (name: SizeName): string => `Sample desk, ${name}`;
const teamNames = ['Billing', 'Delivery', 'Technical', 'Accounts', 'Appointments'] as const;

function people(tenant_id: TenantId, name: SizeName, until: number): Record<string, Row[]> {
  const size = sizes[name];
  const created_at = new Date(until).toISOString();
  const settings = ProductSettings.parse({ fromName: 'Sample Support', categories: [...sampleCategories], mail: sampleSettings.mail });
  return {
    product: [{ tenant_id, key: sampleProduct, name: titleOf(name), settings, created_at }],
    team: count(size.teams, (number) => ({
      tenant_id,
      id: teamOf(number),
      name: `${teamNames[number % teamNames.length] ?? ''} ${Math.floor(number / teamNames.length) + 1}`,
    })),
    agent: count(size.agents, (number) => ({
      tenant_id,
      id: agentOf(number),
      name: `Sample Agent ${number + 1}`,
      email: `sample-agent-${number + 1}@usher.localhost`,
      role: number % 10 === 0 ? 'lead' : 'agent',
      products: [sampleProduct],
    })),
    team_member: count(size.agents, (number) => ({ tenant_id, team_id: teamOf(number % size.teams), agent_id: agentOf(number) })),
    customer: count(size.customers, (number) => ({ tenant_id, id: customerOf(number), name: `Sample Customer ${number + 1}` })),
    customer_contact: count(size.customers, (number) => ({
      tenant_id,
      customer_id: customerOf(number),
      kind: 'email',
      value: `sample-${number + 1}@example.com`,
      verified: true,
    })),
  };
}

const count = <T>(length: number, make: (number: number) => T): T[] => Array.from({ length }, (_, number) => make(number));

async function inTransaction(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query('begin');
  try {
    // The trigger that tells live streams, and the checks of keys that are right by construction.
    await client.query('set local session_replication_role = replica');
    await work();
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}
