import { expect, test } from 'vitest';
import { disabledSubject, disabledText } from '../../../domain/webhook/notice.js';

const endpoint = {
  id: '018f3b1e-0000-7000-8000-0000000000f1',
  cause: 'failing',
  description: 'The warehouse',
  url: 'https://hooks.example.com:8443/in/token-4711?key=secret',
  disabledAt: Date.UTC(2026, 0, 15, 12),
} as const;

test('the owner reads what happened, where, and what to do', () => {
  expect(disabledSubject(endpoint)).toBe('Webhook endpoint disabled: The warehouse');
  const text = disabledText(endpoint);
  for (const part of ['2026-01-15T12:00:00.000Z', 'three days', endpoint.id, 'https://hooks.example.com:8443\n', '/enable', '/replay'])
    expect(text).toContain(part);
  expect(text).not.toMatch(/token|secret/);
});

test.each([
  ['gone', '410'],
  ['admin', 'administrator'],
] as const)('%s', (cause, word) => expect(disabledText({ ...endpoint, cause })).toContain(word));

test('without a description, and without an address', () => {
  const bare = { ...endpoint, description: '', url: '' };
  expect(disabledSubject(bare)).toBe('Webhook endpoint disabled');
  expect(disabledText(bare)).toContain('Place: unknown');
  expect(disabledText(bare)).not.toContain('Description');
});
