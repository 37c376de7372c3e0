import { describe, expect, test } from 'vitest';
import { originOf } from '../../../domain/actor.js';
import { auditEntries, auditSourceOf, keptOf } from '../../../domain/audit/entry.js';
import type { LoggedChange } from '../../../domain/audit/entry.js';
import { uuid } from '../../support/builders.js';

const changed = (over: Partial<LoggedChange> = {}): LoggedChange => ({
  id: uuid(1),
  seq: 1,
  type: 'ticket.status_changed',
  at: '2026-01-15T12:00:00.000Z',
  actor: 'user/ada',
  role: 'agent',
  source: 'api',
  commandId: 'c-1',
  kind: 'hold',
  data: { from: 'new', to: 'on_hold' },
  ...over,
});

test('one line for each command, with the events it led to', () => {
  const lines = [
    changed({ requestId: 'r-1', actingFor: 'customer/x', reason: uuid(9) }),
    changed({ id: uuid(2), seq: 2, type: 'ticket.assigned', data: { assignee: null } }),
    changed({
      id: uuid(3),
      seq: 3,
      type: 'sla.breached',
      commandId: 'c-2',
      kind: 'sla',
      actor: 'system/sla',
      role: 'system',
      source: 'system',
      data: {},
    }),
  ];
  expect(auditEntries('ticket/TKT-00000001', lines)).toEqual([
    {
      id: uuid(1),
      at: '2026-01-15T12:00:00.000Z',
      actor: 'user/ada',
      actingFor: 'customer/x',
      source: 'api',
      action: 'ticket.hold',
      subject: 'ticket/TKT-00000001',
      changes: {
        events: [
          { seq: 1, type: 'ticket.status_changed', data: { from: 'new', to: 'on_hold' } },
          { seq: 2, type: 'ticket.assigned', data: { assignee: null } },
        ],
      },
      reason: uuid(9),
      requestId: 'r-1',
    },
    {
      id: uuid(3),
      at: '2026-01-15T12:00:00.000Z',
      actor: 'system/sla',
      actingFor: null,
      source: 'worker',
      action: 'ticket.sla',
      subject: 'ticket/TKT-00000001',
      changes: { events: [{ seq: 3, type: 'sla.breached' }] },
      reason: null,
      requestId: null,
    },
  ]);
  expect(auditEntries('journey/JRN-1', [])).toEqual([]);
});

test.each([
  [{ role: 'agent', source: 'api' }, 'api'],
  [{ role: 'customer', source: 'mail' }, 'mail'],
  [{ role: 'operator', source: 'operator' }, 'operator'],
  [{ role: 'operator', source: 'system' }, 'operator'],
  [{ role: 'system', source: 'system' }, 'worker'],
])('%j comes from %s', (told, source) => {
  expect(auditSourceOf(told)).toBe(source);
});

describe('what is kept of an event’s data', () => {
  test('ids, enumerations, numbers, instants and truths; of lists and one level of objects too', () => {
    const data = {
      status: 'on_hold',
      assignee: uuid(2),
      team: null,
      level: 2,
      until: 1_767_225_600_000,
      expiresAt: '2026-01-15T12:00:00.000Z',
      auto: true,
      changed: ['subject', 'priority'],
      from: { role: 'agent', teams: [uuid(3)] },
      clock: 'resolution#1',
      to: ['user/ada'],
    };
    expect(keptOf(data)).toEqual({ ...data, from: { role: 'agent' } });
  });

  test.each([
    ['a member that is not known', { remark: 'urgent' }],
    ['a text with spaces', { outcome: 'she was angry' }],
    ['a mail address', { author: 'ada@example.com' }],
    ['a text that is too long', { cause: 'a'.repeat(129) }],
    ['an object of unknown members', { from: { name: 'Ada' } }],
    ['a number JSON does not have', { level: Number.NaN }],
    ['what is no JSON at all', { level: () => 1 }],
    ['nothing', { level: undefined }],
  ])('%s is left out', (_, data) => {
    const kept = keptOf(data);
    expect(JSON.stringify(kept)).not.toMatch(/urgent|angry|ada|aaa|Ada/);
    expect(Object.values(kept).flatMap((value) => (value !== null && typeof value === 'object' ? Object.values(value) : [value]))).toEqual(
      [],
    );
  });

  test('items of a list that are texts are left out, and lists end somewhere', () => {
    expect(keptOf({ to: ['user/ada', 'Ada Lovelace', { role: 'x' }] })).toEqual({ to: ['user/ada'] });
    expect(keptOf({ to: Array.from({ length: 80 }, (_, index) => index) })['to']).toHaveLength(50);
  });
});

test('why is the first of a command’s texts that is one', () => {
  expect(originOf({})).toEqual({});
  expect(originOf({ requestId: 'r', actingFor: 'customer/x', reason: 'no_capacity', comment: uuid(1), text: uuid(2) })).toEqual({
    requestId: 'r',
    actingFor: 'customer/x',
    reason: uuid(1),
  });
});
