/** Journeys on a real server: with what the one that skips time cannot do, and what can come in between. Source: journeys.md, section 13. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createActionRunner } from '../../activities/actions.js';
import { createTickets } from '../../activities/actions/desk-tickets.js';
import { createActions } from '../../activities/actions/registry.js';
import { createPackages } from '../../activities/adapters/packages.js';
import type { Activities } from '../../activities/contract.js';
import { createJourneyProjection } from '../../activities/journey-projection.js';
import { demo } from '../../db/seed.js';
import type { ActionRequest, ActionResult } from '../../domain/journey/action.js';
import type { JsonObject } from '../../domain/journey/json.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { customerAcquisition } from '../../journeys/customer-acquisition.js';
import { startPackages } from '../../local/packages/server.js';
import { createTicketOrders } from '../../worker/ticket-orders.js';
import { searchAttributes } from '../../workflows/names.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';
import { devEnvironment } from '../support/dev-env.js';
import { replayAll } from '../support/histories.js';
import { codeOf, JourneyDesk } from '../support/journey-run.js';
import type { JourneyRun } from '../support/journey-run.js';
import { aPolicy } from '../support/policies.js';
import { closeDesk, openDesk, publishPolicies } from '../support/ticket-run.js';

let env: TestWorkflowEnvironment;
let database: TestDatabase;
let desk: JourneyDesk;
let act: (request: ActionRequest) => Promise<ActionResult>;
/** Stands before the projection; lets it through by default. */
let project: (real: Activities['projectJourney']) => Activities['projectJourney'];

const through = (real: Activities['projectJourney']): Activities['projectJourney'] => real;

beforeAll(async () => {
  env = await devEnvironment();
  database = await freshDatabase();
  project = through;
  const { projectJourney } = createJourneyProjection({ db: database.db, newId: randomUUID, onRepaired: () => undefined });
  desk = await JourneyDesk.open({
    client: env.client,
    connection: env.nativeConnection,
    namespace: 'usher',
    database,
    act: (request) => act(request),
    activities: { projectJourney: (records) => project(projectJourney)(records) },
  });
});

afterEach(() => {
  act = () => Promise.resolve({ state: 'done', output: {} });
  project = through;
});

afterAll(async () => {
  await desk.rest();
  await database[Symbol.asyncDispose]();
  await env.teardown();
});

/** A busy machine takes its time. */
const until = <T>(look: () => T) => expect.poll(look, { timeout: 120_000 });

const attributes = async (handle: WorkflowHandle) => {
  const { typedSearchAttributes: shown } = await handle.describe();
  return {
    template: shown.get(searchAttributes.template),
    status: shown.get(searchAttributes.status),
    stage: shown.get(searchAttributes.stage),
    due: shown.get(searchAttributes.dueAt)?.getTime(),
    to: shown.get(searchAttributes.handoffTo),
  };
};

/** How many signals of a run have not reached whom they are for. */
const unheard = async (handle: WorkflowHandle): Promise<number> => {
  const { events } = await handle.fetchHistory();
  const said = events?.filter((one) => one.signalExternalWorkflowExecutionInitiatedEventAttributes != null).length ?? 0;
  return said - (events?.filter((one) => one.externalWorkflowExecutionSignaledEventAttributes != null).length ?? 0);
};

const reasonFor = (journey: JourneyRun): Promise<{ reason: string }> => journey.text('It is over.').then((reason) => ({ reason }));

let made = 0;
const aTemplate = (fields: Pick<JourneyTemplate, 'start' | 'steps'> & Partial<JourneyTemplate>): JourneyTemplate => ({
  key: `sample_${(made += 1)}`,
  name: 'Sample',
  category: 'custom',
  subject: { type: 'customer', id: 'subject.id' },
  stages: [{ id: 'first', name: 'First', order: 1 }],
  ...fields,
});

