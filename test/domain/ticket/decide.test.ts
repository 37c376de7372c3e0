/** Expectations are typed out from service-desk.md section 1: a test that imports the table under test proves nothing. */
import { describe, expect, test } from 'vitest';
import { asAgentId, asContentId, asCustomerId, asTeamId, asTicketId } from '../../../domain/ids.js';
import type { CommandFields, CommandKind, TicketCommand } from '../../../domain/ticket/command.js';
import { decide } from '../../../domain/ticket/decide.js';
import { ticketStatuses } from '../../../domain/ticket/status.js';
import type { TicketStatus } from '../../../domain/ticket/status.js';
import type { Ticket } from '../../../domain/ticket/ticket.js';
import { anEnvelope, anOpen, aTicket, noon, opening, requester, uuid } from '../../support/builders.js';

const agent = asAgentId(uuid(0x22));
const otherAgent = asAgentId(uuid(0x23));
const team = asTeamId(uuid(0x10));
const content = asContentId(uuid(0x200));
const hour = 3_600_000;
const day = 24 * hour;

const run = <Kind extends CommandKind>(ticket: Ticket | null, kind: Kind, fields: CommandFields[Kind], envelope = {}, now = noon + hour) =>
  // The builder's fields and the kind belong together by the signature.
  decide(ticket, { kind, ...anEnvelope(envelope), ...fields } as unknown as TicketCommand, now);

const accepted = (decision: ReturnType<typeof decide>) => {
  if (!decision.ok) throw new Error(`refused: ${decision.code}`);
  return decision;
};

/** A ticket in a status, with what belongs to it. */
const inStatus = (status: TicketStatus): Ticket =>
  aTicket({
    status,
    ...(status === 'resolved' ? { resolvedAt: noon, reopenUntil: noon + 7 * day } : {}),
    ...(status === 'closed' ? { resolvedAt: noon, closedAt: noon, closeCause: 'window' } : {}),
  });

type Outcome = TicketStatus | 'ticket.illegal_move' | 'ticket.closed' | 'ticket.not_closed' | 'ticket.id_taken' | 'escalation.not_found';

