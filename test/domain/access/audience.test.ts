/** Expectations are typed out from api-surfaces.md section 1 and security.md section 2. */
import { describe, expect, test } from 'vitest';
import { publicData, tellingOf } from '../../../domain/access/audience.js';
import type { Telling, Told, ToldTicket } from '../../../domain/access/audience.js';
import type { Principal } from '../../../domain/access/principal.js';
import { asAgentId, asCustomerId, asProductKey, asTeamId } from '../../../domain/ids.js';
import { requester, tenant, uuid } from '../../support/builders.js';

const me = uuid(0x22);
const team = asTeamId(uuid(0x10));
const elsewhere = asTeamId(uuid(0x11));
const demo = asProductKey('demo');

const principal = (role: Principal['role'], changes: Partial<Principal> = {}): Principal => ({
  tenant,
  actor: `user/${me}`,
  id: role === 'customer' ? requester : me,
  role,
  products: '*',
  teams: role === 'agent' || role === 'lead' ? [team] : [],
  scopes: role === 'service' ? ['tickets:read', 'notes', 'journeys:read'] : [],
  actingFor: null,
  ...changes,
});

const only = (...scopes: Principal['scopes']) => principal('service', { scopes });
const acting = (scopes: Principal['scopes']) => principal('customer', { actingFor: requester, scopes });

const ticket: ToldTicket = { product: demo, requester, assignee: null, team, removed: false };
const told = (type: string, changes: Partial<Told> = {}): Told => ({ subject: 'ticket/TKT-1', type, data: {}, ticket, ...changes });
const roles = ['customer', 'agent', 'lead', 'admin', 'service'] as const;
const each = (event: Told, changes: Partial<Principal> = {}): Record<string, Telling> =>
  Object.fromEntries(roles.map((role) => [role, tellingOf(principal(role, changes), event)]));

describe('events of a ticket', () => {
  test('staff are told everything, customers what they may know of their own', () => {
    const all = { customer: 'public', agent: 'whole', lead: 'whole', admin: 'whole', service: 'whole' };
    expect(each(told('ticket.created'))).toEqual(all);
    expect(each(told('message.sent'))).toEqual(all);
  });

  test.each([
    'note.added',
    'sla.warned',
    'sla.breached',
    'sla.paused',
    'escalation.requested',
    'escalation.opened',
    'message.failed',
    'message.unknown',
    'ticket.removed',
    'ticket.rebased',
    'something.new',
    'constructor',
  ])('%s is not for customers', (type) => {
    expect(each(told(type))).toEqual({ customer: 'nothing', agent: 'whole', lead: 'whole', admin: 'whole', service: 'whole' });
  });

  test('another customer’s, another team’s, another product’s are told to nobody they do not belong to', () => {
    const theirs = { ...ticket, requester: asCustomerId(uuid(0x31)), team: elsewhere };
    expect(each(told('ticket.created', { ticket: theirs }))).toEqual({
      customer: 'nothing',
      agent: 'nothing',
      lead: 'nothing',
      admin: 'whole',
      service: 'whole',
    });
    const narrow = { products: [asProductKey('other')] };
    expect(each(told('ticket.created'), narrow)).toEqual(Object.fromEntries(roles.map((role) => [role, 'nothing'])));
  });

  test('what is assigned to me is mine, whatever its team', () => {
    const mine = { ...ticket, assignee: asAgentId(me), team: elsewhere };
    expect(tellingOf(principal('agent'), told('ticket.updated', { ticket: mine }))).toBe('whole');
  });

  test('who had a ticket hears that it went elsewhere, and nothing that comes after', () => {
    const gone = { ...ticket, team: elsewhere };
    const left = { from: null, fromTeam: team };
    expect(tellingOf(principal('agent'), told('ticket.assigned', { ticket: gone, data: left }))).toBe('whole');
    expect(tellingOf(principal('agent'), told('ticket.updated', { ticket: gone, data: left }))).toBe('nothing');
    const never = { from: uuid(0x44), fromTeam: elsewhere };
    expect(tellingOf(principal('agent'), told('ticket.assigned', { ticket: gone, data: never }))).toBe('nothing');
    const mine = { from: me, fromTeam: elsewhere };
    expect(tellingOf(principal('agent'), told('ticket.assigned', { ticket: gone, data: mine }))).toBe('whole');
  });

  test('a removed ticket is gone for its customer', () => {
    expect(tellingOf(principal('customer'), told('ticket.closed', { ticket: { ...ticket, removed: true } }))).toBe('nothing');
  });

  test('a ticket nobody knows is nobody’s', () => {
    expect(tellingOf(principal('admin'), told('ticket.created', { ticket: null }))).toBe('nothing');
  });

  test('a service hears what its scopes cover', () => {
    expect(tellingOf(only('notes'), told('ticket.created'))).toBe('nothing');
    expect(tellingOf(only('tickets:read'), told('ticket.created'))).toBe('whole');
    expect(tellingOf(only('tickets:read'), told('note.added'))).toBe('nothing');
    expect(tellingOf(only('tickets:read', 'notes'), told('note.added'))).toBe('whole');
  });

  test('a service that acts for a customer hears what the customer does', () => {
    expect(tellingOf(acting(['tickets:read']), told('ticket.created'))).toBe('public');
    expect(tellingOf(acting(['tickets:read', 'notes']), told('note.added'))).toBe('nothing');
    expect(tellingOf(acting(['notes']), told('ticket.created'))).toBe('nothing');
  });
});

