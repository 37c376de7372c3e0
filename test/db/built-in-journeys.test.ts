import { afterAll, beforeAll, expect, test } from 'vitest';
import { pino } from 'pino';
import { publishBuiltIns, publishBuiltInsOf } from '../../db/built-in-journeys.js';
import type { PublishedBuiltIn } from '../../db/built-in-journeys.js';
import { withTenant } from '../../db/client.js';
import { findTemplate, findVersion, insertVersion, listVersions, replaceDraft, templateHash } from '../../db/queries/journey-templates.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { asTenantId } from '../../domain/ids.js';
import { compile } from '../../domain/journey/compile.js';
import { plainJson } from '../../domain/journey/json.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { builtInJourneys } from '../../journeys/index.js';
import { startBuiltIns } from '../../worker/built-in-journeys.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';

let database: TestDatabase;
const other = asTenantId('018f3b1e-0000-7000-8000-000000000002');
const publish = (templates: readonly JourneyTemplate[]) => publishBuiltIns(database, templates);
const versions = (key: string, tenant = demo.tenant) => withTenant(database.db, tenant, (tx) => listVersions(tx, tenant, key));

const aTemplate = (key: string, name: string): JourneyTemplate => ({
  key,
  name,
  category: 'custom',
  subject: { type: 'customer', id: 'input.customerId' },
  input: { type: 'object', properties: { customerId: { type: 'string' } }, required: ['customerId'] },
  start: 'zeta',
  steps: {
    zeta: { kind: 'wait', for: 'P1D', transitions: [{ to: 'alpha' }] },
    alpha: { kind: 'end', outcome: 'done', result: 'won' },
  },
});

beforeAll(async () => {
  database = await freshDatabase();
  await seedDemo(database.url, { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() });
  await withTenant(database.db, other, (tx) => tx.insertInto('tenant').values({ tenantId: other, key: 'other', name: 'Other' }).execute());
});
afterAll(() => database[Symbol.asyncDispose]());

test('the templates of the product are published once in every tenant', async () => {
  const published = await publish(builtInJourneys);
  const keys = builtInJourneys.map(({ key }) => key);
  expect(published).toEqual([demo.tenant, other].flatMap((tenant) => keys.map((key) => ({ tenant, key, version: 1 }))));
  expect(await publish(builtInJourneys)).toEqual([]);
  expect(await versions(keys[0] ?? '', other)).toMatchObject([{ version: 1, status: 'published', publishedBy: 'system/journeys' }]);
});

test('a version is stored in its order, with its hash and its compiled form', async () => {
  const template = aTemplate('ordered', 'Ordered');
  await publishBuiltInsOf(database.db, demo.tenant, [template]);
  const found = await withTenant(database.db, demo.tenant, async (tx) => ({
    version: await findVersion(tx, demo.tenant, 'ordered', 1),
    compiled: await tx.selectFrom('journeyTemplateVersion').select('compiled').where('key', '=', 'ordered').executeTakeFirst(),
    template: await findTemplate(tx, demo.tenant, 'ordered'),
  }));
  expect(Object.keys(found.version?.document.steps ?? {})).toEqual(['zeta', 'alpha']);
  expect(found.version?.hash).toBe(templateHash(template));
  expect(found.compiled).toEqual({ compiled: compile(template) });
  expect(found.template).toMatchObject({ hash: templateHash(template), builtIn: true, latest: 1, editors: [] });
});

test('another content is the next version; several workers publish it once', async () => {
  await publish([aTemplate('renewed', 'First')]);
  const all = await Promise.all([1, 2, 3].map(() => publishBuiltInsOf(database.db, demo.tenant, [aTemplate('renewed', 'Second')])));
  expect(all.flat()).toEqual([{ tenant: demo.tenant, key: 'renewed', version: 2 }]);
  expect((await versions('renewed')).map(({ version, name }) => [version, name])).toEqual([
    [2, 'Second'],
    [1, 'First'],
  ]);
});

test('a template that the tenant has made its own is left alone', async () => {
  await publish([aTemplate('adopted', 'Ours')]);
  const theirs = aTemplate('adopted', 'Theirs');
  await withTenant(database.db, demo.tenant, (tx) =>
    insertVersion(tx, demo.tenant, { template: theirs, version: 2, mode: 'new_only', by: `user/${demo.admin}` }),
  );
  expect((await publish([aTemplate('adopted', 'Ours, newer')])).map(({ tenant }) => tenant)).toEqual([other]);
});

test('somebody’s draft of it is kept when a newer one comes', async () => {
  await publish([aTemplate('drafted', 'First')]);
  const { value: document } = plainJson(aTemplate('drafted', 'Mine'));
  const draft = { name: 'Mine', category: 'custom', document, by: `user/${demo.lead}`, editor: demo.lead } as const;
  await withTenant(database.db, demo.tenant, (tx) => replaceDraft(tx, demo.tenant, 'drafted', draft));
  await publish([aTemplate('drafted', 'Second')]);
  const kept = await withTenant(database.db, demo.tenant, (tx) => findTemplate(tx, demo.tenant, 'drafted'));
  expect(kept).toMatchObject({ name: 'Mine', document: { name: 'Mine' }, latest: 2 });
});

test('one with errors stops them all', async () => {
  const broken = { ...aTemplate('broken', 'Broken'), start: 'nowhere' };
  await expect(publish([aTemplate('fine', 'Fine'), broken])).rejects.toThrow('template broken: J010');
  expect(await versions('fine')).toEqual([]);
});

test('a published version cannot be changed, only its standing', async () => {
  await publish([aTemplate('fixed', 'Fixed')]);
  const change = withTenant(database.db, demo.tenant, (tx) =>
    tx.updateTable('journeyTemplateVersion').set({ name: 'Other' }).where('key', '=', 'fixed').execute(),
  );
  await expect(change).rejects.toMatchObject({ code: '42501' });
});

test('a tenant that is made later gets them at the next look, without a restart; the others are not looked at again', async () => {
  const later = asTenantId('018f3b1e-0000-7000-8000-000000000003');
  const served = new Set([demo.tenant]);
  const found: PublishedBuiltIn[] = [];
  const looking = startBuiltIns({
    publish: async () => {
      const published = await publishBuiltIns(database, [aTemplate('late', 'Late')], served);
      found.push(...published);
      return published;
    },
    log: pino({ enabled: false }),
    pauseMs: 5,
  });
  try {
    await withTenant(database.db, later, (tx) =>
      tx.insertInto('tenant').values({ tenantId: later, key: 'later', name: 'Later' }).execute(),
    );
    await expect.poll(() => found.map(({ tenant }) => tenant).toSorted()).toEqual([other, later]);
  } finally {
    await looking[Symbol.asyncDispose]();
  }
  expect(await versions('late', later)).toMatchObject([{ version: 1, status: 'published' }]);
  expect(await versions('late')).toEqual([]);
});
