/** Journeys in virtual time: waits, ladders, pauses and handoffs, with what PostgreSQL was told of them. Source: journeys.md, section 13. */
import proto from '@temporalio/proto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ApplicationFailure } from '@temporalio/common';
import type { ActionRequest, ActionResult } from '../../domain/journey/action.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { demo } from '../../db/seed.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';
import { codeOf, JourneyDesk } from '../support/journey-run.js';
import type { JourneyDeskOptions, JourneyRun } from '../support/journey-run.js';
import { timeEnvironment } from '../support/time-env.js';

const { INDEXED_VALUE_TYPE_KEYWORD: KEYWORD, INDEXED_VALUE_TYPE_DATETIME: DATETIME } = proto.temporal.api.enums.v1.IndexedValueType;

let env: TestWorkflowEnvironment;
let database: TestDatabase;
let desk: JourneyDesk;
let act: (request: ActionRequest) => Promise<ActionResult>;

beforeAll(async () => {
  env = await timeEnvironment();
  database = await freshDatabase();
  await env.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: { Tenant: KEYWORD, Template: KEYWORD, Status: KEYWORD, Stage: KEYWORD, HandoffTo: KEYWORD, DueAt: DATETIME },
  });
  desk = await openDesk();
});

afterEach(() => {
  act = () => Promise.resolve({ state: 'done', output: {} });
});

afterAll(async () => {
  await desk.rest();
  await database[Symbol.asyncDispose]();
  await env.teardown();
});

const openDesk = (options: Partial<JourneyDeskOptions> = {}): Promise<JourneyDesk> =>
  JourneyDesk.open({
    client: env.client,
    connection: env.nativeConnection,
    database,
    now: () => env.currentTimeMs(),
    act: (request) => act(request),
    ...options,
  });

/** A busy machine takes its time. */
const until = <T>(look: () => T) => expect.poll(look, { timeout: 120_000 });

const hours = (count: number): number => count * 3_600_000;
const days = (count: number): number => count * hours(24);

let made = 0;
const aTemplate = (fields: Pick<JourneyTemplate, 'start' | 'steps'> & Partial<JourneyTemplate>): JourneyTemplate => ({
  key: `sample_${(made += 1)}`,
  name: 'Sample',
  category: 'custom',
  subject: { type: 'customer', id: 'subject.id' },
  stages: [
    { id: 'first', name: 'First', order: 1 },
    { id: 'last', name: 'Last', order: 2 },
  ],
  ...fields,
});

const won = { kind: 'end', outcome: 'done', result: 'won' } as const;
const lost = { kind: 'end', outcome: 'given_up', result: 'lost' } as const;

test('a journey begins, is advanced, and ends', async () => {
  const template = await desk.publish(
    aTemplate({
      start: 'ask',
      steps: {
        ask: {
          kind: 'manual',
          stage: 'first',
          outcomes: ['yes', 'no'],
          transitions: [
            { to: 'won', outcome: 'yes' },
            { to: 'lost', outcome: 'no' },
          ],
        },
        won,
        lost,
      },
    }),
  );
  const journey = await desk.start(template);
  expect(journey.opened).toMatchObject({
    entry: 'started',
    view: { status: 'active', openSteps: ['ask'], stage: 'first' },
  });
  expect(await journey.row()).toMatchObject({ status: 'active', openSteps: ['ask'], currentStep: 'ask' });
  const answer = await journey.send('advance', { outcome: 'yes' });
  expect(answer).toMatchObject({ view: { status: 'completed', result: 'won', outcome: 'done', progress: 100 } });
  await journey.handle.result();
  expect(await journey.row()).toMatchObject({ status: 'completed', result: 'won', outcome: 'done', openSteps: [] });
  const log = await journey.log();
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
});

/** When events of a type came, in milliseconds since the first of another. */
async function times(journey: JourneyRun, type: string, since = 'journey.started'): Promise<number[]> {
  const log = await journey.log();
  const begun = log.find((line) => line.type === since)?.at ?? 0;
  return log.filter((line) => line.type === type).map(({ at }) => at - begun);
}

