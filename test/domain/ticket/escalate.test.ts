/** Expectations are typed out from service-desk.md section 4: a test that imports the table under test proves nothing. */
import { describe, expect, test } from 'vitest';
import { asAgentId, asContentId, asTeamId } from '../../../domain/ids.js';
import type { CommandFields, CommandKind, TicketCommand } from '../../../domain/ticket/command.js';
import { decide } from '../../../domain/ticket/decide.js';
import {
  awaitsAcknowledgement,
  escalationStatuses,
  isOpenEscalation,
  levelOf,
  opened,
  withEscalation,
} from '../../../domain/ticket/escalation.js';
import type { Escalation, EscalationStatus } from '../../../domain/ticket/escalation.js';
import { upToDate } from '../../../domain/ticket/ticket.js';
import type { Ticket } from '../../../domain/ticket/ticket.js';
import { anEnvelope, anEscalation, aTicket, noon, uuid } from '../../support/builders.js';

const hour = 3_600_000;
const agent = asAgentId(uuid(0x22));
const former = asAgentId(uuid(0x23));
const third = asAgentId(uuid(0x24));
const team = asTeamId(uuid(0x10));
const text = asContentId(uuid(0x200));
const { actor } = anEnvelope();

const run = <Kind extends CommandKind>(ticket: Ticket, kind: Kind, fields: CommandFields[Kind], envelope = {}) =>
  // The builder's fields and the kind belong together by the signature.
  decide(ticket, { kind, ...anEnvelope(envelope), ...fields } as unknown as TicketCommand, noon + hour);

const accepted = (decision: ReturnType<typeof decide>) => {
  if (!decision.ok) throw new Error(`refused: ${decision.code}`);
  return decision;
};

const withOne = (escalation: Partial<Escalation>, ticket: Partial<Ticket> = {}): Ticket =>
  aTicket({ escalations: [anEscalation(escalation)], ...ticket });
const inStatus = (status: EscalationStatus): Ticket => withOne({ status });

const outcome = { outcome: 'fixed', text } as const;
const reason = { reason: text };
const verbs = [
  ['acknowledgeEscalation', {}],
  ['resolveEscalation', outcome],
  ['sendBackEscalation', reason],
  ['withdrawEscalation', {}],
  ['closeEscalation', {}],
] as const;

describe('moves', () => {
  /** For each verb the status it leads to from pending, in_progress, resolved, closed; null: 409. */
  const table = {
    acknowledgeEscalation: ['in_progress', null, null, null],
    resolveEscalation: [null, 'resolved', null, null],
    sendBackEscalation: [null, null, 'in_progress', null],
    withdrawEscalation: ['closed', null, null, null],
    closeEscalation: [null, null, 'closed', null],
  } as const;

  test.each(
    verbs.flatMap(([kind, fields]) => escalationStatuses.map((status, index) => ({ kind, fields, status, to: table[kind][index] }))),
  )('$kind of one that is $status → $to', ({ kind, fields, status, to }) => {
    const decision = run(inStatus(status), kind, { escalation: 1, ...fields });
    if (to === null) return expect(decision).toMatchObject({ ok: false, code: 'escalation.illegal_move', members: { from: status } });
    expect(accepted(decision).state.escalations).toMatchObject([{ n: 1, status: to }]);
  });

  test('what the table never allows names what it does', () => {
    expect(run(inStatus('pending'), 'resolveEscalation', { escalation: 1, ...outcome })).toEqual({
      ok: false,
      code: 'escalation.illegal_move',
      members: { from: 'pending', to: 'resolved', allowed: ['in_progress', 'closed'] },
    });
  });

  test.each(verbs)('%s of one that is not there is refused, and so it is on a closed ticket', (kind, fields) => {
    const other = { escalation: 2, ...fields } as CommandFields[typeof kind];
    expect(run(inStatus('pending'), kind, other)).toEqual({ ok: false, code: 'escalation.not_found', members: { escalation: 2 } });
    expect(run({ ...inStatus('pending'), status: 'closed' }, kind, other)).toMatchObject({ code: 'ticket.closed' });
  });
});

