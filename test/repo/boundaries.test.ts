import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { root } from '../support/repo.js';

/** A small tree that keeps every rule: what the planted files import, and what must stay allowed. */
const kept: Record<string, string> = {
  'config.ts': `import { z } from 'zod'; export const load = () => z; export type Config = string;`,
  'logger.ts': `import { pino } from 'pino'; export const log = pino;`,
  'domain/light.ts': `import type { Heavy } from './thing/schema.js'; export type Light = Heavy; export const light = 1;`,
  'domain/thing/schema.ts': `import { z } from 'zod'; import { light } from '../light-only.js'; export const Heavy = z.literal(light); export type Heavy = 1;`,
  'domain/light-only.ts': `export const light = 1;`,
  'domain/messaging/html.ts': `import clean from 'sanitize-html'; export const html = clean;`,
  'domain/journey/author.ts': `export const define = 1;`,
  'workflows/names.ts': `export const queue = 'q';`,
  'workflows/thing/start.ts': `import { queue } from '../names.js'; export const start = queue;`,
  'workflows/thing/messages.ts': `import { defineSignal } from '@temporalio/workflow'; export const poke = defineSignal;`,
  'workflows/thing/thing.workflow.ts': `
    import { ApplicationFailure } from '@temporalio/common';
    import { sleep } from '@temporalio/workflow';
    import type { Contract } from '../../activities/contract.js';
    import type { Heavy } from '../../domain/thing/schema.js';
    import { light } from '../../domain/light.js';
    import { queue } from '../names.js';
    export const thing = [ApplicationFailure, sleep, light, queue]; export type Thing = Contract | Heavy;`,
  'activities/contract.ts': `import type { Light } from '../domain/light.js'; export type Contract = Light; export const contract = 1;`,
  'activities/thing.ts': `import { Heavy } from '../domain/thing/schema.js'; import { client } from '../db/client.js'; export const thing = [Heavy, client];`,
  'activities/adapters/email.ts': `import { Client } from '@temporalio/client'; import { createTransport } from 'nodemailer'; export const email = [Client, createTransport];`,
  'db/client.ts': `
    import { Kysely } from 'kysely'; import { Pool } from 'pg'; import type { Config } from '../config.js'; import { log } from '../logger.js';
    export const client = [Kysely, Pool, log]; export type C = Config;`,
  'db/migrate.ts': `import { load } from '../config.js'; export const migrate = load;`,
  'api/main.ts': `import { load } from '../config.js'; import { app } from './app.js'; export const main = [load, app];`,
  'api/app.ts': `
    import { Client } from '@temporalio/client';
    import { Hono } from 'hono';
    import { client } from '../db/client.js';
    import { poke } from '../workflows/thing/messages.js';
    import { queue } from '../workflows/names.js';
    import { start } from '../workflows/thing/start.js';
    import type { Thing } from '../workflows/thing/thing.workflow.js';
    import { routes } from './thing/routes.js';
    export const app = [Client, Hono, client, poke, queue, start, routes]; export type T = Thing;`,
  'api/thing/routes.ts': `import { Hono } from 'hono'; import { Heavy } from '../../domain/thing/schema.js'; import { serve } from './service.js'; export const routes = [Hono, Heavy, serve];`,
  'api/thing/service.ts': `import { client } from '../../db/client.js'; export const serve = client;`,
  'worker/main.ts': `
    import { email } from '../activities/adapters/email.js'; import { thing } from '../activities/thing.js'; import { load } from '../config.js';
    import { client } from '../db/client.js'; import { queue } from '../workflows/names.js'; import { poke } from '../workflows/thing/messages.js';
    export const worker = [email, thing, load, client, queue, poke];`,
  'journeys/index.ts': `import { define } from '../domain/journey/author.js'; export const journeys = define;`,
  'cli/main.ts': `import { client } from '../db/client.js'; import { Heavy } from '../domain/thing/schema.js'; export const cli = [client, Heavy];`,
  'local/main.ts': `
    import { Kysely } from 'kysely'; import { app } from '../api/app.js'; import { load } from '../config.js'; import { journeys } from '../journeys/index.js';
    import { worker } from '../worker/main.js'; export const local = [Kysely, app, load, journeys, worker];`,
  'bench/main.ts': `import { local } from '../local/main.js'; import { support } from '../test/support/support.js'; export const bench = [local, support];`,
  'test/support/support.ts': `import { local } from '../../local/main.js'; export const support = local;`,
};

