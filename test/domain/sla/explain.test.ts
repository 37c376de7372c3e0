/** Expectations are typed out from sla.md, section 8. */
import { describe, expect, test } from 'vitest';
import type { Breach, Clock, Segment } from '../../../domain/sla/clock.js';
import { carriedS, checkOf, sentenceOf, stretchesOf, usedS } from '../../../domain/sla/explain.js';
import type { ClockChange, Stretch } from '../../../domain/sla/explain.js';
import type { Windows } from '../../../domain/sla/windows.js';
import { hour, minute, toIso } from '../../../domain/time.js';

/** Monday; the office is open from 9 to 17. */
const midnight = Date.UTC(2026, 6, 20);
const at = (hours: number, day = 0): number => midnight + day * 24 * hour + hours * hour;

const office = { id: 'office', revision: 1 };
const windows: Windows = {
  calendar: office,
  from: midnight,
  until: at(0, 7),
  windows: [0, 1, 2, 3, 4].map((day) => [at(9, day), at(17, day)] as const),
  zoneData: '',
};
const hoursOf = (): Windows => windows;

const aClock = (changes: Partial<Clock> = {}): Clock => ({
  clock: 'resolution#1',
  kind: 'resolution',
  set: 1,
  policy: 'standard',
  calendar: office,
  originAt: at(9),
  budgetS: 8 * 3_600,
  consumedS: 0,
  wallS: 0,
  phase: 'running',
  since: at(9),
  causes: [],
  breach: null,
  fulfilledAt: null,
  reason: null,
  fired: [],
  behind: null,
  dueAt: at(17),
  learned: { at: at(9), cause: 'late_ingest' },
  segments: 0,
  waived: false,
  ...changes,
});

const aSegment = (n: number, from: number, to: number, changes: Partial<Segment> = {}): Segment => ({
  clock: 'resolution#1',
  n,
  from,
  to,
  state: 'running',
  causes: [],
  calendar: office,
  openS: (to - from) / 1_000,
  wallS: (to - from) / 1_000,
  consumedAfterS: 0,
  ...changes,
});

const aBreach = (changes: Partial<Breach> = {}): Breach => ({
  at: at(17),
  cause: 'deadline',
  lateMs: 1,
  budgetS: 8 * 3_600,
  consumedS: 8 * 3_600,
  ...changes,
});

/** Two hours of work, paused for two hours, then running again. */
const morning = [
  aSegment(1, at(9), at(11), { consumedAfterS: 7_200 }),
  aSegment(2, at(11), at(13), { state: 'paused', causes: ['status'], openS: 0, consumedAfterS: 7_200 }),
];
const paused = aClock({ consumedS: 7_200, since: at(13), segments: 2 });

describe('stretches', () => {
  test('of a clock that runs go on to now, in open seconds', () => {
    const [, , last] = stretchesOf(paused, morning, at(10, 1) + 999, hoursOf);
    expect(last).toEqual({
      from: at(13),
      to: at(10, 1),
      state: 'running',
      causes: [],
      calendar: office,
      openS: 5 * 3_600,
      wallS: 21 * 3_600,
      consumedAfterS: 7 * 3_600,
    });
  });

  test('of a clock that pauses go on to now, without open seconds', () => {
    const clock = aClock({ phase: 'paused', causes: ['manual'], since: at(11), consumedS: 7_200, segments: 1 });
    const stretches = stretchesOf(clock, morning.slice(0, 1), at(15), hoursOf);
    expect(stretches[1]).toMatchObject({ from: at(11), to: at(15), state: 'paused', causes: ['manual'], openS: 0, consumedAfterS: 7_200 });
  });

  test('end with the clock, and with the second it is', () => {
    const over = aClock({ phase: 'fulfilled', since: at(11), fulfilledAt: at(11), consumedS: 7_200 });
    expect(stretchesOf(over, morning.slice(0, 1), at(15), hoursOf)).toHaveLength(1);
    expect(stretchesOf(paused, morning, at(13) + 999, hoursOf)).toHaveLength(2);
  });

  test('add up to what is used', () => {
    expect(usedS(paused, stretchesOf(paused, morning, at(15), hoursOf))).toBe(4 * 3_600);
    expect(usedS(aClock({ consumedS: 60 }), [])).toBe(60);
  });

  test('of an instance that goes on from another begin with what that one used', () => {
    expect(carriedS(aClock({ consumedS: 60 }), [])).toBe(60);
    expect(carriedS(aClock(), [aSegment(1, at(9), at(10), { consumedAfterS: 3_660 })])).toBe(60);
  });
});

