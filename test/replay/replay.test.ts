/** Every recorded run replays on the code as it is now: what is in flight survives a deploy. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { expect, inject, test, vi } from 'vitest';

const folder = join(import.meta.dirname, '..', 'histories');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));

test('there is something to replay', () => {
  expect(files.length).toBeGreaterThanOrEqual(5);
});

test.each(files)('%s', async (file) => {
  const history: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  await Worker.runReplayHistory({ workflowBundle: { codePath: inject('bundle') } }, history, file);
});

test('open hours come from the history, whatever zone and zone data the replaying machine has', async () => {
  vi.stubEnv('TZ', 'Pacific/Apia');
  const seen: string[] = [];
  for (const file of files.filter((name) => name.includes('clocks') || name.includes('ladder'))) {
    const history: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    // No calendar is asked: there is no worker that could answer.
    await Worker.runReplayHistory({ workflowBundle: { codePath: inject('bundle') } }, history, file);
    seen.push(file);
  }
  vi.unstubAllEnvs();
  expect(seen.length).toBeGreaterThanOrEqual(2);
});