const won = { kind: 'end', outcome: 'done', result: 'won' } as const;
const manual = { kind: 'manual', stage: 'first', outcomes: ['go'], transitions: [{ to: 'won', outcome: 'go' }] } as const;

/** What the field does, and where it goes on from there. */
const handingOver = (done: string) =>
  ({
    kind: 'handoff',
    from: 'crm',
    to: 'field-ops',
    mode: 'accept',
    acceptWithin: 'PT4H',
    onTimeout: 'incident',
    transitions: [
      { to: done, outcome: 'completed' },
      { to: 'won', outcome: 'rejected' },
      { to: 'won', outcome: 'returned' },
    ],
  }) as const;

describe('actions', () => {
  const acting = aTemplate({
    start: 'act',
    steps: {
      act: { kind: 'automated', action: 'crm.score@1', timeouts: { attempt: 'PT2S' }, transitions: [{ to: 'won', default: true }] },
      won,
    },
  });

  test('S43: a cancel during an action is the end, and what the action answers then changes nothing', async () => {
    let isRunning = false;
    act = async () => {
      isRunning = true;
      return Context.current().cancelled;
    };
    const slow = {
      ...acting,
      key: 'slow',
      steps: { ...acting.steps, act: { kind: 'automated', action: 'crm.score@1', transitions: [{ to: 'won', default: true }] } },
    } as JourneyTemplate;
    const journey = await desk.start(await desk.publish(slow));
    await until(() => isRunning).toBe(true);
    expect((await journey.send('cancel', {}, await reasonFor(journey))).view).toMatchObject({ status: 'cancelled' });
    await journey.handle.result();
    expect(await journey.row()).toMatchObject({ status: 'cancelled', openSteps: [] });
    expect(await journey.visits()).toMatchObject({ 'act.1': { state: 'cancelled' } });
    expect((await journey.events()).at(-1)).toBe('journey.ended');
    expect(await codeOf(journey.send('advance', {}))).toBe('gone');
  });

  test('an attempt that never answers ends with its time, and the next one does it', async () => {
    act = ({ attempt }) => (attempt === 1 ? Context.current().cancelled : Promise.resolve({ state: 'done', output: {} }));
    const journey = await desk.start(await desk.publish(acting));
    await journey.handle.result();
    expect((await journey.visits())['act.1']).toMatchObject({ state: 'completed', attempts: 2 });
  });
});

test('operators see template, state, stage and what is due, and find it by them', async () => {
  const template = aTemplate({
    start: 'vote',
    steps: {
      vote: {
        kind: 'approval',
        stage: 'first',
        approvers: { roles: ['agent'] },
        quorum: 'any',
        within: 'PT8H',
        onTimeout: 'incident',
        transitions: [
          { to: 'broken', outcome: 'approved' },
          { to: 'won', outcome: 'rejected' },
        ],
      },
      broken: {
        kind: 'decision',
        transitions: [
          { to: 'won', when: 'context.nothing > 1.0' },
          { to: 'won', default: true },
        ],
      },
      won,
    },
  });
  const journey = await desk.start(await desk.publish(template));
  const { openedAt, dueAt } = await desk.inTenant((tx) =>
    tx.selectFrom('approval').select(['openedAt', 'dueAt']).where('id', '=', `${journey.id}.vote.1`).executeTakeFirstOrThrow(),
  );
  expect(dueAt?.getTime()).toBe(openedAt.getTime() + 8 * 3_600_000);
  expect(await attributes(journey.handle)).toMatchObject({
    template: `${template.key}@1`,
    status: 'awaiting_approval',
    stage: 'first',
    due: dueAt?.getTime(),
  });
  await until(async () => {
    const found = env.client.workflow.list({ query: `\`Status\` = "awaiting_approval" AND Template = "${template.key}@1"` });
    const ids: string[] = [];
    for await (const { workflowId } of found) ids.push(workflowId);
    return ids;
  }).toEqual([`journey/${journey.id}`]);
  const [agent] = demo.agents;
  await journey.send('vote', { step: 'vote', decision: 'approve' }, { actor: `user/${agent}`, role: 'agent', roles: ['agent'] });
  expect(await attributes(journey.handle)).toMatchObject({ status: 'incident' });
  await journey.send('cancel', {}, await reasonFor(journey));
  await journey.handle.result();
  expect(await attributes(journey.handle)).toMatchObject({ status: 'cancelled' });
});

