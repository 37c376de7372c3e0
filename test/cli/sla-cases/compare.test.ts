import { describe, expect, test } from 'vitest';
import { compare } from '../../../cli/sla-cases/compare.js';
import type { ClockFields, Expectation } from '../../../cli/sla-cases/expectations.js';
import type { ScenarioTrace } from '../../../domain/sla/scenario.js';
import { aScenario, at, aTrace, aView } from './trace.js';

const differences = (expected: Expectation, trace: ScenarioTrace): string[] =>
  compare(aScenario(), [expected], trace).map(
    ({ field, expected: wanted, got }) => `${field}: ${JSON.stringify(wanted)} ${JSON.stringify(got)}`,
  );

const ofClock = (fields: ClockFields): Expectation => ({ kind: 'clock', at, clock: 'resolution#1', fields });

const ofClocks = (...clocks: string[]): Expectation => ({ kind: 'clocks', at, clocks });

const ofRung = (firedAt: number | null): Expectation => ({ kind: 'rung', clock: 'resolution#1', rung: 'r50', firedAt });

describe('a clock', () => {
  const view = aView({
    phase: 'fulfilled',
    dueAt: at,
    consumedS: 3601,
    remainingS: -1,
    spareS: -1,
    overrunS: 1,
    outcome: 'breached',
    breaches: 1,
    breachedAt: at,
    fulfilledAt: at + 1000,
    reason: null,
    cause: 'deadline',
    lateMs: 0,
  });
  const right: ClockFields = {
    phase: 'fulfilled',
    dueAt: at,
    consumedS: 3601,
    remainingS: -1,
    spareS: -1,
    overrunS: 1,
    outcome: 'breached',
    breaches: 1,
    breachedAt: at,
    fulfilledAt: at + 1000,
    reason: null,
    cause: 'deadline',
    lateMs: 0,
  };
  const wrong: [keyof ClockFields, ClockFields, string][] = [
    ['phase', { phase: 'running' }, '"running" "fulfilled"'],
    ['dueAt', { dueAt: null }, 'null "2026-07-20T16:00:00Z"'],
    ['consumedS', { consumedS: 3600 }, '3600 3601'],
    ['remainingS', { remainingS: 0 }, '0 -1'],
    ['spareS', { spareS: 1 }, '1 -1'],
    ['overrunS', { overrunS: null }, 'null 1'],
    ['outcome', { outcome: 'met' }, '"met" "breached"'],
    ['breaches', { breaches: 0 }, '0 1'],
    ['breachedAt', { breachedAt: at - 1000 }, '"2026-07-20T15:59:59Z" "2026-07-20T16:00:00Z"'],
    ['fulfilledAt', { fulfilledAt: at }, '"2026-07-20T16:00:00Z" "2026-07-20T16:00:01Z"'],
    ['reason', { reason: 'solved' }, '"solved" null'],
    ['cause', { cause: 'retarget' }, '"retarget" "deadline"'],
    ['lateMs', { lateMs: 1000 }, '1000 0'],
  ];

  test('as expected in every field', () => expect(differences(ofClock(right), aTrace({ views: [view] }))).toEqual([]));
  test.each(wrong)('another %s', (field, fields, told) => {
    expect(differences(ofClock({ ...right, ...fields }), aTrace({ views: [view] }))).toEqual([`${field}: ${told}`]);
  });
  test('every field is tried above', () => expect(wrong.map(([field]) => field)).toEqual(Object.keys(right)));

  test('only what is named is compared', () =>
    expect(differences(ofClock({ outcome: 'breached' }), aTrace({ views: [view] }))).toEqual([]));
  test('several fields, several differences', () => {
    expect(differences(ofClock({ phase: 'paused', consumedS: 5 }), aTrace())).toEqual(['phase: "paused" "running"', 'consumedS: 5 0']);
  });
  test('one that does not exist', () => {
    const other = aTrace({ views: [aView({ clock: 'resolution#2' })] });
    expect(differences(ofClock({}), other)).toEqual(['clock: "resolution#1" ["resolution#2"]']);
  });

  test.each([
    ['a moment late', { lateMs: 3_600_001 }, { lateMs: 3_600_000 }],
    ['fulfilled a moment later', { fulfilledAt: at + 7 }, { fulfilledAt: at }],
  ])('compared by the second: %s', (_, got, expected) => {
    expect(differences(ofClock(expected), aTrace({ views: [aView(got)] }))).toEqual([]);
  });
});

describe('the clocks there are', () => {
  const two = aTrace({ views: [aView(), aView({ clock: 'first_response#1', kind: 'first_response' })] });

  test('in any order', () => expect(differences(ofClocks('resolution#1', 'first_response#1'), two)).toEqual([]));
  test.each([[['resolution#1']], [['first_response#1', 'resolution#1', 'resolution#2']], [['first_response#1', 'resolution#2']], [[]]])(
    'but exactly those: not %j',
    (clocks) => {
      expect(differences(ofClocks(...clocks), two)).toEqual([`clocks: ${JSON.stringify(clocks)} ["first_response#1","resolution#1"]`]);
    },
  );
});

describe('a rung', () => {
  const fired = aTrace({ fired: { 'resolution#1 r50': at } });

  test('fired then', () => expect(differences(ofRung(at), fired)).toEqual([]));
  test('fired at another time', () => {
    expect(differences(ofRung(at + 60_000), fired)).toEqual(['firedAt: "2026-07-20T16:01:00Z" "2026-07-20T16:00:00Z"']);
  });
  test('never fired, as expected', () => expect(differences(ofRung(null), aTrace())).toEqual([]));
  test('fired against expectation', () => expect(differences(ofRung(null), fired)).toEqual(['firedAt: "never" "2026-07-20T16:00:00Z"']));
  test('did not fire', () => expect(differences(ofRung(at), aTrace())).toEqual(['firedAt: "2026-07-20T16:00:00Z" "never"']));
  test('of another instance', () => {
    expect(differences(ofRung(at), aTrace({ fired: { 'resolution#2 r50': at } }))).toEqual(['firedAt: "2026-07-20T16:00:00Z" "never"']);
  });
});

const followed = (verb: 'resolve' | 'customer') =>
  aScenario({
    events: [
      { at, verb: 'open', by: 'customer', status: 'new', receivedAt: at },
      { at: at + 1000, verb },
    ],
  });

describe('an event that is refused', () => {
  const refused = aTrace({ refused: [{ event: 1, code: 'ticket.closed' }] });

  test('is a difference before all others', () => {
    expect(compare(followed('resolve'), [ofClock({ phase: 'paused' })], refused)).toEqual([
      { expectation: null, at: at + 1000, clock: null, rung: null, field: 'event 2 (resolve)', expected: 'accepted', got: 'ticket.closed' },
      { expectation: 0, at, clock: 'resolution#1', rung: null, field: 'phase', expected: 'paused', got: 'running' },
    ]);
  });
  test('but a message to a closed ticket opens another one', () => expect(compare(followed('customer'), [], refused)).toEqual([]));
});
