/** Demo data: one tenant with one product, a small team and a few customers. `npm run db:seed` prints nothing secret: keys come from the caller. */
import { createHash, randomBytes } from 'node:crypto';
import { loadConfig } from '../config.js';
import { formatApiKey } from '../domain/access/api-key.js';
import { hundredfold } from '../domain/access/limits.js';
import { scopes } from '../domain/access/principal.js';
import { ProductSettings } from '../domain/configuration/schema.js';
import { asTenantId } from '../domain/ids.js';
import { createDb, withTenant } from './client.js';
import type { TenantTx } from './client.js';
import { recordAudit } from './queries/audit.js';
import { seedServiceLevels } from './seed-service-levels.js';

/** API keys by the role they give. */
export interface DemoKeys {
  readonly admin: string;
  readonly lead: string;
  readonly agent: string;
  readonly customer: string;
  /** For gateways that submit mail. */
  readonly gateway: string;
  /** A service with every scope. */
  readonly service?: string;
}

const id = (number: number): string => `018f3b1e-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;

/** Ids of the demo data, fixed so that a second seed finds the first. */
export const demo = {
  tenant: asTenantId(id(1)),
  product: 'demo',
  team: id(0x10),
  admin: id(0x20),
  lead: id(0x21),
  agents: [id(0x22), id(0x23), id(0x24)],
  customers: [id(0x30), id(0x31), id(0x32), id(0x33)],
  gateway: id(0x40),
  service: id(0xaa),
  identityProvider: id(0x50),
} as const;

/** Numbers that belong to nobody: 555-0100 to 555-0199 are kept for fiction. */
const phone = (number: number): string => `+120255501${number}`;

const staff = [
  { id: demo.admin, name: 'Demo Admin', email: 'admin@usher.localhost', role: 'admin', phone: phone(20) },
  { id: demo.lead, name: 'Demo Lead', email: 'lead@usher.localhost', role: 'lead', phone: phone(21) },
  ...demo.agents.map((agent, index) => ({
    id: agent,
    name: `Demo Agent ${index + 1}`,
    email: `agent${index + 1}@usher.localhost`,
    role: 'agent',
    phone: phone(22 + index),
  })),
];

interface DemoOptions {
  /** Whether its tickets run under service levels. */
  readonly policies?: boolean;
  /** Whether a new ticket starts the support journey. */
  readonly journeys?: boolean;
  /** Whose tokens its people may sign in with; it may move. */
  readonly identityProvider?: { readonly issuer: string; readonly audience: string };
}

/**
 * Seeds the tenant `demo`; a second call changes nothing but keys that differ.
 *
 * @param url a login that may take the role usher_app
 */
export async function seedDemo(
  url: string,
  keys: DemoKeys,
  { policies = false, journeys = false, identityProvider }: DemoOptions = {},
): Promise<void> {
  const db = createDb({ url, role: 'usher_app', pool: 1, name: 'usher-seed', onBroken: () => undefined });
  try {
    await withTenant(db, demo.tenant, async (tx) => {
      await seedDesk(tx, journeys);
      await seedCustomers(tx);
      await seedKeys(tx, keys);
      if (identityProvider !== undefined) await seedIdentityProvider(tx, identityProvider);
      if (policies) await seedServiceLevels(tx, demo.tenant, demo.admin);
      const by = { tenant: demo.tenant, actor: 'system/seed', source: 'cli' } as const;
      await recordAudit(tx, by, { action: 'demo.seeded', subject: `tenant/${demo.tenant}` });
    });
  } finally {
    await db.destroy();
  }
}

async function seedDesk(tx: TenantTx, supportJourney: boolean): Promise<void> {
  const tenantId = demo.tenant;
  const settings = ProductSettings.parse({
    fromName: 'Demo Support',
    defaultTeam: demo.team,
    categories: ['Billing', 'Appointment', 'Technical', 'Medical'],
    supportJourney,
  });
  await tx
    .insertInto('tenant')
    .values({ tenantId, key: 'demo', name: 'Demo' })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx
    .insertInto('requestLimits')
    .values({ tenantId, limits: JSON.stringify(hundredfold), revision: 2 })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx
    .insertInto('product')
    .values({ tenantId, key: demo.product, name: 'Demo product', settings: JSON.stringify(settings) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx
    .insertInto('team')
    .values({ tenantId, id: demo.team, name: 'Support' })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx
    .insertInto('agent')
    .values(staff.map((person) => ({ tenantId, ...person, products: person.role === 'admin' ? null : [demo.product] })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx
    .insertInto('teamMember')
    .values(staff.map((person) => ({ tenantId, teamId: demo.team, agentId: person.id })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx
    .insertInto('serviceAccount')
    .values([
      { tenantId, id: demo.gateway, name: 'Mail gateway', scopes: ['messages:write'], products: null },
      { tenantId, id: demo.service, name: 'Demo service', scopes: [...scopes], products: null },
    ])
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

async function seedCustomers(tx: TenantTx): Promise<void> {
  const tenantId = demo.tenant;
  const people = demo.customers.map((customer, index) => ({
    customer,
    name: `Demo Customer ${index + 1}`,
    email: `customer${index + 1}@example.com`,
  }));
  await tx
    .insertInto('customer')
    .values(people.map(({ customer, name }) => ({ tenantId, id: customer, name })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx
    .insertInto('customerContact')
    .values(people.map(({ customer, email }) => ({ tenantId, customerId: customer, kind: 'email', value: email, verified: true })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

async function seedKeys(tx: TenantTx, keys: DemoKeys): Promise<void> {
  const owners = [
    { key: keys.admin, ownerKind: 'user', ownerId: demo.admin },
    { key: keys.lead, ownerKind: 'user', ownerId: demo.lead },
    { key: keys.agent, ownerKind: 'user', ownerId: demo.agents[0] ?? demo.lead },
    { key: keys.customer, ownerKind: 'customer', ownerId: demo.customers[0] ?? '' },
    { key: keys.gateway, ownerKind: 'service', ownerId: demo.gateway },
    ...(keys.service === undefined ? [] : [{ key: keys.service, ownerKind: 'service', ownerId: demo.service }]),
  ];
  const rows = owners.map(({ key, ownerKind, ownerId }) => ({
    tenantId: demo.tenant,
    // One key per owner here: its id may be the owner's.
    id: ownerId,
    hash: createHash('sha256').update(key).digest(),
    prefix: key.slice(0, 8),
    ownerKind,
    ownerId,
  }));
  await tx
    .insertInto('apiKey')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['tenantId', 'id']).doUpdateSet((eb) => ({ hash: eb.ref('excluded.hash'), prefix: eb.ref('excluded.prefix') })),
    )
    .execute();
}

async function seedIdentityProvider(tx: TenantTx, { issuer, audience }: NonNullable<DemoOptions['identityProvider']>): Promise<void> {
  await tx
    .insertInto('identityProvider')
    .values({
      tenantId: demo.tenant,
      id: demo.identityProvider,
      name: 'Demo identity provider',
      issuer,
      audience,
      algorithms: ['RS256'],
      tokenType: 'at+jwt',
      leewayS: 30,
      people: 'all',
      linkByEmail: true,
    })
    .onConflict((conflict) =>
      conflict.columns(['tenantId', 'id']).doUpdateSet((eb) => ({
        issuer: eb.ref('excluded.issuer'),
        audience: eb.ref('excluded.audience'),
        revision: eb('identityProvider.revision', '+', 1),
      })),
    )
    .execute();
}

/** A new key of 32 random bytes. */
export const newApiKey = (): string => formatApiKey(randomBytes(32));

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  const config = loadConfig();
  const keys = {
    admin: newApiKey(),
    lead: newApiKey(),
    agent: newApiKey(),
    customer: newApiKey(),
    gateway: newApiKey(),
    service: newApiKey(),
  };
  await seedDemo(config.DATABASE_URL, keys, { policies: true, journeys: true });
  process.stdout.write(`${JSON.stringify(keys, null, 2)}\n`);
}