test('an action that is cut answers all the same: that is noted on its step, and changes nothing', async () => {
  // The server's time stands still for as long as an attempt runs, for every test after this one too.
  let answer: ((result: ActionResult) => void) | undefined;
  onTestFinished(() => answer?.({ state: 'done', output: {} }));
  act = () => new Promise((resolve) => (answer = resolve));
  const template = await desk.publish(
    aTemplate({
      start: 'either',
      steps: {
        either: { kind: 'parallel', branches: ['call', 'short'], join: 'any', transitions: [{ to: 'ask' }] },
        call: { kind: 'automated', action: 'crm.qualify_lead@1', transitions: [{ to: '$join' }] },
        short: { kind: 'manual', outcomes: ['enough'], transitions: [{ to: '$join', outcome: 'enough' }] },
        ask: { kind: 'manual', outcomes: ['go'], transitions: [{ to: 'won', outcome: 'go' }] },
        won,
      },
    }),
  );
  const journey = await desk.start(template);
  await until(() => answer).toBeDefined();
  expect(await journey.send('advance', { expectStep: 'short', outcome: 'enough' })).toMatchObject({ view: { openSteps: ['ask'] } });
  answer?.({ state: 'done', output: {} });
  await until(() => journey.events()).toContain('journey.step.late_result call');
  expect(await journey.visits()).toMatchObject({ 'call.1': { state: 'superseded' }, 'ask.1': { state: 'open' } });
  expect(await journey.send('advance', { outcome: 'go' })).toMatchObject({ view: { status: 'completed', result: 'won' } });
});

const [ann, ben, cleo] = demo.agents;
const as = (person: string) => ({ actor: `user/${person}`, role: 'agent', roles: ['agent'] });

const waiting = (fields: object) =>
  aTemplate({
    start: 'wait',
    steps: {
      wait: {
        kind: 'wait',
        max: 'P7D',
        onMax: 'too_late',
        ...fields,
        transitions: [
          { to: 'lost', outcome: 'too_late' },
          { to: 'won', default: true },
        ],
      },
      won,
      lost,
    },
  });

describe('waits', () => {
  test('S6: nothing happens for seven days: the timeout branch is taken, once', async () => {
    const journey = await desk.start(await desk.publish(waiting({ event: [{ type: 'crm:signed' }] })));
    await env.sleep(days(6));
    expect((await journey.row()).openSteps).toEqual(['wait']);
    await journey.handle.result();
    expect(await journey.row()).toMatchObject({ status: 'completed', result: 'lost' });
    expect(await journey.visits()).toMatchObject({ 'wait.1': { state: 'completed', cause: 'max', outcome: 'too_late' } });
    expect(await times(journey, 'journey.ended', 'journey.step.entered')).toEqual([days(7)]);
  });

  test('S5: the condition becomes true on day 3: that branch is taken then, and no timer is left', async () => {
    const template = waiting({ condition: 'context.score > 50.0' });
    const journey = await desk.start(await desk.publish({ ...template, context: { score: { schema: { type: 'number' }, default: 0 } } }));
    await env.sleep(days(3));
    await journey.send('updateContext', { patch: { score: 60 } });
    await journey.handle.result();
    expect(await journey.visits()).toMatchObject({ 'wait.1': { state: 'completed', cause: 'condition' } });
  });

  test('an event completes it, once, however often it is told', async () => {
    const journey = await desk.start(await desk.publish(waiting({ event: [{ type: 'crm:signed', outcome: 'signed' }] })));
    const id = await journey.hear('crm:signed', {}, { tell: false });
    await journey.hear('crm:other');
    const at = await env.currentTimeMs();
    await Promise.all([1, 2].map(() => journey.handle.signal('event', { id, type: 'crm:signed', at })));
    await journey.handle.result();
    expect(await journey.visits()).toMatchObject({ 'wait.1': { state: 'completed', cause: 'event', outcome: 'signed' } });
    expect((await journey.events()).filter((type) => type === 'journey.step.completed wait')).toHaveLength(1);
  });

  test('S7a: what came before the wait counts with since_start, and no timer is set', async () => {
    const template = aTemplate({
      start: 'first',
      steps: {
        first: { kind: 'manual', outcomes: ['go'], transitions: [{ to: 'wait', outcome: 'go' }] },
        wait: {
          kind: 'wait',
          event: [{ type: 'crm:signed' }],
          consume: 'since_start',
          max: 'P7D',
          onMax: 'late',
          transitions: [{ to: 'won', default: true }],
        },
        won,
      },
    });
    const journey = await desk.start(await desk.publish(template));
    await journey.hear('crm:signed', {}, { tell: false });
    const { view } = await journey.send('advance', { outcome: 'go' });
    expect(view).toMatchObject({ status: 'completed', result: 'won' });
  });

  test('S10a: a pause of three days in a wait of five moves its end to day 8', async () => {
    const template = aTemplate({
      start: 'wait',
      steps: { wait: { kind: 'wait', for: 'P5D', transitions: [{ to: 'won', default: true }] }, won },
    });
    const journey = await desk.start(await desk.publish(template));
    await env.sleep(days(2));
    const reason = await journey.text('Holidays.');
    await journey.send('pause', { deadlines: 'shift' }, { reason });
    expect(await journey.row()).toMatchObject({ status: 'paused' });
    await env.sleep(days(3));
    expect(await codeOf(journey.send('advance', { outcome: 'elapsed' }))).toBe('journey_paused');
    await journey.send('resume', {});
    await env.sleep(days(2));
    expect(await journey.row()).toMatchObject({ status: 'active' });
    await journey.handle.result();
    const [ended = 0] = await times(journey, 'journey.ended');
    expect(ended).toBeGreaterThanOrEqual(days(8));
    expect(ended).toBeLessThan(days(8) + 60_000);
  });
});