interface Planted {
  readonly rules: readonly string[];
  readonly file: string;
  readonly text: string;
}
const planted: readonly Planted[] = [
  { rules: ['no-cycles'], file: 'domain/bad/one.ts', text: `import type { Two } from './two.js'; export type One = Two;` },
  { rules: [], file: 'domain/bad/two.ts', text: `import type { One } from './one.js'; export type Two = One;` },
  { rules: ['resolvable'], file: 'api/bad-missing.ts', text: `import { gone } from 'no-such-package'; export default gone;` },
  { rules: ['root-alone'], file: 'logger.ts', text: `import { light } from './domain/light.js'; export const log = light;` },
  {
    rules: ['tests-are-leaves', 'api-reach'],
    file: 'api/bad-test.ts',
    text: `import { support } from '../test/support/support.js'; export default support;`,
  },
  { rules: ['tests-are-leaves'], file: 'local/bad.ts', text: `import { bench } from '../bench/main.js'; export default bench;` },
  { rules: ['domain-alone'], file: 'domain/bad-zod.ts', text: `import type { ZodType } from 'zod'; export type T = ZodType;` },
  { rules: ['domain-alone'], file: 'domain/bad-node.ts', text: `import { readFile } from 'node:fs'; export default readFile;` },
  { rules: ['domain-alone'], file: 'domain/bad-db.ts', text: `import type { C } from '../db/client.js'; export type T = C;` },
  { rules: ['domain-packages'], file: 'domain/bad/schema.ts', text: `import { pino } from 'pino'; export default pino;` },
  { rules: ['domain-packages', 'sql-in-db'], file: 'domain/net/address.ts', text: `import { sql } from 'kysely'; export default sql;` },
  { rules: ['heavy-as-types'], file: 'domain/bad-heavy.ts', text: `import { Heavy } from './thing/schema.js'; export default Heavy;` },
  {
    rules: ['heavy-as-types'],
    file: 'workflows/bad-heavy.ts',
    text: `import { html } from '../domain/messaging/html.js'; export default html;`,
  },
  {
    rules: ['sandbox-no-node'],
    file: 'workflows/bad-node.ts',
    text: `import { randomUUID } from 'node:crypto'; export default randomUUID;`,
  },
  { rules: ['sandbox-packages'], file: 'workflows/bad-zod.ts', text: `import { z } from 'zod'; export default z;` },
  {
    rules: ['sandbox-packages'],
    file: 'workflows/bad-client.ts',
    text: `import { Client } from '@temporalio/client'; export default Client;`,
  },
  {
    rules: ['contract-as-types'],
    file: 'workflows/bad-contract.ts',
    text: `import { contract } from '../activities/contract.js'; export default contract;`,
  },
  { rules: ['workflows-reach'], file: 'workflows/bad-log.ts', text: `import { log } from '../logger.js'; export default log;` },
  {
    rules: ['workflows-reach', 'contract-as-types'],
    file: 'workflows/bad-activity.ts',
    text: `import { thing } from '../activities/thing.js'; export default thing;`,
  },
  {
    rules: ['activities-reach'],
    file: 'activities/bad-names.ts',
    text: `import { queue } from '../workflows/names.js'; export default queue;`,
  },
  { rules: ['db-reach'], file: 'db/bad.ts', text: `import { thing } from '../activities/thing.js'; export default thing;` },
  { rules: ['api-reach'], file: 'api/bad-activity.ts', text: `import { thing } from '../activities/thing.js'; export default thing;` },
  { rules: ['api-reach'], file: 'api/bad-local.ts', text: `import type { local } from '../local/main.js'; export type L = typeof local;` },
  { rules: ['worker-reach'], file: 'worker/bad.ts', text: `import { app } from '../api/app.js'; export default app;` },
  {
    rules: ['worker-reach'],
    file: 'worker/bad-workflow.ts',
    text: `import { thing } from '../workflows/thing/thing.workflow.js'; export default thing;`,
  },
  { rules: ['cli-reach'], file: 'cli/bad.ts', text: `import { journeys } from '../journeys/index.js'; export default journeys;` },
  { rules: ['journeys-alone'], file: 'journeys/bad-zod.ts', text: `import { z } from 'zod'; export default z;` },
  { rules: ['journeys-alone'], file: 'journeys/bad-ticket.ts', text: `import { light } from '../domain/light.js'; export default light;` },
  {
    rules: ['workflows-as-types'],
    file: 'api/bad-workflow.ts',
    text: `import { thing } from '../workflows/thing/thing.workflow.js'; export default thing;`,
  },
  { rules: ['routes-are-thin'], file: 'api/bad-db/routes.ts', text: `import { client } from '../../db/client.js'; export default client;` },
  {
    rules: ['routes-are-thin'],
    file: 'api/bad-temporal/routes.ts',
    text: `import type { Client } from '@temporalio/client'; export type T = Client;`,
  },
  {
    rules: ['ports-not-adapters'],
    file: 'activities/bad-adapter.ts',
    text: `import { email } from './adapters/email.js'; export default email;`,
  },
  {
    rules: ['sql-in-db'],
    file: 'activities/bad-kysely.ts',
    text: `import type { Kysely } from 'kysely'; export type T = Kysely<unknown>;`,
  },
  { rules: ['sql-in-db'], file: 'cli/bad-pg.ts', text: `import { Pool } from 'pg'; export default Pool;` },
  { rules: ['client-outside'], file: 'db/bad-client.ts', text: `import { Client } from '@temporalio/client'; export default Client;` },
  {
    rules: ['client-outside'],
    file: 'activities/bad-client.ts',
    text: `import type { Client } from '@temporalio/client'; export type T = Client;`,
  },
  { rules: ['config-at-the-start'], file: 'api/bad-config.ts', text: `import { load } from '../config.js'; export default load;` },
];

