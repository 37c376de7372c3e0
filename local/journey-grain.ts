/** How near together things happen in a script: what the machine needs may take so long, and nobody sees it. */
import type { Cast } from '../domain/journey/simulate/ports.js';
import type { Script } from '../domain/journey/simulate/script.js';
import { second } from '../domain/time.js';

/** Acceptance by a receiver's activity is tried anew after as long. */
const most = 30 * second;

/** Where attempts of an action fail or take their time, seconds matter, whatever else is said. */
export function grainOf({ start, until, events, expect }: Script, { templates }: Cast): number {
  const steps = templates.flatMap(({ compiled }) => Object.entries(compiled.steps));
  const acts = new Set(steps.flatMap(([id, { kind }]) => (kind === 'handoff' || kind === 'touchpoint' ? [] : [id])));
  const answers = events.filter((event) => event.kind === 'fail' || event.kind === 'result');
  if (answers.some((event) => acts.has(event.step) && (event.kind === 'fail' || event.takesMs > 0))) return second;
  const instants = [until, ...events.map(({ at }) => at), ...expect.flatMap(({ at }) => at ?? [])].map((at) => at - start.at);
  const durations = [...steps.flatMap(([, step]) => durationsIn(step)), ...answers.map(({ takesMs }) => takesMs)];
  return [start.at, ...instants, ...durations].reduce(commonDivisor, most);
}

const commonDivisor = (one: number, other: number): number => (other === 0 ? one : commonDivisor(other, one % other));

/** Limits of attempts and the waits between them matter only where attempts fail. */
const ofAttempts: readonly string[] = ['retry', 'timeouts'];

/** Numbers this large are durations; shares of the target of a service level are whole tenths of it. */
function durationsIn(value: unknown, name = ''): number[] {
  if (typeof value === 'number') return value >= second && value % second === 0 ? [name === 'target' ? value / 10 : value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => (ofAttempts.includes(key) ? [] : durationsIn(member, key)));
}