describe('events of journeys', () => {
  test.each(['journey/JRN-1', 'handoff/JRN-1.a.1'])('%s: staff and services that read journeys', (subject) => {
    const event = told('journey.step.entered', { subject, ticket: null });
    expect(each(event)).toEqual({ customer: 'nothing', agent: 'whole', lead: 'whole', admin: 'whole', service: 'whole' });
    expect(tellingOf(principal('service', { scopes: ['tickets:read'] }), event)).toBe('nothing');
  });

  test('about a ticket: only who sees the ticket', () => {
    const event = told('journey.started', { subject: 'journey/JRN-1', ticket: { ...ticket, team: elsewhere } });
    expect(each(event)).toEqual({ customer: 'nothing', agent: 'nothing', lead: 'nothing', admin: 'whole', service: 'whole' });
  });

  test('who was kept out is told to those who make templates', () => {
    const event = told('journey.entry.refused', { subject: 'template/renewal', ticket: null });
    expect(each(event)).toEqual({ customer: 'nothing', agent: 'nothing', lead: 'whole', admin: 'whole', service: 'nothing' });
  });
});

test.each(['customer/1', 'webhook_endpoint/1', 'nonsense', ''])('events about %j are for admins', (subject) => {
  const event = told('customer.erased', { subject, ticket: null });
  expect(each(event)).toEqual({ customer: 'nothing', agent: 'nothing', lead: 'nothing', admin: 'whole', service: 'nothing' });
});

test.each([
  ['ticket.created', { product: 'demo', status: 'new', team: 't', requester: 'r', auto: false }, { product: 'demo', status: 'new' }],
  ['ticket.status_changed', { from: 'new', to: 'on_hold', cause: 'command', reason: 'c', until: 1 }, { from: 'new', to: 'on_hold' }],
  ['ticket.assigned', { assignee: 'a', team: 't', from: 'b', fromTeam: 'u', reason: 'c' }, { assignee: 'a', team: 't' }],
  ['message.sent', { author: 'user/1', to: ['x'] }, {}],
  ['message.received', { author: 'customer/1', held: true }, {}],
  [
    'ticket.updated',
    { changed: ['priority', 'policySet'], priorityFrom: 'low', priorityTo: 'high', reason: 'c' },
    { changed: ['priority'], priorityFrom: 'low', priorityTo: 'high' },
  ],
  ['ticket.updated', { changed: ['policySet'], policySet: 2 }, null],
  ['ticket.updated', { changed: ['waitUntil'], until: 1 }, null],
  ['ticket.updated', {}, null],
  ['note.added', { author: 'user/1' }, null],
])('of %s with %j customers know %j', (type, data, known) => {
  expect(publicData(type, data)).toEqual(known);
});
