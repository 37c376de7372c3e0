/** The compiled form, and how often and how long its steps are tried. Source: journeys.md, sections 1, 2 and 10. */
import { describe, expect, expectTypeOf, test } from 'vitest';
import { retryDelayMs, retryPolicy, timeLimits } from '../../../domain/journey/attempts.js';
import { compile, compiledBytes } from '../../../domain/journey/compile.js';
import { day, hour, minute, second } from '../../../domain/time.js';
import { everything } from './everything.js';

test('guards become expressions, durations milliseconds, and what is for readers goes', () => {
  const { irVersion, steps, triggers = [], stages, input, goals, defaults, limits, entry, ...rest } = compile(everything);
  expect(irVersion).toBe(1);
  expect(Object.keys(rest).toSorted()).toEqual(['category', 'context', 'exits', 'key', 'start', 'subject']);
  expect(stages).toEqual([
    { id: 'early', order: 1 },
    { id: 'late', order: 2 },
  ]);
  expect(input).toMatchObject({ type: 'object', properties: { customerId: { type: 'string' } }, required: ['customerId'] });
  expect(JSON.stringify(input)).not.toContain('title');
  expect(triggers[1]).toEqual({
    id: 'on_event',
    kind: 'event',
    type: 'crm:lead_converted',
    map: { customerId: 'event.customerId' },
    dedupeKey: 'customerId',
    dedupeWindow: 2 * day,
  });
  expect(triggers[2]).toMatchObject({ when: 'subject.usage > 80.0', cooldown: 30 * day });
  expect(triggers[4]).toMatchObject({ delay: 5 * minute });
  expect(entry).toMatchObject({ reentry: 'after:P90D', audience: 'subject.active == true' });
  expect(goals).toMatchObject([{ window: 60 * day }]);
  expect(defaults).toMatchObject({ retry: { initial: 2 * second, max: 30 * second }, timeouts: { attempt: 20 * second, total: hour } });
  expect(limits).toEqual({ maxDuration: 90 * day, maxVisitsPerStep: 5, maxOpenSteps: 10 });
  expect(steps['qualify']).toEqual({
    kind: 'automated',
    stage: 'early',
    action: 'crm.qualify@1',
    estimatedDuration: 5 * minute,
    progressWeight: 2,
    requires: [{ path: 'context.customerId', schema: { type: 'string' } }],
    input: { customer: 'context.customerId' },
    output: { score: 'steps.qualify.output.score' },
    sla: { target: hour, warnAt: 0.5, onBreach: 'incident' },
    catch: [
      { errors: ['Refused'], to: 'by_hand', as: 'fault' },
      { errors: ['*'], to: 'by_hand' },
    ],
    transitions: [
      { to: 'checks', when: 'context.score >= 50' },
      { to: 'by_hand', when: 'context.score > 10.0' },
      { to: 'lost', default: true },
    ],
  });
  expect(steps['by_hand']).toMatchObject({
    due: 2 * day,
    claimFor: hour,
    form: { type: 'object', properties: { note: { type: 'string' } } },
  });
  expect(JSON.stringify(steps['by_hand'])).not.toContain('description');
  expect(steps['agree']).toMatchObject({ within: day, escalation: [{ after: 4 * hour }, { after: 8 * hour }] });
  expect(steps['hand_over']).toMatchObject({
    acceptWithin: day,
    completeWithin: 7 * day,
    approval: { within: 8 * hour, escalation: [{ after: 4 * hour }] },
  });
  expect(steps['until_due']).toMatchObject({ offset: -day, max: 30 * day });
  expect(steps['address']).toMatchObject({ for: minute });
  expect(steps['undo']).toMatchObject({
    timeouts: { attempt: 10 * second, total: 10 * second, schedule: 5 * second, heartbeat: 3 * second },
  });
  expect(steps['settle']).toMatchObject({ event: [{ when: 'event.data.amount > 0' }], max: 7 * day });
});

test('a field or variable that is called like a text for readers stays', () => {
  const { steps, input, context } = compile({
    ...everything,
    input: {
      type: 'object',
      properties: {
        title: { type: 'string' },
        name: { type: 'array', items: { type: 'object', description: 'gone', properties: { description: {} } } },
      },
    },
    context: { name: { schema: { type: 'string', title: 'gone' } } },
    start: 'name',
    steps: {
      name: {
        kind: 'automated',
        name: 'gone',
        input: { name: 'context.name', label: 'input.title' },
        transitions: [{ to: 'label', label: 'gone' }],
      },
      label: { kind: 'end', outcome: 'title', result: 'won' },
    },
  });
  expect(steps).toEqual({
    name: { kind: 'automated', input: { name: 'context.name', label: 'input.title' }, transitions: [{ to: 'label' }] },
    label: { kind: 'end', outcome: 'title', result: 'won' },
  });
  expect(input).toEqual({
    type: 'object',
    properties: { title: { type: 'string' }, name: { type: 'array', items: { type: 'object', properties: { description: {} } } } },
  });
  expect(context).toEqual({ name: { schema: { type: 'string' } } });
});

test('the types know it', () => {
  const { steps } = compile(everything);
  const step = steps['address'];
  if (step?.kind !== 'wait') throw new Error('not a wait');
  expectTypeOf(step.for).toEqualTypeOf<number | undefined>();
  expectTypeOf(step.when).toEqualTypeOf<string | undefined>();
});

test('bytes are those of UTF-8', () => {
  const bytes = Buffer.byteLength(JSON.stringify(compile(everything)), 'utf8');
  expect(compiledBytes(everything)).toBe(bytes);
  expect(compiledBytes({ ...everything, key: `${everything.key}é€😀` })).toBe(bytes + 2 + 3 + 4);
});

describe('attempts', () => {
  test('go by the step, else the template, else the house', () => {
    expect(retryPolicy(undefined, undefined)).toEqual({ maxAttempts: 3, initialMs: 1_000, factor: 2, maxMs: 60_000, nonRetryable: [] });
    expect(retryPolicy({ maxAttempts: 'unlimited', max: 5 * second }, { factor: 3, max: 'PT1H', nonRetryable: ['Refused'] })).toEqual({
      maxAttempts: null,
      initialMs: 1_000,
      factor: 3,
      maxMs: 5_000,
      nonRetryable: ['Refused'],
    });
    expect(timeLimits(undefined, undefined)).toEqual({ attemptMs: 25_000, totalMs: null, scheduleMs: null, heartbeatMs: null });
    expect(timeLimits({ total: 'PT1M', heartbeat: 'garbage' }, { total: 'PT1H', schedule: 5 * second })).toEqual({
      attemptMs: 25_000,
      totalMs: 60_000,
      scheduleMs: 5_000,
      heartbeatMs: 0,
    });
  });

  // S18 of the page: 1 s, factor 2, cap 3 s.
  test.each([
    [1, 1_000],
    [2, 2_000],
    [3, 3_000],
    [9, 3_000],
  ])('wait after the attempt %i', (nth, ms) => {
    expect(retryDelayMs(retryPolicy({ initial: 'PT1S', factor: 2, max: 'PT3S' }, undefined), nth)).toBe(ms);
  });
});
