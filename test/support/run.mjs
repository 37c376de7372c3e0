/**
 * Runs vitest with the arguments it is given and ends with one line of true counts over all projects: `N passed, N failed`.
 * A file that does not load counts as one failure, and so does a run that breaks without a failing test or finds none.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const folder = mkdtempSync(join(tmpdir(), 'usher-tests-'));
const summary = join(folder, 'summary.json');

/** The counts of the run, all zero when it wrote none. */
function counts() {
  let report;
  try {
    report = JSON.parse(readFileSync(summary, 'utf8'));
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((result) => result.status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function finish(code, signal) {
  const { passed, failed, skipped } = counts();
  rmSync(folder, { recursive: true, force: true });
  const ok = code === 0 && failed === 0 && passed > 0;
  if (!ok && failed === 0)
    process.stdout.write(signal ? `\nThe run was ended by ${signal}.\n` : '\nThe run itself failed, or no test ran.\n');
  const failures = ok ? 0 : Math.max(failed, 1);
  process.exitCode = ok ? 0 : signal ? 128 + constants.signals[signal] : 1;
  process.stdout.write(`${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
}

const run = spawn(
  process.execPath,
  [vitest, 'run', ...process.argv.slice(2), '--reporter=default', '--reporter=json', `--outputFile.json=${summary}`],
  { stdio: 'inherit' },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => run.kill(signal));
run.on('error', (error) => process.stderr.write(`${error.message}\n`));
run.on('close', finish);
