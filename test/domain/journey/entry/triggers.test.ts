/** Triggers, packages, conditions, schedules, names. Source: journeys.md, sections 1, 2 and 11; scripts.md, section 3. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { watchCondition } from '../../../../domain/journey/entry/condition.js';
import type { ConditionMemory } from '../../../../domain/journey/entry/condition.js';
import { eventRoot, idText, parseSubject, subjectsOf } from '../../../../domain/journey/entry/event.js';
import { journeyIdFrom, journeyIdPattern, journeyIdText, parseJourneyId } from '../../../../domain/journey/entry/id.js';
import { isTurn, recurrenceOf } from '../../../../domain/journey/entry/schedule.js';
import { conditionsOn, isPackageOn, packageOf, triggersFor } from '../../../../domain/journey/entry/triggers.js';
import { rruleFault } from '../../../../domain/journey/rrule.js';
import { day, fromIso, hour, minute } from '../../../../domain/time.js';
import { anEvent, aTrigger, compiled, noon, sha256 } from './scene.js';

const ids = (found: ReturnType<typeof triggersFor>) => found.map(({ template, trigger }) => `${template.key}/${trigger.id}`);
const ended = (template: string) => anEvent({ type: 'journey.ended', source: 'usher', data: { template } });

describe('the triggers an event concerns', () => {
  const templates = [
    compiled({
      key: 'one',
      triggers: [
        { id: 'a', kind: 'event', type: 'crm:lead_converted' },
        { id: 'm', kind: 'manual' },
      ],
    }),
    compiled({
      key: 'two',
      triggers: [
        { id: 'b', kind: 'event', type: 'crm:lead_converted' },
        { id: 'j', kind: 'journey', type: 'one' },
      ],
    }),
    compiled({ key: 'three', triggers: [{ id: 'c', kind: 'condition', when: 'subject.usage > 80.0', cooldown: 'P30D' }] }),
    compiled({ key: 'four' }),
  ];

  test('are those of its type, in order', () => {
    expect(ids(triggersFor(templates, anEvent()))).toEqual(['one/a', 'two/b']);
    expect(ids(triggersFor(templates, anEvent({ type: 'crm:other' })))).toEqual([]);
  });

  test('of a journey’s end those that name its template', () => {
    expect(ids(triggersFor(templates, ended('one')))).toEqual(['two/j']);
    expect(ids(triggersFor(templates, ended('three')))).toEqual([]);
  });

  test('of changed attributes the conditions on subjects of that type', () => {
    expect(ids(conditionsOn(templates, 'customer'))).toEqual(['three/c']);
    expect(ids(conditionsOn(templates, 'lead'))).toEqual([]);
  });
});

// Typed out from scripts.md, section 3.
test.each([
  ['crm:lead_converted', 'crm'],
  ['field-ops:installation_scheduled', 'field-ops'],
  ['billing-system:paid', 'billing-system'],
  ['service:activated', 'business-logic'],
  ['support:ticket_created', 'support-system'],
  ['ticket.created', null],
  ['other:thing', null],
])('%s comes from %s', (type, name) => {
  expect(packageOf(null, type)).toBe(name);
  expect(packageOf(aTrigger({ package: 'crm' }), type)).toBe('crm');
});

test('a package is on unless it is switched off; a call comes from none', () => {
  const off = { crm: { enabled: false } };
  expect(isPackageOn({}, aTrigger(), 'crm:x')).toBe(true);
  expect(isPackageOn({ crm: { enabled: true } }, aTrigger(), 'crm:x')).toBe(true);
  expect(isPackageOn(off, aTrigger(), 'crm:x')).toBe(false);
  expect(isPackageOn(off, aTrigger(), 'service:x')).toBe(true);
  expect(isPackageOn(off, aTrigger(), 'ticket.created')).toBe(true);
  expect(isPackageOn(off, null, 'crm:x')).toBe(true);
  expect(isPackageOn(off, aTrigger(), null)).toBe(true);
});

/** At which looks it fires. */
const play = (verdicts: readonly ('true' | 'false' | 'error' | 'erased')[], cooldown?: number, step = hour): number[] => {
  let memory: ConditionMemory | null = null;
  return verdicts.flatMap((verdict, index) => {
    const { fires, after } = watchCondition(cooldown === undefined ? {} : { cooldown }, memory, verdict, noon + index * step);
    memory = after;
    return fires ? [index] : [];
  });
};

describe('a condition', () => {
  test.each([
    ['fires when it becomes true', ['false', 'true', 'true'], undefined, [1]],
    ['fires when it is true at the first look', ['true'], undefined, [0]],
    ['counts what cannot be told as false', ['error', 'true', 'erased', 'true'], undefined, [1, 3]],
    ['fires each time without a cooldown', ['true', 'false', 'true'], undefined, [0, 2]],
    ['does not fire within the cooldown, and the change is used up', ['true', 'false', 'true', 'true'], 3 * hour, [0]],
    ['fires again once it is over', ['true', 'false', 'false', 'true'], 3 * hour, [0, 3]],
  ] as const)('%s', (_, verdicts, cooldown, fired) => {
    expect(play(verdicts, cooldown)).toEqual(fired);
  });

  test('never fires twice without being false in between, nor within its cooldown', () => {
    const verdict = fc.constantFrom('true', 'false', 'error', 'erased');
    fc.assert(
      fc.property(fc.array(verdict, { maxLength: 30 }), fc.nat(5), (verdicts, cooldown) => {
        const fired = play(verdicts, cooldown * hour);
        for (const [n, at] of fired.entries()) {
          const before = fired[n - 1];
          expect(verdicts[at]).toBe('true');
          if (before === undefined) continue;
          expect(verdicts.slice(before, at).some((one) => one !== 'true')).toBe(true);
          expect(at - before).toBeGreaterThanOrEqual(cooldown);
        }
      }),
    );
  });
});

