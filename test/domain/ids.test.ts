import { expect, test } from 'vitest';
import { base32, parseTicketId, ticketIdFrom } from '../../domain/ids.js';
import { fromIso, toIso } from '../../domain/time.js';

test('base32 is Crockford’s, most significant bits first', () => {
  expect(base32(Uint8Array.of(0xff, 0, 0, 0, 0))).toBe('ZW000000');
  expect(base32(Uint8Array.of(0))).toBe('00');
  expect(base32(Uint8Array.of(0xff))).toBe('ZW');
});

test('forty bits make a ticket number', () => {
  expect(ticketIdFrom(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0x12))).toBe('TKT-ZZZZZZZZ');
});

test.each([
  ['tkt-7k3m2q9a', 'TKT-7K3M2Q9A'],
  ['TKT-7K3M2Q9', null],
  ['TKT-7K3M2Q9I', null],
  ['7K3M2Q9A', null],
])('%s reads as %s', (text, id) => {
  expect(parseTicketId(text)).toBe(id);
});

test('instants go out as ISO and come back', () => {
  expect(toIso(Date.UTC(2026, 0, 15, 12))).toBe('2026-01-15T12:00:00.000Z');
  expect(fromIso('2026-01-15T12:00:00.000Z')).toBe(Date.UTC(2026, 0, 15, 12));
  expect(fromIso('next week')).toBeNaN();
});
