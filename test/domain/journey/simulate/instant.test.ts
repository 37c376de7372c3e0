import { describe, expect, test } from 'vitest';
import { momentOf, parseDuration, parseInstant, shownAfter, shownInstant } from '../../../../domain/journey/simulate/instant.js';
import { day, fromIso, hour, minute, second } from '../../../../domain/time.js';

const start = fromIso('2026-01-05T09:00:00Z');

test.each([
  ['+0s', 0],
  ['+2h', 2 * hour],
  ['+1d2h', day + 2 * hour],
  ['+2d30m', 2 * day + 30 * minute],
  ['+1d2h3m4s', day + 2 * hour + 3 * minute + 4 * second],
  ['+90m', 90 * minute],
  ['+P1DT12H', 36 * hour],
])('%s is counted from the start', (text, ms) => expect(momentOf(text, start)).toBe(start + ms));

test.each([
  ['2026-01-05T10:00:00Z', '2026-01-05T10:00:00Z'],
  ['2026-01-05T10:00Z', '2026-01-05T10:00:00Z'],
  ['2026-01-05 11:00:00+01:00', '2026-01-05T10:00:00Z'],
  ['2026-01-05T10:00:00.250Z', '2026-01-05T10:00:00.250Z'],
])('%s is that instant', (text, shown) => expect(shownInstant(momentOf(text, start) ?? 0)).toBe(shown));

test.each([
  '+',
  '+2',
  '+h',
  '+2h1d',
  '+1.5h',
  '2h',
  '-2h',
  '+-2h',
  '2026-01-05',
  '2026-01-05T10:00:00',
  '2026-02-30T10:00:00Z',
  '2026-01-05T24:00:00Z',
  '',
])('%j is no instant', (text) => expect(momentOf(text, start)).toBeNull());

test.each([
  ['10s', 10 * second],
  ['1h30m', 90 * minute],
  ['PT10S', 10 * second],
  ['10', null],
  ['', null],
])('%j lasts %s', (text, ms) => expect(parseDuration(text)).toBe(ms));

describe('for a reader', () => {
  test.each([
    [0, '+0s'],
    [2 * hour, '+2h'],
    [day + 30 * minute + second, '+1d30m1s'],
    [1_500, '+1.5s'],
    [-hour, '-1h'],
  ])('%d ms after the start is %s', (ms, shown) => expect(shownAfter(start + ms, start)).toBe(shown));

  test('what is shown is read back', () => {
    const at = start + 3 * day + 7 * minute;
    expect(momentOf(shownAfter(at, start), start)).toBe(at);
    expect(parseInstant(shownInstant(at))).toBe(at);
  });
});
