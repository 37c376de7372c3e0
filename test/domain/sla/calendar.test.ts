/** Cases of sla.md, section 10, by their numbers, and rules R23, R32–R35 typed out. */
import { describe, expect, test } from 'vitest';
import { alwaysOpenCalendar, calendarProblems, calendarRules, dueAt, elapsedS, expand, opens } from '../../../domain/sla/calendar.js';
import type { Calendar, Interval } from '../../../domain/sla/calendar.js';
import { walk } from '../../../domain/sla/windows.js';

const at = (text: string): number => Date.parse(text);
const minutes = (count: number): number => count * 60;
const days = (count: number): number => count * 86_400_000;

const on = (names: string, ...intervals: Interval[]): Calendar['weekly'] =>
  Object.fromEntries(names.split(' ').map((name) => [name, intervals]));
const workdays = 'mon tue wed thu fri';
const daily = 'mon tue wed thu fri sat sun';
const calendar = (zone: string, weekly: Calendar['weekly'], overrides: Calendar['overrides'] = {}): Calendar => ({
  zone,
  weekly,
  overrides,
});

const K1 = calendar('UTC', on(workdays, ['09:00', '17:00']));
const K3 = calendar('Europe/Berlin', on(workdays, ['09:00', '17:00']));
const K5 = calendar('America/New_York', on(workdays, ['09:00', '17:00']));

const tuesday = calendar('UTC', on('tue', ['09:00', '17:00']));
const tuesdayAndWednesday = calendar('UTC', on('tue wed', ['09:00', '17:00']));
const longTuesday = calendar('UTC', on('tue', ['00:01', '23:59']));
const holiday = { ...K3, overrides: { '2015-09-22': [] } };
const eightToEight = calendar('Europe/Berlin', on(workdays, ['08:00', '20:00']));
const siesta = calendar('America/Sao_Paulo', on(workdays, ['08:00', '12:00'], ['13:30', '18:00']));
const christmas: Calendar = { ...K1, overrides: { '2026-12-24': [['09:00', '12:00']], '2026-12-25': [] } };
const wholeDays = calendar('Europe/Berlin', on(daily, ['00:00', '24:00']));
const nights = calendar('Europe/Berlin', on(daily, ['22:00', '06:00']));
const earlySunday = calendar('America/New_York', on('sun', ['02:30', '10:30']));

const deadlines: [string, Calendar, string, number, string][] = [
  ['A1', tuesday, '2023-10-10T08:00Z', minutes(60), '2023-10-10T10:00Z'],
  ['A5', tuesdayAndWednesday, '2023-10-10T17:00Z', minutes(30), '2023-10-11T09:30Z'],
  ['A8, to the close', longTuesday, '2023-10-10T23:30Z', minutes(29), '2023-10-10T23:59Z'],
  ['A8, past it', longTuesday, '2023-10-10T23:30Z', minutes(30), '2023-10-17T00:02Z'],
  ['A11', K1, '2024-01-19T16:00Z', minutes(120), '2024-01-22T10:00Z'],
  ['A13', K1, '2024-01-15T16:00Z', minutes(600), '2024-01-17T10:00Z'],
  ['A16', K1, '2024-01-19T16:55Z', minutes(1440), '2024-01-24T16:55Z'],
  ['A17, two hours', holiday, '2015-09-21T14:30Z', minutes(120), '2015-09-23T08:30Z'],
  ['A17, four hours', holiday, '2015-09-21T14:30Z', minutes(240), '2015-09-23T10:30Z'],
  ['A19', eightToEight, '2016-11-07T13:26:36Z', minutes(1200), '2016-11-09T09:26:36Z'],
  ['A22, one second', K1, '2026-07-20T16:59:59Z', 1, '2026-07-20T17:00:00Z'],
  ['A22, two seconds', K1, '2026-07-20T16:59:59Z', 2, '2026-07-21T09:00:01Z'],
  ['A23, before the break', siesta, '2026-04-06T11:30-03:00', minutes(60), '2026-04-06T17:00Z'],
  ['A23, in the break', siesta, '2026-04-06T12:30-03:00', minutes(30), '2026-04-06T17:00Z'],
  ['A24', christmas, '2026-12-24T11:00Z', minutes(240), '2026-12-28T12:00Z'],
  ['B1', K5, '2024-03-08T21:00Z', minutes(120), '2024-03-11T14:00Z'],
  ['B4, spring', K3, '2026-03-27T16:00+01:00', minutes(120), '2026-03-30T08:00Z'],
  ['B4, autumn', K3, '2026-10-23T16:00+02:00', minutes(120), '2026-10-26T09:00Z'],
  ['B6', wholeDays, '2026-03-29T00:00+01:00', minutes(1440), '2026-03-29T23:00Z'],
  ['B8, autumn', nights, '2026-10-24T22:00+02:00', minutes(480), '2026-10-25T04:00Z'],
  ['B8, spring', nights, '2026-03-28T22:00+01:00', minutes(480), '2026-03-29T21:00Z'],
  ['B9', earlySunday, '2026-03-08T05:00Z', minutes(60), '2026-03-08T08:30Z'],
];

