/**
 * Journeys whose worker is really killed: in a block whose actions run, in a handoff, between two votes, in the middle of a command. After each
 * kill: no event is missing or there twice, no effect happened twice, what was answered is still true. Source: reliability.md, sections 2 and 4;
 * journeys.md, sections 7 to 9.
 */
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { JourneyView } from '../../domain/journey/run/record.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { handoffWorkflowId } from '../../workflows/handoff/start.js';
import { journeyWorkflowId } from '../../workflows/journey/start.js';
import { state } from '../../workflows/journey/messages.js';
import type { Answer, CallOptions, DeskClient } from '../support/desk-client.js';
import { keepHistory } from '../support/histories.js';
import { startTestStack } from '../support/stack.js';
import type { TestStack } from '../support/stack.js';

let running: TestStack;
let desk: DeskClient;
let temporal: Connection;
let engine: Client;

beforeAll(async () => {
  running = await startTestStack();
  desk = running.desk;
  temporal = await Connection.connect({ address: desk.info.temporalAddress });
  engine = new Client({ connection: temporal, namespace: desk.info.namespace });
  for (const template of [machines, people, call]) await publish(template);
}, 400_000);
afterAll(async () => {
  await temporal.close();
  await running[Symbol.asyncDispose]();
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail')
    process.stderr.write(`--- api\n${running.stack.api.tail()}\n--- worker\n${running.stack.worker.tail()}\n`);
  await running.stack.packages.clear();
});

const base = {
  category: 'custom',
  subject: { type: 'customer', id: 'input.customerId' },
  input: { type: 'object', properties: { customerId: { type: 'string' }, amountCents: { type: 'number' }, currency: { type: 'string' } } },
  entry: { concurrency: 'unlimited' },
} as const satisfies Partial<JourneyTemplate>;
const won = { kind: 'end', outcome: 'done', result: 'won' } as const;
/** What comes after the fault: a person goes on. */
const next = {
  kind: 'manual',
  name: 'Go on',
  assign: { roles: ['agent'] },
  due: 'P2D',
  outcomes: ['done'],
  transitions: [{ to: 'won', outcome: 'done' }],
} as const;
/** An attempt that nobody answers is over soon. */
const brief = { timeouts: { attempt: 'PT3S' }, retry: { initial: 'PT1S' } } as const;
const joining = { transitions: [{ to: '$join', default: true }] } as const;
const handing = {
  kind: 'handoff',
  from: 'crm',
  to: 'field-ops',
  completeWithin: 'P1D',
  onTimeout: 'incident',
  transitions: [
    { to: '$join', outcome: 'completed' },
    { to: '$join', outcome: 'rejected' },
    { to: '$join', outcome: 'returned' },
  ],
} as const;

/** Everything in it is done by packages. */
const machines: JourneyTemplate = {
  ...base,
  key: 'machines',
  name: 'Machines',
  start: 'all',
  steps: {
    all: { kind: 'parallel', branches: ['measure', 'score', 'charge', 'install'], transitions: [{ to: 'next', default: true }] },
    measure: { kind: 'automated', action: 'service.analyze_usage@1', input: { customerId: 'input.customerId' }, ...brief, ...joining },
    score: { kind: 'automated', action: 'crm.qualify_lead@1', input: { leadId: 'input.customerId' }, ...brief, ...joining },
    charge: {
      kind: 'automated',
      action: 'billing.charge@1',
      input: { customerId: 'input.customerId', amountCents: 'input.amountCents', currency: 'input.currency' },
      ...joining,
    },
    install: { ...handing, ...brief, mode: 'automatic' },
    next,
    won,
  },
};
/** Everything in it is done by people. */
const people: JourneyTemplate = {
  ...base,
  key: 'people',
  name: 'People',
  start: 'all',
  steps: {
    all: { kind: 'parallel', branches: ['vote', 'install'], transitions: [{ to: 'next', default: true }] },
    vote: {
      kind: 'approval',
      approvers: { roles: ['lead', 'agent'] },
      quorum: { count: 2 },
      within: 'P1D',
      onTimeout: 'incident',
      transitions: [
        { to: 'agreed', outcome: 'approved' },
        { to: '$join', outcome: 'rejected' },
      ],
    },
    agreed: { kind: 'automated', ...joining },
    install: { ...handing, mode: 'accept', acceptWithin: 'PT4H' },
    next,
    won,
  },
};
const call: JourneyTemplate = {
  ...base,
  key: 'call',
  name: 'Call',
  start: 'first',
  steps: { first: { ...next, transitions: [{ to: 'next', outcome: 'done' }] }, next, won },
};

