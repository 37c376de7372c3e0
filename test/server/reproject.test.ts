/** A revision of the policies on its way to open tickets, on a real server: with what can come in between. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import type { Activities } from '../../activities/contract.js';
import { CommandRefused } from '../../activities/ports.js';
import type { OpenTickets } from '../../activities/ports.js';
import { createReprojection } from '../../activities/reprojection.js';
import { previewDraft } from '../../api/service-levels/preview.js';
import { createReprojectionEngine } from '../../api/service-levels/reprojection-engine.js';
import { withTenant } from '../../db/client.js';
import type { TenantTx } from '../../db/client.js';
import { insertPolicySet, lockPolicySets } from '../../db/queries/policy-sets.js';
import { findReprojection, insertReprojection, listReprojectionItems } from '../../db/queries/reprojection.js';
import { demo } from '../../db/seed.js';
import type { Principal } from '../../domain/access/principal.js';
import type { TicketId } from '../../domain/ids.js';
import type { Policy } from '../../domain/sla/policy.js';
import type { ReprojectionOutcome } from '../../domain/sla/preview.js';
import { createTicketCommands } from '../../worker/ticket-commands.js';
import { searchAttributes, taskQueue } from '../../workflows/names.js';
import { reprojectionStartOptions, reprojectionWorkflowId, reprojectionWorkflowType, usualPace } from '../../workflows/reproject/start.js';
import type { Pace } from '../../workflows/reproject/start.js';
import { progress, updates } from '../../workflows/reproject/messages.js';
import type { ReprojectionProgress } from '../../workflows/reproject/messages.js';
import { settings, uuid } from '../support/builders.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';
import { devEnvironment } from '../support/dev-env.js';
import { aPolicy } from '../support/policies.js';
import { closeDesk, openDesk, publishPolicies } from '../support/ticket-run.js';
import type { Desk, TicketRun } from '../support/ticket-run.js';

const hour = 3_600_000;
const by = `user/${demo.admin}`;
const admin: Principal = {
  tenant: demo.tenant,
  actor: by,
  id: demo.admin,
  role: 'admin',
  products: '*',
  teams: [],
  scopes: [],
  actingFor: null,
};

/** A product that sends no mail. */
const silent = { ...settings, mail: { acknowledgement: false, reply: false, resolved: false } };

let env: TestWorkflowEnvironment;
let database: TestDatabase;
let desk: Desk;
let tickets: TicketRun[] = [];
/** What happens on the way to a ticket, instead of asking it or before; nothing by default. */
let onTheWay: (ticket: TicketId) => Promise<void>;
/** How often each ticket was asked. */
let asked: Map<TicketId, number>;
/** Replaces the activity that works on a page. */
let page: ((real: Activities['reprojectPage']) => Activities['reprojectPage']) | undefined;

beforeAll(async () => {
  env = await devEnvironment();
  return () => env.teardown();
});

beforeEach(async () => {
  asked = new Map();
  onTheWay = () => Promise.resolve();
  page = undefined;
  database = await freshDatabase();
  desk = await open();
});

afterEach(async () => {
  await Promise.all(tickets.map((ticket) => ticket.handle.terminate().catch(() => undefined)));
  tickets = [];
  await closeDesk(desk);
  await database[Symbol.asyncDispose]();
});

const open = (queueSuffix?: string): Promise<Desk> => {
  const real = createTicketCommands({ client: env.client, queueSuffix: '', continueAfter: 1000 });
  const port: OpenTickets = {
    async replan(ticket, revision) {
      asked.set(ticket, (asked.get(ticket) ?? 0) + 1);
      await onTheWay(ticket);
      return real.replan(ticket, revision);
    },
  };
  const reprojection = createReprojection({ db: database.db, tickets: port });
  const reprojectPage: Activities['reprojectPage'] = (request) =>
    (page?.(reprojection.reprojectPage) ?? reprojection.reprojectPage)(request);
  return openDesk({
    client: env.client,
    connection: env.nativeConnection,
    namespace: 'usher',
    database,
    activities: { ...reprojection, reprojectPage },
    ...(queueSuffix === undefined ? {} : { queueSuffix }),
  });
};

