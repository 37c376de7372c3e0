/** What an event serves. Source: journeys.md, section 11, correlation. */
import { describe, expect, test } from 'vitest';
import type { Candidate } from '../../../../domain/journey/run/effect.js';
import { concerns, mapped, valueAt, weigh } from '../../../../domain/journey/run/weigh.js';
import { guards } from '../builders.js';

const customer = { type: 'customer', id: 'C1' };
const event = (members: object = {}) => ({ id: 'e1', type: 'crm:x', source: 'crm', data: {}, ...members });

describe('an event concerns a journey', () => {
  test.each([
    [{ journeyId: 'JRN-1' }, customer, true],
    [{ journeyId: 'JRN-2', customerId: 'C1' }, customer, false],
    [{ customerId: 'C1' }, customer, true],
    [{ customerId: 'C2' }, customer, false],
    [{ leadId: 'C1' }, customer, false],
    [{ leadId: 'L1' }, { type: 'lead', id: 'L1' }, true],
    [{ ticketId: 'T1' }, { type: 'ticket', id: 'T1' }, true],
    [{ subject: 'ticket/T1' }, { type: 'ticket', id: 'T1' }, true],
    [{ entityid: 'customer/C1' }, customer, true],
    [{ data: { orderId: 'O1' } }, { type: 'order', id: 'O1' }, true],
    [{ customerId: 'O1' }, { type: 'order', id: 'O1' }, true],
    [{}, { type: 'custom', id: 'X' }, false],
    [{}, customer, false],
  ])('%j and a %j: %s', (members, subject, expected) => expect(concerns(event(members), 'JRN-1', subject)).toBe(expected));
});

const candidate = (changes: Partial<Candidate> = {}): Candidate => ({ ref: 'a.1/0', match: null, when: null, output: {}, ...changes });
const data = { journey: { id: 'JRN-1' }, subject: customer, context: { score: 60, plan: 'fiber' }, now: 0 };
const verdict = (changes: Partial<Candidate>, members: object = { customerId: 'C1' }) => {
  const { verdicts, trace } = weigh(guards, [candidate(changes)], event(members), data);
  return { ...verdicts[0], trace: trace.map(({ verdict: came }) => came) };
};

describe('a candidate', () => {
  test('without a match takes what concerns its journey', () => {
    expect(verdict({})).toEqual({ ref: 'a.1/0', taken: true, output: {}, fault: null, trace: [] });
    expect(verdict({}, { customerId: 'C2' }).taken).toBe(false);
  });

  test('with a match takes what is equal on both sides, whoever it is about', () => {
    const match = { 'event.data.plan': 'context.plan' };
    expect(verdict({ match }, { data: { plan: 'fiber' } }).taken).toBe(true);
    expect(verdict({ match }, { data: { plan: 'basic' }, customerId: 'C1' }).taken).toBe(false);
    expect(verdict({ match }, { data: {}, customerId: 'C1' }).taken).toBe(false);
    expect(verdict({ match: { 'event.data.other': 'context.other' } }).taken).toBe(false);
    expect(verdict({ match: {} }).taken).toBe(false);
  });

  test('takes what its guard lets through; a guard without a value is a fault', () => {
    expect(verdict({ when: 'event.data.n > context.score' }, { customerId: 'C1', data: { n: 61 } })).toMatchObject({
      taken: true,
      trace: ['true'],
    });
    expect(verdict({ when: 'event.data.n > context.score' }, { customerId: 'C1', data: { n: 60 } })).toMatchObject({
      taken: false,
      fault: null,
    });
    expect(verdict({ when: 'event.data.n > 1' })).toMatchObject({ taken: false, fault: { reason: 'missing', path: 'event.data.n' } });
  });

  test('maps what it takes, and leaves out what is not there', () => {
    const output = { plan: 'event.data.plan', none: 'event.data.none', score: 'context.score' };
    expect(verdict({ output }, { customerId: 'C1', data: { plan: 'basic' } }).output).toEqual({ plan: 'basic', score: 60 });
    expect(verdict({ output }, { customerId: 'C2', data: { plan: 'basic' } }).output).toEqual({});
  });

  test('of a list sees its item', () => {
    const output = { item: 'item' };
    expect(verdict({ item: 'i2', when: 'item == event.data.item', output }, { customerId: 'C1', data: { item: 'i2' } })).toMatchObject({
      taken: true,
      output: { item: 'i2' },
    });
  });
});

test('all are judged, in their order; past the budget a guard is a fault', () => {
  const list = [candidate({ ref: 'one' }), candidate({ ref: 'two', when: 'context.score > 1' }), candidate({ ref: 'three' })];
  const judged = weigh(guards, list, event({ customerId: 'C1' }), data, () => 1_001);
  expect(judged.verdicts.map(({ ref, taken, fault }) => [ref, taken, fault])).toEqual([
    ['one', true, null],
    ['two', false, { reason: 'budget', path: null }],
    ['three', true, null],
  ]);
});

test('without a journey and a subject nothing is concerned', () => {
  expect(weigh(guards, [candidate()], event({ customerId: 'C1' }), { now: 0 }).verdicts[0]?.taken).toBe(false);
});

test('paths', () => {
  expect(valueAt('context.score', data)).toBe(60);
  expect(valueAt('nowhere', data)).toBeUndefined();
  expect(mapped({ a: 'context.plan', b: 'context.none' }, data)).toEqual({ a: 'fiber' });
});
