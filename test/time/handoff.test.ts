/** Handoffs by themselves in virtual time: their votes, offers and attempts, with what PostgreSQL was told of them. Source: journeys.md, sections 8 and 9. */
import { randomBytes, randomUUID } from 'node:crypto';
import proto from '@temporalio/proto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { demo } from '../../db/seed.js';
import { base32 } from '../../domain/ids.js';
import type { ActionRequest, ActionResult } from '../../domain/journey/action.js';
import type { HandoffRules, HandoffStart } from '../../domain/journey/run/effect.js';
import { handoffStartOptions, handoffWorkflowType } from '../../workflows/handoff/start.js';
import { journeyStartOptions, journeyWorkflowType } from '../../workflows/journey/start.js';
import { taskQueue } from '../../workflows/names.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';
import { codeOf, HandoffRun, JourneyDesk } from '../support/journey-run.js';
import type { Published } from '../support/journey-run.js';
import { timeEnvironment } from '../support/time-env.js';

const { INDEXED_VALUE_TYPE_KEYWORD: KEYWORD, INDEXED_VALUE_TYPE_DATETIME: DATETIME } = proto.temporal.api.enums.v1.IndexedValueType;

let env: TestWorkflowEnvironment;
let database: TestDatabase;
let desk: JourneyDesk;
let template: Published;
let act: (request: ActionRequest) => Promise<ActionResult>;

beforeAll(async () => {
  env = await timeEnvironment();
  database = await freshDatabase();
  await env.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: { Tenant: KEYWORD, Template: KEYWORD, Status: KEYWORD, Stage: KEYWORD, HandoffTo: KEYWORD, DueAt: DATETIME },
  });
  desk = await JourneyDesk.open({ client: env.client, connection: env.nativeConnection, database, act: (request) => act(request) });
  const won = { kind: 'end', outcome: 'done', result: 'won' } as const;
  template = await desk.publish({
    key: 'sample',
    name: 'Sample',
    category: 'custom',
    subject: { type: 'customer', id: 'subject.id' },
    start: 'won',
    steps: { won },
  });
});

afterEach(() => {
  act = () => Promise.resolve({ state: 'done', output: {} });
});

afterAll(async () => {
  await desk.rest();
  await database[Symbol.asyncDispose]();
  await env.teardown();
});

/** A busy machine takes its time. */
const until = <T>(look: () => T) => expect.poll(look, { timeout: 120_000 });

const hours = (count: number): number => count * 3_600_000;

const [agent, other, third] = demo.agents;
const as = (person: string) => ({ actor: `user/${person}`, role: 'agent', roles: ['agent'] });

/** Opens a handoff whose journey nobody has opened yet: what it reports is kept, and changes nothing. */
async function openHandoff(rules: Partial<HandoffRules>, start: Partial<HandoffStart> = {}, continueAfter = 1_000): Promise<HandoffRun> {
  const journeyId = `JRN-${base32(randomBytes(10))}`;
  const all: HandoffStart = {
    journeyId,
    tenant: demo.tenant,
    step: 'install',
    visit: 1,
    extra: false,
    rules: { from: 'crm', to: 'field-ops', mode: 'accept', ...rules },
    data: {},
    requester: null,
    earlierVoters: [],
    ...start,
  };
  const outboundQueue = taskQueue('outbound', desk.queueSuffix);
  const subject = { type: 'customer', id: demo.customers[0] ?? '' };
  const waiting = { journeyId, tenant: demo.tenant, template, entryKey: journeyId };
  await env.client.workflow.start(
    journeyWorkflowType,
    journeyStartOptions(waiting, { queueSuffix: desk.queueSuffix, continueAfter: 1_000 }),
  );
  const { parentClosePolicy: _ofChildren, ...options } = handoffStartOptions({
    start: all,
    tenant: demo.tenant,
    template,
    subject,
    outboundQueue,
    continueAfter,
  });
  await env.client.workflow.start(handoffWorkflowType, { ...options, taskQueue: taskQueue('core', desk.queueSuffix) });
  return new HandoffRun(env.client, desk, `${journeyId}.install.1`);
}

