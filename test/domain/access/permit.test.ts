/** Expectations are typed out from security.md section 2. */
import { describe, expect, test } from 'vitest';
import type { Principal, Scope } from '../../../domain/access/principal.js';
import { permissions, permit } from '../../../domain/access/permit.js';
import type { Permission, Scoped, Verdict } from '../../../domain/access/permit.js';
import { permissionOf } from '../../../domain/access/verbs.js';
import { asAgentId, asCustomerId, asProductKey, asTeamId } from '../../../domain/ids.js';
import type { TicketCommand, Verb } from '../../../domain/ticket/command.js';
import { decide } from '../../../domain/ticket/decide.js';
import { ticketStatuses } from '../../../domain/ticket/status.js';
import { anEnvelope, anOpen, aTicket, noon, opening, requester, tenant, uuid } from '../../support/builders.js';

const me = uuid(0x22);
const team = asTeamId(uuid(0x10));
const demo = asProductKey('demo');

const principal = (role: Principal['role'], changes: Partial<Principal> = {}): Principal => ({
  tenant,
  actor: `user/${me}`,
  id: role === 'customer' ? requester : me,
  role,
  products: '*',
  teams: [team],
  scopes: [],
  actingFor: null,
  ...changes,
});

const mine: Scoped = { product: demo, requester, assignee: asAgentId(me), team };
const teams: Scoped = { ...mine, assignee: null };
const foreignTeam: Scoped = { ...mine, assignee: null, team: asTeamId(uuid(0x11)) };
const foreignCustomer: Scoped = { ...mine, requester: asCustomerId(uuid(0x31)) };

/**
 * Which of the staff may, on a ticket of their team that is not assigned to them, nor whose escalation asks them; and the scope a service needs
 * (null: never).
 */
const matrix: Record<
  Permission,
  { customer: boolean; agent: boolean | 'assigned' | 'addressed'; lead: boolean; admin: boolean; service: Scope | null }
