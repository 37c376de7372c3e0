import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { platform } from 'node:os';

/**
 * Names one process for as long as the machine runs: its id and when it began. A process id alone is not enough, it is given out again.
 *
 * @returns `<pid>@<start>`; `undefined` when no such process runs
 */
export function identityOf(pid: number): string | undefined {
  if (!isRunning(pid)) return undefined;
  const start = platform() === 'linux' ? startOnLinux(pid) : startElsewhere(pid);
  return start === undefined ? undefined : `${pid}@${start}`;
}

/** Whether the process that had this identity still runs. */
export function isAlive(identity: string): boolean {
  const pid = Number.parseInt(identity, 10);
  return Number.isInteger(pid) && pid > 0 && identityOf(pid) === identity;
}

/** The command line of a running process; empty when it cannot be read. */
export function commandOf(pid: number): string {
  try {
    if (platform() === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    if (platform() === 'win32') return '';
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'; // it runs, as somebody else
  }
}

function startOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name may hold spaces and brackets
    return afterName[0] === 'Z' ? undefined : afterName[19]; // a zombie is over; field 22 is the start time
  } catch {
    return undefined;
  }
}

function startElsewhere(pid: number): string | undefined {
  if (platform() === 'win32') return 'running';
  try {
    const start = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return start.trim().replaceAll(/\s+/g, '_') || undefined;
  } catch {
    return undefined;
  }
}
