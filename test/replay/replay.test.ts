/** Every recorded run replays on the code as it is now: what is in flight survives a deploy. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { expect, inject, test, vi } from 'vitest';
import { builtInJourneys } from '../../journeys/index.js';

const folder = join(import.meta.dirname, '..', 'histories');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');

test('there is something to replay of everything that outlives a deploy', () => {
  const folders = new Set(files.map((file) => dirname(file)));
  expect(folders).toEqual(new Set(['bulk', 'erasure', 'handoff', 'journey', 'reproject', 'ticket']));
  expect(files).toEqual(expect.arrayContaining(builtInJourneys.map(({ key }) => join('journey', `0.3-${key}.json`))));
});

test.each(files)('%s', async (file) => {
  const history: unknown = JSON.parse(read(file));
  await Worker.runReplayHistory({ workflowBundle: { codePath: inject('bundle') } }, history, file);
});

/** What the lives tell in words, and whom the demo's people are; all of it belongs into PostgreSQL. */
const texts = [
  'It is known.',
  'The bank has it',
  'The provider is down',
  'As agreed',
  'No crew this week',
  'Demo ',
  '@example.com',
  '@usher.localhost',
];

test.each(files.filter((file) => /^(bulk|erasure|handoff|journey)\W/.test(file)))(
  '%s holds ids, numbers and instants, and names no machine',
  (file) => {
    const payloads = Array.from(read(file).matchAll(/"data": "([^"]*)"/g), ([, data = '']) => Buffer.from(data, 'base64').toString());
    expect(payloads.length).toBeGreaterThan(0);
    expect(texts.filter((text) => payloads.some((payload) => payload.includes(text)))).toEqual([]);
    const named = Array.from(read(file).matchAll(/"(?:identity|name)": "([^"]*@[^"]*)"/g), ([, name]) => name);
    expect(named).toEqual([]);
  },
);

test('open hours come from the history, whatever zone and zone data the replaying machine has', async () => {
  vi.stubEnv('TZ', 'Pacific/Apia');
  const seen: string[] = [];
  for (const file of files.filter((name) => name.includes('clocks') || name.includes('ladder'))) {
    const history: unknown = JSON.parse(read(file));
    // No calendar is asked: there is no worker that could answer.
    await Worker.runReplayHistory({ workflowBundle: { codePath: inject('bundle') } }, history, file);
    seen.push(file);
  }
  vi.unstubAllEnvs();
  expect(seen.length).toBeGreaterThanOrEqual(2);
});