/** For each command the outcome from new, in_progress, waiting_on_customer, on_hold, resolved, closed. */
const table: [CommandKind, object, [Outcome, Outcome, Outcome, Outcome, Outcome, Outcome]][] = [
  ['open', anOpen(), ['ticket.id_taken', 'ticket.id_taken', 'ticket.id_taken', 'ticket.id_taken', 'ticket.id_taken', 'ticket.id_taken']],
  ['reply', { content }, ['in_progress', 'in_progress', 'waiting_on_customer', 'on_hold', 'resolved', 'ticket.closed']],
  [
    'reply',
    { content, then: 'waiting_on_customer' },
    ['waiting_on_customer', 'waiting_on_customer', 'waiting_on_customer', 'waiting_on_customer', 'ticket.illegal_move', 'ticket.closed'],
  ],
  ['reply', { content, then: 'resolved' }, ['resolved', 'resolved', 'resolved', 'resolved', 'resolved', 'ticket.closed']],
  ['receive', { content, author: requester }, ['new', 'in_progress', 'in_progress', 'on_hold', 'in_progress', 'ticket.closed']],
  [
    'receive',
    { content, author: requester, auto: true },
    ['new', 'in_progress', 'waiting_on_customer', 'on_hold', 'resolved', 'ticket.closed'],
  ],
  ['note', { content }, ['new', 'in_progress', 'waiting_on_customer', 'on_hold', 'resolved', 'ticket.closed']],
  ['edit', { priority: 'urgent' }, ['new', 'in_progress', 'waiting_on_customer', 'on_hold', 'resolved', 'ticket.closed']],
  [
    'edit',
    { status: 'new' },
    ['new', 'ticket.illegal_move', 'ticket.illegal_move', 'ticket.illegal_move', 'ticket.illegal_move', 'ticket.closed'],
  ],
  ['edit', { status: 'in_progress' }, ['in_progress', 'in_progress', 'in_progress', 'in_progress', 'in_progress', 'ticket.closed']],
  [
    'edit',
    { status: 'waiting_on_customer' },
    ['waiting_on_customer', 'waiting_on_customer', 'waiting_on_customer', 'waiting_on_customer', 'ticket.illegal_move', 'ticket.closed'],
  ],
  ['edit', { status: 'on_hold' }, ['on_hold', 'on_hold', 'on_hold', 'on_hold', 'ticket.illegal_move', 'ticket.closed']],
  ['edit', { status: 'resolved' }, ['resolved', 'resolved', 'resolved', 'resolved', 'resolved', 'ticket.closed']],
  [
    'edit',
    { status: 'closed' },
    ['ticket.illegal_move', 'ticket.illegal_move', 'ticket.illegal_move', 'ticket.illegal_move', 'closed', 'ticket.closed'],
  ],
  ['assign', { agent }, ['new', 'in_progress', 'waiting_on_customer', 'on_hold', 'resolved', 'ticket.closed']],
  ['claim', { agent }, ['new', 'in_progress', 'waiting_on_customer', 'on_hold', 'resolved', 'ticket.closed']],
  ['unassign', {}, ['new', 'in_progress', 'waiting_on_customer', 'on_hold', 'resolved', 'ticket.closed']],
  ['priority', { priority: 'low' }, ['new', 'in_progress', 'waiting_on_customer', 'on_hold', 'resolved', 'ticket.closed']],
  ['start', {}, ['in_progress', 'in_progress', 'in_progress', 'in_progress', 'ticket.illegal_move', 'ticket.closed']],
  [
    'awaitCustomer',
    {},
    ['waiting_on_customer', 'waiting_on_customer', 'waiting_on_customer', 'waiting_on_customer', 'ticket.illegal_move', 'ticket.closed'],
  ],
  ['hold', {}, ['on_hold', 'on_hold', 'on_hold', 'on_hold', 'ticket.illegal_move', 'ticket.closed']],
  ['resolve', {}, ['resolved', 'resolved', 'resolved', 'resolved', 'resolved', 'ticket.closed']],
  ['reopen', {}, ['ticket.illegal_move', 'in_progress', 'ticket.illegal_move', 'ticket.illegal_move', 'in_progress', 'ticket.closed']],
  ['close', {}, ['ticket.illegal_move', 'ticket.illegal_move', 'ticket.illegal_move', 'ticket.illegal_move', 'closed', 'ticket.closed']],
  ['close', { cause: 'spam' }, ['closed', 'closed', 'closed', 'closed', 'closed', 'ticket.closed']],
  ['remove', {}, ['ticket.not_closed', 'ticket.not_closed', 'ticket.not_closed', 'ticket.not_closed', 'ticket.not_closed', 'closed']],
  ['restore', {}, ['ticket.not_closed', 'ticket.not_closed', 'ticket.not_closed', 'ticket.not_closed', 'ticket.not_closed', 'closed']],
  ['escalate', {}, ['new', 'in_progress', 'waiting_on_customer', 'on_hold', 'resolved', 'ticket.closed']],
  ...(['acknowledgeEscalation', 'resolveEscalation', 'sendBackEscalation', 'withdrawEscalation', 'closeEscalation'] as const).map(
    (kind): [CommandKind, object, [Outcome, Outcome, Outcome, Outcome, Outcome, Outcome]] => [
      kind,
      { escalation: 1, outcome: 'fixed', text: content, reason: content },
      [
        'escalation.not_found',
        'escalation.not_found',
        'escalation.not_found',
        'escalation.not_found',
        'escalation.not_found',
        'ticket.closed',
      ],
    ],
  ),
  // What these do, they do to the clocks; what of that is refused, the tests of the clocks say.
  ...(['pauseClocks', 'resumeClocks', 'overrideTarget', 'waive'] as const).map(
    (kind): [CommandKind, object, [Outcome, Outcome, Outcome, Outcome, Outcome, Outcome]] => [
      kind,
      { clock: 'resolution#1', budgetS: 60 },
      ['new', 'in_progress', 'waiting_on_customer', 'on_hold', 'resolved', 'ticket.closed'],
    ],
  ),
  ['replan', { set: 2 }, ['new', 'in_progress', 'waiting_on_customer', 'on_hold', 'resolved', 'ticket.closed']],
];

