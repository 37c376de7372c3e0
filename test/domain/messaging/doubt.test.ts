import { describe, expect, test } from 'vitest';
import { afterDoubt, deliveryPolicies } from '../../../domain/messaging/doubt.js';
import type { Doubt } from '../../../domain/messaging/doubt.js';
import { noon } from '../../support/builders.js';

const seconds = 1_000;
const doubt = (changes: Partial<Doubt> = {}): Doubt => ({
  template: 'notice',
  repeated: false,
  listed: false,
  wireAt: noon,
  absent: false,
  now: noon,
  ...changes,
});

// reliability.md, R3.
test('customers’ mail is held, notices are repeated', () => {
  expect(deliveryPolicies).toEqual({ acknowledgement: 'hold', reply: 'hold', resolved: 'hold', notice: 'retry' });
});

describe('without a list to look at', () => {
  test('a notice is sent once more, and not a third time', () => {
    expect(afterDoubt(doubt())).toEqual({ kind: 'repeat' });
    expect(afterDoubt(doubt({ repeated: true }))).toEqual({ kind: 'unknown' });
  });
  test.each(['acknowledgement', 'reply', 'resolved'] as const)('%s is not', (template) =>
    expect(afterDoubt(doubt({ template }))).toEqual({ kind: 'unknown' }),
  );
});

describe('with one', () => {
  const sms = (after: number, changes: Partial<Doubt> = {}) => afterDoubt(doubt({ listed: true, now: noon + after * seconds, ...changes }));
  // R4: 15 s, 60 s, 5 min after the attempt.
  test.each([
    [0, { kind: 'wait', until: noon + 15 * seconds }],
    [14.999, { kind: 'wait', until: noon + 15 * seconds }],
    [15, { kind: 'look' }],
    [400, { kind: 'look' }],
  ])('after %d s', (after, expected) => expect(sms(after)).toEqual(expected));

  test('absent at the first look, it is sent once more', () => expect(sms(15, { absent: true })).toEqual({ kind: 'repeat' }));

  test.each([
    [15, { kind: 'wait', until: noon + 60 * seconds }],
    [59.999, { kind: 'wait', until: noon + 60 * seconds }],
    [60, { kind: 'wait', until: noon + 300 * seconds }],
    [300, { kind: 'unknown' }],
  ])('the repetition, absent after %d s', (after, expected) => expect(sms(after, { absent: true, repeated: true })).toEqual(expected));
});