const suffix = (): string => desk.worker.options.taskQueue.slice(taskQueue('core').length);
const inTenant = <T>(work: (tx: TenantTx) => Promise<T>): Promise<T> => withTenant(database.db, demo.tenant, work);

/** For tickets of one category; the same target for every priority. */
const forCategory = (category: string, hours: number): Policy =>
  aPolicy({
    id: category.toLowerCase(),
    match: [{ field: 'category', op: 'in', values: [category] }],
    targets: { resolution: { low: hours * 3_600, medium: hours * 3_600, high: hours * 3_600, urgent: hours * 3_600 } },
  });

/** Opens some tickets of a category that a customer wrote two hours ago. */
async function openTickets(category: string, count: number): Promise<TicketRun[]> {
  const opened: TicketRun[] = [];
  const receivedAt = Date.now() - 2 * hour;
  for (let n = 0; n < count; n += 1)
    opened.push(await desk.open({ category, sla: { set: 1 }, settings: silent }, 1000, { role: 'service', receivedAt }));
  tickets.push(...opened);
  return opened;
}

/** Publishes the next revision for open tickets, as the API does. */
async function publish(policies: readonly Policy[], pace: Partial<Pace> = {}): Promise<WorkflowHandle> {
  return inTenant(async (tx) => {
    const revision = (await lockPolicySets(tx, demo.tenant)) + 1;
    await insertPolicySet(tx, demo.tenant, { revision, policies, mode: 'reproject', by });
    await insertReprojection(tx, demo.tenant, { id: uuid(0x9000 + revision), revision, by });
    const start = { tenant: demo.tenant, revision, pace: { ...usualPace, settleMs: 100, ...pace } };
    return env.client.workflow.start(reprojectionWorkflowType, reprojectionStartOptions(start, suffix()));
  });
}

const job = (revision: number) => inTenant((tx) => findReprojection(tx, demo.tenant, revision));
const items = async (revision: number): Promise<Record<string, ReprojectionOutcome>> => {
  const found = await inTenant((tx) => listReprojectionItems(tx, admin, revision, { limit: 1_000 }));
  return Object.fromEntries(found.map(({ ticket, outcome }) => [ticket, outcome]));
};

/** How often a ticket was pinned to a revision, as its events tell. */
const pinned = (ticket: TicketRun, revision: number): Promise<number> =>
  inTenant(async (tx) => {
    const events = await tx
      .selectFrom('event')
      .select('data')
      .where('subject', '=', `ticket/${ticket.id}`)
      .where('type', '=', 'ticket.updated')
      .execute();
    return events.filter(({ data }) => JSON.stringify(data) === JSON.stringify({ changed: ['policySet'], policySet: revision })).length;
  });

const status = async (handle: WorkflowHandle): Promise<string | undefined> =>
  (await handle.describe()).typedSearchAttributes.get(searchAttributes.status);

/** Replays at once, and keeps the history of a life that has none yet: runs like it may be open somewhere. */
async function keep(handle: WorkflowHandle, name: string): Promise<void> {
  const history = await handle.fetchHistory();
  await Worker.runReplayHistory({ workflowBundle: { codePath: inject('bundle') } }, history, `reproject/${name}`);
  const folder = join(import.meta.dirname, '..', 'histories', 'reproject');
  const file = join(folder, `0.2-${name}.json`);
  if (existsSync(file)) return;
  await mkdir(folder, { recursive: true });
  await writeFile(file, `${historyToJSON(history)}\n`);
}

/**
 * Milliseconds between the beginnings of its pages, but for the rest between the two passes.
 *
 * A page begins at the time its workflow task was started, which is what the workflow's clock says: the command
 * arrives at the server later, by as long as the task took.
 */
async function gaps(handle: WorkflowHandle): Promise<number[]> {
  const events = (await handle.fetchHistory()).events ?? [];
  const at = (id: unknown) => events[Number(id) - 1];
  const pages = events.flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
    scheduled?.activityType?.name === 'reprojectPage'
      ? [at(scheduled.workflowTaskCompletedEventId)?.workflowTaskCompletedEventAttributes]
      : [],
  );
  const begun = pages.map((task) => {
    const time = at(task?.startedEventId)?.eventTime;
    return Number(time?.seconds) * 1_000 + Math.floor(Number(time?.nanos) / 1_000_000);
  });
  return begun.slice(1, -1).map((time, n) => time - (begun[n] ?? 0));
}