test('a resume may say otherwise than the pause did: nothing moves', async () => {
  const template = aTemplate({
    start: 'wait',
    steps: { wait: { kind: 'wait', for: 'P5D', transitions: [{ to: 'won', default: true }] }, won },
  });
  const journey = await desk.start(await desk.publish(template));
  await journey.send('pause', { deadlines: 'shift' }, { reason: await journey.text('Holidays.') });
  await env.sleep(days(3));
  expect(await codeOf(journey.send('resume', { deadlines: 'later' } as never))).toBe('invalid_request');
  await journey.send('resume', { deadlines: 'keep' });
  await journey.handle.result();
  const [ended = 0] = await times(journey, 'journey.ended');
  expect(ended).toBeGreaterThanOrEqual(days(5));
  expect(ended).toBeLessThan(days(5) + 60_000);
});

const acting = (fields: object = {}) =>
  aTemplate({
    start: 'act',
    steps: {
      act: {
        kind: 'automated',
        action: 'crm.score@1',
        retry: { maxAttempts: 4, initial: 'PT1S', factor: 2, max: 'PT3S' },
        ...fields,
        transitions: [
          { to: 'won', when: 'steps.act.output.score > 50.0' },
          { to: 'lost', default: true },
        ],
      },
      won,
      lost,
    },
  });

describe('actions', () => {
  test('the result of an action decides the way', async () => {
    act = () => Promise.resolve({ state: 'done', output: { score: 80 } });
    const journey = await desk.start(await desk.publish(acting()));
    await journey.handle.result();
    expect(await journey.row()).toMatchObject({ result: 'won' });
    expect(desk.actions.at(-1)).toMatchObject({ journeyId: journey.id, step: 'act', visit: 1, attempt: 1, effect: 'crm.score@1' });
  });

  test('S18 and S21: four attempts with pauses of 1, 2 and 3 s, then an incident; a retry has them all again', async () => {
    const begun: number[] = [];
    act = async () => {
      begun.push(await env.currentTimeMs());
      return { state: 'failed', error: 'Unavailable', retryable: true };
    };
    const journey = await desk.start(await desk.publish(acting()));
    await env.sleep(60_000);
    expect(begun).toHaveLength(4);
    expect(begun.slice(1).map((at, index) => Math.round((at - (begun[index] ?? 0)) / 1000))).toEqual([1, 2, 3]);
    expect(await journey.row()).toMatchObject({ status: 'incident' });
    expect(await journey.visits()).toMatchObject({ 'act.1': { state: 'incident', incident: 'action_failed', attempts: 4 } });
    expect(await codeOf(journey.send('skip', { step: 'act' }, { reason: await journey.text('Broken.') }))).toBe('not_skippable');
    act = () => Promise.resolve({ state: 'done', output: { score: 80 } });
    // As an operator does it in the form of the Web UI.
    await journey.handle.executeUpdate('retry', { args: [{ actor: 'user/otto', step: 'act' }] });
    await journey.handle.result();
    expect(await journey.row()).toMatchObject({ status: 'completed', result: 'won' });
    expect((await journey.visits())['act.1']?.attempts).toBe(5);
  });

  test('a guard that reads a missing field parks the journey, and an operator sends it on', async () => {
    const journey = await desk.start(await desk.publish(acting()));
    await until(async () => (await journey.row()).status).toBe('incident');
    expect((await journey.visits())['act.1']).toMatchObject({ incident: 'guard_error' });
    const reason = await journey.text('Known.');
    await journey.send('goto', { step: 'act', to: 'won' }, { reason });
    await journey.handle.result();
    expect(await journey.row()).toMatchObject({ status: 'completed', result: 'won' });
  });

  test('what nobody can tell the end of waits for a person, who lets it be asked for once more', async () => {
    act = () => Promise.resolve({ state: 'unknown', error: 'no_answer' });
    const journey = await desk.start(await desk.publish(acting()));
    await until(async () => (await journey.visits())['act.1']?.incident).toBe('action_unknown');
    expect(desk.actions.at(-1)).not.toHaveProperty('release');
    act = () => Promise.resolve({ state: 'done', output: { score: 80 } });
    await journey.send('retry', { step: 'act' });
    await journey.handle.result();
    expect(desk.actions.at(-1)).toMatchObject({ journeyId: journey.id, release: true });
  });

  test('PostgreSQL away before the attempt begins costs no attempt', async () => {
    let asked = 0;
    act = () => {
      asked += 1;
      if (asked < 5) throw ApplicationFailure.retryable('away', 'action.retry');
      return Promise.resolve({ state: 'done', output: { score: 80 } });
    };
    const journey = await desk.start(await desk.publish(acting()));
    await journey.handle.result();
    expect(asked).toBe(5);
    expect((await journey.visits())['act.1']).toMatchObject({ state: 'completed', attempts: 1 });
  });
});

