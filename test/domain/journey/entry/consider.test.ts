/** The checks of an entry, in order. Source: journeys.md, section 2; scripts.md, section 3. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { considerEntry, entryReasons } from '../../../../domain/journey/entry/consider.js';
import type { Considered, EntryFacts } from '../../../../domain/journey/entry/consider.js';
import type { CompiledTrigger } from '../../../../domain/journey/entry/entry.js';
import { day, hour } from '../../../../domain/time.js';
import { aTrigger, compiled, guards, noFacts, noon } from './scene.js';

interface Case {
  readonly entry?: Record<string, unknown>;
  readonly trigger?: CompiledTrigger | null;
  readonly facts?: Partial<EntryFacts>;
  readonly data?: Record<string, never> | Parameters<typeof considerEntry>[3];
}

const consider = ({ entry = {}, trigger = null, facts = {}, data = {} }: Case): Considered =>
  considerEntry(compiled({ entry }), trigger, noFacts(facts), data, guards);
const said = (given: Case): string => {
  const answer = consider(given);
  return answer.kind === 'refuse' ? answer.reason : answer.kind;
};

test('nothing in the way: the first entry', () => {
  expect(consider({})).toEqual({ kind: 'start', entry: 1 });
  expect(consider({ facts: { ended: 3 } })).toEqual({ kind: 'start', entry: 4 });
});

describe('match', () => {
  const trigger = aTrigger({ when: 'event.data.score > 50.0' });
  test.each([
    ['true', { event: { data: { score: 60 } } }, 'start'],
    ['false: nobody asked', { event: { data: { score: 10 } } }, 'none'],
    ['a missing field', { event: { data: {} } }, 'guard_error'],
  ])('a guard that is %s', (_, data, answer) => {
    expect(said({ trigger, data })).toBe(answer);
  });

  test('an error tells the path', () => {
    expect(consider({ trigger, data: { event: { data: {} } } })).toMatchObject({
      kind: 'refuse',
      reason: 'guard_error',
      trace: { fault: { reason: 'missing', path: 'event.data.score' } },
    });
  });

  test('what does not match is no entry, whatever is switched off', () => {
    expect(said({ trigger, data: { event: { data: { score: 1 } } }, facts: { isEnabled: false } })).toBe('none');
  });

  test('a paused template, or a package that is off, takes nobody', () => {
    expect(said({ facts: { isEnabled: false } })).toBe('trigger_disabled');
  });
});

test('a repeated event', () => {
  expect(said({ trigger: aTrigger(), facts: { isRepeated: true } })).toBe('duplicate_event');
});

describe('audience', () => {
  const entry = { audience: 'subject.plan == "gold"' };
  test.each([
    ['fits', { subject: { plan: 'gold' } }, 'start'],
    ['does not fit', { subject: { plan: 'tin' } }, 'audience'],
    ['cannot be told', { subject: {} }, 'guard_error'],
    ['was erased', { subject: { plan: { $erased: true } } }, 'audience'],
  ])('that %s', (_, data, answer) => {
    expect(said({ entry, data })).toBe(answer);
  });
});

describe('re-entry', () => {
  const ended = { ended: 1, lastEndedAt: noon - hour };
  test.each([
    ['S9: never', { reentry: 'never' }, ended, 'reentry_not_allowed'],
    ['never, and nobody was in', { reentry: 'never' }, {}, 'start'],
    ['after exit', { reentry: 'after_exit' }, ended, 'start'],
    ['left out', {}, ended, 'start'],
    ['too soon', { reentry: 'after:PT2H' }, ended, 'reentry_not_allowed'],
    ['just then', { reentry: 'after:PT1H' }, ended, 'start'],
    ['too often', { maxEntries: 1 }, ended, 'max_entries'],
    ['once more', { maxEntries: 2 }, ended, 'start'],
    ['too soon and too often', { reentry: 'after:P90D', maxEntries: 1 }, ended, 'reentry_not_allowed'],
  ])('%s', (_, entry, facts, answer) => {
    expect(said({ entry, facts })).toBe(answer);
  });
});

describe('while one is open', () => {
  const facts = { open: 'JRN-1', ended: 1, lastEndedAt: noon - day };
  test.each([
    ['ignore', { onDuplicate: 'ignore' }, { kind: 'existing', journeyId: 'JRN-1', reason: 'already_active' }],
    ['left out', {}, { kind: 'existing', journeyId: 'JRN-1', reason: 'already_active' }],
    ['signal', { onDuplicate: 'signal' }, { kind: 'signal', journeyId: 'JRN-1', reason: 'already_active' }],
    ['reject', { onDuplicate: 'reject' }, { kind: 'refuse', reason: 'already_active', trace: null }],
  ])('%s', (_, entry, answer) => {
    expect(consider({ entry, facts })).toEqual(answer);
  });

  test('its rule answers, not the one of re-entry, and not the capacity', () => {
    expect(said({ entry: { reentry: 'never', onDuplicate: 'reject' }, facts: { ...facts, openInTenant: 500 } })).toBe('already_active');
  });
});

test('S48: as many as there is room for', () => {
  expect(said({ facts: { openInTenant: 3, capacity: 3 } })).toBe('capacity');
  expect(said({ facts: { openInTenant: 2, capacity: 3 } })).toBe('start');
});

/** In the order of the page; each with what brings it about. */
const walls: readonly (readonly [string, Case])[] = [
  ['trigger_disabled', { facts: { isEnabled: false } }],
  ['duplicate_event', { facts: { isRepeated: true } }],
  ['audience', { data: { subject: { plan: 'tin' } } }],
  ['already_active', { facts: { open: 'JRN-1' } }],
  ['capacity', { facts: { openInTenant: 500 } }],
];

test('of several reasons the first in the order of the checks is told', () => {
  fc.assert(
    fc.property(fc.subarray([...walls], { minLength: 1 }), (chosen) => {
      const facts = Object.assign({}, ...chosen.map(([, one]) => one.facts ?? {}));
      const data = Object.assign({ subject: { plan: 'gold' } }, ...chosen.map(([, one]) => one.data ?? {}));
      expect(said({ entry: { audience: 'subject.plan == "gold"', onDuplicate: 'reject' }, facts, data })).toBe(chosen[0]?.[0]);
    }),
  );
});

test('whoever starts is within every limit', () => {
  const facts = fc.record({
    isEnabled: fc.boolean(),
    isRepeated: fc.boolean(),
    open: fc.option(fc.constant('JRN-1')),
    ended: fc.nat(4),
    openInTenant: fc.nat(4),
    capacity: fc.nat(4),
  });
  fc.assert(
    fc.property(facts, fc.option(fc.integer({ min: 1, max: 3 })), (given, most) => {
      const answer = consider({ entry: most === null ? {} : { maxEntries: most }, facts: { ...given, lastEndedAt: null } });
      if (answer.kind !== 'start') return;
      expect(given).toMatchObject({ isEnabled: true, isRepeated: false, open: null });
      expect(answer.entry).toBe(given.ended + 1);
      expect(given.openInTenant).toBeLessThan(given.capacity);
      expect(given.ended).toBeLessThan(most ?? Infinity);
    }),
  );
});

test('every reason has its name', () => {
  expect(entryReasons).toEqual(expect.arrayContaining(walls.map(([reason]) => reason)));
});
