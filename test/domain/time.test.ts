import { expect, test } from 'vitest';
import { fromIso, toDate, toIso } from '../../domain/time.js';

test('an instant is text and back, to the millisecond, in UTC', () => {
  expect(toIso(0)).toBe('1970-01-01T00:00:00.000Z');
  expect(fromIso('2026-07-20T11:00:00.001+02:00')).toBe(Date.UTC(2026, 6, 20, 9, 0, 0, 1));
  expect(toIso(fromIso('2026-07-20T09:00:00.001Z'))).toBe('2026-07-20T09:00:00.001Z');
  expect(toDate(1).getTime()).toBe(1);
  expect(fromIso('next Monday')).toBeNaN();
});