const voting = (fields: object = {}) =>
  aTemplate({
    start: 'vote',
    steps: {
      vote: {
        kind: 'approval',
        approvers: { roles: ['agent'] },
        quorum: { percent: 60 },
        within: 'PT24H',
        onTimeout: 'route:late',
        escalation: [
          { after: 'PT4H', action: 'remind' },
          { after: 'PT8H', action: 'add', to: { roles: ['lead'] } },
        ],
        ...fields,
        transitions: [
          { to: 'won', outcome: 'approved' },
          { to: 'lost', outcome: 'rejected' },
        ],
      },
      late: { kind: 'manual', outcomes: ['ok'], transitions: [{ to: 'lost', outcome: 'ok' }] },
      won,
      lost,
    },
  });

describe('approvals', () => {
  test('S33: 60 % of three: approved at the second yes; the third comes too late', async () => {
    const journey = await desk.start(await desk.publish(voting()));
    expect(journey.opened.view).toMatchObject({ awaitsApproval: true });
    expect(await journey.approval('vote')).toMatchObject({ required: 2, outcome: null });
    await journey.send('vote', { step: 'vote', decision: 'approve' }, as(ann));
    expect(await codeOf(journey.send('vote', { step: 'vote', decision: 'approve' }, as(ann)))).toBe('already_voted');
    await journey.send('vote', { step: 'vote', decision: 'approve' }, as(ben));
    await journey.handle.result();
    expect(await journey.approval('vote')).toMatchObject({ outcome: 'approved', votes: [{ by: ann }, { by: ben }] });
    expect(await journey.row()).toMatchObject({ result: 'won' });
  });

  test('S35: who asked may not vote', async () => {
    const journey = await desk.start(await desk.publish(voting()), { requester: ann });
    expect(await codeOf(journey.send('vote', { step: 'vote', decision: 'approve' }, as(ann)))).toBe('requester_excluded');
    await journey.handle.cancel();
    await journey.handle.result();
  });

  test('S38: two votes at once are counted one after the other', async () => {
    const journey = await desk.start(await desk.publish(voting({ quorum: 'any' })));
    const sent = await Promise.allSettled(
      [ann, ben, cleo].map((person) => journey.send('vote', { step: 'vote', decision: 'approve' }, as(person))),
    );
    expect(sent.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await journey.approval('vote'))?.votes).toHaveLength(1);
    await journey.handle.result();
  });

  test('S37: no answer: reminded at 4 h, more people at 8 h, the route at 24 h, once each, whichever worker does it', async () => {
    const own = await openDesk({ seeded: true, cache: 0 });
    const journey = await own.start(await own.publish(voting()));
    await env.sleep(hours(5));
    await own.rest();
    await own.work();
    await env.sleep(hours(5));
    expect((await journey.approval('vote'))?.eligible).toHaveLength(4);
    await env.sleep(hours(20));
    expect((await times(journey, 'approval.escalated', 'approval.opened')).map((at) => at / hours(1))).toEqual([4, 8]);
    const [closed = 0] = await times(journey, 'approval.closed', 'approval.opened');
    expect(closed).toBe(hours(24));
    expect(await journey.row()).toMatchObject({ status: 'active', openSteps: ['late'] });
    await journey.send('advance', { outcome: 'ok' });
    await journey.handle.result();
    await own.rest();
  });
});

