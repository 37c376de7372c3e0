import { expect, test } from 'vitest';
import { parseSigningKeys } from '../../../domain/access/signing-key.js';

test('are read in order, a secret may hold colons', () => {
  expect(parseSigningKeys('k2:a:b, k1:c')).toEqual([
    { id: 'k2', secret: 'a:b' },
    { id: 'k1', secret: 'c' },
  ]);
});

test.each(['', 'k1', 'k1:', ':x', 'k1:a,', 'k1:a,k2'])('%j is refused without being told', (text) => {
  expect(() => parseSigningKeys(text)).toThrow(/^signing keys must be written as id:secret, separated by commas$/);
});
