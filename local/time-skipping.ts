import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeOnce } from './build-lock.js';
import { binaryCache } from './cache.js';
import type { Log } from './log.js';
import { runCommand } from './run-command.js';
import { TemporalUnavailableError } from './temporal-binary.js';
import { downloadWithSdk } from './temporal-download.js';

const version = '1.38.0';
const pom = fileURLToPath(new URL('./time-skipping/pom.xml', import.meta.url));
const downloaded = (): string => join(binaryCache(), `temporal-test-server-v${version}`);
const collected = (): string => join(binaryCache(), `temporal-test-server-maven-${version}`);

/** `exec`, because whoever stops the server ends only this process. */
const wrapper = `#!/bin/sh
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -Xmx512m -cp "$(dirname "$0")/lib/*" io.temporal.testserver.TestServer "$@"
`;

/**
 * The program of Temporal's time-skipping test server, to be passed as `executable: { type: 'existing-path', path }`.
 * Order: the cache, the SDK's download, Maven with Java 17. Source: temporal.md 2.4.
 *
 * @throws TemporalUnavailableError listing the ways to provide it
 */
export async function acquireTimeSkippingServer(log: Log): Promise<string> {
  const tried: string[] = [];
  for (const way of [fromCache, download, collect]) {
    try {
      return await way(log);
    } catch (error) {
      tried.push(`  - ${error instanceof Error ? error.message.split('\n').slice(-3).join(' ') : String(error)}`);
    }
  }
  throw new TemporalUnavailableError(
    [
      'No time-skipping test server for this machine. Tried:',
      ...tried,
      'Any one of these helps:',
      '  1. start once with network access, so that it can be downloaded',
      '  2. install Java 17 and Maven, so that it can be put together',
    ].join('\n'),
  );
}

async function fromCache(): Promise<string> {
  for (const path of [downloaded(), join(collected(), 'temporal-test-server')]) if (existsSync(path)) return path;
  throw new Error(`nothing in ${binaryCache()}`);
}

async function download(log: Log): Promise<string> {
  log('no time-skipping test server on this machine yet; trying the download (limit 120 s)');
  await downloadWithSdk('time-skipping', binaryCache(), `v${version}`);
  return fromCache();
}

async function collect(log: Log): Promise<string> {
  if (platform() === 'win32') throw new Error('the Maven way needs a POSIX shell');
  await assertJava();
  log('putting the time-skipping test server together with Maven, under a minute, once');
  await makeOnce(collected(), log, async (folder) => {
    await mkdir(folder, { recursive: true });
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(folder, 'lib')}`];
    await runCommand('mvn', ['-B', '-q', '-f', pom, ...goal], { limitMs: 10 * 60_000, cwd: folder });
    const program = join(folder, 'temporal-test-server');
    await writeFile(program, wrapper);
    await chmod(program, 0o755);
  });
  return fromCache();
}

async function assertJava(): Promise<void> {
  const text = await runCommand('java', ['-version'], { limitMs: 20_000 }).catch(() => '');
  const major = Number(/version "(\d+)/.exec(text)?.[1] ?? 0);
  if (major < 17) throw new Error(major === 0 ? 'Java is not installed' : `Java ${major} is older than 17`);
}
