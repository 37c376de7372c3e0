/** Entering and leaving steps: guards, needs, limits, stages. Source: journeys.md, sections 2, 5, 7 and 13. */
import { describe, expect, test } from 'vitest';
import { number, run, text, to } from './driver.js';

const end = { kind: 'end', outcome: 'fine', result: 'won' };
const ask = { kind: 'manual', ...to('done') };

describe('decisions', () => {
  const choose = {
    kind: 'decision',
    transitions: [
      { to: 'high', when: 'context.score >= 50' },
      { to: 'low', when: 'context.score < 10' },
      { to: 'middle', default: true },
    ],
  };
  const ends = { high: end, low: end, middle: end };

  test.each([
    [60.25, 'high'],
    [7.25, 'low'],
    [20.25, 'middle'],
  ])('a score of %s leads to %s, and the event tells why', (score, expected) => {
    const journey = run({ choose, ...ends }, { input: { score } }, { context: { score: number } });
    expect(journey.trail).toEqual(['choose', expected]);
    const [event] = journey.emitted('journey.step.completed', 'choose');
    expect(event).toMatchObject({ to: expected, cause: 'entry' });
    expect(JSON.stringify(event?.['trace'])).not.toContain(String(score));
  });

  test('S17: a missing field is an incident that names its path, not false', () => {
    const journey = run({ choose, ...ends }, {}, { context: { score: number } });
    expect(journey.emitted('journey.incident.opened')).toMatchObject([
      { step: 'choose', reason: 'guard_error', detail: { expression: 'context.score >= 50', path: 'context.score', reason: 'missing' } },
    ]);
    expect(journey.do('updateContext', { patch: { score: 3 } })).toBeNull();
    expect(journey.do('retry', { step: 'choose' })).toBeNull();
    expect(journey.trail).toEqual(['choose', 'low']);
    expect(journey.at('choose')).toMatchObject({ visit: 1, state: 'completed', incident: null });
  });

  test('no guard true and no default parks it', () => {
    const journey = run(
      { choose: { ...choose, transitions: choose.transitions.slice(0, 2) }, high: end, low: end },
      { input: { score: 20 } },
      { context: { score: number } },
    );
    expect(journey.at('choose')?.incident?.code).toBe('no_transition_matched');
    expect(journey.view.status).toBe('incident');
  });

  test('the way is asked for once only where a guard stands in it', () => {
    const journey = run({ one: { kind: 'decision', ...to('done') } });
    expect(journey.all('guards')).toEqual([]);
  });
});

