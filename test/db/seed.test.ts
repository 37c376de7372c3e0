import { expect, test } from 'vitest';
import { withTenant } from '../../db/client.js';
import { listCalendars } from '../../db/queries/calendars.js';
import { findTenantSettings } from '../../db/queries/configuration.js';
import { currentPolicySet, findPolicyWorld } from '../../db/queries/policy-sets.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { calendarProblems } from '../../domain/sla/calendar.js';
import { matchPolicy } from '../../domain/sla/match.js';
import { policyProblems } from '../../domain/sla/validate.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';

const { tenant } = demo;
const keys = { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() };

const look = ({ db }: TestDatabase) =>
  withTenant(db, tenant, async (tx) => ({
    calendars: await listCalendars(tx, tenant, { limit: 10 }),
    set: await currentPolicySet(tx, tenant),
    settings: await findTenantSettings(tx, tenant),
    world: await findPolicyWorld(tx, tenant, ['office']),
  }));

test('the demo tenant has no service levels unless asked for', async () => {
  await using database = await freshDatabase();
  await seedDemo(database.url, keys);
  const { calendars, set, settings } = await look(database);
  expect([calendars, set, settings.fallbackRecipient]).toEqual([[], undefined, null]);
});

test('its service levels could have been published as they are, and are made once', async () => {
  await using database = await freshDatabase();
  await seedDemo(database.url, keys, { policies: true });
  const first = await look(database);
  const { calendars, set, settings, world } = first;
  expect(calendars.map(({ id, body }) => [id, calendarProblems(body)])).toEqual([['office', []]]);
  const policies = set?.policies ?? [];
  expect(policyProblems(policies, { ...world, reaches: () => true })).toEqual([]);
  expect(settings.fallbackRecipient).toBe(demo.admin);
  const facts = { product: 'demo', category: null, channel: 'email', customerTier: null, tags: [] };
  const chosen = ['low', 'medium', 'high', 'urgent'].map((priority) => matchPolicy(policies, { ...facts, priority })?.policy.id);
  expect(chosen).toEqual(['standard', 'standard', 'standard', 'urgent']);
  await seedDemo(database.url, keys, { policies: true });
  expect(await look(database)).toEqual(first);
});
