/** What a message to a journey may carry, before anything is decided on it. */
import { expect, test } from 'vitest';
import type { JourneyVerb } from '../../../domain/journey/run/command.js';
import { asJourneyCommand, journeyShapeErrors, journeyVerbs } from '../../../domain/journey/shape.js';
import { uuid } from '../../support/builders.js';

const actor = 'user/someone';
const step = { step: 'ask' };

const smallest: Record<JourneyVerb, object> = {
  advance: {},
  updateContext: { patch: {} },
  pause: {},
  resume: {},
  cancel: {},
  retry: step,
  completeWith: { ...step, outcome: 'done' },
  skip: step,
  goto: { ...step, to: 'other' },
  compensateAndEnd: {},
  vote: { ...step, decision: 'approve' },
  delegate: { ...step, to: 'ann' },
  claim: step,
  unclaim: step,
  assign: { ...step, to: 'ann' },
  createHandoff: { from: 'crm', to: 'field-ops', mode: 'accept' },
  attach: { input: {} },
};

const opening = {
  subject: { type: 'customer', id: 'C-1' },
  entry: 1,
  input: { customerId: 'C-1' },
  requester: null,
  trigger: { id: 'by_hand', eventId: null },
  parent: null,
};

test('every verb is in the list, once', () => {
  expect([...journeyVerbs].toSorted()).toEqual(Object.keys(smallest).toSorted());
});

test.each(journeyVerbs)('%s needs no more than this, and an actor', (verb) => {
  expect(journeyShapeErrors(verb, { actor, ...smallest[verb] })).toEqual([]);
  expect(journeyShapeErrors(verb, smallest[verb])).toEqual([
    { field: 'actor', rule: 'must be user/<id>, customer/<id>, service/<id>, key/<id> or system/<name>' },
  ]);
});

test('an opening is told by its fields', () => {
  expect(journeyShapeErrors('open', { actor, ...opening })).toEqual([]);
  expect(journeyShapeErrors('open', { actor, ...opening, requester: 'ann', parent: { journeyId: 'JRN-1', effect: 'a.1/child' } })).toEqual(
    [],
  );
  expect(journeyShapeErrors('open', { actor, ...opening, entry: 0, subject: { type: 'customer' } }).map(({ field }) => field)).toEqual([
    'subject',
    'entry',
  ]);
});

const faults: [JourneyVerb, object, string][] = [
  ['advance', { outcom: 'yes' }, 'outcom'],
  ['advance', { outcome: 'two words' }, 'outcome'],
  ['advance', { output: [] }, 'output'],
  ['advance', { output: { deep: () => 1 } }, 'output'],
  ['advance', { output: { long: 'x'.repeat(70_000) } }, 'output'],
  ['advance', { roles: ['agent', 7] }, 'roles'],
  ['pause', { deadlines: 'move' }, 'deadlines'],
  ['pause', { freezeTasks: 'yes' }, 'freezeTasks'],
  ['cancel', { reason: 'because' }, 'reason'],
  ['retry', { ...step, visit: 0 }, 'visit'],
  ['vote', { ...step, decision: 'maybe' }, 'decision'],
  ['delegate', { ...step, to: 'ann', until: -1 }, 'until'],
  ['createHandoff', { from: 'crm', to: 'field-ops', mode: 'later' }, 'mode'],
  ['attach', { input: {}, eventId: 'a\nb' }, 'eventId'],
];

test.each(faults)('%s refuses %j by the field', (verb, fields, field) => {
  const found = journeyShapeErrors(verb, { actor, ...smallest[verb], ...fields });
  expect(found.map((error) => error.field)).toEqual([field]);
});

test.each([null, 'text', [], 7])('%j is no message', (value) => {
  expect(journeyShapeErrors('resume', value)).toEqual([{ field: '', rule: 'must be one JSON object' }]);
});

test('what the sender leaves out is filled in, and what stands there is kept', () => {
  const missing = { commandId: 'by-hand', role: 'operator', source: 'operator' } as const;
  expect(asJourneyCommand('resume', missing, { actor })).toEqual({ kind: 'resume', actor, ...missing });
  expect(asJourneyCommand('cancel', missing, { actor, role: 'admin', reason: uuid(1) })).toMatchObject({ role: 'admin', reason: uuid(1) });
  expect(asJourneyCommand('resume', missing, null)).toEqual({ kind: 'resume', ...missing });
});
