/** Handoffs, as the journey sees them. Source: journeys.md, sections 8 and 13. */
import { describe, expect, test } from 'vitest';
import { number, run, text, to } from './driver.js';

const over = { kind: 'handoff', from: 'crm', to: 'field-ops', mode: 'accept', acceptWithin: 'P1D', completeWithin: 'P7D' };
const fix = { kind: 'manual', ...to('visit') };
const ways = { onReturn: 'fix', transitions: [{ to: 'done', outcome: 'completed' }] };
const id = (key: string): string => `JRN-0000000000000001.${key}`;

test('opens with what it needs, and completes with what it brings', () => {
  const journey = run(
    { visit: { ...over, ...ways, requiredData: ['serviceId'] }, fix },
    { input: { serviceId: 'S1', more: 1 }, requester: 'user/ann' },
    { context: { serviceId: text, slot: text } },
  );
  expect(journey.asked('openHandoff').start).toMatchObject({
    step: 'visit',
    visit: 1,
    extra: false,
    data: { serviceId: 'S1' },
    requester: 'ann',
    rules: { from: 'crm', to: 'field-ops', mode: 'accept' },
  });
  journey.handoff('visit.1', 'offered', { dueAt: journey.now + 1000 });
  expect(journey.at('visit')).toMatchObject({ state: 'open', dueAt: journey.now + 1000 });
  journey.handoff('visit.1', 'completed', { outcome: 'completed', output: { slot: 'mo' } });
  expect(journey.at('visit')).toMatchObject({ state: 'completed', outcome: 'completed', cause: 'handoff' });
  expect(journey.view).toMatchObject({ context: { slot: 'mo' }, outcome: 'done' });
  expect(journey.all('tellHandoff')).toEqual([]);
});

test('S39: data that was missing is supplied as soon as it is there', () => {
  const journey = run(
    { visit: { ...over, ...ways, requiredData: ['customerId', 'serviceType'] }, fix },
    { input: { customerId: 'C1' } },
    { context: { customerId: text, serviceType: text } },
  );
  journey.handoff('visit.1', 'awaiting_data');
  journey.do('updateContext', { patch: { serviceType: 'fiber' } });
  expect(journey.all('tellHandoff')).toMatchObject([
    { handoff: id('visit.1'), word: { kind: 'supply', data: { customerId: 'C1', serviceType: 'fiber' } } },
  ]);
  journey.handoff('visit.1', 'offered');
  journey.do('updateContext', { patch: { serviceType: 'dsl' } });
  expect(journey.all('tellHandoff')).toHaveLength(1);
});

