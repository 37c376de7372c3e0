/** Steps that work by themselves. Source: journeys.md, sections 2, 7 and 13; scripts.md, section 3. */
import { describe, expect, test } from 'vitest';
import { number, run, text, to } from './driver.js';

const fails = { $fail: 'Unavailable' } as const;
const call = { kind: 'automated', action: 'crm.call@1', ...to('done') };

describe('attempts', () => {
  test('a result goes into variables, and the journey goes on', () => {
    const journey = run(
      {
        rate: {
          kind: 'automated',
          action: 'crm.rate@1',
          input: { who: 'input.customerId' },
          output: { score: 'steps.rate.output.points' },
          ...to('done'),
        },
      },
      { input: { customerId: 'C1' }, results: { rate: [{ points: 70, other: 'kept' }] } },
      { context: { score: number } },
    );
    expect(journey.view).toMatchObject({ status: 'completed', result: 'won', outcome: 'done', context: { score: 70 }, progress: 100 });
    expect(journey.all('action')[0]).toMatchObject({
      action: 'crm.rate@1',
      input: { who: 'C1' },
      attempt: 1,
      timeoutMs: 25_000,
      recipient: 'C1',
    });
    expect(journey.at('rate')).toMatchObject({
      state: 'completed',
      outcome: 'completed',
      cause: 'action',
      attempts: 1,
      output: { points: 70, other: 'kept' },
    });
  });

  test('S18: 1 s, factor 2, cap 3 s, 4 attempts: it waits 1, 2, 3 s, then parks', () => {
    const journey = run(
      { call: { ...call, retry: { maxAttempts: 4, initial: 'PT1S', factor: 2, max: 'PT3S' } } },
      { results: { call: [fails] } },
    );
    const begun: number[] = [];
    for (const at of ['+0s', '+1s', '+3s', '+6s', '+1d']) begun.push(journey.to(at).at('call')?.attempts ?? 0);
    expect(begun).toEqual([1, 2, 3, 4, 4]);
    expect(journey.emitted('journey.incident.opened')).toEqual([
      { step: 'call', visit: 1, reason: 'action_failed', detail: { error: 'Unavailable', attempts: 4 }, after: '+6s' },
    ]);
    expect(journey.view.status).toBe('incident');
  });

  test('without a word there are three attempts, 1 s and 2 s apart', () => {
    const journey = run({ call }, { results: { call: [fails] } }).to('+1h');
    expect(journey.emitted('journey.incident.opened')).toMatchObject([{ after: '+3s', detail: { attempts: 3 } }]);
  });

  test('an attempt that does not answer in time fails as timeout; its late answer is kept and changes nothing', () => {
    const journey = run({ call: { ...call, retry: { maxAttempts: 1 } } }, { results: { call: ['wait'] } });
    const { id } = journey.asked('action');
    journey.tell({ kind: 'failed', effect: id, error: 'timeout', retryable: true });
    expect(journey.emitted('journey.incident.opened')).toMatchObject([{ reason: 'action_timeout' }]);
    const before = journey.view;
    journey.tell({ kind: 'done', effect: id, output: { score: 1 } });
    expect(journey.at('call')).toMatchObject({ state: 'incident', lateResult: { effect: id, kind: 'done', output: { score: 1 } } });
    expect({ ...journey.view, version: 0 }).toEqual({ ...before, version: 0 });
    expect(journey.emitted('journey.step.late_result')).toHaveLength(1);
    journey.tell({ kind: 'done', effect: id, output: { score: 2 } });
    expect(journey.emitted('journey.step.late_result')).toHaveLength(1);
  });

  test('a late answer of an ended visit is kept too', () => {
    const journey = run({ call: { ...call, retry: { maxAttempts: 2 } } }, { results: { call: ['wait', {}] } });
    const { id } = journey.asked('action');
    journey.tell({ kind: 'failed', effect: id, error: 'timeout', retryable: true }).to('+1s');
    expect(journey.view.status).toBe('completed');
    journey.tell({ kind: 'done', effect: id, output: {} });
    expect(journey.at('call')).toMatchObject({ state: 'completed', lateResult: { effect: id } });
  });

  test('the time for all attempts stops at its instant, also between two', () => {
    const journey = run(
      { call: { ...call, timeouts: { total: 'PT5S' }, retry: { maxAttempts: 'unlimited', initial: 'PT2S', factor: 10 } } },
      { results: { call: [fails] } },
    ).to('+1h');
    expect(journey.emitted('journey.incident.opened')).toMatchObject([{ after: '+5s', reason: 'action_timeout', detail: { attempts: 2 } }]);
  });

  test('an attempt that runs then is cut, and never takes longer than what is left', () => {
    const journey = run({ call: { ...call, timeouts: { attempt: 'PT20S', total: 'PT30S' } } }, { results: { call: [fails, 'wait'] } }).to(
      '+12s',
    );
    expect(journey.all('action').map(({ timeoutMs }) => timeoutMs)).toEqual([20_000, 20_000]);
    journey.to('+30s');
    expect(journey.all('dropAction')).toMatchObject([{ action: journey.asked('action').id }]);
    journey.tell({ kind: 'done', effect: journey.asked('action').id, output: {} });
    expect(journey.at('call')).toMatchObject({ state: 'incident', lateResult: { kind: 'done' } });
  });

  test.each([
    ['nonRetryable', { retry: { nonRetryable: ['Unavailable'] } }, fails],
    ['an error that says so', {}, { $fail: 'Refused', retryable: false }],
  ])('%s is not tried again', (_, changes, result) => {
    const journey = run({ call: { ...call, ...changes } }, { results: { call: [result] } });
    expect(journey.at('call')).toMatchObject({ state: 'incident', attempts: 1 });
  });

  test('what may have happened is not tried again, whoever would catch it', () => {
    const journey = run(
      { call: { ...call, optional: true, catch: [{ errors: ['*'], to: 'gone' }] } },
      { results: { call: [{ $fail: 'Ambiguous', unknown: true }] } },
    );
    expect(journey.at('call')).toMatchObject({ state: 'incident', attempts: 1, incident: { code: 'action_unknown' } });
  });

  test('a caught failure leaves failed, names its error and goes its way', () => {
    const journey = run(
      {
        call: {
          ...call,
          retry: { maxAttempts: 1 },
          catch: [
            { errors: ['Other'], to: 'done' },
            { errors: ['*'], to: 'help', as: 'fault' },
          ],
        },
        help: { kind: 'manual', ...to('done') },
      },
      { results: { call: [fails] } },
      { context: { fault: text } },
    );
    expect(journey.stateOf('call')).toBe('failed');
    expect(journey.view).toMatchObject({ currentStep: 'help', context: { fault: 'Unavailable' }, status: 'active' });
    expect(journey.emitted('journey.step.failed')).toMatchObject([{ step: 'call', reason: 'Unavailable', to: 'help' }]);
  });

  test('an optional step fails and the journey goes on', () => {
    const journey = run({ call: { ...call, optional: true, retry: { maxAttempts: 1 } } }, { results: { call: [fails] } });
    expect([journey.stateOf('call'), journey.view.status]).toEqual(['failed', 'completed']);
  });

  test('automated without an action completes at once', () => {
    expect(run({ nothing: { kind: 'automated', ...to('done') } }).view.result).toBe('won');
  });

  test('a result that breaks the variable it is mapped to parks the step, and is not stored', () => {
    const journey = run(
      { call: { ...call, output: { score: 'steps.call.output.score' } } },
      { results: { call: [{ score: 'high' }] } },
      { context: { score: number } },
    );
    expect(journey.at('call')?.incident).toEqual({
      code: 'action_failed',
      detail: { error: 'context_invalid', paths: ['/score must be number'] },
    });
    expect(journey.view.context).toEqual({});
  });

  test('variables hold 16 KiB and no more', () => {
    const many = Array.from({ length: 2_000 }, (_, index) => 10_000_000 + index);
    const journey = run(
      { call: { ...call, output: { all: 'steps.call.output.all' } } },
      { results: { call: [{ all: many }] } },
      { context: { all: { schema: { type: 'array' } } } },
    );
    expect(journey.at('call')?.incident?.code).toBe('context_too_large');
  });

  test('personal results are named, so that they come back as references', () => {
    const journey = run(
      { call: { ...call, output: { note: 'steps.call.output.remark' } } },
      { results: { call: [{ remark: { $ref: 'c1' } }] } },
      { context: { note: { ...text, pii: true } } },
    );
    expect(journey.all('action')[0]?.pii).toEqual(['remark']);
    expect(journey.view.context).toEqual({ note: { $ref: 'c1' } });
  });

  test('what the subject has is looked up for the input', () => {
    const journey = run({ call: { ...call, input: { plan: 'subject.plan', who: 'subject.id' } } }, { attributes: { plan: 'gold' } });
    expect(journey.all('action')[0]?.input).toEqual({ plan: 'gold', who: 'C1' });
  });
});