> = {
  'ticket.create': { customer: true, agent: true, lead: true, admin: true, service: 'tickets:write' },
  'ticket.read': { customer: true, agent: true, lead: true, admin: true, service: 'tickets:read' },
  'ticket.events': { customer: false, agent: true, lead: true, admin: true, service: 'tickets:read' },
  'note.read': { customer: false, agent: true, lead: true, admin: true, service: 'notes' },
  'note.add': { customer: false, agent: true, lead: true, admin: true, service: 'notes' },
  'message.reply': { customer: true, agent: true, lead: true, admin: true, service: 'messages:write' },
  'ticket.edit': { customer: false, agent: true, lead: true, admin: true, service: 'tickets:write' },
  'ticket.wait': { customer: false, agent: 'assigned', lead: true, admin: true, service: 'tickets:write' },
  'ticket.assign': { customer: false, agent: true, lead: true, admin: true, service: 'tickets:write' },
  'ticket.resolve': { customer: false, agent: 'assigned', lead: true, admin: true, service: 'tickets:write' },
  'ticket.reopen': { customer: true, agent: 'assigned', lead: true, admin: true, service: 'tickets:write' },
  'ticket.close': { customer: true, agent: false, lead: true, admin: true, service: null },
  'ticket.remove': { customer: false, agent: false, lead: false, admin: true, service: null },
  'ticket.escalate': { customer: true, agent: true, lead: true, admin: true, service: 'escalations' },
  'escalation.handle': { customer: false, agent: 'addressed', lead: true, admin: true, service: null },
  'sla.pause': { customer: false, agent: false, lead: true, admin: true, service: null },
  'sla.override': { customer: false, agent: false, lead: true, admin: true, service: null },
  'sla.waive': { customer: false, agent: false, lead: true, admin: true, service: null },
  'journey.read': { customer: false, agent: true, lead: true, admin: true, service: 'journeys:read' },
  'journey.start': { customer: false, agent: false, lead: true, admin: true, service: 'journeys:write' },
  'journey.advance': { customer: false, agent: 'addressed', lead: true, admin: true, service: 'journeys:write' },
  'journey.repair': { customer: false, agent: false, lead: true, admin: true, service: null },
  'handoff.create': { customer: false, agent: true, lead: true, admin: true, service: 'journeys:write' },
  'handoff.handle': { customer: false, agent: 'addressed', lead: true, admin: true, service: 'journeys:write' },
  'handoff.decide': { customer: false, agent: true, lead: true, admin: true, service: null },
  'approval.vote': { customer: false, agent: true, lead: true, admin: true, service: null },
  'template.draft': { customer: false, agent: false, lead: true, admin: true, service: null },
  'template.publish': { customer: false, agent: false, lead: false, admin: true, service: null },
  'event.publish': { customer: false, agent: false, lead: false, admin: true, service: 'events' },
  'report.read': { customer: false, agent: false, lead: true, admin: true, service: 'reports' },
  'attachment.add': { customer: true, agent: true, lead: true, admin: true, service: 'tickets:write' },
  'customer.read': { customer: true, agent: true, lead: true, admin: true, service: 'customers:read' },
  'customer.write': { customer: true, agent: true, lead: true, admin: true, service: 'customers:write' },
  'config.read': { customer: false, agent: true, lead: true, admin: true, service: null },
  'config.write': { customer: false, agent: false, lead: false, admin: true, service: null },
  'privacy.erase': { customer: false, agent: false, lead: false, admin: true, service: null },
  'admin.manage': { customer: false, agent: false, lead: false, admin: true, service: null },
  'inbound.submit': { customer: false, agent: false, lead: false, admin: true, service: 'messages:write' },
  'operator.read': { customer: false, agent: false, lead: true, admin: true, service: null },
  'inbound.release': { customer: false, agent: false, lead: true, admin: true, service: null },
  'audit.read': { customer: false, agent: false, lead: true, admin: true, service: null },
  'audit.verify': { customer: false, agent: false, lead: true, admin: true, service: null },
};

const all = Object.keys(permissions) as Permission[];

test('every permission has its expected row', () => {
  expect(all.toSorted()).toEqual(Object.keys(matrix).toSorted());
});

describe.each(all)('%s', (permission) => {
  const row = matrix[permission];

  test.each(['customer', 'agent', 'lead', 'admin'] as const)('%s, own and foreign', (role) => {
    const expected = row[role];
    const ofTeam: Verdict = expected === true ? 'allowed' : 'not_your_role';
    expect(permit(principal(role), permission, teams)).toBe(ofTeam);
    const ofMine: Verdict = expected === false || expected === 'addressed' ? 'not_your_role' : 'allowed';
    expect(permit(principal(role), permission, mine)).toBe(ofMine);
    expect(permit(principal(role), permission, { ...mine, addressed: true })).toBe(expected === false ? 'not_your_role' : 'allowed');
    expect(permit(principal(role), permission)).toBe(expected === false ? 'not_your_role' : 'allowed');
    expect(permit(principal(role, { products: [asProductKey('other')] }), permission, mine)).toBe('not_yours');
    const seesAllTeams = role === 'admin' || role === 'customer';
    expect(permit(principal(role), permission, foreignTeam)).toBe(seesAllTeams ? ofTeam : 'not_yours');
    expect(permit(principal(role), permission, foreignCustomer)).toBe(role === 'customer' ? 'not_yours' : ofMine);
  });

  test('a service needs its scope', () => {
    const others = (
      [
        'tickets:read',
        'tickets:write',
        'notes',
        'messages:write',
        'escalations',
        'customers:read',
        'customers:write',
        'journeys:read',
        'journeys:write',
        'events',
        'act_for',
      ] as const
    ).filter((scope) => scope !== row.service);
    expect(permit(principal('service', { scopes: others }), permission, mine)).toBe('not_your_role');
    expect(permit(principal('service', { scopes: row.service === null ? [] : [row.service] }), permission, mine)).toBe(
      row.service === null ? 'not_your_role' : 'allowed',
    );
  });
});

