/** What a message to a handoff may carry, before anything is decided on it. */
import { expect, test } from 'vitest';
import { handoffVerbs } from '../../../domain/handoff/command.js';
import type { HandoffVerb } from '../../../domain/handoff/command.js';
import { asHandoffCommand, handoffShapeErrors } from '../../../domain/handoff/shape.js';

const actor = 'user/someone';

const smallest: Partial<Record<HandoffVerb, object>> = {
  vote: { decision: 'approve' },
  delegate: { to: 'ann' },
  assign: { to: 'ann' },
};

test.each(handoffVerbs)('%s needs no more than this, and an actor', (verb) => {
  expect(handoffShapeErrors(verb, { actor, ...smallest[verb] })).toEqual([]);
  expect(handoffShapeErrors(verb, smallest[verb] ?? {}).map(({ field }) => field)).toEqual(['actor']);
});

const faults: [HandoffVerb, object, string][] = [
  ['accept', { code: 'x' }, 'code'],
  ['return', { reason: 'no access' }, 'reason'],
  ['reject', { comment: 'no' }, 'comment'],
  ['complete', { output: 'done' }, 'output'],
  ['complete', { output: { long: 'x'.repeat(70_000) } }, 'output'],
  ['vote', { decision: 'maybe' }, 'decision'],
  ['delegate', { to: 'ann', until: 'soon' }, 'until'],
];

test.each(faults)('%s refuses %j by the field', (verb, fields, field) => {
  expect(handoffShapeErrors(verb, { actor, ...smallest[verb], ...fields }).map((error) => error.field)).toEqual([field]);
});

test('what the sender leaves out is filled in', () => {
  const missing = { commandId: 'by-hand', role: 'operator', source: 'operator' } as const;
  expect(asHandoffCommand('accept', missing, { actor })).toEqual({ kind: 'accept', actor, ...missing });
  expect(asHandoffCommand('accept', missing, undefined)).toEqual({ kind: 'accept', ...missing });
});