async function publish(template: JourneyTemplate): Promise<void> {
  const created = await desk.call('POST', '/journey-templates', template, { as: 'lead' });
  expect(created.status, JSON.stringify(created.body)).toBe(201);
  expect((await desk.call('POST', `/journey-templates/${template.key}/publish`, {})).status).toBe(201);
}

async function start(template: JourneyTemplate): Promise<string> {
  const customerId = `C-${randomUUID().slice(0, 8)}`;
  const input = { customerId, amountCents: 4_900, currency: 'EUR' };
  const { status, body } = await desk.call('POST', '/journeys', { template: template.key, input });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.id;
}

const until = <T>(look: () => T) => expect.poll(look, { timeout: 120_000, interval: 50 });
const openSteps = async (id: string): Promise<readonly string[]> => (await desk.call('GET', `/journeys/${id}`)).body.openSteps;
const handoffOf = async (id: string) => (await desk.call('GET', `/handoffs/${id}.install.1`)).body;

/** Sends a command until somebody has taken it, always under one key. */
async function insist(path: string, body: object, { key, ...options }: CallOptions & { readonly key: string }): Promise<Answer> {
  let answer: Answer | undefined;
  await until(async () => {
    answer = await desk.call('POST', path, body, { key, ...options });
    return answer.status;
  }).toBe(200);
  if (answer === undefined) throw new Error('nobody answered');
  return answer;
}

/** Sends a command that reaches the worker, which dies while it carries it out, and another one comes. */
async function dieDuring(path: string, body: object, options: CallOptions): Promise<Answer> {
  const release = await desk.holdProjections();
  const answer = desk.call('POST', path, body, { ...options, impatient: true });
  const projecting = () => desk.sql(`select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%insert into event%'`);
  await until(async () => (await projecting()).length).toBeGreaterThan(0);
  await running.stack.worker.kill('SIGKILL');
  await release();
  await running.stack.worker.start();
  return answer;
}

interface Told {
  readonly subject: string;
  readonly seq: number;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}
/** What happened to a journey and its handoffs, as the log has it. */
const log = (id: string): Promise<Told[]> =>
  desk.sql<Told>(`select subject, seq, type, data from event where subject = $1 or subject like $2 order by subject, seq`, [
    `journey/${id}`,
    `handoff/${id}.%`,
  ]);

/** What can be said once of a step's visit or of a handoff. */
const onceEach = [
  'journey.started',
  'journey.ended',
  'journey.step.entered',
  'journey.step.completed',
  'approval.opened',
  'approval.closed',
  'handoff.created',
  'handoff.offered',
  'handoff.accepted',
  'handoff.completed',
];

