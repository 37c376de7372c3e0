import { describe, expect, test } from 'vitest';
import { readHolidays } from '../../api/service-levels/holidays.js';

/** A file with these events, each given by its lines. */
const file = (...events: string[][]): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', ...events.flatMap((lines) => ['BEGIN:VEVENT', ...lines, 'END:VEVENT']), 'END:VCALENDAR', ''].join(
    '\r\n',
  );

const dates = (...events: string[][]): string[] | undefined => readHolidays(file(...events), 2026)?.holidays.map(({ date }) => date);
const skipped = (...events: string[][]) => readHolidays(file(...events), 2026)?.skipped.map(({ reason }) => reason);

test('an all-day event closes its day, under its name', () => {
  expect(readHolidays(file(['UID:1', 'SUMMARY:New Year', 'DTSTART;VALUE=DATE:20270101', 'DTEND;VALUE=DATE:20270102']), 2026)).toEqual({
    holidays: [{ date: '2027-01-01', name: 'New Year' }],
    skipped: [],
  });
});

describe('an event covers', () => {
  test.each([
    ['the days before its end', ['DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20261227'], ['2026-12-24', '2026-12-25', '2026-12-26']],
    ['one day without an end', ['DTSTART;VALUE=DATE:20261224'], ['2026-12-24']],
    ['one day when it ends as it starts', ['DTSTART;VALUE=DATE:20261224', 'DTEND;VALUE=DATE:20261224'], ['2026-12-24']],
    ['the days it lasts', ['DTSTART;VALUE=DATE:20261231', 'DURATION:P2D'], ['2026-12-31', '2027-01-01']],
    ['nothing before the first year', ['DTSTART;VALUE=DATE:20251231', 'DTEND;VALUE=DATE:20260102'], ['2026-01-01']],
    ['nothing after the third', ['DTSTART;VALUE=DATE:20281231', 'DTEND;VALUE=DATE:20290102'], ['2028-12-31']],
    ['every year', ['DTSTART;VALUE=DATE:19900501', 'RRULE:FREQ=YEARLY'], ['2026-05-01', '2027-05-01', '2028-05-01']],
    ['every second year', ['DTSTART;VALUE=DATE:20260501', 'RRULE:FREQ=YEARLY;INTERVAL=2'], ['2026-05-01', '2028-05-01']],
    ['as often as it says', ['DTSTART;VALUE=DATE:20260501', 'RRULE:FREQ=YEARLY;COUNT=2'], ['2026-05-01', '2027-05-01']],
    [
      'the fourth Thursday of November',
      ['DTSTART;VALUE=DATE:20201126', 'RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH'],
      ['2026-11-26', '2027-11-25', '2028-11-23'],
    ],
    [
      'but not an exception',
      ['DTSTART;VALUE=DATE:20260501', 'RRULE:FREQ=YEARLY', 'EXDATE;VALUE=DATE:20270501'],
      ['2026-05-01', '2028-05-01'],
    ],
    ['extra dates too', ['DTSTART;VALUE=DATE:20260501', 'RDATE;VALUE=DATE:20260601'], ['2026-05-01', '2026-06-01']],
  ])('%s', (_what, lines, expected) => {
    expect(dates(['UID:1', ...lines])).toEqual(expected);
  });
});

test('a year that was moved or cancelled is what its exception says', () => {
  const every = ['UID:1', 'DTSTART;VALUE=DATE:20260501', 'RRULE:FREQ=YEARLY'];
  const moved = ['UID:1', 'RECURRENCE-ID;VALUE=DATE:20270501', 'DTSTART;VALUE=DATE:20270503'];
  const cancelled = ['UID:1', 'RECURRENCE-ID;VALUE=DATE:20280501', 'DTSTART;VALUE=DATE:20280501', 'STATUS:CANCELLED'];
  expect(dates(every, moved, cancelled)).toEqual(['2026-05-01', '2027-05-03']);
  const timed = ['UID:1', 'RECURRENCE-ID;VALUE=DATE:20270501', 'DTSTART:20270501T090000Z', 'DTEND:20270501T100000Z'];
  expect(dates(every, timed)).toEqual(['2026-05-01', '2028-05-01']);
  // Of another event, or of one that is missing.
  expect(dates(every, ['UID:2', ...moved.slice(1)])).toEqual(['2026-05-01', '2027-05-01', '2027-05-03', '2028-05-01']);
});

test('a date that is named twice is there once, under its first name; dates come in order', () => {
  const read = readHolidays(
    file(
      ['UID:1', 'SUMMARY:Christmas', 'DTSTART;VALUE=DATE:20261225'],
      ['UID:2', 'DTSTART;VALUE=DATE:20260101'],
      ['UID:3', 'SUMMARY:Noel', 'DTSTART;VALUE=DATE:20261225'],
    ),
    2026,
  );
  expect(read?.holidays).toEqual([
    { date: '2026-01-01', name: null },
    { date: '2026-12-25', name: 'Christmas' },
  ]);
});

test('several calendars in one text are read as one', () => {
  const text = file(['UID:1', 'DTSTART;VALUE=DATE:20260101']) + file(['UID:2', 'DTSTART;VALUE=DATE:20260102']);
  expect(readHolidays(text, 2026)?.holidays.map(({ date }) => date)).toEqual(['2026-01-01', '2026-01-02']);
});

describe('skipped, with the reason', () => {
  test.each<[string, string[]]>([
    ['not_all_day', ['DTSTART:20260101T090000Z', 'DTEND:20260101T100000Z']],
    ['not_yearly', ['DTSTART;VALUE=DATE:20260101', 'RRULE:FREQ=WEEKLY']],
    ['not_yearly', ['DTSTART;VALUE=DATE:20260101', 'RRULE:FREQ=YEARLY', 'RRULE:FREQ=DAILY']],
    ['cancelled', ['DTSTART;VALUE=DATE:20260101', 'STATUS:CANCELLED']],
    ['too_many_days', ['DTSTART;VALUE=DATE:20260101', 'DTEND;VALUE=DATE:20280101']],
    ['too_many_days', ['DTSTART;VALUE=DATE:20260101', 'DTEND;VALUE=DATE:20280101', 'RRULE:FREQ=YEARLY']],
    ['too_many_days', ['DTSTART;VALUE=DATE:20260101', 'DTEND;VALUE=DATE:20280101', 'RDATE;VALUE=DATE:20260601']],
    ['unreadable', ['SUMMARY:Without a start']],
  ])('%s', (reason, lines) => {
    expect(skipped(['UID:1', ...lines])).toEqual([reason]);
    expect(dates(['UID:1', ...lines])).toEqual([]);
  });
});

test('a file cannot make us count without end', () => {
  const weekly = ['DTSTART;VALUE=DATE:16010101', 'RRULE:FREQ=YEARLY;BYDAY=MO'];
  const never = ['DTSTART;VALUE=DATE:20260101', 'RRULE:FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31;BYDAY=MO'];
  expect(skipped(['UID:1', ...weekly], ['UID:2', ...never])).toEqual(['too_many_days']);
});

test.each(['', 'no calendar', 'BEGIN:VCALENDAR', 'BEGIN:VCARD\r\nEND:VCARD\r\n', `${file()}DTSTART:20260101`])(
  '%j is no iCalendar file',
  (text) => {
    expect(readHolidays(text, 2026)).toBeNull();
  },
);

test('a file without events has no holidays', () => {
  expect(readHolidays(file(), 2026)).toEqual({ holidays: [], skipped: [] });
});
