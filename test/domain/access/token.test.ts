import { describe, expect, test } from 'vitest';
import { isToken, readClaims, tokenAlgorithms } from '../../../domain/access/token.js';

const claims = { iss: 'https://login.example.com', sub: 'ada', exp: 1_800_000_000 };

test('no algorithm shares a secret, and none is none', () => {
  expect(tokenAlgorithms.filter((name) => /^(?:hs|none)/i.test(name))).toEqual([]);
});

describe('claims', () => {
  test('what counts is read', () => {
    expect(readClaims({ ...claims, email: 'Ada@Example.com', email_verified: true, role: 'admin' })).toEqual({
      issuer: 'https://login.example.com',
      subject: 'ada',
      email: 'ada@example.com',
      expiresAt: 1_800_000_000,
    });
  });

  test.each([
    ['not verified', { email: 'ada@example.com' }],
    ['verified by a word', { email: 'ada@example.com', email_verified: 'true' }],
    ['verified by a number', { email: 'ada@example.com', email_verified: 1 }],
    ['no address', { email: 'ada', email_verified: true }],
    ['two addresses', { email: 'ada@example.com @x', email_verified: true }],
    ['empty', { email: '', email_verified: true }],
    ['absent', { email_verified: true }],
  ])('an address that is %s does not count', (_, given) => expect(readClaims({ ...claims, ...given })?.email).toBeNull());

  test.each([
    ['issuer', { iss: undefined }],
    ['issuer', { iss: ['https://login.example.com'] }],
    ['subject', { sub: undefined }],
    ['subject', { sub: '' }],
    ['subject', { sub: 7 }],
    ['subject', { sub: 'x'.repeat(256) }],
    ['end', { exp: undefined }],
    ['end', { exp: '1800000000' }],
    ['end', { exp: Number.POSITIVE_INFINITY }],
    ['address', { email: ['ada@example.com'], email_verified: true }],
  ])('without a good %s there is nobody: %j', (_, given) => expect(readClaims({ ...claims, ...given })).toBeNull());
});

test.each([
  ['eyJhbGciOiJ.eyJpc3MiOiJ.c2lnbmF0dXJl', true],
  ['eyJhbGciOiJ.eyJpc3MiOiJ.', false],
  ['eyJhbGciOiJ.eyJpc3MiOiJ', false],
  ['eyJhbGciOiJ.eyJpc3MiOiJ.c2lnbmF0dXJl.c2lnbmF0dXJl', false],
  ['usk_AAECAwQFBgcICQ', false],
  ['', false],
])('%s has the form of a token: %s', (text, is) => expect(isToken(text)).toBe(is));
