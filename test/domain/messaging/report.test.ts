/** What a provider reports only moves forward, in whatever order it comes. Source: service-desk.md, section 3. */
import { expect, test } from 'vitest';
import { furthest } from '../../../domain/messaging/report.js';

const report = (status: string, code: string | null = null) => ({ status, code });

test.each([
  ['accepted', 'delivered', 'delivered'],
  ['accepted', 'read', 'opened'],
  ['accepted', 'undelivered', 'bounced'],
  ['accepted', 'failed', 'bounced'],
  ['bounced', 'delivered', 'delivered'],
  [null, 'sent', 'accepted'],
  ['deferred', 'queued', 'accepted'],
])('%s, then %s: %s', (known, status, delivery) => {
  expect(furthest(known, [report(status)])?.delivery).toBe(delivery);
});

test.each([
  ['accepted', 'sent'],
  ['delivered', 'sent'],
  ['delivered', 'undelivered'],
  ['delivered', 'delivered'],
  ['opened', 'delivered'],
  ['accepted', 'canceled'],
  ['accepted', 'a_word_of_tomorrow'],
  ['accepted', 'constructor'],
])('%s, then %s: nothing new', (known, status) => {
  expect(furthest(known, [report(status)])).toBeNull();
});

test('the order of reports makes no difference', () => {
  const reports = [report('queued'), report('sent'), report('delivered')];
  for (const order of [reports, reports.toReversed()]) expect(furthest('accepted', order)).toEqual({ delivery: 'delivered', code: null });
});

test('a fault is told with its code, and forgotten with what came after it', () => {
  expect(furthest('accepted', [report('undelivered', 'twilio_30003')])).toEqual({ delivery: 'bounced', code: 'twilio_30003' });
  expect(furthest('accepted', [report('undelivered', 'twilio_30003'), report('delivered')])).toEqual({ delivery: 'delivered', code: null });
});
