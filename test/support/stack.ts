import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { silent } from '../../local/log.js';
import { startStack } from '../../local/stack.js';
import type { Stack } from '../../local/stack.js';
import { DeskClient } from './desk-client.js';

export interface TestStack extends AsyncDisposable {
  readonly stack: Stack;
  readonly desk: DeskClient;
}

/**
 * The whole system on ports and in a folder of its own.
 *
 * @param policies whether the demo's tickets run under service levels, as they do behind `npm start`
 * @param journeys whether they start the support journey, as they do there too
 */
export async function startTestStack({
  env = {},
  policies = false,
  journeys = false,
}: { env?: Record<string, string>; policies?: boolean; journeys?: boolean } = {}): Promise<TestStack> {
  const stateDir = await mkdtemp(join(tmpdir(), 'usher-stack-'));
  // A worker that makes its bundle takes seconds more, each time it starts; a request on a machine that stands still takes as long as that.
  const settings = { LOG_LEVEL: 'info', REQUEST_TIMEOUT_MS: '60000', WORKFLOW_BUNDLE: inject('bundle'), ...env };
  const stack = await startStack({ stateDir, ports: 'free', policies, journeys, env: settings, built: inject('built'), log: silent }).catch(
    async (error: unknown) => {
      process.stderr.write(await logsOf(join(stateDir, 'logs')));
      throw error;
    },
  );
  const desk = new DeskClient(stack.info);
  return {
    stack,
    desk,
    async [Symbol.asyncDispose]() {
      await desk.close();
      await stack.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** The last lines of every part, for a failure that would otherwise say nothing. */
async function logsOf(folder: string): Promise<string> {
  const names = await readdir(folder).catch(() => []);
  const texts = await Promise.all(
    names.map(async (name) => `--- ${name}\n${(await readFile(join(folder, name), 'utf8')).slice(-3_000)}\n`),
  );
  return texts.join('');
}
