import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatApiKey, isApiKey } from '../../../domain/access/api-key.js';

test('bytes 0 to 31 make the published key', () => {
  expect(formatApiKey(Uint8Array.from({ length: 32 }, (_, index) => index))).toBe(
    'usk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8_efaaec69',
  );
});

test('every key of 32 bytes is one, and with one letter changed it is none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.integer({ min: 4, max: 46 }), (bytes, place) => {
      const key = formatApiKey(bytes);
      expect(isApiKey(key)).toBe(true);
      const letter = key.charAt(place) === 'A' ? 'B' : 'A';
      expect(isApiKey(key.slice(0, place) + letter + key.slice(place + 1))).toBe(false);
    }),
  );
});

test.each(['', 'usk_short_00000000', 'Bearer x'])('%j is no key', (text) => {
  expect(isApiKey(text)).toBe(false);
});

test('bytes that end with a whole letter are written too', () => {
  expect(formatApiKey(Uint8Array.of(255, 255, 255))).toMatch(/^usk_{6}[0-9a-f]{8}$/);
});
