/** Handoffs, as the journey sees them. Source: journeys.md, sections 8 and 13. */
import { expect, test } from 'vitest';
import { run, text, to } from './driver.js';

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