/** What must hold after every fault, of a journey in which nothing is under way. */
async function expectSound(id: string): Promise<void> {
  const told = await log(id);
  const seqsOf = (subject: string): number[] => told.filter((one) => one.subject === subject).map(({ seq }) => seq);
  for (const subject of new Set(told.map((one) => one.subject))) {
    const seqs = seqsOf(subject);
    expect(seqs, subject).toEqual(seqs.map((_, index) => index + 1));
  }
  const names = told.flatMap(({ subject, type, data }) => {
    if (type === 'approval.voted') return [`${subject} ${type} ${String(data['by'])}`];
    return onceEach.includes(type) ? [`${subject} ${type} ${String(data['step'])} ${String(data['visit'])}`] : [];
  });
  expect(names).toEqual(Array.from(new Set(names)));
  // The row is at the last event, and says what the workflow says.
  const [row] = await desk.sql<{ version: number; status: string; open_steps: string[] }>(
    'select version, status, open_steps from journey where id = $1',
    [id],
  );
  expect(row?.version).toBe(seqsOf(`journey/${id}`).length);
  const view: JourneyView | null = await engine.workflow.getHandle(journeyWorkflowId(id)).query(state);
  expect(view).toMatchObject({ version: row?.version, status: row?.status, openSteps: row?.open_steps });
  await expectOneEffect(id);
}

/** What packages were asked for a journey: whether they did it then. */
interface Call {
  readonly key: string;
  readonly step: string;
  readonly executed: boolean;
}
async function callsFor(id: string): Promise<Call[]> {
  const calls = await running.stack.packages.calls();
  return calls.flatMap(({ key, executed }) => {
    const [, journey, step = ''] = key?.split('/') ?? [];
    return key === null || journey !== id ? [] : [{ key, step, executed }];
  });
}

/** By step, in the order they came. */
async function effects(id: string): Promise<Record<string, boolean[]>> {
  const found: Record<string, boolean[]> = {};
  for (const { step, executed } of await callsFor(id)) (found[step] ??= []).push(executed);
  return found;
}

/** However often something was asked for, it was under one key, which the ledger knows, and it was done once. */
async function expectOneEffect(id: string): Promise<void> {
  for (const [step, done] of Object.entries(await effects(id))) expect(done.filter(Boolean), step).toHaveLength(1);
  const keys = new Set((await callsFor(id)).map(({ key }) => key));
  const rows = await desk.sql<{ dedupe_key: string }>('select dedupe_key from journey_action where journey_id = $1', [id]);
  expect(rows.map((row) => row.dedupe_key).toSorted()).toEqual(Array.from(keys).toSorted());
}

/** The journey goes on, to its end; what its workflows went through can be replayed. */
async function finish(id: string, { key }: JourneyTemplate): Promise<void> {
  await until(() => openSteps(id)).toEqual(['next']);
  await insist(`/journeys/${id}/advance`, { outcome: 'done' }, { key: randomUUID() });
  await until(async () => (await desk.call('GET', `/journeys/${id}`)).body).toMatchObject({ status: 'completed', result: 'won' });
  await expectSound(id);
  await keepHistory(engine, journeyWorkflowId(id), `journey/0.3-killed-${key}`);
  const [handoff] = await desk.sql<{ id: string }>('select id from handoff where journey_id = $1', [id]);
  if (handoff !== undefined) await keepHistory(engine, handoffWorkflowId(handoff.id), `handoff/0.3-killed-${key}`);
}

test('F1 and F2: killed while packages are asked in all branches of a block: each does it once, and the branches join', async () => {
  const { packages, worker } = running.stack;
  // One is asked and does nothing, the others do it; none of them answers.
  await packages.behave({ path: '/business-logic/usage', hang: 'before', times: 1 });
  for (const path of ['/crm/leads', '/billing/charges', '/field-ops/handoffs']) await packages.behave({ path, hang: 'after', times: 1 });
  const id = await start(machines);
  await until(() => effects(id)).toEqual({ measure: [false], score: [true], charge: [true], install: [true] });
  expect(await handoffOf(id)).toMatchObject({ state: 'offered', owner: 'crm' });
  await worker.kill('SIGKILL');
  await worker.start();
  await until(() => handoffOf(id)).toMatchObject({ state: 'accepted', owner: 'field-ops' });
  await insist(`/handoffs/${id}.install.1/complete`, {}, { key: randomUUID() });
  // Nobody asks for the money again: a person has to say what became of it.
  const journey = async () => (await desk.call('GET', `/journeys/${id}`)).body;
  await until(journey).toMatchObject({ openSteps: ['all', 'charge'], incidents: [{ step: 'charge', code: 'action_unknown' }] });
  const found = { outcome: 'completed', output: { chargeId: 'CHG-1', amountCents: 4_900 }, reason: 'The bank has it' };
  await insist(`/journeys/${id}/steps/charge/complete-with`, found, { key: randomUUID() });
  await finish(id, machines);
  expect(await effects(id)).toEqual({ measure: [false, true], score: [true, false], charge: [true], install: [true, false] });
}, 300_000);