describe('a recurrence', () => {
  const anyTime = { minutes: null, hours: null, weekdays: null, zone: 'UTC' };
  test.each([
    ['FREQ=WEEKLY;BYDAY=MO;BYHOUR=9', { minutes: [0], hours: [9], weekdays: [1] }, 7 * day, 1],
    ['RRULE:FREQ=WEEKLY', { minutes: [0], hours: [0], weekdays: [1] }, 7 * day, 1],
    ['FREQ=DAILY;BYHOUR=8,20;BYMINUTE=30;BYDAY=SU,SA', { minutes: [30], hours: [8, 20], weekdays: [0, 6] }, day, 1],
    ['FREQ=HOURLY;INTERVAL=6', { minutes: [0] }, hour, 6],
    ['FREQ=MINUTELY;INTERVAL=5;BYHOUR=9', { hours: [9] }, minute, 5],
  ])('%s', (rule, calendar, unitMs, count) => {
    expect(rruleFault(rule)).toBeNull();
    expect(recurrenceOf(rule, 'UTC')).toEqual({ calendar: { ...anyTime, ...calendar }, every: { unitMs, count } });
  });

  test.each(['BYHOUR=0', 'FREQ=YEARLY'])('that nobody checked is daily: %s', (rule) => {
    expect(recurrenceOf(rule, 'UTC').every.unitMs).toBe(day);
  });

  test('of every second week counts the weeks from Monday', () => {
    const rule = recurrenceOf('FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU', 'UTC');
    const turns = ['2026-01-05T00:00:00Z', '2026-01-11T00:00:00Z', '2026-01-12T00:00:00Z', '2026-01-18T00:00:00Z'].map((at) =>
      isTurn(rule, fromIso(at)),
    );
    expect(turns[0]).toBe(turns[1]);
    expect(turns[2]).toBe(turns[3]);
    expect(turns[0]).not.toBe(turns[2]);
  });

  test('has its turn once in every so many units', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('MINUTELY', 'HOURLY', 'DAILY', 'WEEKLY'),
        fc.integer({ min: 1, max: 50 }),
        fc.nat(10_000_000),
        (freq, count, from) => {
          const rule = recurrenceOf(`FREQ=${freq};INTERVAL=${count}`, 'UTC');
          const units = Array.from({ length: count }, (_, n) => isTurn(rule, from * minute + n * rule.every.unitMs));
          expect(units.filter(Boolean)).toHaveLength(1);
        },
      ),
    );
  });
});

const id = (...parts: Parameters<typeof journeyIdText>) => journeyIdFrom(sha256(journeyIdText(...parts)));

describe('names', () => {
  test('a journey’s follows from tenant, template, key and entry', () => {
    const one = id('t', 'onboarding', 'customer/C1', 1);
    expect(one).toMatch(journeyIdPattern);
    expect(id('t', 'onboarding', 'customer/C1', 1)).toBe(one);
    const others = [
      id('u', 'onboarding', 'customer/C1', 1),
      id('t', 'other', 'customer/C1', 1),
      id('t', 'onboarding', 'customer/C2', 1),
      id('t', 'onboarding', 'customer/C1', 2),
    ];
    expect(new Set([one, ...others]).size).toBe(5);
  });

  // Ten bytes make sixteen characters of five bits.
  test('are read from bits, and in any letter case', () => {
    expect(journeyIdFrom(new Uint8Array(10))).toBe('JRN-0000000000000000');
    expect(journeyIdFrom(new Uint8Array(12).fill(255))).toBe('JRN-ZZZZZZZZZZZZZZZZ');
    expect(parseJourneyId('jrn-zzzzzzzzzzzzzzzz')).toBe('JRN-ZZZZZZZZZZZZZZZZ');
    expect(parseJourneyId('JRN-1')).toBeNull();
  });

  test.each([
    ['customer/C1', { type: 'customer', id: 'C1' }],
    ['order/O-1', { type: 'order', id: 'O-1' }],
    ['journey/JRN-1', null],
    ['customer', null],
    ['/C1', null],
    ['customer/Jane Doe', null],
  ])('%s', (text, ref) => {
    expect(parseSubject(text)).toEqual(ref);
  });

  test.each([
    ['a', 'a'],
    [7, '7'],
    [true, 'true'],
    [null, undefined],
    ['a b', undefined],
    [['a'], undefined],
  ])('%j as an id', (value, text) => {
    expect(idText(value)).toBe(text);
  });
});

test('an event is about everybody it names, each once', () => {
  const event = anEvent({ leadId: 'L1', subject: 'customer/C1', entityId: 'order/O1', ticketId: 'T1' });
  expect(subjectsOf(event)).toEqual([
    { type: 'customer', id: 'C1' },
    { type: 'lead', id: 'L1' },
    { type: 'ticket', id: 'T1' },
    { type: 'order', id: 'O1' },
  ]);
});

test('an event about nobody journeys know is about nobody', () => {
  const { customerId: _its, ...event } = anEvent({ subject: 'planet/P1' });
  expect(subjectsOf(event)).toEqual([]);
});

test('expressions see when it happened; absent members are absent', () => {
  expect(eventRoot(anEvent({ time: noon - hour, ofJourney: 'JRN-1', entityId: 'lead/L1' }))).toEqual({
    id: 'e-1',
    type: 'crm:lead_converted',
    source: 'crm',
    customerId: 'C1',
    data: {},
    journeyid: 'JRN-1',
    entityid: 'lead/L1',
    time: '2026-01-05T11:00:00.000Z',
  });
  expect(eventRoot(anEvent())).not.toHaveProperty('journeyid');
});
