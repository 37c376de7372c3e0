import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The checkout. */
export const projectFolder = dirname(dirname(fileURLToPath(import.meta.url)));

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/**
 * Arguments for node that run one of our sources as it is.
 *
 * @param built folder of the compiled code, to run that instead
 */
export const runSource = (path: string, built?: string): string[] =>
  built === undefined ? ['--import', loader, join(projectFolder, path)] : [join(built, path.replace(/\.ts$/, '.js'))];