describe('the check', () => {
  const stretches = stretchesOf(paused, morning, at(15), hoursOf);

  test('agrees with what is recorded', () => {
    expect(checkOf(paused, stretches, hoursOf)).toBe('ok');
    expect(checkOf(paused, [], hoursOf)).toBe('ok');
    const later = [aSegment(1, at(9), at(10), { consumedAfterS: 3_660 })];
    expect(checkOf(aClock(), later, hoursOf)).toBe('ok');
  });

  test.each<[string, number, Partial<Stretch>]>([
    ['open seconds its calendar does not have', 0, { openS: 7_201 }],
    ['open seconds while it paused', 1, { openS: 1 }],
    ['a gap', 1, { from: at(12) }],
    ['a sum that is none', 1, { consumedAfterS: 7_201 }],
    ['a stretch outside the hours that are known', 2, { to: at(0, 8) }],
  ])('finds %s', (_, index, change) => {
    const changed = stretches.map((stretch, place) => (place === index ? { ...stretch, ...change } : stretch));
    expect(checkOf(paused, changed, hoursOf)).toBe('mismatch');
  });

  test('finds that the first stretch does not begin at the origin', () => {
    expect(checkOf(aClock({ originAt: at(8) }), stretches, hoursOf)).toBe('mismatch');
  });
});

const times = { zone: 'UTC', show: (instant: number) => toIso(instant).slice(5, 16) };
const say = (clock: Clock, stretches: readonly Stretch[] = [], changes: readonly ClockChange[] = []): string =>
  sentenceOf({ clock, stretches, changes }, times);

describe('the sentence', () => {
  test('names budget, time used, pauses, changes and the breach', () => {
    const clock = aClock({
      phase: 'fulfilled',
      budgetS: 14_400,
      breach: aBreach({ at: at(15), budgetS: 14_400 }),
      fulfilledAt: at(15) + 90 * minute,
      since: at(15) + 90 * minute,
    });
    const last = aSegment(3, at(13), at(15) + 90 * minute, { consumedAfterS: 7_200 + 12_600 });
    const changes: ClockChange[] = [
      { type: 'retarget', at: at(10), from: 28_800, to: 14_400, reason: 'priority' },
      { type: 'recalendar', at: at(12), from: 'office.1', to: 'office.2', reason: 'zone_data' },
    ];
    expect(say(clock, [...morning, last], changes)).toBe(
      'The resolution target of 4 h was breached at 07-20T15:00 and fulfilled at 07-20T16:30, 1 h 30 min over: 5 h 30 min of open time were used; ' +
        'it was paused once, for 2 h (status); its target changed from 8 h to 4 h at 07-20T10:00 (priority); ' +
        'its calendar changed from office.1 to office.2 at 07-20T12:00 (zone data). Times are in UTC.',
    );
  });

  test.each<[Partial<Clock>, string]>([
    [{ phase: 'fulfilled', fulfilledAt: at(11), since: at(11), consumedS: 7_200 }, 'was met at 07-20T11:00, 6 h to spare: 2 h of'],
    [{ phase: 'cancelled', reason: 'not_in_policy', since: at(11) }, 'was cancelled at 07-20T11:00 (not in policy): 0 s of'],
    [
      { phase: 'paused', causes: ['status', 'manual'], consumedS: 61, dueAt: null },
      'is paused (status, manual), 7 h 58 min 59 s left: 1 min 1 s of',
    ],
    [{ consumedS: 30_000 }, 'is running and due at 07-20T17:00, 0 s left'],
    [{ dueAt: null }, 'is running, 8 h left'],
    [{ breach: aBreach(), consumedS: 28_860 }, 'was breached at 07-20T17:00 and is still open, 1 min over'],
    [{ breach: aBreach(), waived: true }, 'was breached at 07-20T17:00 (waived) and is still open, 0 s over'],
    [{ breach: aBreach({ cause: 'retarget' }) }, 'was breached at 07-20T17:00 by a smaller target and'],
    [{ breach: aBreach({ cause: 'reopen' }) }, 'was breached at 07-20T17:00, while the ticket was resolved and'],
    [{ breach: aBreach({ cause: 'late_ingest' }) }, 'was breached at 07-20T17:00, before the desk knew of it and'],
    [{ breach: aBreach(), phase: 'cancelled', reason: 'merged', since: at(9, 1) }, 'and cancelled at 07-21T09:00 (merged), 0 s over'],
    [{ kind: 'first_response' }, 'The first response target of 8 h is running'],
  ])('says how it stands: %j', (changes, words) => {
    expect(say(aClock(changes))).toContain(words);
  });

  test('counts a pause once, whatever changed within, and apart what stood still while the ticket was resolved', () => {
    const still = { state: 'paused', openS: 0 } as const;
    const stretches = [
      aSegment(1, at(9), at(10), { ...still, causes: ['status'] }),
      aSegment(2, at(10), at(11), { ...still, causes: ['status', 'manual'] }),
      aSegment(3, at(11), at(12)),
      aSegment(4, at(12), at(13), { ...still, causes: ['manual'] }),
      aSegment(5, at(13), at(15), { state: 'closed', openS: 0 }),
    ];
    expect(say(aClock(), stretches)).toContain(
      'it was paused 2 times, for 3 h (status, manual), and stood still for 2 h while the ticket was resolved',
    );
    expect(say(aClock(), [])).toContain('it was never paused');
  });
});
