/** What a storm comes to: how late, how many, and whether each exactly once. */
import { Histogram } from '../histogram.js';
import type { Summary } from '../histogram.js';

/** One ticket after its deadline. Instants are epoch milliseconds. */
export interface Struck {
  /** As it was wanted. */
  dueAt: number;
  /** As its clock has it. */
  keptDueAt: number | null;
  breachedAt: number | null;
  /** When the transaction began that recorded the breach. */
  recordedAt: number | null;
  /** When the workflow noticed. */
  firedAt: number | null;
  /** When the mail server had taken the notice. */
  sentAt: number | null;
  breaches: number;
  rungs: number;
  notices: number;
  mails: number;
}

export interface Tally {
  tickets: number;
  /** Without any of the four. */
  lost: number;
  /** With more than one of any of the four. */
  doubled: number;
  /** With a deadline, or a breach, at another instant than wanted. */
  misplaced: number;
  /** Sums over all tickets. */
  breaches: number;
  rungs: number;
  notices: number;
  mails: number;
}

const facts = ['breaches', 'rungs', 'notices', 'mails'] as const;

export function tallyOf(struck: readonly Struck[]): Tally {
  const sum = (fact: (typeof facts)[number]): number => struck.reduce((total, one) => total + one[fact], 0);
  return {
    tickets: struck.length,
    lost: struck.filter((one) => facts.some((fact) => one[fact] < 1) || one.recordedAt === null || one.sentAt === null).length,
    doubled: struck.filter((one) => facts.some((fact) => one[fact] > 1)).length,
    misplaced: struck.filter(({ dueAt, keptDueAt, breachedAt }) => keptDueAt !== dueAt || (breachedAt ?? dueAt) !== dueAt).length,
    breaches: sum('breaches'),
    rungs: sum('rungs'),
    notices: sum('notices'),
    mails: sum('mails'),
  };
}

/** From the deadline to the workflow's noticing, to the record, to the notice. What is missing is lost, not late. */
export interface Lateness {
  fired: Summary;
  recorded: Summary;
  sent: Summary;
}

export const latenessOf = (struck: readonly Struck[]): Lateness => ({
  fired: summaryOf(struck.map(({ firedAt, dueAt }) => (firedAt ?? Number.NaN) - dueAt)),
  recorded: summaryOf(struck.map(({ recordedAt, dueAt }) => (recordedAt ?? Number.NaN) - dueAt)),
  sent: summaryOf(struck.map(({ sentAt, dueAt }) => (sentAt ?? Number.NaN) - dueAt)),
});

export function summaryOf(values: readonly number[]): Summary {
  const histogram = new Histogram();
  for (const value of values) if (!Number.isNaN(value)) histogram.add(value);
  return histogram.summary();
}

/** Milliseconds from the last deadline until the last of them was recorded and sent. */
export function drainOf(struck: readonly Struck[]): { recordedMs: number; sentMs: number } {
  const last = Math.max(...struck.map(({ dueAt }) => dueAt));
  const latest = (instants: readonly (number | null)[]): number => Math.max(0, ...instants.map((at) => (at ?? last) - last));
  return { recordedMs: latest(struck.map(({ recordedAt }) => recordedAt)), sentMs: latest(struck.map(({ sentAt }) => sentAt)) };
}