const Report = z.object({
  summary: z.object({ violations: z.array(z.object({ from: z.string(), to: z.string(), rule: z.object({ name: z.string() }) })) }),
});
const Rules = z.object({ forbidden: z.array(z.object({ name: z.string() })) });

const load = createRequire(import.meta.url);
const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');

/** Cruises one folder; each violation as `file: rule`, every one once. */
async function cruise(folder: string): Promise<string[]> {
  const run = promisify(execFile)(process.execPath, [cruiser, '.', '--output-type', 'json'], { cwd: folder, maxBuffer: 64 * 1024 * 1024 });
  const { stdout } = await run.catch((error: unknown) => z.object({ stdout: z.string() }).parse(error)); // violations are an exit code
  const { violations } = Report.parse(JSON.parse(stdout)).summary;
  return [...new Set(violations.map(({ from, rule }) => `${from}: ${rule.name}`))].toSorted();
}

const copies: string[] = [];

async function treeOf(...files: readonly (readonly [string, string])[]): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'usher-boundaries-'));
  copies.push(copy);
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  await Promise.all(['package.json', 'tsconfig.json', '.dependency-cruiser.cjs'].map((file) => cp(join(root, file), join(copy, file))));
  for (const [file, text] of files) {
    await mkdir(dirname(join(copy, file)), { recursive: true });
    await writeFile(join(copy, file), text);
  }
  return copy;
}

let found: { readonly here: string[]; readonly kept: string[]; readonly planted: string[] };
beforeAll(async () => {
  const good = Object.entries(kept);
  const bad = planted.map(({ file, text }) => [file, text] as const);
  const [fine, spoilt] = [await treeOf(...good), await treeOf(...good, ...bad)];
  const [inKept, inPlanted, here] = await Promise.all([cruise(fine), cruise(spoilt), cruise(root)]);
  found = { here, kept: inKept, planted: inPlanted };
}, 300_000);
afterAll(() => Promise.all(copies.map((copy) => rm(copy, { recursive: true, force: true }))));

test('the tree keeps the rules', () => expect(found.here).toEqual([]));

test('what the rules allow is not refused', () => expect(found.kept).toEqual([]));

test.each(planted)('$file is refused by $rules', ({ file, rules }) => {
  expect(found.planted.filter((violation) => violation.startsWith(`${file}: `))).toEqual(
    rules.map((rule) => `${file}: ${rule}`).toSorted(),
  );
});

test('nothing else is refused', () => {
  expect(found.planted.filter((violation) => !planted.some(({ file }) => violation.startsWith(`${file}: `)))).toEqual([]);
});

test('every rule has a planted file', () => {
  const rules = Rules.parse(load(join(root, '.dependency-cruiser.cjs'))).forbidden.map(({ name }) => name);
  expect(new Set(planted.flatMap((file) => file.rules))).toEqual(new Set(rules));
});