describe('runs that continue as new', () => {
  test('open timers, votes, variables and handled commands come along', async () => {
    const template = aTemplate({
      context: { score: { schema: { type: 'number' }, default: 0 } },
      start: 'both',
      steps: {
        both: { kind: 'parallel', branches: ['vote', 'wait'], transitions: [{ to: 'won', default: true }] },
        vote: {
          kind: 'approval',
          approvers: { roles: ['agent'] },
          quorum: 'all',
          within: 'P9D',
          onTimeout: 'incident',
          transitions: [
            { to: '$join', outcome: 'approved' },
            { to: '$join', outcome: 'rejected' },
          ],
        },
        wait: { kind: 'wait', for: 'P5D', transitions: [{ to: '$join', default: true }] },
        won,
      },
    });
    const journey = await desk.start(await desk.publish(template), { continueAfter: 3 });
    const runs = new Set<string>();
    const note = async () => runs.add((await journey.handle.describe()).runId);
    await note();
    await journey.send('vote', { step: 'vote', decision: 'approve' }, { ...as(ann), commandId: 'of-ann' });
    for (const score of [1, 2, 3, 4, 5]) {
      await journey.send('updateContext', { patch: { score } });
      await note();
    }
    const again = await journey.send('vote', { step: 'vote', decision: 'approve' }, { ...as(ann), commandId: 'of-ann' });
    expect(again.version).toBeLessThan((await journey.row()).version);
    await env.sleep(days(2));
    await journey.send('vote', { step: 'vote', decision: 'approve' }, as(ben));
    await note();
    await env.sleep(days(1));
    await journey.send('vote', { step: 'vote', decision: 'approve' }, as(cleo));
    expect(await journey.approval('vote')).toMatchObject({ outcome: 'approved', votes: [{ by: ann }, { by: ben }, { by: cleo }] });
    await env.sleep(days(3));
    expect(runs.size).toBeGreaterThanOrEqual(3);
    expect(await journey.row()).toMatchObject({ status: 'completed', result: 'won', context: { score: 5 } });
    expect(await times(journey, 'journey.ended', 'journey.step.entered')).toEqual([days(5)]);
    const log = await journey.log();
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
  });
});

test('bad input is told field by field and changes nothing', async () => {
  const template = aTemplate({
    start: 'ask',
    steps: { ask: { kind: 'manual', outcomes: ['yes'], transitions: [{ to: 'won', outcome: 'yes' }] }, won },
  });
  const journey = await desk.start(await desk.publish(template));
  const before = await journey.row();
  expect(await codeOf(journey.handle.executeUpdate('advance', { args: [{ actor: 'nobody', outcom: 'yes' }] }))).toBe('invalid_request');
  expect(await codeOf(journey.send('advance', { outcome: 'no' }))).toBe('unknown_outcome');
  expect(await codeOf(journey.send('cancel', {}))).toBe('reason_required');
  await journey.handle.signal('event', { nonsense: true });
  await journey.handle.signal('handoff', 'nonsense');
  expect(await journey.row()).toEqual(before);
  await journey.handle.executeUpdate('advance', { args: [{ actor: 'user/otto' }] });
  await journey.handle.result();
});

test('a template nobody has published begins nothing', async () => {
  const refusal = await codeOf(desk.start({ key: 'nothing', version: 1, hash: '0'.repeat(64) }));
  expect(refusal).toBe('unknown_template');
});

const handing = (fields: object = {}) =>
  aTemplate({
    context: { customerId: { schema: { type: 'string' } }, serviceType: { schema: { type: 'string' } } },
    start: 'install',
    steps: {
      install: {
        kind: 'handoff',
        from: 'crm',
        to: 'field-ops',
        mode: 'accept',
        acceptWithin: 'PT4H',
        completeWithin: 'P3D',
        requiredData: ['serviceType'],
        onTimeout: 'incident',
        onReturn: 'fix',
        ...fields,
        transitions: [
          { to: 'won', outcome: 'completed' },
          { to: 'lost', outcome: 'rejected' },
        ],
      },
      fix: { kind: 'manual', outcomes: ['fixed'], transitions: [{ to: 'install', outcome: 'fixed' }] },
      won,
      lost,
    },
  });