const cells = table.flatMap(([kind, fields, outcomes]) =>
  ticketStatuses.map((status, index) => ({ kind, fields, status, outcome: outcomes[index], name: JSON.stringify(fields).slice(0, 60) })),
);

test.each(cells)('$status: $kind $name → $outcome', ({ kind, fields, status, outcome }) => {
  const ticket = inStatus(status);
  const decision = decide(ticket, { kind, ...anEnvelope(), ...fields } as unknown as TicketCommand, noon + hour);
  expect(decision.ok ? decision.state.status : decision.code).toBe(outcome);
  if (!decision.ok) return;
  expect(decision.state.version).toBe(ticket.version + decision.events.length);
  expect(decision.events.map((event) => event.version)).toEqual(decision.events.map((_, index) => ticket.version + index + 1));
});

test('a command before open is refused', () => {
  expect(run(null, 'start', {})).toMatchObject({ ok: false, code: 'ticket.not_found' });
});

test('an illegal move names from, to and what is allowed', () => {
  expect(run(inStatus('resolved'), 'hold', {})).toEqual({
    ok: false,
    code: 'ticket.illegal_move',
    members: { from: 'resolved', to: 'on_hold', allowed: ['in_progress', 'closed'] },
  });
});

test('a stale expected version changes nothing and names the present one', () => {
  expect(run(aTicket(), 'start', {}, { expectedVersion: 7 })).toEqual({ ok: false, code: 'version_mismatch', members: { current: 1 } });
  expect(run(aTicket(), 'start', {}, { expectedVersion: 1 }).ok).toBe(true);
});

describe('open', () => {
  test('keeps what it was given and is version 1', () => {
    const decision = accepted(
      run(
        null,
        'open',
        anOpen({ copied: [requester, asCustomerId(uuid(0x31)), asCustomerId(uuid(0x31))], team, followUpOf: asTicketId('TKT-00000009') }),
      ),
    );
    expect(decision.state).toMatchObject({
      status: 'new',
      version: 1,
      cycle: 1,
      team,
      copied: [uuid(0x31)],
      links: { followUpOf: 'TKT-00000009' },
    });
    expect(decision.events).toEqual([expect.objectContaining({ type: 'ticket.created', version: 1, content: opening })]);
  });

  test('is pinned to the policies of by then, or to none', () => {
    const none = { state: 'none', breached: false, dueAt: null };
    expect(accepted(run(null, 'open', anOpen())).state).toMatchObject({ sla: { set: 0, ...none }, escalations: [] });
    expect(accepted(run(null, 'open', anOpen({ sla: { set: 3 } }))).state.sla).toEqual({ set: 3, ...none });
  });

  test('may begin in any open status', () => {
    expect(accepted(run(null, 'open', anOpen({ status: 'on_hold' }))).state.status).toBe('on_hold');
  });
});

describe('reply', () => {
  test('the first public message of the desk is the first response; later ones do not move it', () => {
    const first = accepted(run(aTicket(), 'reply', { content }));
    expect(first.state.firstResponseAt).toBe(noon + hour);
    expect(accepted(run(first.state, 'reply', { content }, {}, noon + 2 * hour)).state.firstResponseAt).toBe(noon + hour);
  });

  test('while resolved it gives the customer the whole window again', () => {
    expect(accepted(run(inStatus('resolved'), 'reply', { content }, {}, noon + day)).state.reopenUntil).toBe(noon + 8 * day);
  });

  test('based on a message that is not the last is refused unless forced', () => {
    const ticket = accepted(run(aTicket(), 'receive', { content, author: requester })).state;
    expect(run(ticket, 'reply', { content: asContentId(uuid(0x201)), basedOn: opening })).toEqual({
      ok: false,
      code: 'ticket.stale_reply',
      members: { last: content },
    });
    expect(run(ticket, 'reply', { content: asContentId(uuid(0x201)), basedOn: opening, force: true }).ok).toBe(true);
    expect(run(ticket, 'reply', { content: asContentId(uuid(0x201)), basedOn: content }).ok).toBe(true);
  });

  test('people it is addressed to take part from then on', () => {
    const decision = accepted(run(aTicket(), 'reply', { content, to: [asCustomerId(uuid(0x31))] }));
    expect(decision.state.copied).toEqual([uuid(0x31)]);
    expect(decision.events[0]?.data['to']).toEqual([uuid(0x31)]);
  });
});

