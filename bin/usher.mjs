#!/usr/bin/env node
/**
 * `npx usher` in a checkout: runs the command line from its sources, so that there is nothing to build.
 * Plain JavaScript, because it may be run before there are any packages.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

if (!hasPackages()) {
  const install = fileURLToPath(new URL('../local/install.mjs', import.meta.url));
  // Standard output belongs to the command: what the installation says goes to standard error.
  const { status } = spawnSync(process.execPath, [install], { stdio: ['ignore', 2, 'inherit'] });
  if (status !== 0) process.exit(status ?? 1); // it has said why
}
const { register } = await import('tsx/esm/api');
register();
await import('../cli/main.ts');

function hasPackages() {
  try {
    return createRequire(import.meta.url).resolve('tsx/esm/api') !== '';
  } catch {
    return false;
  }
}