// What a cancelled journey leaves to its handoffs stops the clock of this server: so these come last, and the one that sleeps comes first.
describe('handoffs', () => {
  test('nobody accepts: the step is parked, and its retry offers it again', async () => {
    const journey = await desk.start(await desk.publish(handing({ requiredData: [] })));
    const handoff = journey.handoff('install');
    await env.sleep(hours(5));
    await until(async () => (await journey.visits())['install.1']?.incident).toBe('handoff_timeout');
    await journey.send('retry', { step: 'install' });
    await until(async () => (await handoff.row())?.state).toBe('offered');
    await handoff.send('reject', { reason: 'no_capacity' });
    await until(async () => (await journey.row()).openSteps).toEqual(['fix']);
    await journey.handle.cancel();
    await journey.handle.result();
  });

  test('S39: what is missing is waited for, and the handoff goes on by itself once it is there', async () => {
    const journey = await desk.start(await desk.publish(handing()));
    const handoff = journey.handoff('install');
    await until(async () => (await handoff.row())?.state).toBe('awaiting_data');
    expect(await handoff.row()).toMatchObject({ missing: ['serviceType'], owner: 'crm' });
    await journey.send('updateContext', { patch: { serviceType: 'fiber' } });
    await until(async () => (await handoff.row())?.state).toBe('offered');
    await handoff.send('accept', {});
    await handoff.send('complete', {});
    await journey.handle.result();
    expect(await journey.row()).toMatchObject({ status: 'completed', result: 'won' });
    expect(await journey.visits()).toMatchObject({ 'install.1': { state: 'completed', outcome: 'completed', cause: 'handoff' } });
  });

  test('what a gate votes on changes: another round, with those who may vote by then; what is not voted on changes nothing', async () => {
    const approval = {
      approvers: { expr: '[context.owner]' },
      quorum: 'all',
      within: 'P1D',
      onTimeout: 'incident',
      evidence: ['context.amount'],
    };
    const template = handing({ mode: 'approve', then: 'accept', requiredData: [], approval });
    const context = {
      owner: { schema: { type: 'string' } },
      amount: { schema: { type: 'number' }, default: 5 },
      note: { schema: { type: 'number' } },
    } as const;
    const journey = await desk.start(await desk.publish({ ...template, context }), { input: { owner: ann } });
    const gate = () => journey.approval('install');
    await until(gate).toMatchObject({ round: 1, eligible: [{ id: ann }] });
    // What the handoff reports has come before anything is sent to the journey: see timeEnvironment.
    await until(async () => (await journey.row()).awaitsApproval).toBe(true);
    await journey.send('updateContext', { patch: { note: 1 } });
    await until(async () => (await journey.row()).dueAt).not.toBeNull();
    await journey.send('updateContext', { patch: { owner: ben, amount: 6 } });
    await until(gate).toMatchObject({ round: 2, eligible: [{ id: ben }] });
    const handoff = journey.handoff('install');
    expect(await codeOf(handoff.send('vote', { decision: 'approve' }, as(ann)))).toBe('not_eligible');
    await handoff.send('vote', { decision: 'approve' }, as(ben));
    await until(async () => (await handoff.row())?.state).toBe('offered');
    await handoff.send('accept', {});
    await handoff.send('complete', {});
    await journey.handle.result();
    expect(await gate()).toMatchObject({ outcome: 'approved', votes: [{ by: ben }] });
  });

  test('S41: each return goes the way of returns, and the next time round is a new visit, the sender’s again', async () => {
    const journey = await desk.start(await desk.publish(handing()), { input: {} });
    await journey.send('updateContext', { patch: { serviceType: 'fiber' } });
    for (const visit of [1, 2]) {
      const handoff = journey.handoff('install', visit);
      await until(async () => (await handoff.row())?.state).toBe('offered');
      expect(await handoff.row()).toMatchObject({ owner: 'crm' });
      await handoff.send('accept', {});
      expect(await handoff.row()).toMatchObject({ owner: 'field-ops' });
      await handoff.send('return', { reason: 'no_access' });
      expect(await handoff.row()).toMatchObject({ state: 'returned', owner: 'crm', reason: 'no_access' });
      await until(async () => (await journey.row()).openSteps).toEqual(['fix']);
      await journey.send('advance', { outcome: 'fixed' });
    }
    await until(async () => (await journey.handoff('install', 3).row())?.state).toBe('offered');
    await journey.handle.cancel();
    await journey.handle.result();
    await journey.handoff('install', 3).handle.result();
    expect(await journey.handoff('install', 3).row()).toMatchObject({ state: 'cancelled' });
  });
});