/** A deadline nobody misses. */
const soon = (): number => Date.now() + 20_000;

/** A door that stays shut until it is opened; whoever stands before it is counted. */
class Door {
  waiting = 0;
  open: () => void = () => undefined;
  private readonly opened = new Promise<void>((resolve) => (this.open = resolve));

  pass(): Promise<void> {
    this.waiting += 1;
    return this.opened;
  }
}

/** As the server tells of an activity whose worker is gone; the history is kept, so it names no file. */
function killed(): never {
  const failure = ApplicationFailure.retryable('killed');
  failure.stack = '';
  throw failure;
}

const sum = ({ counts }: ReprojectionProgress): number => Object.values(counts).reduce((all, count) => all + count, 0);

test('every open ticket follows once, and what came of each is told', async () => {
  await publishPolicies(
    database.db,
    ['Earlier', 'Later', 'Breached', 'Lost', 'Same', 'Closing', 'Refusing', 'Unheard'].map((name) => forCategory(name, 8)),
  );
  const of: Record<string, TicketRun[]> = {};
  for (const category of ['Earlier', 'Later', 'Breached', 'Lost', 'Gained', 'Same']) of[category] = await openTickets(category, 8);
  for (const category of ['Closing', 'Refusing', 'Unheard']) of[category] = await openTickets(category, 4);
  const is = (category: string, ticket: TicketId): boolean => of[category]?.some(({ id }) => id === ticket) ?? false;
  onTheWay = async (ticket) => {
    if (is('Closing', ticket)) await tickets.find(({ id }) => id === ticket)?.send('close', { cause: 'spam' });
    if (is('Refusing', ticket)) throw new CommandRefused('invalid_request');
    if (is('Unheard', ticket) && asked.get(ticket) === 1) throw new Error('connection lost');
  };

  const draft = [
    ['Earlier', 4],
    ['Later', 16],
    ['Breached', 1],
    ['Gained', 8],
    ['Same', 8],
    ['Closing', 8],
    ['Refusing', 8],
    ['Unheard', 8],
  ] as const;
  const policies = draft.map(([name, hours]) => forCategory(name, hours));
  const seen = await inTenant((tx) => previewDraft(tx, admin, policies, { revision: 2, now: Date.now(), goesOn: () => true }));
  const handle = await publish(policies);
  const end: ReprojectionProgress = await handle.result();

  const counts = { earlier: 8, later: 8, breached: 8, lost_policy: 8, gained_policy: 8, unchanged: 12, closed: 4, failed: 4 };
  expect(end).toEqual({ revision: 2, state: 'done', total: 60, counts, pass: 2 });
  const found = await job(2);
  expect(found).toMatchObject({ state: 'done', total: 60, counts });
  expect(found?.endedAt).toBeInstanceOf(Date);

  const outcomes = await items(2);
  const expected: [string, ReprojectionOutcome, number][] = [
    ['Earlier', 'earlier', 1],
    ['Later', 'later', 1],
    ['Breached', 'breached', 1],
    ['Lost', 'lost_policy', 1],
    ['Gained', 'gained_policy', 1],
    ['Same', 'unchanged', 1],
    ['Unheard', 'unchanged', 1],
    ['Closing', 'closed', 0],
    ['Refusing', 'failed', 0],
  ];
  for (const [category, outcome, times] of expected) {
    for (const ticket of of[category] ?? [])
      expect([category, outcomes[ticket.id], await pinned(ticket, 2)]).toEqual([category, outcome, times]);
  }
  // The preview said the same, but for what happened meanwhile.
  expect(seen).toMatchObject({ open: 60, looked: 60, truncated: false });
  for (const { effect, tickets: named } of seen.effects) {
    const foreseen = [...named].toSorted();
    const came = Object.keys(outcomes).filter((ticket) => outcomes[ticket] === effect);
    if (effect !== 'unchanged') expect([effect, came.toSorted()]).toEqual([effect, foreseen]);
  }
  expect([...asked].filter(([ticket, times]) => times !== (is('Refusing', ticket) || is('Unheard', ticket) ? 2 : 1))).toEqual([]);

  const [tighter] = of['Earlier'] ?? [];
  const [late] = of['Breached'] ?? [];
  const clock = (await tighter?.clocks())?.['resolution#1'];
  expect(clock?.phase).toBe('running');
  // Received two hours ago: two of the four are left.
  expect((clock?.dueAt ?? 0) - Date.now()).toBeGreaterThan(1.9 * hour);
  expect((clock?.dueAt ?? Infinity) - Date.now()).toBeLessThan(2 * hour);
  expect((await late?.row())?.types).toEqual(expect.arrayContaining(['sla.retargeted', 'sla.breached']));
  expect((await late?.clocks())?.['resolution#1']?.breachedAt).not.toBeNull();
  expect(Math.min(...(await gaps(handle)))).toBeGreaterThanOrEqual(usualPace.pageMs);
  await keep(handle, 'every-outcome');
}, 400_000);