describe('receive', () => {
  test('a message in the window reopens in a new cycle', () => {
    const decision = accepted(run(inStatus('resolved'), 'receive', { content, author: requester }));
    expect(decision.state).toMatchObject({ status: 'in_progress', cycle: 2, resolvedAt: null, reopenUntil: null });
    expect(decision.events.map((event) => event.type)).toEqual(['message.received', 'ticket.reopened']);
  });

  test('by mail a ticket is reopened three times a day; a fourth message is kept without reopening', () => {
    let ticket = inStatus('resolved');
    for (let time = 1; time <= 3; time += 1) {
      ticket = accepted(run(ticket, 'receive', { content, author: requester }, { source: 'mail' }, noon + time * hour)).state;
      expect(ticket.status).toBe('in_progress');
      ticket = accepted(run(ticket, 'resolve', {}, {}, noon + time * hour)).state;
    }
    const held = accepted(run(ticket, 'receive', { content, author: requester }, { source: 'mail' }, noon + 4 * hour));
    expect(held.state.status).toBe('resolved');
    expect(held.events[0]?.data['held']).toBe(true);
    expect(accepted(run(ticket, 'receive', { content, author: requester }, { source: 'api' }, noon + 4 * hour)).state.status).toBe(
      'in_progress',
    );
    expect(accepted(run(ticket, 'receive', { content, author: requester }, { source: 'mail' }, noon + 26 * hour)).state.status).toBe(
      'in_progress',
    );
  });
});

describe('assigning', () => {
  test('claim is for tickets nobody has', () => {
    const taken = aTicket({ assignee: otherAgent });
    expect(run(taken, 'claim', { agent })).toEqual({ ok: false, code: 'ticket.already_assigned', members: { assignee: otherAgent } });
    expect(accepted(run(aTicket({ assignee: agent }), 'claim', { agent })).events).toEqual([]);
  });

  test('another team drops the assignee; the same one changes nothing', () => {
    const ticket = aTicket({ assignee: agent, team: null });
    expect(accepted(run(ticket, 'assign', { team })).state).toMatchObject({ assignee: null, team });
    expect(accepted(run(aTicket({ assignee: agent, team }), 'assign', { team })).events).toEqual([]);
  });

  test('unassigning takes the assignee and keeps the team', () => {
    expect(accepted(run(aTicket({ assignee: agent, team }), 'unassign', {})).state).toMatchObject({ assignee: null, team });
    expect(accepted(run(aTicket(), 'unassign', {})).events).toEqual([]);
  });
});

