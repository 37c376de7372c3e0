import { expect, test } from 'vitest';
import { asContentId, asCustomerId } from '../../../domain/ids.js';
import { planMessages } from '../../../domain/messaging/plan.js';
import type { CommandFields, CommandKind, TicketCommand } from '../../../domain/ticket/command.js';
import { decide } from '../../../domain/ticket/decide.js';
import type { Ticket } from '../../../domain/ticket/ticket.js';
import { anEnvelope, anOpen, aTicket, noon, opening, requester, settings, uuid } from '../../support/builders.js';

const content = asContentId(uuid(0x200));
const second = asCustomerId(uuid(0x31));

const planFor = <Kind extends CommandKind>(ticket: Ticket | null, kind: Kind, fields: CommandFields[Kind]) => {
  const decision = decide(ticket, { kind, ...anEnvelope(), ...fields } as unknown as TicketCommand, noon);
  if (!decision.ok) throw new Error(decision.code);
  return planMessages(decision.state, decision.events);
};

test('a new ticket is acknowledged to its requester', () => {
  expect(planFor(null, 'open', anOpen())).toEqual([
    {
      message: 'acknowledgement',
      template: 'acknowledgement',
      recipient: requester,
      content: opening,
      automatic: true,
      cycle: 1,
      dedupeKey: `TKT-00000001/acknowledgement/${requester}`,
    },
  ]);
});

test('automatic mail is never answered', () => {
  expect(planFor(null, 'open', anOpen({ auto: true }))).toEqual([]);
});

test('a reply goes to everybody who takes part, under one message', () => {
  const planned = planFor(aTicket({ copied: [second] }), 'reply', { content });
  expect(planned.map(({ recipient, message, automatic }) => ({ recipient, message, automatic }))).toEqual([
    { recipient: requester, message: content, automatic: false },
    { recipient: second, message: content, automatic: false },
  ]);
});

test('a reply to chosen people goes to them alone', () => {
  expect(planFor(aTicket(), 'reply', { content, to: [second] }).map((message) => message.recipient)).toEqual([second]);
});

test('resolving tells the requester, once per cycle; a reply that resolves says so itself', () => {
  expect(planFor(aTicket({ cycle: 2 }), 'resolve', { resolution: content })).toMatchObject([
    { message: 'resolved.2', template: 'resolved', content, automatic: true, dedupeKey: `TKT-00000001/resolved.2/${requester}` },
  ]);
  expect(planFor(aTicket(), 'resolve', {})).toMatchObject([{ content: null }]);
  expect(planFor(aTicket(), 'reply', { content, then: 'resolved' }).map((message) => message.template)).toEqual(['reply']);
});

test('notes, moves and messages of customers send nothing', () => {
  expect(planFor(aTicket(), 'note', { content })).toEqual([]);
  expect(planFor(aTicket(), 'hold', {})).toEqual([]);
  expect(planFor(aTicket(), 'receive', { content, author: requester })).toEqual([]);
});

test('a product that sends no mail plans none', () => {
  const silent = { ...settings, mail: { acknowledgement: false, reply: false, resolved: false } };
  expect(planFor(null, 'open', anOpen({ settings: silent }))).toEqual([]);
  expect(planFor(aTicket({ settings: silent }), 'reply', { content })).toEqual([]);
  expect(planFor(aTicket({ settings: silent }), 'resolve', {})).toEqual([]);
});

test('an event without its text sends the template’s own words, or nothing where the text is all there is', () => {
  const data = { auto: false };
  expect(planMessages(aTicket(), [{ type: 'ticket.created', version: 1, data }])).toMatchObject([{ content: null }]);
  expect(planMessages(aTicket(), [{ type: 'message.sent', version: 2, data: { to: [requester] } }])).toEqual([]);
  expect(planMessages(aTicket(), [{ type: 'message.sent', version: 2, data: {}, content }])).toEqual([]);
});