test('pauses, resumes and ends when it is told to; the page under way is finished', async () => {
  await publishPolicies(database.db, [forCategory('Any', 8)]);
  const opened = await openTickets('Any', 9);
  let door = new Door();
  onTheWay = () => door.pass();
  const handle = await publish([forCategory('Any', 4)], { pageSize: 3, pageMs: 50 });
  await expect.poll(() => door.waiting, { timeout: 120_000 }).toBe(3);

  const refused = await handle.executeUpdate('pause', { args: [{}] }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(WorkflowUpdateFailedError);
  const paused = await handle.executeUpdate(updates.pause, { args: [{ actor: by }] });
  expect(paused).toMatchObject({ state: 'paused', total: 9, counts: {}, pass: 1 });
  expect((await job(2))?.state).toBe('paused');
  expect(await status(handle)).toBe('paused');
  door.open();
  await expect.poll(async () => sum(await handle.query(progress)), { timeout: 120_000 }).toBe(3);
  expect(await handle.query(progress)).toMatchObject({ state: 'paused', counts: { earlier: 3 } });
  expect(asked.size).toBe(3);

  door = new Door();
  expect((await handle.executeUpdate(updates.resume, { args: [{ actor: by }] })).state).toBe('running');
  expect((await job(2))?.state).toBe('running');
  await expect.poll(() => door.waiting, { timeout: 120_000 }).toBe(3);
  expect((await handle.executeUpdate(updates.cancel, { args: [{ actor: by }] })).state).toBe('cancelled');
  door.open();
  expect(await handle.result()).toEqual({ revision: 2, state: 'cancelled', total: 9, counts: { earlier: 6 }, pass: 1 });
  expect(await job(2)).toMatchObject({ state: 'cancelled', counts: { earlier: 6 } });
  expect(await status(handle)).toBe('cancelled');
  const sets = await Promise.all(opened.map(async (ticket) => (await ticket.state())?.sla.set));
  expect([sets.filter((set) => set === 1).length, sets.filter((set) => set === 2).length]).toEqual([3, 6]);
  await keep(handle, 'paused-resumed-cancelled');
});

test('goes on after its worker died, over several runs; no ticket moves twice', async () => {
  await publishPolicies(database.db, [forCategory('Any', 8)]);
  const opened = await openTickets('Any', 12);
  const door = new Door();
  const dying = new Door();
  let pages = 0;
  // The worker dies while tickets of its second page are being asked: three have moved, the others will, and nobody hears of it.
  page = (real) => (request) => {
    pages += 1;
    return pages === 2 ? Promise.race([real(request), dying.pass().then(killed)]) : real(request);
  };
  onTheWay = () => (pages === 2 && asked.size > 7 ? door.pass() : Promise.resolve());
  const handle = await publish([forCategory('Any', 4)], { pageSize: 4, pageMs: 50, pagesPerRun: 2 });
  await expect.poll(() => door.waiting, { timeout: 120_000 }).toBe(1);

  const queueSuffix = suffix();
  dying.open();
  await closeDesk(desk);
  door.open();
  desk = await open(queueSuffix);

  const end: ReprojectionProgress = await handle.result();
  expect(end).toEqual({ revision: 2, state: 'done', total: 12, counts: { earlier: 12 }, pass: 2 });
  expect(await Promise.all(opened.map((ticket) => pinned(ticket, 2)))).toEqual(opened.map(() => 1));
  expect(Object.values(await items(2))).toEqual(opened.map(() => 'earlier'));
  const first = env.client.workflow.getHandle(
    handle.workflowId,
    (handle as WorkflowHandle & { firstExecutionRunId?: string }).firstExecutionRunId,
  );
  expect((await first.describe()).status.name).toBe('CONTINUED_AS_NEW');
  await keep(first, 'worker-died-and-continued');
});

test('a ticket that was being opened when the revision was published is found by the second pass', async () => {
  await publishPolicies(database.db, [forCategory('Any', 8)]);
  await openTickets('Any', 1);
  const door = new Door();
  let pages = 0;
  page = (real) => async (request) => {
    pages += 1;
    if (pages === 2) await door.pass();
    return real(request);
  };
  const handle = await publish([forCategory('Any', 4)], { pageSize: 1, pageMs: 1 });
  await expect.poll(() => door.waiting, { timeout: 120_000 }).toBe(1);
  const [late] = await openTickets('Any', 1);
  door.open();
  expect(await handle.result()).toMatchObject({ state: 'done', total: 1, counts: { earlier: 2 } });
  expect(late === undefined ? null : await pinned(late, 2)).toBe(1);
});

test('waits for the transaction that published it, and can be cancelled like any workflow', async () => {
  const shut = new Door();
  await publishPolicies(database.db, [forCategory('Any', 8)]);
  await openTickets('Any', 2);
  onTheWay = () => shut.pass();
  const handle = await inTenant(async (tx) => {
    const start = { tenant: demo.tenant, revision: 2, pace: { ...usualPace, settleMs: 100 } };
    const started = await env.client.workflow.start(reprojectionWorkflowType, reprojectionStartOptions(start, suffix()));
    await expect
      .poll(async () => (await started.describe()).raw.pendingActivities?.[0]?.attempt ?? 0, { timeout: 120_000 })
      .toBeGreaterThan(1);
    await insertPolicySet(tx, demo.tenant, { revision: 2, policies: [forCategory('Any', 4)], mode: 'reproject', by });
    await insertReprojection(tx, demo.tenant, { id: uuid(0x9002), revision: 2, by });
    return started;
  });
  await expect.poll(() => shut.waiting, { timeout: 120_000 }).toBe(2);
  await handle.cancel();
  shut.open();
  expect(await handle.result()).toMatchObject({ state: 'cancelled', counts: { earlier: 2 } });
  expect((await job(2))?.state).toBe('cancelled');
});

test('is started and controlled by the API, also after somebody terminated it', async () => {
  await publishPolicies(database.db, [forCategory('Any', 8)]);
  await openTickets('Any', 2);
  const door = new Door();
  onTheWay = () => door.pass();
  const engine = createReprojectionEngine(env.client, { queueSuffix: suffix() });
  await inTenant(async (tx) => {
    await insertPolicySet(tx, demo.tenant, { revision: 2, policies: [forCategory('Any', 4)], mode: 'reproject', by });
    await insertReprojection(tx, demo.tenant, { id: uuid(0x9002), revision: 2, by });
    await engine.start(demo.tenant, 2, soon());
  });
  await engine.start(demo.tenant, 2, soon());
  await expect.poll(() => door.waiting, { timeout: 120_000 }).toBe(2);
  const control = (name: 'pause' | 'resume' | 'cancel') =>
    engine.control({ tenant: demo.tenant, revision: 2, control: name, actor: by, commandId: `${name}/2` }, soon());
  await control('pause');
  expect((await job(2))?.state).toBe('paused');

  const handle = env.client.workflow.getHandle(reprojectionWorkflowId(demo.tenant, 2));
  await handle.terminate();
  door.open();
  await control('resume');
  expect((await job(2))?.state).toBe('running');
  await expect.poll(async () => (await job(2))?.counts, { timeout: 120_000 }).toEqual({ earlier: 2 });
  await control('cancel');
  expect(await handle.result()).toMatchObject({ state: 'cancelled', counts: { earlier: 2 } });
  await control('resume');
  expect((await job(2))?.state).toBe('cancelled');
  for (const ticket of tickets) expect(await pinned(ticket, 2)).toBe(1);
});
