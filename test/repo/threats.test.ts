/** Every threat that applies to what is built has a test named after it. Source: security.md, section 4. */
import { expect, test } from 'vitest';
import { files, read } from '../support/repo.js';

/** Rows of the table, by number. */
const applies: Readonly<Record<number, string>> = {
  1: 'another tenant’s or product’s object by id',
  2: 'what customers must not see',
  3: 'mass assignment',
  4: 'a jump of role',
  5: 'a step of a journey skipped or replayed',
  6: 'a forged or confused token',
  7: 'an issuer that is away, or a flood of keys',
  8: 'a stolen key',
  9: 'a role that was taken away',
  10: 'flooding',
  11: 'large, deep and slow requests',
  13: 'requests to addresses that are not ours to reach',
  14: 'a forged report of an SMS',
  15: 'a forged mail of a provider',
  16: 'a signed callback that comes again',
  17: 'a sender who takes over a ticket',
  18: 'header lines in names and subjects',
  19: 'machines that answer each other',
  20: 'script in mails',
  21: 'templates in what people write',
  22: 'rules as code',
  23: 'patterns that never end',
  24: 'hostile files',
  26: 'SQL in names of fields',
  27: 'lines in streams and logs',
  28: 'other origins',
  29: 'versions and stacks in answers',
  30: 'proxies nobody asked',
  31: 'personal data in Temporal',
  33: 'commands past our permissions',
  35: 'personal data in logs',
  36: 'an audit that was edited',
  37: 'secrets in the repository',
  38: 'dependencies',
  39: 'secrets of webhooks',
  40: 'an erasure that leaves something',
};

/** Rows about what there is not, and why. */
const doesNotApply: Readonly<Record<number, string>> = {
  12: 'there is no GraphQL',
  25: 'nothing is exported as CSV',
  32: 'there is no codec server',
  34: 'payloads hold nothing that would have to be sealed, so there is no codec',
};

const named = new Set(
  files('test')
    .filter((path) => path.endsWith('.test.ts'))
    .flatMap((path) => [...read(path).matchAll(/['"`]T(\d{1,2})(?:: | (?=[a-z%]))/g)].map(([, number]) => Number(number))),
);

test('no row is forgotten', () => {
  const rows = [...Object.keys(applies), ...Object.keys(doesNotApply)].map(Number);
  expect(rows.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
});

test.each(Object.entries(applies))('T%s: %s', (number) => {
  expect(named).toContain(Number(number));
});

test.each(Object.entries(doesNotApply))('T%s has no test: %s', (number) => {
  expect(named).not.toContain(Number(number));
});
