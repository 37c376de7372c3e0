/** Whom an entry is for, what it brings, and under which key it counts. Source: journeys.md, sections 1 and 2. */
import { describe, expect, test } from 'vitest';
import { dedupeKeyOf, entryData, entryOf, subjectAsked } from '../../../../domain/journey/entry/entry.js';
import type { Asked } from '../../../../domain/journey/entry/entry.js';
import type { CompiledTemplate } from '../../../../domain/journey/compile.js';
import { aCall, anEvent, aTrigger, byEvent, compiled, noon } from './scene.js';

const entrant = (template: CompiledTemplate, asked: Asked) => {
  const entered = entryOf(template, asked);
  if (!entered.ok) throw new Error(JSON.stringify(entered.faults));
  return entered.entrant;
};
const faults = (template: CompiledTemplate, asked: Asked) => {
  const entered = entryOf(template, asked);
  return entered.ok ? [] : entered.faults.map(({ path, rule }) => [path, rule]);
};

describe('the subject', () => {
  test.each([
    ['a path', 'input.customerId'],
    ['the name of an input field', 'customerId'],
  ])('is named by %s', (_, id) => {
    expect(entrant(compiled({ subject: { type: 'customer', id } }), aCall({ customerId: 'C1' })).subject).toEqual({
      type: 'customer',
      id: 'C1',
    });
  });

  test('is taken from the event where the path says so', () => {
    const template = compiled({ subject: { type: 'customer', id: 'event.customerId' } });
    expect(entrant(template, byEvent()).subject).toEqual({ type: 'customer', id: 'C1' });
  });

  test('is the one a call names, and fills its field', () => {
    const asked = aCall({ plan: 'x' }, { subject: { type: 'customer', id: 'C1' } });
    expect(entrant(compiled(), asked)).toMatchObject({ subject: { type: 'customer', id: 'C1' }, input: { plan: 'x', customerId: 'C1' } });
  });

  test('is the one a call names where the path leads nowhere', () => {
    const template = compiled({ subject: { type: 'customer', id: 'event.customerId' } });
    const asked = aCall({}, { subject: { type: 'customer', id: 'C1' } });
    expect(entrant(template, asked)).toMatchObject({ subject: { id: 'C1' }, input: {} });
  });

  test('is known before the input fits, or is not', () => {
    expect(subjectAsked(compiled(), aCall({ customerId: 'C1', other: 1 }))).toEqual({ type: 'customer', id: 'C1' });
    expect(subjectAsked(compiled({ input: { type: 'object', required: ['score'] } }), aCall({ customerId: 'C1' }))).toMatchObject({
      id: 'C1',
    });
    expect(subjectAsked(compiled(), aCall({}))).toBeNull();
  });

  test('may be a number', () => {
    const template = compiled({ input: { type: 'object', properties: { customerId: { type: 'number' } } } });
    expect(entrant(template, aCall({ customerId: 7 })).subject.id).toBe('7');
  });

  test.each([
    ['nobody', aCall({}), ['/input/customerId', 'must be there: it names the subject']],
    ['a text', aCall({ customerId: 'Jane Doe' }), ['/input/customerId', 'must be 1 to 128 letters, digits and _ . : -']],
    ['another type', aCall({}, { subject: { type: 'lead', id: 'L1' } }), ['/subject/type', 'must be customer']],
    ['two', aCall({ customerId: 'C2' }, { subject: { type: 'customer', id: 'C1' } }), ['/subject/id', 'must be C2, as the input says']],
  ])('is refused when it is %s', (_, asked, fault) => {
    expect(faults(compiled(), asked)).toEqual([fault]);
  });

  test('is refused under the path where it should stand', () => {
    expect(faults(compiled({ subject: { type: 'customer', id: 'event.customerId' } }), aCall({}))).toEqual([
      ['/subject/id', 'must be there: it names the subject'],
    ]);
  });
});

