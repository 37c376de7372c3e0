/** Runs of a script as plain JSON, from one process to another, and held against each other. */
import type { Instant } from '../../time.js';
import { canonical } from '../json.js';
import type { Json } from '../json.js';
import type { Run, Standing, Traced } from './run.js';

export interface RecordedRun extends Omit<Run, 'at'> {
  /** How every instance stood at the instants that expectations name. */
  readonly looks: readonly (readonly [at: Instant, standings: readonly Standing[]])[];
}

/** Asks another process to play scripts: one JSON value on its standard input. */
export interface PlayRequest {
  readonly schema: 1;
  /** Paths of a script, and of the template that takes the place of the one it names. */
  readonly runs: readonly { readonly script: string; readonly template: string | null }[];
}

export type Played = { readonly ok: true; readonly run: RecordedRun } | { readonly ok: false; readonly error: string };

/** Its answer, one JSON value on its standard output: one entry per run, in order. */
export interface PlayAnswer {
  readonly schema: 1;
  readonly runs: readonly Played[];
}

export const recorded = ({ at, ...run }: Run, instants: readonly Instant[]): RecordedRun => ({
  ...run,
  looks: [...new Set(instants)].map((instant) => [instant, at(instant)] as const),
});

export function asRun({ looks, ...run }: RecordedRun): Run {
  const seen = new Map(looks);
  return { ...run, at: (instant) => seen.get(instant) ?? [] };
}

/** A line that only one of two runs has. */
export interface Odd {
  readonly in: 'first' | 'second';
  readonly line: Traced;
}

/**
 * What of a trace differs. Parties that do something at the same instant, such as a journey and its handoff, may do it in any order; each keeps its own.
 *
 * @returns in order of time; empty: the same trace
 */
export function oddLines(first: Run, second: Run): Odd[] {
  const [left, right] = [byParty(first.trace), byParty(second.trace)];
  const parties = [...new Set([...left.keys(), ...right.keys()])];
  const odd = parties.flatMap((party) => oddOf(left.get(party) ?? [], right.get(party) ?? []));
  return odd.toSorted((one, other) => one.line.at - other.line.at);
}

/** What else differs, by name: how each journey stands at the end, and what was sent, answered and late. */
export function oddMembers(first: Run, second: Run): string[] {
  const [mine, other] = [membersOf(first), membersOf(second)];
  const names = new Set([...mine.keys(), ...other.keys()]);
  return [...names].filter((name) => canonical(mine.get(name) ?? null) !== canonical(other.get(name) ?? null));
}

const membersOf = ({ journeys, answers, touchpoints, breaches, nextAt }: Run): ReadonlyMap<string, Json> =>
  new Map([
    ['answers', plain(answers)],
    ['touchpoints', plain(touchpoints)],
    ['breaches', plain(breaches)],
    ['nextAt', nextAt],
    ...journeys.flatMap((standing, index) =>
      Object.entries(standing).map(([part, value]) => [`journey ${index + 1} ${part}`, plain(value)] as const),
    ),
  ]);

/** Of one instant the lines of one party. */
function byParty(trace: readonly Traced[]): Map<string, Traced[]> {
  const parties = new Map<string, Traced[]>();
  for (const line of trace) {
    const { at, journey, step, visit, type } = line;
    const handoff = type.startsWith('handoff.') ? `${step ?? ''} ${visit ?? 0}` : '';
    const party = `${at} ${journey ?? '-'} ${handoff}`;
    parties.set(party, [...(parties.get(party) ?? []), line]);
  }
  return parties;
}

/** Behind the first difference nothing is the same any more, unless it is found further on. */
function oddOf(left: readonly Traced[], right: readonly Traced[]): Odd[] {
  const odd: Odd[] = [];
  const rest = [...right];
  for (const line of left) {
    const place = rest.findIndex((other) => key(other) === key(line));
    if (place === -1) odd.push({ in: 'first', line });
    else for (const skipped of rest.splice(0, place + 1).slice(0, -1)) odd.push({ in: 'second', line: skipped });
  }
  return [...odd, ...rest.map((line) => ({ in: 'second' as const, line }))];
}

const key = ({ at, type, data }: Traced): string => canonical({ at, type, data: plain(data) });

/** Ids of texts are counted as they come: which number one has says nothing. */
const plain = (value: unknown): Json => {
  if (typeof value === 'string') return value.replace(/^content-\d+.*$/, 'content');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return typeof value === 'number' || typeof value === 'boolean' ? value : null;
  return Object.fromEntries(Object.entries(value).flatMap(([name, member]) => (member === undefined ? [] : [[name, plain(member)]])));
};
