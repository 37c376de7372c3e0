/** What a batch sends, what it shows before, and how its figures add up. */
import { expect, test } from 'vitest';
import { handoffBulkVerbs, journeyBulkVerbs, needsReason, orderFor, permissionFor } from '../../../domain/bulk/command.js';
import type { BulkCommand } from '../../../domain/bulk/command.js';
import { done, noAnswer, refusedWith } from '../../../domain/bulk/outcome.js';
import { partsOf, previewText, summaryOf, tokenOf } from '../../../domain/bulk/preview.js';
import type { Previewed } from '../../../domain/bulk/preview.js';
import { handoffShapeErrors } from '../../../domain/handoff/shape.js';
import { journeyShapeErrors } from '../../../domain/journey/shape.js';
import { noon, tenant, uuid } from '../../support/builders.js';

const place = { step: 'charge', visit: 2, item: null };

const commands: [BulkCommand, string, object][] = [
  [
    { target: 'journeys', verb: 'retry', args: { step: 'charge', input: { amount: 5 } } },
    'retry',
    { step: 'charge', visit: 2, input: { amount: 5 } },
  ],
  [
    { target: 'journeys', verb: 'complete_with', args: { outcome: 'paid', output: { ok: true } } },
    'completeWith',
    { step: 'charge', visit: 2, outcome: 'paid', output: { ok: true } },
  ],
  [{ target: 'journeys', verb: 'skip', args: {} }, 'skip', { step: 'charge', visit: 2 }],
  [{ target: 'journeys', verb: 'cancel', args: {} }, 'cancel', {}],
  [{ target: 'journeys', verb: 'compensate_and_end', args: {} }, 'compensateAndEnd', {}],
  [
    { target: 'journeys', verb: 'pause', args: { deadlines: 'keep', freezeTasks: false } },
    'pause',
    { deadlines: 'keep', freezeTasks: false },
  ],
  [{ target: 'journeys', verb: 'resume', args: {} }, 'resume', {}],
  [{ target: 'journeys', verb: 'vote', args: { decision: 'approve' } }, 'vote', { step: 'charge', visit: 2, decision: 'approve' }],
  [{ target: 'handoffs', verb: 'approve', args: { onBehalfOf: 'bea' } }, 'approve', { onBehalfOf: 'bea' }],
  [{ target: 'handoffs', verb: 'reject', args: { reason: 'no_capacity' } }, 'reject', { reason: 'no_capacity' }],
  [{ target: 'handoffs', verb: 'retry', args: {} }, 'retry', {}],
  [{ target: 'handoffs', verb: 'reassign', args: { to: 'ann' } }, 'assign', { to: 'ann' }],
  [{ target: 'handoffs', verb: 'cancel', args: {} }, 'cancel', {}],
];

test.each(commands)('%j is what its workflow takes', (command, verb, fields) => {
  const order = orderFor(command, place);
  expect(order).toEqual({ target: command.target, verb, fields });
  const message = { actor: 'user/lea', commandId: `bulk/${uuid(1)}/10000`, role: 'lead', source: 'api', roles: ['lead'], ...order?.fields };
  if (order?.target === 'journeys') expect(journeyShapeErrors(order.verb, message)).toEqual([]);
  if (order?.target === 'handoffs') expect(handoffShapeErrors(order.verb, message)).toEqual([]);
});

test('every verb is there, and a step of a list is named with its item', () => {
  expect(commands.map(([{ target, verb }]) => `${target} ${verb}`)).toEqual([
    ...journeyBulkVerbs.map((verb) => `journeys ${verb}`),
    ...handoffBulkVerbs.map((verb) => `handoffs ${verb}`),
  ]);
  const vote: BulkCommand = { target: 'journeys', verb: 'vote', args: { decision: 'reject' } };
  expect(orderFor(vote, { ...place, item: 'i2' })?.fields).toEqual({ step: 'charge', visit: 2, item: 'i2', decision: 'reject' });
});

test('what needs a step is nothing without one', () => {
  const orders = commands.map(([command]) => orderFor(command, null));
  expect(commands.filter((_, index) => orders[index] === null).map(([{ verb }]) => verb)).toEqual([
    'retry',
    'complete_with',
    'skip',
    'vote',
  ]);
});

