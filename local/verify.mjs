/**
 * `npm run verify`: everything that can be said about the code without a service, in seconds.
 * Independent steps run side by side, one for each processor; after a failure no further step starts.
 *
 * `npm run verify -- --without-tests` leaves out those that `npm test` runs too, for who calls both.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Scripts of package.json: the longest first, the rest in the order in which a failure is wanted. */
const steps = ['test:repo', 'format:check', 'lint', 'typecheck', 'boundaries', 'knip', 'test:domain'].filter(
  (step) => !step.startsWith('test:') || !process.argv.includes('--without-tests'),
);

const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

/** Runs one script; resolves to its output and whether it ended well. */
function run(step) {
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', step], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.on('error', (error) => resolve({ ok: false, output: error.message }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

const failures = [];

async function work() {
  while (failures.length === 0 && steps.length > 0) {
    const step = steps.shift();
    const started = Date.now();
    const { ok, output } = await run(step);
    process.stdout.write(ok ? `ok      ${step} (${seconds(started)})\n` : `\nFAILED  ${step}\n${output.trimEnd()}\n\n`);
    if (!ok) failures.push(step);
  }
}

const started = Date.now();
await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work));
if (failures.length > 0) {
  process.stdout.write(`verify failed: ${failures.join(', ')}${steps.length > 0 ? ` (not run: ${steps.join(', ')})` : ''}\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(`verify passed in ${seconds(started)}\n`);
}