const ref = { id: 'office', revision: 7 };
const zoneData = '2025c';

test.each(deadlines)('%s', (_, given, start, budgetS, expected) => {
  expect(calendarProblems(given)).toEqual([]);
  expect(dueAt(given, at(start), budgetS)).toEqual({ ok: true, at: at(expected) });
  const windows = expand(given, ref, { from: at(start), until: at(start), needMs: budgetS * 1000, zoneData });
  expect(windows === 'horizon' ? windows : walk(windows, at(start), budgetS * 1000)).toBe(at(expected));
});

describe('A28: a budget is a whole number of seconds above 0', () => {
  test.each([0, -5 * 60, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('%d is refused', (budgetS) => {
    expect(dueAt(K1, at('2026-07-20T09:00Z'), budgetS)).toEqual({ ok: false, code: 'policy_invalid' });
  });
});

// R23: the field, and the rule it breaks.
const monday = (...intervals: Interval[]): Calendar => calendar('UTC', on('mon', ...intervals));
const dated = (overrides: Calendar['overrides']): Calendar => ({ ...K1, overrides });
const refusals: [string, Calendar, [field: string, rule: keyof typeof calendarRules][]][] = [
  ['no day', calendar('UTC', {}), [['/weekly', 'never_open']]],
  ['no open day', calendar('UTC', on(daily)), [['/weekly', 'never_open']]],
  ['open by overrides alone', calendar('UTC', {}, { '2026-07-20': [['09:00', '17:00']] }), [['/weekly', 'never_open']]],
  ['25:00 as close', monday(['09:00', '25:00']), [['/weekly/mon/0/1', 'close_time']]],
  ['25:00 as opening', monday(['25:00', '09:00']), [['/weekly/mon/0/0', 'open_time']]],
  ['18:60', monday(['08:00', '09:00'], ['09:00', '18:60']), [['/weekly/mon/1/1', 'close_time']]],
  ['24:00 as opening', monday(['24:00', '06:00']), [['/weekly/mon/0/0', 'open_time']]],
  ['24:00 as both', monday(['24:00', '24:00']), [['/weekly/mon/0/0', 'open_time']]],
  ['24:01', monday(['09:00', '24:01']), [['/weekly/mon/0/1', 'close_time']]],
  [
    'neither in its form',
    monday(['9:00', '17']),
    [
      ['/weekly/mon/0/0', 'open_time'],
      ['/weekly/mon/0/1', 'close_time'],
    ],
  ],
  ['seconds', monday(['09:00:00', '17:00']), [['/weekly/mon/0/0', 'open_time']]],
  ['a line end', monday(['09:00\n', '17:00']), [['/weekly/mon/0/0', 'open_time']]],
  ['an empty interval', monday(['09:00', '09:00']), [['/weekly/mon/0', 'empty_interval']]],
  ['an empty interval at midnight', monday(['00:00', '00:00']), [['/weekly/mon/0', 'empty_interval']]],
  ['an overlap within a day', monday(['09:00', '12:00'], ['11:59', '17:00']), [['/weekly/mon/1', 'overlap']]],
  ['the same in any order', monday(['11:59', '17:00'], ['09:00', '12:00']), [['/weekly/mon/0', 'overlap']]],
  ['an interval twice', monday(['09:00', '12:00'], ['09:00', '12:00']), [['/weekly/mon/1', 'overlap']]],
  [
    'two intervals within a third',
    monday(['09:00', '17:00'], ['10:00', '11:00'], ['12:00', '13:00']),
    [
      ['/weekly/mon/1', 'overlap'],
      ['/weekly/mon/2', 'overlap'],
    ],
  ],
  [
    'a night that runs into the next day',
    calendar('UTC', { mon: [['22:00', '06:00']], tue: [['05:59', '12:00']] }),
    [['/weekly/tue/0', 'overlap']],
  ],
  [
    'a night that runs round the week',
    calendar('UTC', { mon: [['05:59', '12:00']], sun: [['22:00', '06:00']] }),
    [['/weekly/mon/0', 'overlap']],
  ],
  ['a zone nobody knows', { ...K1, zone: 'Mars/Olympus' }, [['/zone', 'unknown_zone']]],
  ['an offset', { ...K1, zone: '+02:00' }, [['/zone', 'unknown_zone']]],
  ['a timestamp that names a zone', { ...K1, zone: 'T12:00Z[UTC]' }, [['/zone', 'unknown_zone']]],
  ['no zone', { ...K1, zone: '' }, [['/zone', 'unknown_zone']]],
  ['a date that does not exist', dated({ '2026-02-30': [] }), [['/overrides/2026-02-30', 'unknown_date']]],
  ['a month that does not exist', dated({ '2026-13-01': [] }), [['/overrides/2026-13-01', 'unknown_date']]],
  ['the leap day of another year', dated({ '2026-02-29': [] }), [['/overrides/2026-02-29', 'unknown_date']]],
  ['a date in another form', dated({ '24/12/26~': [] }), [['/overrides/24~112~126~0', 'unknown_date']]],
  [
    'an override with faults of its own',
    dated({
      '2026-12-24': [
        ['09:00', '24:30'],
        ['10:00', '10:00'],
      ],
      '2026-12-31': [
        ['09:00', '12:00'],
        ['08:00', '09:01'],
      ],
    }),
    [
      ['/overrides/2026-12-24/0/1', 'close_time'],
      ['/overrides/2026-12-24/1', 'empty_interval'],
      ['/overrides/2026-12-31/0', 'overlap'],
    ],
  ],
  [
    'everything at once',
    calendar('Nowhere', { mon: [['09:00', '09:00']], fri: [['x', '17:00']] }, { soon: [] }),
    [
      ['/zone', 'unknown_zone'],
      ['/weekly/mon/0', 'empty_interval'],
      ['/weekly/fri/0/0', 'open_time'],
      ['/overrides/soon', 'unknown_date'],
    ],
  ],
];

test.each(refusals)('refused: %s', (_, given, expected) => {
  expect(calendarProblems(given)).toEqual(expected.map(([field, rule]) => ({ field, rule })));
});

test('every rule is broken once', () => {
  expect(new Set(refusals.flatMap(([, , problems]) => problems.map(([, rule]) => rule)))).toEqual(new Set(Object.keys(calendarRules)));
});

test.each([
  ['always open', alwaysOpenCalendar],
  ['touching intervals', monday(['09:00', '12:00'], ['12:00', '24:00'])],
  ['a night that ends where the morning begins', calendar('UTC', on(daily, ['22:00', '06:00'], ['06:00', '22:00']))],
  ['an interval of almost a day', monday(['12:00', '11:59'])],
  ['an override that runs into the next day’s hours', dated({ '2026-07-20': [['22:00', '10:00']] })],
  ['an override with a night after a morning', dated({ '2026-07-20': [['22:00', '06:00'], ['05:00', '07:00']] })], // prettier-ignore
  ['a leap day', dated({ '2028-02-29': [] })],
  ['a zone by its old name', { ...K1, zone: 'US/Pacific' }],
])('accepted: %s', (_, given) => {
  expect(calendarProblems(given)).toEqual([]);
});

test('a calendar that was not checked is refused, not taken for closed', () => {
  expect(() => dueAt(monday(['9:00', '17:00']), 0, 60)).toThrow(
    new RangeError('calendar: /weekly/mon/0/0 must be HH:MM from 00:00 to 23:59'),
  );
  expect(() => opens(dated({ '2026-02-30': [] }), 0)).toThrow(
    new RangeError('calendar: /overrides/2026-02-30 must be a date that exists, as YYYY-MM-DD'),
  );
  expect(() => opens({ ...K1, zone: 'Mars/Olympus' }, 0)).toThrow(RangeError);
});

test('A29: open at the opening, closed at the close', () => {
  expect(opens(K5, at('2026-07-20T09:00:00-04:00'))).toBe(true);
  expect(opens(K5, at('2026-07-20T09:00:00-04:00') - 1)).toBe(false);
  expect(opens(K5, at('2026-07-20T17:00:00-04:00') - 1)).toBe(true);
  expect(opens(K5, at('2026-07-20T17:00:00-04:00'))).toBe(false);
});

describe('A30: five years at most', () => {
  const minuteAWeek = calendar('UTC', on('tue', ['09:00', '09:01']));

  test.each(['2023-10-10T08:00Z', '2026-07-20T00:00Z', '2040-02-29T12:00Z'])('480 weeks from %s are too far', (start) => {
    expect(dueAt(minuteAWeek, at(start), minutes(480))).toEqual({ ok: false, code: 'sla_horizon_exceeded' });
    expect(expand(minuteAWeek, ref, { from: at(start), until: at(start), needMs: 480 * 60_000, zoneData })).toBe('horizon');
  });

  test('260 weeks are not', () => {
    expect(dueAt(minuteAWeek, at('2023-10-10T08:00Z'), minutes(260))).toEqual({ ok: true, at: at('2028-09-26T09:01Z') });
  });

  test('to the second', () => {
    const fiveYearsS = 5 * 365 * 86_400;
    const start = at('2026-07-20T00:00Z');
    expect(dueAt(alwaysOpenCalendar, start, fiveYearsS)).toEqual({ ok: true, at: start + fiveYearsS * 1000 });
    expect(dueAt(alwaysOpenCalendar, start, fiveYearsS + 1)).toEqual({ ok: false, code: 'sla_horizon_exceeded' });
    expect(dueAt(alwaysOpenCalendar, start, Number.MAX_SAFE_INTEGER)).toEqual({ ok: false, code: 'sla_horizon_exceeded' });
  });

  test('even when windows beyond are asked for', () => {
    const from = at('2026-07-20T00:00Z');
    expect(expand(minuteAWeek, ref, { from, until: from + days(3650), needMs: 480 * 60_000, zoneData })).toBe('horizon');
    expect(expand(minuteAWeek, ref, { from, until: from + days(3650), needMs: 60_000, zoneData })).not.toBe('horizon');
  });
});

describe('elapsed', () => {
  test('B2: over the end of summer time', () => {
    expect(elapsedS(K5, at('2024-11-01T20:00Z'), at('2024-11-04T15:00Z'))).toBe(minutes(120));
  });

  test('is nothing outside hours and backwards, and whole seconds', () => {
    expect(elapsedS(K1, at('2026-07-18T00:00Z'), at('2026-07-20T09:00Z'))).toBe(0);
    expect(elapsedS(K1, at('2026-07-20T12:00Z'), at('2026-07-20T09:00Z'))).toBe(0);
    expect(elapsedS(K1, at('2026-07-27T12:00Z'), at('2026-07-20T09:00Z'))).toBe(0);
    expect(elapsedS(K1, at('2026-07-20T09:00:00.001Z'), at('2026-07-20T09:00:02Z'))).toBe(1);
  });
});

/** The windows as text, so that a failure can be read. */
const spans = (given: Calendar, from: string, until: string): string[] => {
  const expanded = expand(given, ref, { from: at(from), until: at(until), zoneData });
  if (expanded === 'horizon') throw new Error('nothing was needed');
  return expanded.windows.map((window) => window.map((instant) => new Date(instant).toISOString().replace(/:00\.000Z$/, 'Z')).join(' '));
};

describe('an expansion', () => {
  const from = at('2026-07-20T00:00Z');

  test('says what it is of, how far it reaches, and with which zone data it was made', () => {
    expect(expand(K1, ref, { from, until: from + days(2), zoneData })).toEqual({
      calendar: ref,
      from,
      until: from + days(2),
      windows: [
        [at('2026-07-20T09:00Z'), at('2026-07-20T17:00Z')],
        [at('2026-07-21T09:00Z'), at('2026-07-21T17:00Z')],
      ],
      zoneData,
    });
  });

  test('is clipped at both ends', () => {
    expect(spans(K1, '2026-07-20T10:00Z', '2026-07-21T12:00Z')).toEqual([
      '2026-07-20T10:00Z 2026-07-20T17:00Z',
      '2026-07-21T09:00Z 2026-07-21T12:00Z',
    ]);
    expect(spans(K1, '2026-07-20T17:00Z', '2026-07-21T09:00Z')).toEqual([]);
  });

  test('merges what touches', () => {
    expect(spans(alwaysOpenCalendar, '2026-07-20T00:00Z', '2026-08-24T00:00Z')).toEqual(['2026-07-20T00:00Z 2026-08-24T00:00Z']);
    expect(spans(monday(['13:00', '17:00'], ['09:00', '13:00']), '2026-07-20T00:00Z', '2026-07-21T00:00Z')).toEqual([
      '2026-07-20T09:00Z 2026-07-20T17:00Z',
    ]);
  });

  test('reaches as far as open time is needed, from the instant it is needed from', () => {
    const reach = { from, until: from + days(1), zoneData };
    const far = expand(K1, ref, { ...reach, needMs: 100 * 8 * 3_600_000 });
    expect(far).toMatchObject({ from });
    expect(far === 'horizon' ? far : walk(far, from, 100 * 8 * 3_600_000)).toBe(at('2026-12-04T17:00Z'));

    const later = at('2026-09-07T12:00Z');
    const fromLater = expand(K1, ref, { ...reach, needMs: 8 * 3_600_000, needFrom: later });
    expect(fromLater).toMatchObject({ from });
    expect(fromLater === 'horizon' ? fromLater : walk(fromLater, later, 8 * 3_600_000)).toBe(at('2026-09-08T12:00Z'));

    const earlier = at('2026-07-17T16:00Z');
    const fromEarlier = expand(K1, ref, { ...reach, needMs: 2 * 3_600_000, needFrom: earlier });
    expect(fromEarlier).toMatchObject({ from: earlier, until: from + days(1) });
    expect(fromEarlier === 'horizon' ? fromEarlier : walk(fromEarlier, earlier, 2 * 3_600_000)).toBe(at('2026-07-20T10:00Z'));
  });

  test('reaches no less than asked when little is needed', () => {
    expect(expand(K1, ref, { from, until: from + days(35), needMs: 60_000, zoneData })).toMatchObject({ from, until: from + days(35) });
  });
});

describe('R32', () => {
  test('an override replaces what starts on its date; the night before stays, its own night runs on', () => {
    const given: Calendar = { ...nights, zone: 'UTC', overrides: { '2026-07-21': [['10:00', '12:00']], '2026-07-23': [] } };
    expect(spans(given, '2026-07-20T12:00Z', '2026-07-24T12:00Z')).toEqual([
      '2026-07-20T22:00Z 2026-07-21T06:00Z',
      '2026-07-21T10:00Z 2026-07-21T12:00Z',
      '2026-07-22T22:00Z 2026-07-23T06:00Z',
    ]);
  });

  test('an overlap that an override makes is merged', () => {
    const given: Calendar = { ...K1, overrides: { '2026-07-20': [['22:00', '10:00']], '2026-07-21': [['08:00', '09:30'], ['09:00', '11:00']] } }; // prettier-ignore
    expect(spans(given, '2026-07-20T00:00Z', '2026-07-22T00:00Z')).toEqual(['2026-07-20T22:00Z 2026-07-21T11:00Z']);
  });

  test('a close at 24:00 is the midnight that follows, wherever that lies', () => {
    const late = on('sat', ['22:00', '24:00']);
    expect(spans(calendar('UTC', late), '2026-03-28T00:00Z', '2026-03-30T00:00Z')).toEqual(['2026-03-28T22:00Z 2026-03-29T00:00Z']);
    // Beirut's clocks jump from midnight to one: 24:00 is 01:00, the same instant.
    expect(spans(calendar('Asia/Beirut', late), '2026-03-28T00:00Z', '2026-03-30T00:00Z')).toEqual(['2026-03-28T20:00Z 2026-03-28T22:00Z']);
  });

  test('weekdays are right before 1970 too', () => {
    expect(spans(calendar('UTC', on('tue', ['09:00', '10:00'])), '1969-12-20T00:00Z', '1970-01-07T00:00Z')).toEqual([
      '1969-12-23T09:00Z 1969-12-23T10:00Z',
      '1969-12-30T09:00Z 1969-12-30T10:00Z',
      '1970-01-06T09:00Z 1970-01-06T10:00Z',
    ]);
  });

  test('what began two UTC dates ago may still be open', () => {
    const longSunday = calendar('America/New_York', on('sun', ['23:30', '23:29']));
    expect(spans(longSunday, '2026-07-21T03:00Z', '2026-07-22T00:00Z')).toEqual(['2026-07-21T03:00Z 2026-07-21T03:29Z']);
  });
});

// R34. Berlin's clocks jump from 02:00 to 03:00 at 01:00Z on 2026-03-29, and go back from 03:00 to 02:00 at 01:00Z on 2026-10-25.
const changes: [string, string, Interval[], string, string[]][] = [
  ['an opening in the gap moves forward', 'Europe/Berlin', [['02:30', '06:00']], '2026-03-29', ['01:30Z 04:00Z']],
  ['a close in the gap moves forward', 'Europe/Berlin', [['01:30', '02:30']], '2026-03-29', ['00:30Z 01:30Z']],
  ['both do', 'Europe/Berlin', [['02:15', '02:45']], '2026-03-29', ['01:15Z 01:45Z']],
  ['an interval that this reverses is dropped', 'Europe/Berlin', [['02:45', '03:15']], '2026-03-29', []],
  ['and one it empties', 'Europe/Berlin', [['02:30', '03:30']], '2026-03-29', []],
  ['one that it makes overlap is merged', 'Europe/Berlin', [['01:00', '02:30'], ['03:00', '04:00']], '2026-03-29', ['00:00Z 02:00Z']], // prettier-ignore
  ['an ambiguous opening is the first', 'Europe/Berlin', [['02:30', '04:00']], '2026-10-25', ['00:30Z 03:00Z']],
  ['an ambiguous close is the first', 'Europe/Berlin', [['01:00', '02:30']], '2026-10-25', ['23:00Z 00:30Z']],
  ['two ambiguous times are not open twice', 'Europe/Berlin', [['02:00', '02:30']], '2026-10-25', ['00:00Z 00:30Z']],
  ['the end of the hour that comes twice is reached once', 'Europe/Berlin', [['02:00', '03:00']], '2026-10-25', ['00:00Z 02:00Z']],
  ['half an hour', 'Australia/Lord_Howe', [['02:15', '03:00']], '2026-10-04', ['15:45Z 16:00Z']],
  ['the hour before midnight that comes twice', 'Africa/Cairo', [['22:00', '23:30']], '2026-10-29', ['19:00Z 20:30Z']],
];

test.each(changes)('R34: %s', (_, zone, intervals, date, expected) => {
  const given = calendar(zone, {}, { [date]: intervals });
  const around = expand(given, ref, { from: at(`${date}T00:00Z`) - days(1), until: at(`${date}T00:00Z`) + days(1), zoneData });
  const times =
    around === 'horizon' ? [] : around.windows.map((window) => window.map((instant) => new Date(instant).toISOString().slice(11, 16)));
  expect(times.map(([open, close]) => `${open}Z ${close}Z`)).toEqual(expected);
});

test('R34: a date that a zone skipped moves forward by a day, onto the next one', () => {
  const fridays = calendar('Pacific/Apia', on('fri', ['09:00', '17:00']));
  expect(spans(fridays, '2011-12-29T00:00Z', '2012-01-02T00:00Z')).toEqual(['2011-12-30T19:00Z 2011-12-31T03:00Z']);
});
