import { expect, test } from 'vitest';
import { judge } from '../../../domain/webhook/verdict.js';

const now = Date.UTC(2026, 0, 15, 12);
const answered = (status: number, retryAfter: string | null = null) => judge({ kind: 'answered', status, retryAfter }, now);

// Typed out from api-surfaces.md, section 2.
test.each([
  [200, 'succeeded'],
  [204, 'succeeded'],
  [299, 'succeeded'],
  [301, 'failed'],
  [302, 'failed'],
  [304, 'failed'],
  [400, 'failed'],
  [404, 'failed'],
  [410, 'gone'],
  [429, 'failed'],
  [500, 'failed'],
  [503, 'failed'],
  [100, 'failed'],
])('%i: %s', (status, kind) => expect(answered(status)).toEqual({ kind, code: `http_${status}`, restMs: null }));

test.each([429, 502, 503, 504])('after %i a receiver may ask for rest', (status) => {
  expect(answered(status, '120').restMs).toBe(120_000);
  expect(answered(status, 'Thu, 15 Jan 2026 12:10:00 GMT').restMs).toBe(600_000);
  expect(answered(status, 'Thu, 15 Jan 2026 11:00:00 GMT').restMs).toBe(0);
});

test.each(['', 'soon', '-5', '1e3', '12345678901', '2026-01-15T12:10:00Z', '1.5'])('%j asks for nothing', (text) =>
  expect(answered(503, text).restMs).toBeNull(),
);

test.each([500, 404, 301, 200])('after %i it may not', (status) => expect(answered(status, '120').restMs).toBeNull());

test.each(['timeout', 'connection', 'tls', 'name', 'target_not_allowed', 'secret_unreadable'] as const)('%s is a failure', (reason) =>
  expect(judge({ kind: 'lost', reason }, now)).toEqual({ kind: 'failed', code: reason, restMs: null }),
);