describe('the input', () => {
  const declared = {
    input: {
      type: 'object',
      properties: { customerId: { type: 'string' }, leadId: { type: 'string' }, score: { type: 'number' }, plan: { type: 'string' } },
      required: ['customerId'],
    },
  };

  test('is what a trigger maps, with what is not there left out', () => {
    const trigger = aTrigger({ map: { customerId: 'event.customerId', score: 'event.data.score', plan: 'event.data.plan' } });
    expect(entrant(compiled(declared), byEvent(trigger, anEvent({ data: { score: 60, plan: null } }))).input).toEqual({
      customerId: 'C1',
      score: 60,
    });
  });

  test('takes ids of the event that a map does not name, but nothing of its data', () => {
    const trigger = aTrigger({ map: { score: 'event.data.score' } });
    const event = anEvent({ leadId: 'L1', data: { score: 60, plan: 'x' } });
    expect(entrant(compiled(declared), byEvent(trigger, event)).input).toEqual({ customerId: 'C1', leadId: 'L1', score: 60 });
  });

  test('takes declared members of the data where there is no map', () => {
    const event = anEvent({ data: { score: 60, other: 1 } });
    expect(entrant(compiled(declared), byEvent(aTrigger(), event)).input).toEqual({ customerId: 'C1', score: 60 });
  });

  test('is mapped from attributes of the subject', () => {
    const trigger = aTrigger({ kind: 'condition', map: { customerId: 'subject.id', score: 'subject.score' } });
    const asked = byEvent(trigger, anEvent({ customerId: 'C9' }), { subject: { type: 'customer', id: 'C1', score: 5 } });
    expect(entrant(compiled(declared), asked).input).toEqual({ customerId: 'C1', score: 5 });
  });

  test('is checked against its schema, and every place is named', () => {
    expect(faults(compiled(declared), aCall({ score: 'high', plan: 3 }))).toEqual([
      ['/input/customerId', 'is required'],
      ['/input/score', 'must be number'],
      ['/input/plan', 'must be string'],
    ]);
  });

  test('may be anything where no schema is declared', () => {
    const template = compiled({ input: undefined, subject: { type: 'customer', id: 'event.customerId' } });
    expect(entrant(template, byEvent()).input).toEqual({});
  });
});

describe('the entry key', () => {
  const keyed = compiled({ entry: { concurrency: 'one_per_key', key: 'appointmentId' } });

  test('is the subject', () => {
    expect(entrant(compiled(), aCall({ customerId: 'C1' })).entryKey).toBe('customer/C1');
  });

  test.each([
    ['a text', 'A7', 'customer/C1/A7'],
    ['a number', 7, 'customer/C1/7'],
  ])('is the subject and %s', (_, appointmentId, key) => {
    expect(entrant(keyed, aCall({ customerId: 'C1', appointmentId })).entryKey).toBe(key);
  });

  test('may be a path', () => {
    const template = compiled({ entry: { concurrency: 'one_per_key', key: 'event.data.order' } });
    expect(entrant(template, byEvent(aTrigger(), anEvent({ data: { order: 'O1' } }))).entryKey).toBe('customer/C1/O1');
    expect(faults(template, byEvent())).toEqual([['/event/data/order', 'must be there: it is part of the entry key']]);
  });

  test('must be there', () => {
    expect(faults(keyed, aCall({ customerId: 'C1' }))).toEqual([['/input/appointmentId', 'must be there: it is part of the entry key']]);
  });

  test('is the event, or the command, where entries are unlimited', () => {
    const template = compiled({ entry: { concurrency: 'unlimited' } });
    expect(entrant(template, byEvent()).entryKey).toBe('e-1');
    expect(entrant(template, aCall({ customerId: 'C1' })).entryKey).toBe('k-1');
    // One time of a schedule is everybody's.
    expect(entrant(template, byEvent(aTrigger({ kind: 'schedule' }))).entryKey).toBe('event-e-1');
  });
});

test('guards of an entry see the variables a journey would begin with', () => {
  const template = compiled({
    context: {
      customerId: { schema: { type: 'string' } },
      tries: { schema: { type: 'number' }, default: 0 },
      region: { schema: { type: 'string' }, const: 'eu' },
      fixed: { schema: { type: 'string' }, const: true, default: 'd' },
      late: { schema: { type: 'string' } },
    },
  });
  const asked = byEvent();
  const data = entryData(template, asked, { customerId: 'C1', region: 'us' }, noon);
  expect(data).toMatchObject({ context: { customerId: 'C1', tries: 0, region: 'eu', fixed: 'd' }, now: noon, event: { id: 'e-1' } });
  expect(data['context']).not.toHaveProperty('late');
  expect(data).not.toHaveProperty('subject');
});

describe('what makes two events the same', () => {
  const given = { event: anEvent({ data: { order: 'O1', n: 3, many: {} } }), input: { ticketId: 'T1' }, subject: null };
  test.each([
    [undefined, 'e-1'],
    ['ticketId', 'T1'],
    ['event.data.order', 'O1'],
    ['event.data.n', '3'],
    ['event.data.absent', 'e-1'],
    ['event.data.many', 'e-1'],
  ])('by %s is %s', (dedupeKey, key) => {
    expect(dedupeKeyOf(aTrigger(dedupeKey === undefined ? {} : { dedupeKey }), given)).toBe(key);
  });

  test('is nothing without an event', () => {
    expect(dedupeKeyOf(aTrigger(), { ...given, event: null })).toBe('');
  });
});