describe('escalate', () => {
  test('opens one, pending, addressed to the lead at level 1 unless said otherwise', () => {
    const decision = accepted(run(aTicket(), 'escalate', {}));
    expect(decision.state.escalations).toEqual([anEscalation({ createdAt: noon + hour })]);
    expect(decision.events).toEqual([
      {
        type: 'escalation.opened',
        version: 2,
        data: { escalation: 1, level: 1, to: 'lead', toId: null, reason: null, takeOver: false },
      },
    ]);
  });

  test('keeps what it was given, and brings its reason', () => {
    const to = { kind: 'team', id: team } as const;
    const decision = accepted(run(inStatus('closed'), 'escalate', { to, level: 3, reason: text, takeOver: true, ackWithinS: 900 }));
    expect(decision.state.escalations[1]).toEqual(
      anEscalation({ n: 2, to, level: 3, reason: text, takeOver: true, ackWithinS: 900, createdAt: noon + hour }),
    );
    expect(decision.events).toEqual([
      {
        type: 'escalation.opened',
        version: 2,
        data: { escalation: 2, level: 3, to: 'team', toId: team, reason: text, takeOver: true },
        content: text,
      },
    ]);
  });

  test.each<[CommandFields['escalate']]>([[{}], [{ reason: text }]])('a customer only asks: %j', (fields) => {
    const decision = accepted(run(aTicket(), 'escalate', { level: 9, ...fields }, { role: 'customer' }));
    expect(decision.state.escalations).toEqual([]);
    expect(decision.events).toMatchObject([{ type: 'escalation.requested', data: { reason: null, by: actor, ...fields } }]);
    expect(decision.events[0]?.content).toBe(fields.reason);
  });
});

describe('acknowledge', () => {
  test('says who and when, how long it took, and stops the window', () => {
    const decision = accepted(run(withOne({ ackDueAt: noon + 2 * hour }), 'acknowledgeEscalation', { escalation: 1, agent }));
    expect(decision.state.escalations).toEqual([
      anEscalation({ status: 'in_progress', owner: actor, acknowledgedAt: noon + hour, ackDueAt: null }),
    ]);
    expect(decision.events).toEqual([
      { type: 'sla.acknowledged', version: 2, data: { escalation: 1, actor, afterS: 3600, clock: null, at: noon + hour } },
    ]);
    expect(decision.state.assignee).toBeNull();
  });

  test('of one that a rung opened names the clock', () => {
    const ticket = withOne({ from: { clock: 'resolution#1', rung: 'l1' } });
    expect(accepted(run(ticket, 'acknowledgeEscalation', { escalation: 1 })).events).toMatchObject([{ data: { clock: 'resolution#1' } }]);
  });

  test.each([
    ['asked when it was opened', { takeOver: true }, { agent }],
    ['asked now', {}, { agent, takeOver: true }],
  ])('taking over gives whoever acknowledges the ticket: %s', (_, escalation, fields) => {
    const decision = accepted(run(withOne(escalation, { assignee: former, team }), 'acknowledgeEscalation', { escalation: 1, ...fields }));
    expect(decision.state).toMatchObject({ assignee: agent, team, escalations: [{ takeOver: true, formerAssignee: former }] });
    expect(decision.events.map(({ type }) => type)).toEqual(['sla.acknowledged', 'ticket.assigned']);
    expect(decision.events[1]?.data).toEqual({ assignee: agent, team, from: former, fromTeam: team, reason: null, by: actor });
  });

  test.each([
    ['declined now', { takeOver: true }, { agent, takeOver: false }, former],
    ['nobody to give it to', { takeOver: true }, {}, former],
    ['who has it already', { takeOver: true }, { agent }, agent],
  ])('nothing is taken over by: %s', (_, escalation, fields, assignee) => {
    const decision = accepted(run(withOne(escalation, { assignee }), 'acknowledgeEscalation', { escalation: 1, ...fields }));
    expect(decision.state).toMatchObject({ assignee, escalations: [{ takeOver: false, formerAssignee: null }] });
    expect(decision.events.map(({ type }) => type)).toEqual(['sla.acknowledged']);
  });
});