test('killed between two votes and while a handoff is on offer, and again while it is accepted: votes are kept, one decision, one change of hands', async () => {
  const id = await start(people);
  const votes = `/approvals/${id}.vote.1/votes`;
  const yes = { decision: 'approve' };
  const first = { key: randomUUID(), as: 'lead' } as const;
  await until(() => handoffOf(id)).toMatchObject({ state: 'offered', owner: 'crm' });
  expect((await desk.call('POST', votes, yes, first)).body).toMatchObject({ state: 'open', required: 2, votes: [{ decision: 'approve' }] });
  await running.stack.worker.kill('SIGKILL');
  await running.stack.worker.start();
  // Said again, as by somebody who did not hear the answer, it is the same vote.
  expect((await insist(votes, yes, first)).body).toMatchObject({ state: 'open', outcome: null });
  expect((await desk.call('POST', votes, yes, { as: 'lead', key: randomUUID() })).body).toMatchObject({ code: 'already_voted' });
  const decided = await insist(votes, yes, { as: 'agent', key: randomUUID() });
  expect(decided.body).toMatchObject({ state: 'closed', outcome: 'approved', round: 1 });
  expect(decided.body.votes).toHaveLength(2);

  expect(await handoffOf(id)).toMatchObject({ state: 'offered', owner: 'crm' });
  const path = `/handoffs/${id}.install.1/accept`;
  const key = randomUUID();
  expect([200, 202, 503]).toContain((await dieDuring(path, {}, { key })).status);
  expect((await insist(path, {}, { key })).body).toMatchObject({ state: 'accepted', owner: 'field-ops' });
  await insist(`/handoffs/${id}.install.1/complete`, {}, { key: randomUUID() });
  await finish(id, people);
  const types = (await log(id)).map(({ type, data }) => (type === 'journey.step.entered' ? `entered ${String(data['step'])}` : type));
  const countOf = (type: string): number => types.filter((one) => one === type).length;
  expect(
    ['approval.voted', 'approval.closed', 'entered agreed', 'entered next', 'handoff.created', 'handoff.accepted'].map(countOf),
  ).toEqual([2, 1, 1, 1, 1, 1]);
  expect(await desk.sql('select id from handoff where journey_id = $1', [id])).toEqual([{ id: `${id}.install.1` }]);
}, 300_000);

test('killed while a step is advanced, and the call repeated with its key: one transition, one answer', async () => {
  const id = await start(call);
  const path = `/journeys/${id}/advance`;
  const key = randomUUID();
  const body = { outcome: 'done', expectStep: 'first' };
  expect([200, 202, 503]).toContain((await dieDuring(path, body, { key })).status);
  const answer = await insist(path, body, { key });
  expect(answer.body).toMatchObject({ id, openSteps: ['next'] });
  const again = await desk.call('POST', path, body, { key });
  expect(again.headers.get('idempotency-lookup')).toBe('hit');
  expect(again.body).toEqual(answer.body);
  const entered = (await log(id)).filter(({ type }) => type === 'journey.step.entered').map(({ data }) => data['step']);
  expect(entered).toEqual(['first', 'next']);
  await finish(id, call);
}, 300_000);
