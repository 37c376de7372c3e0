/** What the processes of the system cost: processor time and memory, as the kernel counts them. Linux only; elsewhere nothing is said. */
import { readdirSync, readFileSync } from 'node:fs';
import { platform } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stack } from '../local/stack.js';

/** Seconds of processor time by process. */
export type Cpu = Record<string, number>;

const ticksPerSecond = 100; // USER_HZ, the same on every Linux that Node runs on

/** Processor time used so far by each part of the stack, and by this process, which only reads logs and waits. */
export function cpuOf(stack: Stack | undefined): Cpu {
  if (stack === undefined || platform() !== 'linux') return {};
  const { user, system } = process.cpuUsage();
  const parts = {
    api: stack.api.pid,
    worker: stack.worker.pid,
    temporal: stack.temporal?.pid,
    postgres: stack.postgres?.pid,
    mail: stack.mail.pid,
  };
  const used = Object.entries(parts).flatMap(([name, pid]) => (pid === undefined ? [] : [[name, treeSeconds(pid)] as const]));
  return { ...Object.fromEntries(used), bench: (user + system) / 1_000_000 };
}

const calmShare = 0.3;
const calmLimitMs = 60_000;

/** Waits until the parts have stopped working on what they still owed: what spills over from one measurement spoils the next. */
export async function untilCalm(stack: Stack | undefined, limitMs = calmLimitMs): Promise<void> {
  const until = Date.now() + limitMs;
  for (let before = cpuOf(stack); Object.keys(before).length > 0 && Date.now() < until;) {
    const began = performance.now();
    await sleep(1_000);
    const after = cpuOf(stack);
    const used = Object.values(cpuBetween(before, after)).reduce((sum, seconds) => sum + seconds, 0);
    if (used / ((performance.now() - began) / 1_000) < calmShare) return;
    before = after;
  }
}

export const cpuBetween = (before: Cpu, after: Cpu): Cpu =>
  Object.fromEntries(Object.entries(after).map(([name, seconds]) => [name, seconds - (before[name] ?? 0)]));

/** Resident memory in kB. */
export function residentKb(pid: number): number | undefined {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1];
  return found === undefined ? undefined : Number(found);
}

/** The process, its children that have ended and those that live: PostgreSQL has one for each connection. */
function treeSeconds(pid: number): number {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat?.parent === pid);
  const all = [statOf(pid), ...children];
  return all.reduce((sum, stat) => sum + (stat?.ticks ?? 0), 0) / ticksPerSecond;
}

/** Fields 4 and 14 to 17 of the kernel's line, which follow a name that may hold anything. */
function statOf(pid: number): { parent: number; ticks: number } | undefined {
  const line = read(`/proc/${pid}/stat`);
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  if (fields.length < 15) return undefined;
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { parent: Number(fields[1]), ticks };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it has just ended
  }
}
