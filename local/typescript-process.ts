import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The checkout. */
export const projectFolder = dirname(dirname(fileURLToPath(import.meta.url)));

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** Arguments for node that run one of our sources as it is. */
export const runSource = (path: string): string[] => ['--import', loader, join(projectFolder, path)];