test('each verb needs what the single one needs', () => {
  const needed = commands.map(([command]) => [command.target, command.verb, permissionFor(command)]);
  expect(needed).toEqual([
    ...['retry', 'complete_with', 'skip', 'cancel', 'compensate_and_end', 'pause', 'resume'].map((verb) => [
      'journeys',
      verb,
      'journey.repair',
    ]),
    ['journeys', 'vote', 'approval.vote'],
    ['handoffs', 'approve', 'handoff.decide'],
    ['handoffs', 'reject', 'handoff.decide'],
    ['handoffs', 'retry', 'journey.repair'],
    ['handoffs', 'reassign', 'handoff.handle'],
    ['handoffs', 'cancel', 'handoff.create'],
  ]);
  expect(needsReason).toEqual(['complete_with', 'skip', 'cancel', 'compensate_and_end', 'pause']);
});

test('a refusal that says that a verb does not concern an instance is no failure; every other one is', () => {
  expect(refusedWith('no_incident')).toEqual({ outcome: 'skipped', code: 'no_incident' });
  expect(refusedWith('requester_excluded')).toEqual({ outcome: 'skipped', code: 'requester_excluded' });
  expect(refusedWith('output_invalid')).toEqual({ outcome: 'failed', code: 'output_invalid' });
  expect(refusedWith('invalid_request')).toEqual({ outcome: 'failed', code: 'invalid_request' });
  expect([done, noAnswer]).toEqual([
    { outcome: 'ok', code: 'done' },
    { outcome: 'failed', code: 'no_answer' },
  ]);
});

const item = (n: number, code: 'journey_paused' | 'journey_ended' | null) => ({
  ref: `JRN-${n}`,
  forecast: { code, place: null, isFinal: false },
});

test('a summary counts all and shows the first twenty', () => {
  const items = Array.from({ length: 30 }, (_, n) => item(n, n < 2 ? 'journey_ended' : n < 6 ? 'journey_paused' : null));
  const summary = summaryOf(items);
  expect(summary).toMatchObject({
    total: 30,
    wouldApply: 24,
    wouldSkip: [
      { code: 'journey_paused', count: 4 },
      { code: 'journey_ended', count: 2 },
    ],
  });
  expect(summary.wouldApply + summary.wouldSkip.reduce((sum, { count }) => sum + count, 0)).toBe(summary.total);
  expect(summary.sample).toHaveLength(20);
  expect(summary.sample[0]).toEqual({ ref: 'JRN-0', code: 'journey_ended' });
  expect(summary.sample[19]).toEqual({ ref: 'JRN-19', code: null });
  expect(summaryOf([])).toEqual({ total: 0, wouldApply: 0, wouldSkip: [], sample: [] });
});

test('what is signed is all a preview is made of, however its JSON is spelled', () => {
  const previewed: Previewed = {
    tenant,
    by: 'user/lea',
    id: uuid(7),
    target: 'journeys',
    verb: 'pause',
    args: { deadlines: 'keep', freezeTasks: true },
    filter: { template: 'renewal', status: ['active'] },
    expiresAt: noon,
  };
  const text = previewText(previewed);
  expect(previewText({ ...previewed, args: { freezeTasks: true, deadlines: 'keep' } })).toBe(text);
  const others: Partial<Previewed>[] = [
    { tenant: uuid(2) },
    { by: 'user/ann' },
    { id: uuid(8) },
    { target: 'handoffs' },
    { verb: 'cancel' },
    { args: { deadlines: 'shift', freezeTasks: true } },
    { filter: { template: 'renewal' } },
    { expiresAt: noon + 1 },
  ];
  for (const other of others) expect(previewText({ ...previewed, ...other }), JSON.stringify(other)).not.toBe(text);
  expect(partsOf(tokenOf(uuid(7), 'k1.mac'))).toEqual({ id: uuid(7), signature: 'k1.mac' });
  expect([partsOf('nonsense'), partsOf('.x'), partsOf('')]).toEqual([null, null, null]);
});
