/** Expectations are typed out from security.md, section 6. */
import { expect, test } from 'vitest';
import { overSince, retentionFrom } from '../../../domain/privacy/retention.js';

const usual = { rawMailDays: 30, closedTicketDays: null, journeyEntryDays: 365 };

test('who set nothing keeps mails 30 days, journey entries 365 and tickets for ever', () => {
  expect(retentionFrom({})).toEqual(usual);
});

test('what was set counts, each for itself', () => {
  expect(retentionFrom({ rawMailDays: 7, closedTicketDays: 730 })).toEqual({ ...usual, rawMailDays: 7, closedTicketDays: 730 });
  expect(retentionFrom({ closedTicketDays: null, journeyEntryDays: 90 })).toEqual({ ...usual, journeyEntryDays: 90 });
});

test.each([0, -1, 1.5, 100_000, '30', null, Number.NaN])('what could never be stored deletes nothing: %j', (days) => {
  expect(retentionFrom({ rawMailDays: days, closedTicketDays: days, journeyEntryDays: days })).toEqual(usual);
});

test('thirty days are thirty times 24 hours', () => {
  expect(overSince(30, Date.UTC(2026, 2, 31, 12))).toBe(Date.UTC(2026, 2, 1, 12));
});
