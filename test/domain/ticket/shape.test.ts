import { expect, test } from 'vitest';
import { verbs } from '../../../domain/ticket/command.js';
import type { Verb } from '../../../domain/ticket/command.js';
import { asCommand, fieldNames, shapeErrors } from '../../../domain/ticket/shape.js';
import { anOpen, uuid } from '../../support/builders.js';

const actor = 'user/someone';
const id = uuid(1);

const smallest: Record<Verb, object> = {
  open: anOpen(),
  reply: { content: id },
  receive: { content: id, author: id },
  note: { content: id },
  edit: {},
  assign: {},
  claim: { agent: id },
  unassign: {},
  priority: { priority: 'low' },
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
  resolveEscalation: { escalation: 1, outcome: 'fixed', text: id },
  sendBackEscalation: { escalation: 1, reason: id },
  withdrawEscalation: { escalation: 1 },
  closeEscalation: { escalation: 1 },
  pauseClocks: {},
  resumeClocks: {},
  overrideTarget: { clock: 'resolution#1', budgetS: 60 },
  waive: { clock: 'resolution#1' },
  replan: { set: 0 },
};

test.each([...verbs])('T33: %s: the smallest right form passes, without an actor it does not', (verb) => {
  expect(shapeErrors(verb, { actor, ...smallest[verb] })).toEqual([]);
  expect(shapeErrors(verb, smallest[verb]).map((error) => error.field)).toEqual(['actor']);
});

test.each([...verbs])('%s: every field refuses a value of a wrong type, and an unknown one', (verb) => {
  for (const field of fieldNames(verb)) {
    const errors = shapeErrors(verb, { actor, ...smallest[verb], [field]: { wrong: true } });
    expect(errors).toEqual([{ field, rule: expect.stringMatching(/^must be /) }]);
  }
  expect(shapeErrors(verb, { actor, ...smallest[verb], extra: 1 })).toEqual([{ field: 'extra', rule: 'is not a field of this command' }]);
});

test.each([null, 'text', 7, [], undefined])('%j is no command at all', (value) => {
  expect(shapeErrors('start', value)).toEqual([{ field: '', rule: 'must be one JSON object' }]);
});

const cases: [Verb, object, string[]][] = [
  ['start', { actor: 'someone' }, ['actor']],
  ['start', { actor: 'root/x' }, ['actor']],
  ['start', { actor, commandId: 'with space' }, ['commandId']],
  ['start', { actor, commandId: 'k-13c4a0e3' }, []],
  ['start', { actor, role: 'king' }, ['role']],
  ['start', { actor, expectedVersion: -1 }, ['expectedVersion']],
  ['start', { actor, expectedVersion: 0 }, []],
  ['hold', { actor, until: '2026-01-01' }, ['until']],
  ['hold', { actor, until: 1.5 }, ['until']],
  ['hold', { actor, until: 1_800_000_000_000 }, []],
  ['edit', { actor, category: null, team: null, assignee: null }, []],
  ['edit', { actor, changed: ['subject', 'nonsense'] }, ['changed']],
  ['edit', { actor, priority: 'highest', status: 'done' }, ['priority', 'status']],
  ['close', { actor, cause: 'window' }, ['cause']],
  ['close', { actor, cause: 'spam' }, []],
  ['receive', { actor, content: id, author: id, copied: Array.from({ length: 21 }, () => id) }, ['copied']],
  ['reply', { actor, content: 'Hello, I would like…' }, ['content']],
  ['open', { actor, ...anOpen(), settings: { reopenWindowS: -1, mail: {} } }, ['settings']],
  ['open', { actor, ...anOpen(), settings: { reopenWindowS: 1, mail: { acknowledgement: true, reply: true } } }, ['settings']],
  ['open', { actor, ...anOpen(), ticketId: 'TKT-1' }, ['ticketId']],
  ['open', { actor, ...anOpen(), sla: { set: 3 } }, []],
  ['open', { actor, ...anOpen(), sla: { set: -1 } }, ['sla']],
  ['open', { actor, ...anOpen(), sla: { set: 3, policy: 'vip' } }, ['sla']],
  ['open', { actor, ...anOpen(), sla: 3 }, ['sla']],
  ['start', { actor, receivedAt: 1_800_000_000_000 }, []],
  ['start', { actor, receivedAt: 0 }, ['receivedAt']],
  ['escalate', { actor, to: { kind: 'team', id }, level: 9, reason: id, takeOver: true, ackWithinS: 1800 }, []],
  ['escalate', { actor, to: { kind: 'lead' } }, []],
  ['escalate', { actor, to: { kind: 'boss' } }, ['to']],
  ['escalate', { actor, to: { kind: 'team', id: 'support' } }, ['to']],
  ['escalate', { actor, to: { kind: 'team', team: id } }, ['to']],
  ['escalate', { actor, to: 'lead' }, ['to']],
  ['escalate', { actor, level: 0, ackWithinS: 0 }, ['level', 'ackWithinS']],
  ['escalate', { actor, level: 10, ackWithinS: 315_360_001 }, ['level', 'ackWithinS']],
  ['escalate', { actor, level: 1.5, ackWithinS: '60' }, ['level', 'ackWithinS']],
  ['withdrawEscalation', { actor, escalation: 0 }, ['escalation']],
  ['withdrawEscalation', { actor, escalation: -1 }, ['escalation']],
  ['resolveEscalation', { actor, escalation: 1, outcome: 'withdrawn', text: id }, ['outcome']],
  ['overrideTarget', { actor, clock: 'resolution', budgetS: 60 }, ['clock']],
  ['overrideTarget', { actor, clock: 'resolution#0', budgetS: 315_360_000 }, ['clock']],
  ['replan', { actor, set: -1 }, ['set']],
  ['priority', { actor, priority: 'low', keepTargets: true }, []],
];

test.each(cases)('%s %j names %j', (verb, value, fields) => {
  expect(shapeErrors(verb, value).map((error) => error.field)).toEqual(fields);
});

test('what the sender left out is filled in, what he sent stays, and the kind is the verb', () => {
  const missing = { commandId: 'made', role: 'operator', source: 'operator' } as const;
  expect(asCommand('hold', missing, { actor, role: 'lead', kind: 'close' })).toEqual({
    kind: 'hold',
    actor,
    commandId: 'made',
    role: 'lead',
    source: 'operator',
  });
  expect(asCommand('hold', missing, null)).toEqual({ ...missing, kind: 'hold' });
});