describe('entering', () => {
  test('a step whose guard is false is skipped, with the reason', () => {
    const journey = run({ one: { ...ask, when: '!has(input.agent)', ...to('two') }, two: ask }, { input: { agent: 'a1' } });
    expect([journey.stateOf('one'), journey.stateOf('two')]).toEqual(['skipped', 'open']);
    expect(journey.emitted('journey.step.skipped')).toMatchObject([{ step: 'one', reason: 'when', to: 'two' }]);
    expect(journey.emitted('journey.step.entered', 'one')).toEqual([]);
  });

  test('a skipped step has no outcome: it takes the default', () => {
    const one = {
      kind: 'manual',
      outcomes: ['a', 'b'],
      when: 'false',
      transitions: [
        { to: 'gone', outcome: 'a' },
        { to: 'gone', outcome: 'b' },
        { to: 'done', default: true },
      ],
    };
    expect(run({ one }).view.outcome).toBe('done');
  });

  test('a skipped step whose ways all name outcomes and lead to one place goes there', () => {
    const one = {
      kind: 'manual',
      outcomes: ['a', 'b'],
      when: 'false',
      transitions: [
        { to: 'done', outcome: 'a' },
        { to: 'done', outcome: 'b' },
      ],
    };
    expect(run({ one }).view.outcome).toBe('done');
  });

  test('what it requires and does not find parks it; once it is there, a retry goes on', () => {
    const requires = [{ path: 'context.score', schema: { type: 'number', minimum: 10 } }, { path: 'subject.email' }];
    const journey = run({ one: { ...ask, requires } }, { input: { score: 5 } }, { context: { score: number } });
    expect(journey.at('one')?.incident).toEqual({ code: 'requirement_missing', detail: { paths: ['context.score', 'subject.email'] } });
    journey.attributes = { email: 'a@b.c' };
    journey.do('updateContext', { patch: { score: 12 } });
    journey.do('retry', { step: 'one' });
    expect(journey.at('one')).toMatchObject({ state: 'open', incident: null });
    expect(journey.emitted('journey.step.entered', 'one')).toHaveLength(1);
  });

  test('once more than allowed parks the step at the door; a retry lets it in', () => {
    const one = {
      kind: 'manual',
      outcomes: ['again', 'enough'],
      transitions: [
        { to: 'one', outcome: 'again' },
        { to: 'done', outcome: 'enough' },
      ],
    };
    const journey = run({ one }, {}, { limits: { maxVisitsPerStep: 2 } });
    journey.do('advance', { outcome: 'again' });
    expect(journey.at('one')).toMatchObject({ visit: 2, state: 'open' });
    journey.do('advance', { outcome: 'again' });
    expect(journey.at('one')).toMatchObject({
      visit: 3,
      state: 'incident',
      incident: { code: 'max_visits', detail: { visits: 2, limit: 2 } },
    });
    expect(journey.emitted('journey.step.entered', 'one')).toHaveLength(2);
    journey.do('retry', { step: 'one' });
    expect(journey.at('one')).toMatchObject({ visit: 3, state: 'open' });
  });

  test('twenty visits without a word, and a loop of decisions ends there', () => {
    const journey = run({ one: { kind: 'decision', ...to('two') }, two: { kind: 'decision', ...to('one') } });
    expect(journey.at('one')).toMatchObject({ visit: 21, state: 'incident' });
  });

  test('more open steps than allowed', () => {
    const branch = { ...ask, ...to('$join') };
    const journey = run(
      { all: { kind: 'parallel', branches: ['a', 'b', 'c'], ...to('done') }, a: branch, b: branch, c: branch },
      {},
      { limits: { maxOpenSteps: 3 } },
    );
    expect([journey.stateOf('b'), journey.stateOf('c')]).toEqual(['open', 'incident']);
    expect(journey.at('c')?.incident?.code).toBe('max_open_steps');
    journey.do('advance', { expectStep: 'a' });
    journey.do('retry', { step: 'c' });
    expect(journey.stateOf('c')).toBe('open');
  });

  test('the stage is that of the step entered last', () => {
    const journey = run(
      { one: { ...ask, stage: 'lead', ...to('two') }, two: { ...ask, ...to('three') }, three: { ...ask, stage: 'customer' } },
      {},
      {
        stages: [
          { id: 'lead', name: 'L', order: 1 },
          { id: 'customer', name: 'C', order: 2 },
        ],
      },
    );
    expect(journey.view.stage).toBe('lead');
    journey.do('advance', {});
    expect(journey.view.stage).toBe('lead');
    journey.do('advance', {});
    expect(journey.emitted('journey.stage.changed')).toMatchObject([
      { from: null, to: 'lead' },
      { from: 'lead', to: 'customer' },
    ]);
  });

  test('a journey that lasts longer than allowed is parked where it stands, and goes on from there', () => {
    const journey = run({ one: { kind: 'wait', for: 'P3D', ...to('done') } }, {}, { limits: { maxDuration: 'P2D' } }).to('+10d');
    expect(journey.emitted('journey.incident.opened')).toMatchObject([{ step: 'one', reason: 'max_duration', after: '+2d' }]);
    journey.do('retry', { step: 'one' });
    journey.to('+10d1s');
    expect(journey.view).toMatchObject({ status: 'completed', result: 'won' });
  });

  test('a journey that lasts too long while all it does is parked is told of it, and stays parked as it is', () => {
    const journey = run(
      { one: { kind: 'automated', action: 'a@1', ...to('done') } },
      { results: { one: [{ $fail: 'Gone', retryable: false }, {}] } },
      { limits: { maxDuration: 'P2D' } },
    ).to('+9d');
    expect(journey.emitted('journey.incident.opened')).toMatchObject([
      { step: 'one', reason: 'action_failed' },
      { step: 'one', reason: 'max_duration', after: '+2d', detail: { limitMs: 172_800_000 } },
    ]);
    expect(journey.at('one')?.incident?.code).toBe('action_failed');
    journey.do('retry', { step: 'one' });
    expect(journey.view.outcome).toBe('done');
  });
});