describe('a gate', () => {
  const approval = {
    approvers: { roles: ['admin'], expr: '[context.owner, input.second]' },
    evidence: ['context.amount', 'steps.score.output.risk', 'subject.plan', 'context.order.total', 'journey.stage'],
    quorum: 'all',
    within: 'P1D',
    onTimeout: 'incident',
  };
  const steps = {
    score: { kind: 'automated', action: 'a@1', ...to('visit') },
    visit: { ...over, ...ways, mode: 'approve', requiredData: ['serviceId'], approval },
    fix,
  };
  const input = { serviceId: 'S1', amount: 5, owner: 'ann', second: 'bea', hidden: 'x', order: { total: 7, note: 'n' } };
  const variables = { serviceId: text, amount: number, owner: text, hidden: text, order: { schema: { type: 'object' } } };
  const begin = () =>
    run(steps, { input, attributes: { plan: 'gold' }, results: { score: [{ risk: 0.2, more: 1 }] } }, { context: variables });
  const known = {
    context: { amount: 5, owner: 'ann', order: { total: 7, note: 'n' } },
    steps: { score: { visits: 1, state: 'completed', outcome: 'completed', output: { risk: 0.2, more: 1 } } },
    subject: { plan: 'gold' },
    input: { second: 'bea' },
  };

  test('is told from the first what its rules read, and no more', () => {
    expect(begin().asked('openHandoff').start).toMatchObject({ data: { serviceId: 'S1' }, known });
    expect(begin().asked('openHandoff').start.known).toStrictEqual(known);
  });

  test('is told again what has changed while it is open, and while it is parked; after the offer no more', () => {
    const journey = begin();
    journey.handoff('visit.1', 'awaiting_approval');
    journey.do('updateContext', { patch: { amount: 6 } });
    journey.handoff('visit.1', 'expired', { incident: 'approval_timeout' });
    journey.do('updateContext', { patch: { owner: 'cem' } });
    journey.handoff('visit.1', 'offered');
    journey.do('updateContext', { patch: { amount: 7 } });
    const context = { ...known.context, amount: 6 };
    const word = { kind: 'supply', data: { serviceId: 'S1' }, known: { ...known, context } };
    expect(journey.all('tellHandoff').map((effect) => effect.word)).toEqual([
      word,
      { ...word, known: { ...known, context: { ...context, owner: 'cem' } } },
    ]);
  });

  test('what changes in a pause is told at the resume', () => {
    const journey = begin();
    journey.handoff('visit.1', 'awaiting_approval');
    journey.do('pause', {});
    journey.do('updateContext', { patch: { amount: 6 } });
    journey.do('resume', {});
    expect(journey.all('tellHandoff').map(({ word }) => word.kind)).toEqual(['pause', 'resume', 'supply']);
  });

  test('of a handoff apart from the steps is told too; what was sent along stands', () => {
    const journey = run({ one: { kind: 'manual', ...to('done') } }, { input: { amount: 5, owner: 'ann' } }, { context: variables });
    const rules = { approval: { ...approval, approvers: { expr: '[context.owner]' }, evidence: ['context.amount'], within: 1000 } };
    const order = { from: 'crm', to: 'field-ops', mode: 'approve', rules } as const;
    expect(journey.do('createHandoff', { ...order, step: 'one_more' })).toBeNull();
    expect(journey.do('createHandoff', { ...order, step: 'other', data: { amount: 1, owner: 'bea' } })).toBeNull();
    expect(journey.all('openHandoff').map(({ start }) => start.known ?? null)).toEqual([{ context: { amount: 5, owner: 'ann' } }, null]);
    journey.handoff('one_more.1', 'awaiting_approval').handoff('other.2', 'awaiting_approval');
    journey.do('updateContext', { patch: { amount: 6 } });
    journey.do('updateContext', { patch: { owner: 'dan' } });
    expect(journey.all('tellHandoff').map((effect) => [effect.id, effect.word])).toEqual([
      ['one_more.1/supply.1', { kind: 'supply', data: {}, known: { context: { amount: 6, owner: 'ann' } } }],
      ['one_more.1/supply.2', { kind: 'supply', data: {}, known: { context: { amount: 6, owner: 'dan' } } }],
    ]);
  });
});

test('S41: returned twice, the third offer is visit 3', () => {
  const journey = run({ visit: { ...over, ...ways }, fix });
  for (const visit of [1, 2]) {
    journey.handoff(`visit.${visit}`, 'accepted').handoff(`visit.${visit}`, 'returned', { reason: 'no_access' });
    expect(journey.at('visit', visit)).toMatchObject({ state: 'completed', outcome: 'returned' });
    journey.do('advance', {});
  }
  expect(journey.all('openHandoff').map(({ start }) => start.visit)).toEqual([1, 2, 3]);
  expect(journey.emitted('journey.step.completed', 'visit')).toMatchObject([
    { reason: 'no_access', to: 'fix' },
    { reason: 'no_access', to: 'fix' },
  ]);
});

test('without onReturn a refusal takes its own transition', () => {
  const journey = run({
    visit: {
      ...over,
      transitions: [
        { to: 'done', outcome: 'completed' },
        { to: 'gone', outcome: 'rejected' },
      ],
    },
  });
  journey.handoff('visit.1', 'rejected', { reason: 'no_capacity' });
  expect(journey.view.outcome).toBe('gone');
});