describe('edit', () => {
  test('is one command in the order fields, priority, team, assignee, status', () => {
    const decision = accepted(
      run(aTicket(), 'edit', {
        fields: content,
        changed: ['subject', 'tags'],
        category: 'Billing',
        priority: 'urgent',
        team,
        assignee: agent,
        status: 'on_hold',
      }),
    );
    expect(decision.events.map((event) => event.type)).toEqual(['ticket.updated', 'ticket.assigned', 'ticket.status_changed']);
    expect(decision.events[0]?.data).toEqual({
      changed: ['subject', 'tags', 'category', 'priority'],
      priorityFrom: 'medium',
      priorityTo: 'urgent',
      reason: null,
    });
    expect(decision.state).toMatchObject({ priority: 'urgent', category: 'Billing', team, assignee: agent, status: 'on_hold' });
    expect(decision.state.texts).toEqual({ subject: content, tags: content, description: opening, customFields: opening });
  });

  test('texts that name no field change none, and a reason alone brings its text', () => {
    expect(accepted(run(aTicket(), 'edit', { fields: content })).events).toEqual([]);
    const reasoned = accepted(run(aTicket(), 'priority', { priority: 'urgent', reason: content }));
    expect(reasoned.events).toMatchObject([{ data: { reason: content }, content }]);
    const filed = accepted(run(aTicket(), 'edit', { category: 'Billing', fields: opening, changed: ['tags'] }));
    expect(filed.events).toMatchObject([{ data: { changed: ['tags', 'category'] }, content: opening }]);
  });

  test('is all or nothing', () => {
    expect(run(inStatus('resolved'), 'edit', { priority: 'urgent', status: 'on_hold' })).toMatchObject({
      ok: false,
      code: 'ticket.illegal_move',
    });
  });

  test('that changes nothing records nothing', () => {
    expect(
      accepted(run(aTicket({ category: 'Billing' }), 'edit', { priority: 'medium', category: 'Billing', team: null, assignee: null }))
        .events,
    ).toEqual([]);
    expect(accepted(run(aTicket({ priority: 'low' }), 'priority', { priority: 'low' })).events).toEqual([]);
  });
});

describe('waiting', () => {
  test('keeps its end, which start and resolve drop', () => {
    const waiting = accepted(run(aTicket(), 'awaitCustomer', { until: noon + day })).state;
    expect(waiting.waitUntil).toBe(noon + day);
    expect(accepted(run(waiting, 'hold', {})).state.waitUntil).toBeNull();
    expect(accepted(run(waiting, 'resolve', {})).state.waitUntil).toBeNull();
  });

  test('may be prolonged, and shows it', () => {
    const waiting = accepted(run(aTicket(), 'hold', { until: noon + day })).state;
    const longer = accepted(run(waiting, 'hold', { until: noon + 2 * day }));
    expect(longer.events).toMatchObject([{ type: 'ticket.updated', data: { changed: ['waitUntil'] } }]);
    expect(accepted(run(waiting, 'hold', { until: noon + day })).events).toEqual([]);
  });

  test.each([noon, noon + hour, noon + hour + 366 * day])('an end in the past or beyond a year is refused: %d', (until) => {
    expect(run(aTicket(), 'hold', { until })).toEqual({ ok: false, code: 'invalid_request', members: { field: 'until' } });
  });
});

describe('the end', () => {
  test('resolve opens the window of the product', () => {
    expect(accepted(run(aTicket(), 'resolve', {})).state).toMatchObject({ resolvedAt: noon + hour, reopenUntil: noon + hour + 7 * day });
  });

  test.each([
    ['customer', 'customer'],
    ['lead', 'staff'],
  ] as const)('closing by a %s says so', (role, cause) => {
    expect(accepted(run(inStatus('resolved'), 'close', {}, { role })).state).toMatchObject({
      status: 'closed',
      closeCause: cause,
      closedAt: noon + hour,
      reopenUntil: null,
    });
    expect(accepted(run(inStatus('resolved'), 'edit', { status: 'closed' }, { role })).state.closeCause).toBe(cause);
  });

  test('a removed ticket can be restored for 30 days', () => {
    const removed = accepted(run(inStatus('closed'), 'remove', {})).state;
    expect(removed.removedAt).toBe(noon + hour);
    expect(accepted(run(removed, 'remove', {})).events).toEqual([]);
    expect(accepted(run(removed, 'restore', {}, {}, noon + 30 * day)).state.removedAt).toBeNull();
    expect(accepted(run(inStatus('closed'), 'restore', {})).events).toEqual([]);
    expect(run(removed, 'restore', {}, {}, noon + 31 * day)).toMatchObject({ ok: false, code: 'ticket.restore_expired' });
  });

  test('a delivery that ended badly is recorded even on a closed ticket', () => {
    const decision = accepted(run(inStatus('closed'), 'deliveryEnded', { message: 'acknowledgement', outcome: 'failed' }));
    expect(decision.events).toMatchObject([{ type: 'message.failed', data: { message: 'acknowledgement' } }]);
  });
});
