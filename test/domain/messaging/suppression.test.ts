import { expect, test } from 'vitest';
import { reasonAgainst, suppressionReasons } from '../../../domain/messaging/suppression.js';
import type { SuppressionFacts, SuppressionReason } from '../../../domain/messaging/suppression.js';

const facts = (changes: Partial<SuppressionFacts> = {}): SuppressionFacts => ({
  template: 'reply',
  automatic: false,
  cycle: 1,
  ticket: { removed: false, status: 'in_progress', cycle: 1, openedByMail: true },
  customerDeleted: false,
  textErased: false,
  address: 'good',
  switchedOn: true,
  lastHour: { acknowledgementsToRecipient: 0, automaticOfTicket: 0 },
  ...changes,
});
const { ticket } = facts();
const acknowledgement = { template: 'acknowledgement', automatic: true } as const;
const resolved = { template: 'resolved', automatic: true } as const;
const lastHour = (acknowledgementsToRecipient: number, automaticOfTicket: number) => ({
  lastHour: { acknowledgementsToRecipient, automaticOfTicket },
});

// reliability.md, R6; security.md, T19.
const table: [string, SuppressionFacts, SuppressionReason | null][] = [
  ['a reply goes out', facts(), null],
  ['of a removed ticket', facts({ ticket: { ...ticket, removed: true } }), 'ticket_removed'],
  ['to a deleted customer', facts({ customerDeleted: true }), 'customer_deleted'],
  ['of a product that sends none', facts({ switchedOn: false }), 'mail_off'],
  ['whose text was erased', facts({ textErased: true }), 'text_erased'],
  ['to nobody', facts({ address: 'none' }), 'no_address'],
  ['to an address that bounced', facts({ address: 'bounced' }), 'address_bounced'],
  ['to ourselves', facts({ address: 'ours' }), 'own_address'],
  ['to what is no address', facts({ address: 'invalid' }), 'invalid_address'],
  ['resolved, and it is', facts({ ...resolved, ticket: { ...ticket, status: 'resolved' } }), null],
  ['resolved, and closed since', facts({ ...resolved, ticket: { ...ticket, status: 'closed' } }), null],
  ['resolved, but reopened', facts({ ...resolved, ticket: { ...ticket, status: 'in_progress', cycle: 2 } }), 'reopened'],
  ['resolved, but of an earlier cycle', facts({ ...resolved, ticket: { ...ticket, status: 'resolved', cycle: 2 } }), 'reopened'],
  ['the first acknowledgement of the hour', facts(acknowledgement), null],
  ['the second', facts({ ...acknowledgement, ...lastHour(1, 1) }), 'acknowledged_recently'],
  [
    'the second, of a ticket not opened by mail',
    facts({ ...acknowledgement, ...lastHour(1, 1), ticket: { ...ticket, openedByMail: false } }),
    null,
  ],
  ['the tenth automatic mail of the ticket', facts({ ...resolved, ticket: { ...ticket, status: 'resolved' }, ...lastHour(1, 9) }), null],
  ['the eleventh', facts({ ...resolved, ticket: { ...ticket, status: 'resolved' }, ...lastHour(1, 10) }), 'ticket_mail_limit'],
  ['a person is not limited', facts(lastHour(5, 50)), null],
];

test.each(table)('%s', (_, given, expected) => {
  expect(reasonAgainst(given)).toBe(expected);
});

test('every reason is reached', () => {
  expect(new Set(table.flatMap(([, , reason]) => reason ?? []))).toEqual(new Set(suppressionReasons));
});