test('what failed parks the step; when it is offered again the step goes on', () => {
  const journey = run({ visit: { ...over, ...ways, mode: 'automatic' }, fix });
  journey.handoff('visit.1', 'failed', { incident: 'handoff_timeout', attempts: 3 });
  expect(journey.at('visit')).toMatchObject({
    state: 'incident',
    attempts: 3,
    incident: { code: 'handoff_timeout', detail: { state: 'failed' } },
  });
  journey.do('retry', { step: 'visit' });
  expect(journey.all('tellHandoff')).toMatchObject([{ word: { kind: 'retry' } }]);
  journey.handoff('visit.1', 'offered').handoff('visit.1', 'accepted').handoff('visit.1', 'completed');
  expect(journey.view.outcome).toBe('done');
});

test('somebody else may try it again', () => {
  const journey = run({ visit: { ...over, ...ways }, fix });
  journey.handoff('visit.1', 'expired', { incident: 'handoff_timeout' }).handoff('visit.1', 'offered');
  expect(journey.at('visit')).toMatchObject({ state: 'open', incident: null });
  expect(journey.emitted('journey.incident.resolved')).toMatchObject([{ reason: 'handoff_timeout', how: 'handoff' }]);
});

test('onTimeout leads another way, and the handoff is called off', () => {
  const journey = run({ visit: { ...over, ...ways, onTimeout: 'fix' }, fix });
  journey.handoff('visit.1', 'expired', { incident: 'handoff_timeout' });
  expect(journey.at('visit')).toMatchObject({ state: 'completed', outcome: 'timeout', cause: 'timeout' });
  expect(journey.all('tellHandoff')).toMatchObject([{ word: { kind: 'cancel' } }]);
  expect(journey.stateOf('fix')).toBe('open');
});

test('with waitFor accept the receiver works on', () => {
  const journey = run({
    visit: { ...over, waitFor: 'accept', transitions: [{ to: 'rest', outcome: 'accepted' }, { to: 'gone' }] },
    rest: { kind: 'wait', for: 'P1D', ...to('done') },
  });
  journey.handoff('visit.1', 'accepted');
  expect(journey.at('visit')).toMatchObject({ outcome: 'accepted' });
  expect(journey.all('tellHandoff')).toEqual([]);
  journey.handoff('visit.1', 'completed');
  expect(journey.stateOf('rest')).toBe('open');
});

test('it can be advanced only once it is accepted, and is told', () => {
  const journey = run({ visit: { ...over, ...ways, completeAs: 'installed', transitions: [{ to: 'done', outcome: 'installed' }] }, fix });
  expect(journey.do('advance', { outcome: 'installed' })).toBe('step_not_open');
  journey.handoff('visit.1', 'in_progress');
  expect(journey.do('advance', { outcome: 'installed', output: { a: 1 } })).toBeNull();
  expect(journey.all('tellHandoff')).toMatchObject([{ word: { kind: 'complete', outcome: 'installed', output: { a: 1 } } }]);
});

test('S47: the bus event came first, the advance is harmless, and there is one handoff after it', () => {
  const activation = {
    ...over,
    mode: 'approve',
    approval: { approvers: { roles: ['admin'] }, quorum: 'any', within: 'PT8H', onTimeout: 'incident' },
    onReturn: 'gone',
    completeOn: [
      {
        type: 'service:activated',
        match: { 'event.customerId': 'context.customerId' },
        outcome: 'service_activation_complete',
        output: { serviceId: 'event.data.serviceId' },
      },
    ],
    transitions: [
      { to: 'schedule_installation', outcome: 'service_activation_complete' },
      { to: 'gone', outcome: 'completed' },
    ],
  };
  const journey = run(
    { service_activation: activation, schedule_installation: { ...over, ...to('done') } },
    { input: { customerId: 'C1' } },
    { context: { customerId: text, serviceId: text } },
  );
  journey.say('service:activated', { serviceId: 'S9' });
  expect(journey.at('service_activation')).toMatchObject({
    outcome: 'service_activation_complete',
    cause: 'event',
    output: { serviceId: 'S9' },
  });
  expect(journey.view.context).toEqual({ customerId: 'C1', serviceId: 'S9' });
  expect(journey.try('advance', { outcome: 'service_activation_complete' })).toMatchObject({
    ok: true,
    said: { already_recorded: true },
    events: [],
  });
  expect(journey.all('openHandoff').map(({ start }) => start.step)).toEqual(['service_activation', 'schedule_installation']);
});