test('while PostgreSQL is away commands are accepted, and it learns of them in order', async () => {
  const template = aTemplate({
    context: { score: { schema: { type: 'number' } } },
    start: 'ask',
    steps: { ask: manual, won },
  });
  const journey = await desk.start(await desk.publish(template));
  let isAway = true;
  project = (real) => (records) => (isAway ? Promise.reject(ApplicationFailure.retryable('away', 'projection.retry')) : real(records));
  const first = await journey.send('updateContext', { patch: { score: 1 } });
  expect(first).toMatchObject({ projected: false, view: { context: { score: 1 } } });
  const second = await journey.send('updateContext', { patch: { score: 2 } });
  expect(second).toMatchObject({ projected: false });
  expect(second.stored).toBeLessThan(first.version);
  isAway = false;
  await until(async () => (await journey.row()).context).toEqual({ score: 2 });
  expect(await journey.send('advance', {})).toMatchObject({ view: { result: 'won' } });
  await journey.handle.result();
  const log = await journey.log();
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
});

test('two who start the same journey at once meet in one', async () => {
  const template = await desk.publish(aTemplate({ start: 'ask', steps: { ask: manual, won } }));
  const journeyId = 'JRN-0000000000000001';
  const [one, other] = await Promise.all([
    desk.start(template, { journeyId, commandId: 'one', entryKey: 'same' }),
    desk.start(template, { journeyId, commandId: 'other', entryKey: 'same' }),
  ]);
  expect([one.opened.entry, other.opened.entry].toSorted()).toEqual(['existing', 'started']);
  const again = await desk.start(template, { journeyId, commandId: 'one', entryKey: 'same' });
  expect(again.opened.version).toBe(one.opened.entry === 'started' ? one.opened.version : again.opened.version);
  await one.send('advance', {});
  await one.handle.result();
});

test('a handoff lives on while its journey continues as new, and is called off with it', async () => {
  const template = aTemplate({
    context: { score: { schema: { type: 'number' } } },
    start: 'install',
    steps: {
      install: handingOver('ask'),
      ask: manual,
      won,
    },
  });
  const published = await desk.publish(template);
  const journey = await desk.start(published, { continueAfter: 2 });
  const handoff = journey.handoff('install');
  await until(async () => (await handoff.row())?.state).toBe('offered');
  await until(() => attributes(handoff.handle)).toMatchObject({ to: 'field-ops', status: 'offered' });
  const runs = new Set<string>();
  for (const score of [1, 2, 3, 4]) {
    await journey.send('updateContext', { patch: { score } });
    runs.add((await journey.handle.describe()).runId);
  }
  expect(runs.size).toBeGreaterThanOrEqual(2);
  expect((await handoff.handle.describe()).status.name).toBe('RUNNING');
  await handoff.send('accept', {});
  await handoff.send('complete', {});
  await until(async () => (await journey.row()).openSteps).toEqual(['ask']);
  await journey.send('advance', {});
  await journey.handle.result();

  const other = await desk.start(published);
  await until(async () => (await other.handoff('install').row())?.state).toBe('offered');
  await other.handle.cancel();
  await other.handle.result();
  await other.handoff('install').handle.result();
  expect(await other.handoff('install').row()).toMatchObject({ state: 'cancelled' });
  expect(await other.row()).toMatchObject({ status: 'cancelled' });

  const lost = await desk.start(published);
  await until(async () => (await lost.handoff('install').row())?.state).toBe('offered');
  // An offer that is still on its way would find nobody, and end the handoff before the command comes.
  await until(() => unheard(lost.handoff('install').handle)).toBe(0);
  await lost.handle.terminate();
  await lost.handoff('install').send('accept', {});
  await lost.handoff('install').handle.result();
  expect(await lost.handoff('install').row()).toMatchObject({ state: 'cancelled' });
});