test('an agent handles the escalations that ask for him, whoever has the ticket', () => {
  expect(permit(principal('agent'), 'escalation.handle', { ...teams, addressed: true })).toBe('allowed');
  expect(permit(principal('agent'), 'escalation.handle', { ...mine, addressed: false })).toBe('not_your_role');
  expect(permit(principal('agent'), 'escalation.handle', { ...foreignTeam, addressed: true })).toBe('not_yours');
});

test('a ticket without a team is everybody’s of its product', () => {
  expect(permit(principal('agent', { teams: [] }), 'ticket.read', { ...teams, team: null })).toBe('allowed');
});

const acting = (...scopes: Scope[]): Principal => principal('customer', { actingFor: requester, scopes });

test('who acts for a customer has that customer’s rights, capped by the scopes of the key', () => {
  expect(permit(acting('tickets:read'), 'ticket.read', mine)).toBe('allowed');
  expect(permit(acting('tickets:read'), 'message.reply', mine)).toBe('not_your_role');
  expect(permit(acting('messages:write'), 'message.reply', mine)).toBe('allowed');
  expect(permit(acting('tickets:write'), 'ticket.close', mine)).toBe('allowed');
  expect(permit(acting('tickets:read'), 'ticket.close', mine)).toBe('not_your_role');
  expect(permit(acting('tickets:read'), 'ticket.read', foreignCustomer)).toBe('not_yours');
  expect(permit(acting('notes'), 'note.read', mine)).toBe('not_your_role');
});

describe('status × command × role', () => {
  const content = opening;
  const fields: Record<Verb, object> = {
    open: anOpen(),
    reply: { content },
    receive: { content, author: requester },
    note: { content },
    edit: { priority: 'urgent' },
    assign: { agent: me },
    claim: { agent: me },
    unassign: {},
    priority: { priority: 'urgent' },
    start: {},
    awaitCustomer: {},
    hold: {},
    resolve: {},
    reopen: {},
    close: {},
    remove: {},
    restore: {},
    escalate: {},
    acknowledgeEscalation: { escalation: 1 },
    resolveEscalation: { escalation: 1, outcome: 'fixed', text: content },
    sendBackEscalation: { escalation: 1, reason: content },
    withdrawEscalation: { escalation: 1 },
    closeEscalation: { escalation: 1 },
    pauseClocks: {},
    resumeClocks: {},
    overrideTarget: { clock: 'resolution#1', budgetS: 60 },
    waive: { clock: 'resolution#1' },
    replan: { set: 2 },
  };
  const verbs = Object.keys(fields) as Verb[];
  const roles = ['customer', 'agent', 'lead', 'admin', 'service'] as const;

  test.each(ticketStatuses.flatMap((status) => verbs.flatMap((verb) => roles.map((role) => ({ status, verb, role })))))(
    '$status × $verb × $role: the role decides first, then the state, and the state decides alike for every role',
    ({ status, verb, role }) => {
      const ticket = aTicket({ status, ...(status === 'resolved' ? { reopenUntil: noon + 1 } : {}) });
      const allowed = permit(principal(role), permissionOf[verb], { ...mine, addressed: true });
      const expected = matrix[permissionOf[verb]][role];
      expect(allowed).toBe(expected === false || expected === null || role === 'service' ? 'not_your_role' : 'allowed');
      const outcome = (as: (typeof roles)[number]): string => {
        const decision = decide(ticket, { kind: verb, ...anEnvelope({ role: as }), ...fields[verb] } as unknown as TicketCommand, noon);
        return decision.ok ? decision.state.status : decision.code;
      };
      expect(outcome(role)).toBe(outcome('admin'));
    },
  );
});
