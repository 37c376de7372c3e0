/** Agents with keys of their own: one credential may hold twenty streams. */
import { createHash } from 'node:crypto';
import type { Db } from '../../db/client.js';
import { withTenant } from '../../db/client.js';
import { demo, newApiKey } from '../../db/seed.js';

const id = (number: number): string => `018f3b1e-0000-7000-d000-${number.toString(16).padStart(12, '0')}`;

/** Sets up so many; a second time they only get new keys. */
export async function openKeys(db: Db, count: number): Promise<string[]> {
  const { tenant: tenantId } = demo;
  const agents = Array.from({ length: count }, (_, index) => ({ id: id(index + 1), key: newApiKey() }));
  await withTenant(db, tenantId, async (tx) => {
    await tx
      .insertInto('agent')
      .values(
        agents.map((agent, index) => ({
          tenantId,
          id: agent.id,
          name: `Bench reader ${index}`,
          email: `bench-reader${index}@usher.localhost`,
          role: 'agent',
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await tx
      .insertInto('apiKey')
      .values(
        agents.map((agent) => ({
          tenantId,
          id: agent.id,
          ownerKind: 'user',
          ownerId: agent.id,
          hash: createHash('sha256').update(agent.key).digest(),
          prefix: agent.key.slice(0, 8),
        })),
      )
      .onConflict((conflict) =>
        conflict.columns(['tenantId', 'id']).doUpdateSet((eb) => ({ hash: eb.ref('excluded.hash'), prefix: eb.ref('excluded.prefix') })),
      )
      .execute();
  });
  return agents.map(({ key }) => key);
}