describe('variables', () => {
  const context = {
    score: { ...number, default: 1 },
    region: { ...text, const: 'eu' },
    tier: { ...text, default: 'a', const: true },
    note: { ...text, pii: true },
    list: { schema: { type: 'object' } },
  };
  const open = () => run({ one: ask }, { input: { score: 7, region: 'us', other: 1 } }, { context });

  test('defaults, constants and input fields of their name fill them', () => {
    expect(open().view.context).toEqual({ score: 7, region: 'eu', tier: 'a' });
  });

  test.each([
    ['unknown_variable', { nope: 1 }, ['/nope']],
    ['context_invalid', { score: 'x' }, ['/score must be number']],
    ['context_invalid', { region: 'us' }, ['/region is a constant']],
    ['context_invalid', { note: 'Ann lives here' }, ['/note must be a reference to a text']],
    ['context_too_large', { list: { big: 'x'.repeat(17_000) } }, ['/list']],
  ])('%s', (code, patch, paths) => {
    expect(open().try('updateContext', { patch })).toEqual({ ok: false, code, members: { paths } });
  });

  test('a merge patch changes what it names, null clears', () => {
    const journey = open();
    journey.do('updateContext', { patch: { list: { a: 1, b: { c: 2 } }, note: { $ref: 'c9' } } });
    journey.do('updateContext', { patch: { list: { b: { c: null, d: 3 } }, score: null } });
    expect(journey.view.context).toEqual({ region: 'eu', tier: 'a', list: { a: 1, b: { d: 3 } }, note: { $ref: 'c9' } });
    expect(journey.emitted('journey.context.changed')).toMatchObject([{ changed: ['list', 'note'] }, { changed: ['list', 'score'] }]);
  });

  test('a patch that changes nothing is no event', () => {
    const journey = open();
    expect(journey.do('updateContext', { patch: { score: 7 } })).toBeNull();
    expect(journey.emitted('journey.context.changed')).toEqual([]);
  });

  test('S3: a second start fills only what is empty', () => {
    const journey = run({ one: ask }, { input: { score: 7 } }, { context: { score: number, plan: text } });
    journey.do('attach', { input: { score: 9, plan: 'gold', other: 1 }, eventId: 'e2' });
    expect(journey.view.context).toEqual({ score: 7, plan: 'gold' });
    expect(journey.emitted('journey.context.changed')).toMatchObject([{ changed: ['plan'], reason: 'attached', eventId: 'e2' }]);
  });
});

describe('the end', () => {
  test('says how it came out, and takes nothing more', () => {
    const journey = run({ one: { ...ask, ...to('gone') } });
    journey.do('advance', {});
    expect(journey.view).toMatchObject({ status: 'completed', result: 'lost', outcome: 'gone', openSteps: [], currentStep: null });
    expect(journey.emitted('journey.ended')).toMatchObject([{ outcome: 'gone', result: 'lost', status: 'completed' }]);
    expect(journey.do('advance', {})).toBe('journey_ended');
    expect(journey.do('cancel', {})).toBe('journey_ended');
  });

  test('the events of a short life, in order', () => {
    const journey = run({ one: { kind: 'automated', action: 'a@1', ...to('done') } });
    expect(journey.events.map(({ type }) => type)).toEqual([
      'journey.started',
      'journey.step.entered',
      'journey.step.completed',
      'journey.step.entered',
      'journey.step.completed',
      'journey.ended',
    ]);
  });

  test('S43: cancel while an action runs', () => {
    const journey = run({ one: { kind: 'automated', action: 'a@1', ...to('done') } }, { results: { one: ['wait'] } });
    journey.do('cancel', {});
    expect(journey.view).toMatchObject({ status: 'cancelled', result: null, outcome: 'cancelled', progress: 0 });
    expect(journey.stateOf('one')).toBe('cancelled');
    expect(journey.all('dropAction')).toHaveLength(1);
    journey.tell({ kind: 'done', effect: journey.asked('action').id, output: {} });
    expect(journey.view.status).toBe('cancelled');
    expect(journey.at('one')?.lateResult).toMatchObject({ kind: 'done' });
  });

  test('the system cancels for a cause, people for a reason', () => {
    const journey = run({ one: ask });
    const none = { reason: undefined as never };
    expect(journey.try('cancel', none)).toMatchObject({ code: 'reason_required' });
    expect(journey.do('cancel', { cause: 'erased', role: 'system' })).toBeNull();
    expect(journey.view.outcome).toBe('erased');
  });
});

test('a version that is not the present one is refused', () => {
  const journey = run({ one: ask });
  expect(journey.try('advance', { expectedVersion: 99 })).toEqual({
    ok: false,
    code: 'version_mismatch',
    members: { current: journey.view.version },
  });
  expect(journey.try('advance', { expectedVersion: journey.view.version })).toMatchObject({ ok: true });
});
