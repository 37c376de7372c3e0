/** Times of day where clocks change. Expectations are the zones' own: Berlin loses 02:00–03:00 on 2026-03-29 and repeats it on 2026-10-25. */
import { describe, expect, test } from 'vitest';
import { isZone, nextLocalTime, quietUntil } from '../../../domain/journey/zone.js';
import { fromIso, toIso } from '../../../domain/time.js';

describe('the next time of day', () => {
  test.each([
    ['09:00', 'UTC', '2026-01-05T08:00:00Z', '2026-01-05T09:00:00.000Z', 'later today'],
    ['09:00', 'UTC', '2026-01-05T09:00:00Z', '2026-01-05T09:00:00.000Z', 'exactly now'],
    ['09:00', 'UTC', '2026-01-05T09:00:00.001Z', '2026-01-06T09:00:00.000Z', 'just over: tomorrow'],
    ['09:00', 'Europe/Berlin', '2026-01-05T08:30:00Z', '2026-01-06T08:00:00.000Z', 'in the zone it is over'],
    ['01:00', 'America/New_York', '2026-01-06T03:00:00Z', '2026-01-06T06:00:00.000Z', 'the date is the zone’s'],
    ['02:30', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00.000Z', 'in a gap: the first valid instant'],
    ['02:30', 'Europe/Berlin', '2026-03-29T01:00:01Z', '2026-03-30T00:30:00.000Z', 'after the gap: the next day'],
    ['02:30', 'Europe/Berlin', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00.000Z', 'twice: the first'],
    ['02:30', 'Europe/Berlin', '2026-10-25T01:00:00Z', '2026-10-26T01:30:00.000Z', 'between the two: the next day'],
    ['12:00', 'Pacific/Apia', '2011-12-29T23:00:00Z', '2011-12-30T10:00:00.000Z', 'a skipped day is a long gap'],
  ])('%s in %s after %s is %s: %s', (local, zone, after, expected) => {
    expect(toIso(nextLocalTime(local, zone, fromIso(after)))).toBe(expected);
  });
});

describe('quiet hours', () => {
  const night = { from: '22:00', to: '06:00' };
  test.each([
    [night, 'UTC', '2026-01-05T05:30:00Z', '2026-01-05T06:00:00.000Z'],
    [night, 'UTC', '2026-01-05T22:00:00Z', '2026-01-06T06:00:00.000Z'],
    [night, 'UTC', '2026-01-05T21:59:59Z', null],
    [night, 'UTC', '2026-01-05T06:00:00Z', null],
    [night, 'Europe/Berlin', '2026-01-05T05:30:00Z', null],
    [night, 'Europe/Berlin', '2026-01-05T21:30:00Z', '2026-01-06T05:00:00.000Z'],
    [{ from: '12:00', to: '14:00' }, 'UTC', '2026-01-05T13:00:00Z', '2026-01-05T14:00:00.000Z'],
    [{ from: '12:00', to: '14:00' }, 'UTC', '2026-01-05T14:00:00Z', null],
    [{ from: '12:00', to: '12:00' }, 'UTC', '2026-01-05T12:00:00Z', null],
    [{ from: '22:00', to: '02:30' }, 'Europe/Berlin', '2026-03-29T00:30:00Z', '2026-03-29T01:00:00.000Z'],
    [{ from: '22:00', to: '02:30' }, 'Europe/Berlin', '2026-10-25T00:10:00Z', '2026-10-25T00:30:00.000Z'],
    [{ from: '22:00', to: '02:30' }, 'Europe/Berlin', '2026-10-25T01:10:00Z', null],
  ])('%j in %s at %s end at %s', (hours, zone, at, expected) => {
    const until = quietUntil(hours, zone, fromIso(at));
    expect(until === null ? null : toIso(until)).toBe(expected);
  });
});

test.each([
  ['Europe/Berlin', true],
  ['UTC', true],
  ['Europe/Brusels', false],
  ['+01:00', false],
  ['', false],
])('%j is a zone: %s', (zone, expected) => expect(isZone(zone)).toBe(expected));