describe('resolve, send back, withdraw, close', () => {
  const taken = { status: 'in_progress', takeOver: true, formerAssignee: former, owner: actor } as const;

  test('resolving needs an outcome and a text', () => {
    const decision = accepted(run(inStatus('in_progress'), 'resolveEscalation', { escalation: 1, outcome: 'advised', text }));
    expect(decision.state.escalations).toEqual([
      anEscalation({ status: 'resolved', outcome: 'advised', outcomeText: text, resolvedAt: noon + hour }),
    ]);
    expect(decision.events).toEqual([
      { type: 'escalation.resolved', version: 2, data: { escalation: 1, outcome: 'advised' }, content: text },
    ]);
  });

  test('then the ticket goes back to whoever had it before', () => {
    const decision = accepted(run(withOne(taken, { assignee: agent, team }), 'resolveEscalation', { escalation: 1, ...outcome }));
    expect(decision.state.assignee).toBe(former);
    expect(decision.events.map(({ type }) => type)).toEqual(['escalation.resolved', 'ticket.assigned']);
    expect(decision.events[1]?.data).toEqual({ assignee: former, team, from: agent, fromTeam: team, reason: null, by: actor });
  });

  test.each([
    ['who has it again', taken, former],
    ['nobody had it', { ...taken, formerAssignee: null }, agent],
    ['it was not taken over', { ...taken, takeOver: false }, third],
  ])('it does not where %s', (_, escalation, assignee) => {
    const decision = accepted(run(withOne(escalation, { assignee }), 'resolveEscalation', { escalation: 1, ...outcome }));
    expect(decision.state.assignee).toBe(assignee);
    expect(decision.events.map(({ type }) => type)).toEqual(['escalation.resolved']);
  });

  test('sent back it is in progress again, without an outcome', () => {
    const resolved = { status: 'resolved', outcome: 'fixed', outcomeText: text, resolvedAt: noon, owner: actor } as const;
    const decision = accepted(run(withOne(resolved), 'sendBackEscalation', { escalation: 1, reason: text }));
    expect(decision.state.escalations).toEqual([anEscalation({ status: 'in_progress', owner: actor })]);
    expect(decision.events).toEqual([{ type: 'escalation.sent_back', version: 2, data: { escalation: 1, reason: text }, content: text }]);
  });

  test('withdrawn, it says so', () => {
    const decision = accepted(run(withOne({ ackDueAt: noon + 2 * hour }), 'withdrawEscalation', { escalation: 1 }));
    expect(decision.state.escalations).toEqual([
      anEscalation({ status: 'closed', outcome: 'withdrawn', ackDueAt: null, closedAt: noon + hour }),
    ]);
    expect(decision.events).toMatchObject([{ type: 'escalation.closed', data: { escalation: 1, outcome: 'withdrawn' } }]);
  });

  test('closed, it keeps its outcome', () => {
    const decision = accepted(run(withOne({ status: 'resolved', outcome: 'declined' }), 'closeEscalation', { escalation: 1 }));
    expect(decision.state.escalations).toMatchObject([{ status: 'closed', outcome: 'declined', closedAt: noon + hour }]);
  });
});

test('when the ticket closes, open ones end with it; what was resolved keeps its outcome', () => {
  const escalations = [
    anEscalation({ ackDueAt: noon + hour }),
    anEscalation({ n: 2, status: 'in_progress' }),
    anEscalation({ n: 3, status: 'resolved', outcome: 'advised' }),
    anEscalation({ n: 4, status: 'closed', outcome: 'withdrawn', closedAt: noon }),
  ];
  const decision = accepted(run(aTicket({ escalations }), 'close', { cause: 'merged' }));
  expect(decision.state.escalations.map(({ n, status, outcome: how, closedAt, ackDueAt }) => [n, status, how, closedAt, ackDueAt])).toEqual(
    [
      [1, 'closed', 'ticket_closed', noon + hour, null],
      [2, 'closed', 'ticket_closed', noon + hour, null],
      [3, 'closed', 'advised', noon + hour, null],
      [4, 'closed', 'withdrawn', noon, null],
    ],
  );
  expect(decision.events.map(({ type, data }) => [type, data['escalation']])).toEqual([
    ['escalation.closed', 1],
    ['escalation.closed', 2],
    ['escalation.closed', 3],
    ['ticket.closed', undefined],
  ]);
});

describe('what a ticket knows of its escalations', () => {
  test('its level is the highest of those somebody is asked for, or at', () => {
    expect(levelOf([])).toBe(0);
    const all = (['resolved', 'closed', 'pending', 'in_progress'] as const).map((status, index) =>
      anEscalation({ status, level: 9 - index }),
    );
    expect(levelOf(all)).toBe(7);
    expect(all.map(isOpenEscalation)).toEqual([false, false, true, true]);
  });

  test('it waits for an acknowledgement while a window is open', () => {
    expect(awaitsAcknowledgement([anEscalation()])).toBe(false);
    expect(awaitsAcknowledgement([anEscalation({ ackDueAt: noon })])).toBe(true);
    expect(awaitsAcknowledgement([anEscalation({ status: 'in_progress', ackDueAt: noon })])).toBe(false);
  });

  test('of those closed only the last ten are kept; open ones all are, and numbers never come again', () => {
    let all: Escalation[] = [];
    for (let index = 0; index < 30; index += 1) {
      const next = opened(anEscalation(), all, noon);
      all = withEscalation(all, next);
      if (index % 2 === 0) all = withEscalation(all, { ...next, status: 'closed' });
    }
    expect(all.filter(({ status }) => status === 'closed').map(({ n }) => n)).toEqual([11, 13, 15, 17, 19, 21, 23, 25, 27, 29]);
    expect(all.filter(({ status }) => status === 'pending')).toHaveLength(15);
    expect(all.at(-1)?.n).toBe(30);
  });

  test('the number of one that was closed does not come again', () => {
    let all: Escalation[] = [];
    for (let index = 0; index < 12; index += 1) all = withEscalation(all, { ...opened(anEscalation(), all, noon), status: 'closed' });
    expect(opened(anEscalation(), all, noon).n).toBe(13);
  });

  test('a ticket from before there were any has none', () => {
    const { escalations: _none, sla: _neither, ...old } = aTicket();
    expect(upToDate(old as Ticket)).toEqual(aTicket());
    expect(upToDate(inStatus('pending')).escalations).toHaveLength(1);
  });
});