describe('a handoff and its journey', () => {
  const handing = aTemplate({
    context: { note: { schema: { type: 'number' } } },
    start: 'install',
    steps: { install: handingOver('won'), won },
  });

  test('which end in the same moment are both over, for the server too', async () => {
    const journey = await desk.start(await desk.publish(handing));
    const handoff = journey.handoff('install');
    await until(async () => (await handoff.row())?.state).toBe('offered');
    // The journey's last task lasts until its handoff is over: the server refuses to let it end before it has heard of that.
    project = (real) => async (records) => {
      if (records.some(({ view }) => view.endedAt !== null)) await handoff.handle.result();
      return real(records);
    };
    await handoff.send('accept', {});
    await handoff.send('complete', {});
    await journey.handle.result();
    expect(await journey.row()).toMatchObject({ status: 'completed', result: 'won' });
    const { events } = await journey.handle.fetchHistory();
    expect(events?.some((event) => event.workflowTaskFailedEventAttributes != null)).toBe(true);
  });

  // A command that comes second may miss the report's task.
  test.each([
    { first: 'report', most: Infinity },
    { first: 'command', most: 1 },
  ])('the $first first: the report is taken before the command, and a replay finds them in that order', async ({ first, most }) => {
    const journey = await desk.start(await desk.publish({ ...handing, key: `both_${first}` }));
    const handoff = journey.handoff('install');
    await until(async () => (await handoff.row())?.state).toBe('offered');
    await until(() => attributes(journey.handle)).toMatchObject({ due: expect.any(Number) });
    await desk.rest();
    const report = () => journey.handle.signal('handoff', { ...told, handoff: handoff.id });
    const command = () => journey.send('updateContext', { patch: { note: 1 } });
    const told = { seq: 20, state: 'accepted', owner: 'field-ops', dueAt: Date.now() + 86_400_000, attempts: 0 };
    let sent: Promise<unknown>;
    if (first === 'report') {
      await report();
      sent = command();
    } else {
      sent = command();
      await until(async () => (await journey.handle.describe()).raw.pendingWorkflowTask != null).toBe(true);
      await report();
    }
    await desk.work();
    await sent;
    // The server puts a command behind everything its task brings, whatever came first.
    const { events } = await journey.handle.fetchHistory();
    const ids = (kind: 'workflowExecutionSignaledEventAttributes' | 'workflowExecutionUpdateAcceptedEventAttributes') =>
      events?.filter((event) => event[kind] != null).map((event) => Number(event.eventId)) ?? [];
    const shownAt = events?.findLast((event) => event.upsertWorkflowSearchAttributesEventAttributes != null)?.eventId;
    expect(ids('workflowExecutionSignaledEventAttributes').at(-1)).toBeLessThan(Number(shownAt));
    const behind = Number(ids('workflowExecutionUpdateAcceptedEventAttributes').at(-1)) - Number(shownAt);
    expect(behind).toBeGreaterThan(0);
    expect(behind).toBeLessThanOrEqual(most);
    expect((await replayAll(env.client, desk.queue)).otherwise).toEqual([]);
  });
});

