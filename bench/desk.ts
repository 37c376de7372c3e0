/** Who and what the load works with: two products in the demo tenant, with agents, a lead and customers of their own. */
import { createHash } from 'node:crypto';
import type { Db } from '../db/client.js';
import { withTenant } from '../db/client.js';
import { demo, newApiKey } from '../db/seed.js';
import { ProductSettings } from '../domain/configuration/schema.js';
import type { LoadSetup } from './load-job.js';

export type Desk = Pick<LoadSetup, 'tenant' | 'agents' | 'customers'>;

/** One that sends no mail, and one that acknowledges, sends replies and tells of the solution. */
export const products = { silent: 'bench', mailing: 'bench-mail' } as const;

const agentCount = 20;
const customerCount = 500; // so that no customer's row is what everybody waits for

/** Told of what is late on the bench's products; a lead of the demo product does not see them. */
const leadEmail = 'bench-lead@usher.localhost';

const id = (kind: 'a' | 'b' | 'c', number: number): string => `018f3b1e-0000-7000-${kind}000-${number.toString(16).padStart(12, '0')}`;

/** Sets the desk up; a second time it only gets new keys. */
export async function openDesk(db: Db): Promise<Desk> {
  const agents = people('a', agentCount);
  const customers = people('b', customerCount).map((person, index) => ({ ...person, email: `bench${index + 1}@example.com` }));
  const { tenant: tenantId } = demo;
  await withTenant(db, tenantId, async (tx) => {
    await tx
      .insertInto('product')
      .values([productRow(products.silent, false), productRow(products.mailing, true)])
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await tx
      .insertInto('agent')
      .values([
        ...agents.map((agent, index) => ({
          tenantId,
          id: agent.id,
          name: `Bench ${index}`,
          email: `bench-agent${index}@usher.localhost`,
          role: 'agent',
        })),
        { tenantId, id: id('c', 1), name: 'Bench lead', email: leadEmail, role: 'lead' },
      ])
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await tx
      .insertInto('customer')
      .values(customers.map((customer) => ({ tenantId, id: customer.id, name: null })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await tx
      .insertInto('customerContact')
      .values(customers.map(({ id: customerId, email }) => ({ tenantId, customerId, kind: 'email', value: email, verified: true })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const keys = [...agents.map((agent) => keyRow(agent, 'user')), ...customers.map((customer) => keyRow(customer, 'customer'))];
    await tx
      .insertInto('apiKey')
      .values(keys.map((key) => ({ tenantId, ...key })))
      .onConflict((conflict) =>
        conflict.columns(['tenantId', 'id']).doUpdateSet((eb) => ({ hash: eb.ref('excluded.hash'), prefix: eb.ref('excluded.prefix') })),
      )
      .execute();
  });
  return { tenant: tenantId, agents, customers };
}

function productRow(key: string, mails: boolean) {
  const mail = { acknowledgement: mails, reply: mails, resolved: mails };
  return { tenantId: demo.tenant, key, name: key, settings: JSON.stringify(ProductSettings.parse({ fromName: 'Bench Support', mail })) };
}

const people = (kind: 'a' | 'b', count: number): { id: string; key: string }[] =>
  Array.from({ length: count }, (_, index) => ({ id: id(kind, index + 1), key: newApiKey() }));

const keyRow = ({ id: owner, key }: { id: string; key: string }, ownerKind: 'user' | 'customer') => ({
  id: owner,
  hash: createHash('sha256').update(key).digest(),
  prefix: key.slice(0, 8),
  ownerKind,
  ownerId: owner,
});
