/**
 * Ends the children of a stack whose parent died without stopping them (a SIGKILL, a closed terminal).
 *
 * Its standard input is a pipe from the parent: `+ <pid> <signal>` names a child and how it is asked to stop, `- <pid>` says it is over.
 * The end of the input means that the parent is gone: each named child that is still the same process gets its signal, and SIGKILL 8 s later.
 * Plain JavaScript without imports of ours: it must start at once and outlive everything.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const graceMs = 8_000;
const children = new Map();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [verb, pid, signal] = line.split(' ');
    if (verb === '+') children.set(Number(pid), { signal, start: startOf(Number(pid)) });
    else children.delete(Number(pid));
  })
  .on('close', () => void end());

async function end() {
  for (const [pid, { signal }] of living()) send(pid, signal);
  const until = Date.now() + graceMs;
  while (living().length > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 100));
  for (const [pid] of living()) send(process.platform === 'win32' ? pid : -pid, 'SIGKILL'); // each child leads its own group
}

function living() {
  return [...children].filter(([pid, { start }]) => start !== undefined && startOf(pid) === start);
}

function send(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}

/** When a process began, so that a process id given out again is not mistaken for the child. */
function startOf(pid) {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? undefined : fields[19];
    }
    process.kill(pid, 0);
    if (process.platform === 'win32') return 'running';
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}