test('a step starts another journey, and goes on with how it ended', async () => {
  const child = aTemplate({
    subject: { type: 'customer', id: 'input.customerId' },
    input: { type: 'object', properties: { customerId: { type: 'string' } } },
    start: 'ask',
    steps: { ask: manual, won },
  });
  await desk.publish(child);
  const parent = aTemplate({
    context: { customerId: { schema: { type: 'string' } } },
    start: 'both',
    steps: {
      both: {
        kind: 'journey',
        key: child.key,
        input: { customerId: 'context.customerId' },
        transitions: [
          { to: 'won', outcome: 'done' },
          { to: 'lost', default: true },
        ],
      },
      won,
      lost: { kind: 'end', outcome: 'no', result: 'lost' },
    },
    input: { type: 'object', properties: { customerId: { type: 'string' } } },
  });
  const journey = await desk.start(await desk.publish(parent), { input: { customerId: demo.customers[1] } });
  let started: string | undefined;
  await until(async () => {
    const rows = await desk.inTenant((tx) => tx.selectFrom('journey').select('id').where('parentId', '=', journey.id).execute());
    started = rows[0]?.id;
    return rows.length;
  }).toBe(1);
  await env.client.workflow.getHandle(`journey/${started}`).executeUpdate('advance', { args: [{ actor: 'user/otto' }] });
  await journey.handle.result();
  expect(await journey.row()).toMatchObject({ status: 'completed', result: 'won' });
});

test('a step that finds the journey it wants running waits for its end, and calls nothing off', async () => {
  const child = aTemplate({
    subject: { type: 'customer', id: 'input.customerId' },
    input: { type: 'object', properties: { customerId: { type: 'string' } } },
    start: 'ask',
    steps: { ask: manual, won },
  });
  const input = { customerId: demo.customers[2] ?? '' };
  const subject = { type: 'customer' as const, id: input.customerId };
  const running = await desk.start(await desk.publish(child), { subject, entryKey: `customer/${subject.id}`, input });
  const parent = await desk.publish(
    aTemplate({
      context: { customerId: { schema: { type: 'string' } } },
      input: { type: 'object', properties: { customerId: { type: 'string' } } },
      start: 'both',
      steps: {
        both: { kind: 'journey', key: child.key, input: { customerId: 'context.customerId' }, transitions: [{ to: 'won', default: true }] },
        won,
      },
    }),
  );
  const joins = async (journey: JourneyRun) => until(async () => (await journey.state())?.openSteps.join()).toBe('both');
  const [waiting, givenUp] = [await desk.start(parent, { input }), await desk.start(parent, { input })];
  for (const journey of [waiting, givenUp]) await joins(journey);
  const told = (): Promise<number> =>
    running.handle.fetchHistory().then(({ events }) => (events ?? []).filter((one) => one.workflowExecutionSignaledEventAttributes).length);
  await until(told).toBe(2);
  await givenUp.handle.cancel();
  await givenUp.handle.result();
  expect((await running.row()).status).toBe('active');
  await running.handle.executeUpdate('advance', { args: [{ actor: 'user/otto' }] });
  await waiting.handle.result();
  expect(await waiting.row()).toMatchObject({ status: 'completed', result: 'won' });
});

test('a ticket’s clock stands still while somebody has to decide about it', async () => {
  const tickets = await openDesk({ client: env.client, connection: env.nativeConnection, namespace: 'usher', database });
  const policy = aPolicy({ pauseOnApproval: ['resolution'] });
  const ticket = await tickets.open({ sla: { set: await publishPolicies(database.db, [policy]) } });
  await until(async () => (await ticket.clocks())['resolution#1']?.phase).toBe('running');
  const template = aTemplate({
    subject: { type: 'ticket', id: 'subject.id' },
    start: 'vote',
    steps: {
      vote: {
        kind: 'approval',
        approvers: { roles: ['agent'] },
        quorum: 'any',
        within: 'PT8H',
        onTimeout: 'incident',
        transitions: [
          { to: 'won', outcome: 'approved' },
          { to: 'won', outcome: 'rejected' },
        ],
      },
      won,
    },
  });
  const journey = await desk.start(await desk.publish(template), { subject: { type: 'ticket', id: ticket.id } });
  await until(async () => (await ticket.clocks())['resolution#1']?.phase).toBe('paused');
  // Of another tenant, or nonsense: nobody takes notice.
  await ticket.handle.signal('approval', { tenant: 'another', approval: `${journey.id}.vote.1`, open: false });
  await ticket.handle.signal('approval', { tenant: demo.tenant, approval: 7, open: 'no' });
  expect((await ticket.clocks())['resolution#1']?.phase).toBe('paused');
  const [agent] = demo.agents;
  await journey.send('vote', { step: 'vote', decision: 'approve' }, { actor: `user/${agent}`, role: 'agent', roles: ['agent'] });
  await until(async () => (await ticket.clocks())['resolution#1']?.phase).toBe('running');
  await ticket.send('close', { cause: 'spam' });
  await closeDesk(tickets);
});

