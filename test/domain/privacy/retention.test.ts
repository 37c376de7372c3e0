/** Expectations are typed out from security.md, section 6. */
import { expect, test } from 'vitest';
import { overSince, retentionFrom, retentionLimits } from '../../../domain/privacy/retention.js';
import { day } from '../../../domain/time.js';
import { afterAttempt, mostAttempts } from '../../../domain/webhook/schedule.js';

const usual = { rawMailDays: 30, closedTicketDays: null, journeyEntryDays: 365, webhookDays: 30, auditDays: 400 };

test('who set nothing keeps mails and webhooks 30 days, journey entries 365, the audit 400 and tickets for ever', () => {
  expect(retentionFrom({})).toEqual(usual);
});

test('what was set counts, each for itself', () => {
  expect(retentionFrom({ rawMailDays: 7, closedTicketDays: 730 })).toEqual({ ...usual, rawMailDays: 7, closedTicketDays: 730 });
  expect(retentionFrom({ closedTicketDays: null, journeyEntryDays: 90 })).toEqual({ ...usual, journeyEntryDays: 90 });
  expect(retentionFrom({ webhookDays: 90, auditDays: 500 })).toEqual({ ...usual, webhookDays: 90, auditDays: 500 });
});

test.each([
  ['rawMailDays', 1, 3_650],
  ['closedTicketDays', 1, 36_500],
  ['journeyEntryDays', 30, 36_500],
  ['webhookDays', 7, 365],
  ['auditDays', 400, 36_500],
] as const)('%s is from %d to %d', (name, least, most) => {
  for (const days of [least, most]) expect(retentionFrom({ [name]: days })).toEqual({ ...usual, [name]: days });
  for (const days of [least - 1, most + 1]) expect(retentionFrom({ [name]: days })).toEqual(usual);
});

test('what an endpoint missed until it was given up can be sent again for some days yet', () => {
  const slowest = Array.from({ length: mostAttempts }, (_, failed) =>
    afterAttempt({ kind: 'failed', restMs: null }, { type: 'ticket.created', failed, chance: 1 }),
  ).reduce((sum, after) => sum + (after.state === 'pending' ? after.pauseMs : 0), 0);
  expect(slowest + 3 * day).toBeLessThan(retentionLimits.webhookDays.least * day);
});

test.each([0, -1, 1.5, 100_000, '30', null, Number.NaN])('what could never be stored deletes nothing: %j', (days) => {
  expect(retentionFrom({ rawMailDays: days, closedTicketDays: days, journeyEntryDays: days, webhookDays: days, auditDays: days })).toEqual(
    usual,
  );
});

test('thirty days are thirty times 24 hours', () => {
  expect(overSince(30, Date.UTC(2026, 2, 31, 12))).toBe(Date.UTC(2026, 2, 1, 12));
});
