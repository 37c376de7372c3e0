/** Why a clock stands where it stands: its stretches counted again, and its story in words. Source: sla.md, section 8. */
import { second } from '../time.js';
import type { Instant } from '../time.js';
import { isOpenClock, wholeSecond } from './clock.js';
import type { BreachCause, Clock, Segment } from './clock.js';
import type { CalendarRef } from './policy.js';
import { openMs } from './windows.js';
import type { Windows } from './windows.js';

/** A stretch of a clock's life: recorded when it closed, or the one it is in. */
export type Stretch = Omit<Segment, 'clock' | 'n'>;

/** Open hours of a calendar's revision, as far as the stretches that ran on it reach. */
export type HoursOf = (calendar: CalendarRef) => Windows;

/** Another budget, in seconds, or another calendar, as `<id>.<revision>`. */
export type ClockChange = { readonly at: Instant; readonly reason: string } & (
  | { readonly type: 'retarget'; readonly from: number; readonly to: number }
  | { readonly type: 'recalendar'; readonly from: string; readonly to: string }
);

/**
 * All stretches of a clock, gapless from its origin to its end, or to now while it is open.
 *
 * @param recorded those that are closed, in order
 */
export function stretchesOf(clock: Clock, recorded: readonly Segment[], now: Instant, hoursOf: HoursOf): Stretch[] {
  const stretches = recorded.map(({ clock: _clock, n: _n, ...stretch }) => stretch);
  const to = wholeSecond(now);
  if (!isOpenClock(clock) || to <= clock.since) return stretches;
  const running = clock.phase === 'running';
  const { since: from, causes, calendar } = clock;
  const present = { from, to, state: running ? 'running' : 'paused', causes, calendar, wallS: (to - from) / second } as const;
  const openS = running ? recounted(present, hoursOf) : 0;
  return [...stretches, { ...present, openS, consumedAfterS: clock.consumedS + openS }];
}

/** Open seconds of a stretch by its calendar's revision; what the hours do not cover counts for nothing. */
const recounted = ({ state, from, to, calendar }: Pick<Stretch, 'state' | 'from' | 'to' | 'calendar'>, hoursOf: HoursOf): number =>
  state === 'running' ? (openMs(hoursOf(calendar), from, to) ?? 0) / second : 0;

/** Used up by the instance this one goes on from, under a policy that came back. Source: sla.md, R21. */
export function carriedS({ consumedS }: Pick<Clock, 'consumedS'>, [first]: readonly Stretch[]): number {
  return first === undefined ? consumedS : first.consumedAfterS - first.openS;
}

/** Used up by the end of the last stretch, in seconds. */
export const usedS = ({ consumedS }: Pick<Clock, 'consumedS'>, stretches: readonly Stretch[]): number =>
  stretches.at(-1)?.consumedAfterS ?? consumedS;

/** Whether every stretch counts what its calendar's revision says, begins where the one before ended, and adds up with it. */
export function checkOf(clock: Clock, stretches: readonly Stretch[], hoursOf: HoursOf): 'ok' | 'mismatch' {
  let { originAt: at } = clock;
  let used = carriedS(clock, stretches);
  for (const stretch of stretches) {
    const openS = recounted(stretch, hoursOf);
    used += openS;
    if (stretch.from !== at || stretch.openS !== openS || stretch.consumedAfterS !== used) return 'mismatch';
    at = stretch.to;
  }
  return 'ok';
}

/** A clock's story, as the explanation shows it. */
export interface Story {
  readonly clock: Clock;
  readonly stretches: readonly Stretch[];
  readonly changes: readonly ClockChange[];
}

/** The reader's zone, and how an instant reads there. */
export interface ZonedTimes {
  readonly zone: string;
  readonly show: (at: Instant) => string;
}

/** One sentence about budget, time used, pauses, changes and the breach. */
export function sentenceOf({ clock, stretches, changes }: Story, { zone, show }: ZonedTimes): string {
  const used = usedS(clock, stretches);
  const parts = [
    `${outcomeWords(clock, used, show)}: ${length(used)} of open time were used`,
    pauseWords(stretches),
    ...changes.map((change) => changeWords(change, show)),
  ];
  return `${parts.join('; ')}. Times are in ${zone}.`;
}

function outcomeWords(clock: Clock, used: number, show: ZonedTimes['show']): string {
  const { breach, phase, causes, dueAt } = clock;
  const budgetS = breach?.budgetS ?? clock.budgetS;
  const target = `The ${spaced(clock.kind)} target of ${length(budgetS)}`;
  const ended = show(clock.fulfilledAt ?? clock.since);
  if (breach !== null) {
    const waived = clock.waived ? ' (waived)' : '';
    const breached = `${target} was breached at ${show(breach.at)}${causeWords[breach.cause]}${waived}`;
    const over = `${length(Math.max(0, used - budgetS))} over`;
    if (phase === 'fulfilled') return `${breached} and fulfilled at ${ended}, ${over}`;
    if (phase === 'cancelled') return `${breached} and cancelled at ${ended} (${reasonOf(clock)}), ${over}`;
    return `${breached} and is still open, ${over}`;
  }
  switch (phase) {
    case 'fulfilled':
      return `${target} was met at ${ended}, ${length(budgetS - used)} to spare`;
    case 'cancelled':
      return `${target} was cancelled at ${ended} (${reasonOf(clock)})`;
    case 'paused':
      return `${target} is paused (${causes.join(', ')}), ${length(budgetS - used)} left`;
    case 'running':
      // Between a deadline and the moment its breach is recorded time is up already.
      return `${target} is running${dueAt === null ? '' : ` and due at ${show(dueAt)}`}, ${length(Math.max(0, budgetS - used))} left`;
  }
}

const causeWords: Readonly<Record<BreachCause, string>> = {
  deadline: '',
  retarget: ' by a smaller target',
  reopen: ', while the ticket was resolved',
  late_ingest: ', before the desk knew of it',
};

const reasonOf = ({ reason }: Clock): string => spaced(String(reason));

const spaced = (word: string): string => word.replaceAll('_', ' ');

/** A pause that changed its cause, or its calendar, is still one pause. */
function pauseWords(stretches: readonly Stretch[]): string {
  const paused = stretches.filter(({ state }) => state === 'paused');
  const closedS = wall(stretches.filter(({ state }) => state === 'closed'));
  const count = stretches.filter(({ state }, index) => state === 'paused' && stretches[index - 1]?.state !== 'paused').length;
  const causes = [...new Set(paused.flatMap((stretch) => stretch.causes))].join(', ');
  const pauses =
    count === 0
      ? 'it was never paused'
      : `it was paused ${count === 1 ? 'once' : `${count} times`}, for ${length(wall(paused))} (${causes})`;
  return closedS === 0 ? pauses : `${pauses}, and stood still for ${length(closedS)} while the ticket was resolved`;
}

const wall = (stretches: readonly Stretch[]): number => stretches.reduce((sum, { wallS }) => sum + wallS, 0);

function changeWords(change: ClockChange, show: ZonedTimes['show']): string {
  const { at, reason } = change;
  const what =
    change.type === 'retarget'
      ? `target changed from ${length(change.from)} to ${length(change.to)}`
      : `calendar changed from ${change.from} to ${change.to}`;
  return `its ${what} at ${show(at)} (${spaced(reason)})`;
}

/** `8 h`, `1 h 30 min`, `45 s`; open time has no days. */
function length(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 3_600), 'h'],
    [Math.floor((seconds % 3_600) / 60), 'min'],
    [seconds % 60, 's'],
  ] as const;
  const words = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`);
  return words.length === 0 ? '0 s' : words.join(' ');
}
