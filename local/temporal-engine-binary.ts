import { mkdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeOnce } from './build-lock.js';
import { binaryCache } from './cache.js';
import { runGo, whyNoGo } from './go-build.js';
import type { Log } from './log.js';
import { TemporalUnavailableError } from './temporal-binary.js';

/** Programs of the production-like server. */
export interface EnginePrograms {
  server: string;
  /** Sets up the tables. */
  sql: string;
  ui: string;
}

const serverVersion = '1.31.2';
const uiVersion = '2.50.1';

// Two of them are called "server": each folder of the cache holds what one `go install` puts there.
const sources = {
  srv: [`go.temporal.io/server/cmd/server@v${serverVersion}`, `go.temporal.io/server/cmd/tools/sql@v${serverVersion}`],
  ui: [`github.com/temporalio/ui-server/v2/cmd/server@v${uiVersion}`],
};

/**
 * The production-like server from the cache, or built from Go modules once. Source: temporal.md 2.5.
 *
 * @throws TemporalUnavailableError when it is not there and cannot be built
 */
export async function acquireEngine(log: Log): Promise<EnginePrograms> {
  const folder = join(binaryCache(), `temporal-server-v${serverVersion}`);
  const suffix = platform() === 'win32' ? '.exe' : '';
  const programs: EnginePrograms = {
    server: join(folder, 'srv', `server${suffix}`),
    sql: join(folder, 'srv', `sql${suffix}`),
    ui: join(folder, 'ui', `server${suffix}`),
  };
  if (Object.values(programs).every((path) => existsSync(path))) return programs;
  const obstacle = await whyNoGo();
  if (obstacle !== undefined) {
    throw new TemporalUnavailableError(
      `The production-like Temporal server is not in ${folder} and cannot be built: ${obstacle}. Use --engine dev, or install Go 1.26.4 or newer.`,
    );
  }
  log('building the production-like Temporal server, about 10 minutes, once');
  await mkdir(folder, { recursive: true });
  for (const [name, modules] of Object.entries(sources)) {
    await makeOnce(join(folder, name), log, async (target) => {
      const args = ['install', '-v', '-trimpath', '-ldflags=-s', ...modules];
      await runGo(`building Temporal (${name})`, args, { cwd: tmpdir(), env: { GOBIN: target }, log });
    });
  }
  return programs;
}