test('is offered, accepted, worked on and completed; the receiver owns the clock from its acceptance on', async () => {
  const handoff = await openHandoff({ acceptWithin: hours(4), completeWithin: hours(48) });
  await until(async () => (await handoff.row())?.state).toBe('offered');
  expect(await handoff.row()).toMatchObject({ owner: 'crm' });
  expect(await handoff.send('accept', {})).toMatchObject({ view: { state: 'accepted', owner: 'field-ops' } });
  await handoff.send('claim', {}, { actor: `user/${agent}`, role: 'agent' });
  expect(await codeOf(handoff.send('complete', {}, { actor: `user/${other}`, role: 'agent' }))).toBe('already_claimed');
  await handoff.send('complete', { output: { serviceId: 'S1' } }, { actor: `user/${agent}`, role: 'agent' });
  await handoff.handle.result();
  expect(await handoff.row()).toMatchObject({ state: 'completed', owner: 'field-ops', outcome: 'completed' });
});

test('an operator sends the same from the form, with nothing but a name', async () => {
  const handoff = await openHandoff({ acceptWithin: hours(4) });
  await handoff.handle.executeUpdate('accept', { args: [{ actor: 'user/otto' }] });
  expect(await codeOf(handoff.handle.executeUpdate('return', { args: [{ actor: 'user/otto' }] }))).toBe('reason_required');
  expect(await codeOf(handoff.handle.executeUpdate('return', { args: [{ actor: 'otto', resaon: 'x' }] }))).toBe('invalid_request');
  await handoff.handle.executeUpdate('return', { args: [{ actor: 'user/otto', reason: 'no_access' }] });
  await handoff.handle.result();
  expect(await handoff.row()).toMatchObject({ state: 'returned', owner: 'crm', reason: 'no_access' });
});

test('nobody accepts in time: it waits, and is offered again when somebody says so', async () => {
  const handoff = await openHandoff({ acceptWithin: hours(4), onTimeout: 'incident' });
  await env.sleep(hours(5));
  expect(await handoff.row()).toMatchObject({ state: 'expired' });
  await handoff.send('retry', {});
  expect(await handoff.row()).toMatchObject({ state: 'offered' });
  await handoff.send('cancel', {});
  await handoff.handle.result();
});

test('the receiver’s activity accepts: three attempts with pauses, in five minutes at most', async () => {
  const attempts: number[] = [];
  act = ({ attempt, effect }) => {
    expect(effect).toBe('field-ops.accept_handoff@1');
    attempts.push(attempt);
    return Promise.resolve({ state: 'failed', error: 'Unavailable', retryable: true });
  };
  const handoff = await openHandoff({ mode: 'automatic' });
  await env.sleep(10 * 60_000);
  expect(attempts).toEqual([1, 2, 3]);
  expect(await handoff.row()).toMatchObject({ state: 'failed', attempts: 3 });
  act = () => Promise.resolve({ state: 'done', output: { accepted: true } });
  await handoff.send('retry', {});
  await until(async () => (await handoff.row())?.state).toBe('accepted');
  await handoff.send('complete', {});
  await handoff.handle.result();
});

test('the gate comes first: the people of the roles vote once each, and the requester not at all', async () => {
  const handoff = await openHandoff(
    {
      mode: 'approve',
      then: 'accept',
      acceptWithin: hours(4),
      approval: { approvers: { roles: ['agent'] }, quorum: { count: 2 }, within: hours(8), onTimeout: 'incident' },
    },
    { requester: agent },
    2,
  );
  await until(async () => (await handoff.row())?.state).toBe('awaiting_approval');
  const run = async (): Promise<string> => (await handoff.handle.describe()).runId;
  const first = await run();
  expect(await codeOf(handoff.send('approve', {}, as(agent)))).toBe('requester_excluded');
  await handoff.send('approve', {}, as(other));
  expect(await codeOf(handoff.send('approve', {}, as(other)))).toBe('already_voted');
  expect(await codeOf(handoff.send('vote', { decision: 'reject' }, as(third)))).toBe('comment_required');
  await handoff.send('vote', { decision: 'approve' }, as(third));
  expect(await handoff.row()).toMatchObject({ state: 'offered' });
  await handoff.send('accept', {}, { commandId: 'first' });
  // Two commands a run: it continues as new, and knows them still.
  await until(run).not.toBe(first);
  const again = await handoff.send('accept', {}, { commandId: 'first' });
  expect(again.view.state).toBe('accepted');
  await handoff.send('complete', {});
  await handoff.handle.result();
});

test('the same command again gets the first answer', async () => {
  const handoff = await openHandoff({ acceptWithin: hours(4) });
  const commandId = randomUUID();
  const first = await handoff.send('accept', {}, { commandId });
  await handoff.send('claim', {});
  expect((await handoff.send('accept', {}, { commandId })).version).toBe(first.version);
  await handoff.handle.cancel();
  await handoff.handle.result();
  expect(await handoff.row()).toMatchObject({ state: 'cancelled' });
});