test('customer_acquisition, from the lead to the date of installation, with the packages’ own answers', async () => {
  let journey: JourneyRun | undefined;
  const events = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const {
        id,
        type,
        customerId,
        data = {},
      } = JSON.parse(Buffer.concat(chunks).toString()) as { id: string; type: string; customerId?: string; data?: JsonObject };
      void journey
        ?.hear(type, data, { id, ...(customerId === undefined ? {} : { customerId }) })
        .finally(() => response.writeHead(202).end());
    });
  });
  await new Promise<void>((resolve) => events.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(events.address() as AddressInfo).port}/v1/events`;
  const packages = await startPackages({ port: 0, events: { url, key: 'a key', delayMs: 10, pausesMs: [50] }, log: () => undefined });
  const at = (name: string): string => `${packages.url}/${name}`;
  const { foreignTickets: foreign, ...ports } = createPackages({
    crm: at('crm'),
    billing: at('billing'),
    fieldOperations: at('field-ops'),
    businessLogic: at('business-logic'),
    support: at('support'),
  });
  const tickets = createTickets({ db: database.db, orders: createTicketOrders(env.client), foreign });
  const { runAction } = createActionRunner({ db: database.db, actions: createActions({ ...ports, tickets }), now: Date.now });
  const real = await JourneyDesk.open({
    client: env.client,
    connection: env.nativeConnection,
    namespace: 'usher',
    database,
    seeded: true,
    activities: { runAction },
  });

  journey = await real.start(await real.publish(customerAcquisition), {
    subject: { type: 'lead', id: 'lead-1' },
    input: { leadId: 'lead-1', leadScore: 85 },
  });
  const run = journey;
  await until(async () => (await run.row()).openSteps).toEqual(['customer_conversion']);
  expect(await run.row()).toMatchObject({ progress: 20, stage: 'qualified', context: { score: 85 } });
  await run.send('advance', { outcome: 'converted', output: { customerId: 'C-1' } });
  await run.send('advance', { outcome: 'selected', output: { serviceType: 'fiber', installationType: 'indoor' } });
  const handoff = run.handoff('service_activation');
  await until(async () => (await handoff.row())?.state).toBe('awaiting_approval');
  await handoff.send('approve', {}, { roles: ['admin'] });
  await run.handle.result();
  expect(await run.row()).toMatchObject({ status: 'completed', result: 'won', outcome: 'active', progress: 100, stage: 'active_service' });
  expect(await run.visits()).toMatchObject({
    'lead_qualification.1': { outcome: 'completed', cause: 'action', attempts: 1 },
    'service_activation.1': { outcome: 'service_activation_complete' },
    'schedule_installation.1': { outcome: 'completed' },
  });
  await real.rest();
  await packages.stop();
  await new Promise((resolve) => events.close(resolve));
}, 400_000);

test('every run of these is replayed as it was', { timeout: 120_000 }, async () => {
  const { replayed, otherwise } = await replayAll(env.client, desk.queue);
  expect(otherwise).toEqual([]);
  expect(replayed).toBeGreaterThan(20);
});