test('old news is no news', () => {
  const journey = run({ visit: { ...over, ...ways }, fix });
  const told = { handoff: id('visit.1'), owner: 'crm', dueAt: null };
  journey.tell({ kind: 'handoff', report: { ...told, seq: 5, state: 'accepted' } });
  journey.tell({ kind: 'handoff', report: { ...told, seq: 4, state: 'rejected' } });
  expect(journey.stateOf('visit')).toBe('open');
});

test('who voted there may not vote later', () => {
  const journey = run({
    visit: { ...over, ...ways, ...to('agree') },
    fix,
    agree: {
      kind: 'approval',
      approvers: { users: ['ann', 'bea'] },
      quorum: 'any',
      fourEyes: true,
      within: 'P1D',
      onTimeout: 'incident',
      ...to('done'),
    },
  });
  journey.handoff('visit.1', 'completed', { voters: ['ann'] });
  expect(journey.emitted('approval.opened')).toMatchObject([{ eligible: ['bea'] }]);
});

test('cancel calls the handoff off', () => {
  const journey = run({ visit: { ...over, ...ways }, fix });
  journey.do('cancel', {});
  expect(journey.all('tellHandoff')).toMatchObject([{ handoff: id('visit.1'), word: { kind: 'cancel' } }]);
});

test('a handoff that somebody called off leaves its outcome', () => {
  const journey = run({ visit: { ...over, ...ways }, fix });
  journey.handoff('visit.1', 'cancelled');
  expect(journey.at('visit')?.incident).toMatchObject({ code: 'no_transition_matched', detail: { outcome: 'cancelled' } });
});

test('handoffs apart from the steps', () => {
  const journey = run({ visit: { ...over, ...ways }, fix }, { input: { customerId: 'C1' } }, { context: { customerId: text } });
  const more = { from: 'crm', to: 'billing-system', mode: 'accept' } as const;
  expect(journey.try('createHandoff', { ...more, to: 'crm', requiredData: ['customerId', 'serviceId'] })).toEqual({
    ok: false,
    code: 'handoff_invalid',
    members: { paths: ['/to', '/data/serviceId'] },
  });
  expect(journey.try('createHandoff', { ...more, step: 'fix' })).toEqual({ ok: false, code: 'step_not_open', members: { step: 'fix' } });
  expect(journey.try('createHandoff', { ...more, step: 'visit' })).toMatchObject({
    ok: true,
    said: { handoff: id('visit.1') },
    effects: [],
  });
  expect(journey.do('createHandoff', { ...more, step: 'invoice', requiredData: ['customerId'], rules: { acceptWithin: 1000 } })).toBeNull();
  expect(journey.open.at(-1)).toMatchObject({
    kind: 'openHandoff',
    start: { step: 'invoice', visit: 1, extra: true, data: { customerId: 'C1' }, rules: { from: 'crm', acceptWithin: 1000 } },
  });
  journey.restart();
  expect(journey.open.map((effect) => (effect.kind === 'openHandoff' ? effect.start.step : null))).toEqual(['visit', 'invoice']);
  journey.handoff('invoice.1', 'rejected');
  expect([journey.state.extras, journey.stateOf('visit')]).toEqual([[], 'open']);
});

test('a pause holds handoffs apart from the steps as well, and they go on with the journey', () => {
  const journey = run({ one: { kind: 'manual', ...to('done') } });
  expect(journey.do('createHandoff', { from: 'crm', to: 'field-ops', mode: 'accept', rules: { acceptWithin: 1000 } })).toBeNull();
  journey.handoff('_extra.1', 'offered');
  journey.do('pause', {});
  journey.do('resume', {});
  journey.do('pause', { deadlines: 'keep', freezeTasks: false });
  expect(journey.all('tellHandoff').map((effect) => [effect.id, effect.word])).toEqual([
    ['_extra.1/pause.1', { kind: 'pause' }],
    ['_extra.1/resume.2', { kind: 'resume', shiftMs: 0 }],
    ['_extra.1/pause.3', { kind: 'pause', freezeTasks: false }],
  ]);
});
