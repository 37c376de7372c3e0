/** What a worker's metrics say of clocks, after the projection has recorded it, and once however often it is asked. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProjection } from '../../activities/projection.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { asCustomerId, asTicketId } from '../../domain/ids.js';
import type { TicketId } from '../../domain/ids.js';
import { alwaysOpenCalendar, expand } from '../../domain/sla/calendar.js';
import { act, catchUp, follow } from '../../domain/sla/desk.js';
import type { Outcome } from '../../domain/sla/desk.js';
import { emptyLedger } from '../../domain/sla/ledger.js';
import { planOf } from '../../domain/sla/policy.js';
import type { TicketStep } from '../../domain/ticket/step.js';
import { day, hour, minute } from '../../domain/time.js';
import { createMetrics } from '../../worker/metrics.js';
import { anEnvelope, anOpen, noon } from '../support/builders.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';
import { aPolicy, aRung } from '../support/policies.js';
import { storeText } from '../support/ticket-run.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await freshDatabase();
  const keys = { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() };
  await seedDemo(database.url, keys);
});
afterAll(() => database[Symbol.asyncDispose]());

const calendar = { id: '24x7', revision: 1 };
/** Eight hours around the clock; a rung after four, another at the breach, a third an hour later. */
const plan = planOf(
  aPolicy({ rungs: [aRung(), aRung({ id: 'late', when: 'at_breach' }), aRung({ id: 'later', when: { after: 3_600 } })] }),
  1,
  calendar,
);

const stepOf = (outcome: Outcome, at: number): TicketStep => {
  const { ticket, events, sla } = outcome;
  const base = { commandId: randomUUID(), kind: 'sla', actor: 'system/sla', role: 'system', source: 'system', runId: 'run-1' } as const;
  return { ...base, at, events, ticket, planned: [], ...(sla === null ? {} : { sla }) };
};

/**
 * The steps of a ticket that a customer opened at noon.
 *
 * @param heardAt when the desk learned of it
 * @param wakes when its watcher woke
 */
async function life(id: TicketId, heardAt: number, wakes: readonly number[]): Promise<TicketStep[]> {
  const content = await storeText(database.db, 'opening', { subject: 'Printer', body: 'It is on fire.' });
  const open = anOpen({ tenant: demo.tenant, requester: asCustomerId(demo.customers[0] ?? ''), content, ticketId: id, sla: { set: 1 } });
  const command = { kind: 'open', ...anEnvelope({ role: 'customer', receivedAt: noon }), ...open } as const;
  const opened = act(null, { ...emptyLedger, planned: false }, command, heardAt);
  if (!opened.ok) throw new Error(opened.code);
  const windows = expand(alwaysOpenCalendar, calendar, { from: noon, until: noon + 30 * day, zoneData: '' });
  if (windows === 'horizon') throw new Error('an expansion that needs nothing always ends');
  const planned = { kind: 'planned', at: heardAt, plan, windows, rematchOn: [], teamCalendar: false, reason: 'policy' } as const;
  let last = follow(opened.ticket, opened.ledger, [planned], heardAt);
  const steps = [stepOf(opened, heardAt), stepOf(last, heardAt)];
  for (const now of wakes) {
    last = catchUp(last.ticket, last.ledger, now);
    steps.push(stepOf(last, now));
  }
  return steps;
}

/** A worker of its own: its projection, and what its metrics say by name and labels. */
function aWorker() {
  const { registry, serviceLevels: slaTally, projectionRepaired: onRepaired } = createMetrics();
  const { project } = createProjection({ db: database.db, newId: randomUUID, onRepaired, slaTally });
  const shown = async (): Promise<Record<string, number>> => {
    const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith('usher_sla_'));
    return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]));
  };
  return { project, shown };
}

const labels = '{clock="resolution",policy="standard"}';

test('warnings, breaches and lateness are counted when they are recorded, once', async () => {
  const { project, shown } = aWorker();
  // The first rung is 3 s late, breach and second rung 100 ms, the third 40 s.
  const wakes = [noon + 4 * hour + 3_000, noon + 8 * hour + 100, noon + 9 * hour + 40_000];
  const steps = await life(asTicketId('TKT-0000000A'), noon, wakes);
  for (const step of steps) {
    await project([step]);
    await project([step]);
  }
  await project(steps);
  const counts = await shown();
  expect(counts).toMatchObject({
    [`usher_sla_warnings_total${labels}`]: 1,
    [`usher_sla_breaches_total${labels}`]: 1,
    usher_sla_lateness_seconds_count: 4,
    'usher_sla_lateness_seconds_bucket{le="0.1"}': 2,
    'usher_sla_lateness_seconds_bucket{le="2"}': 2,
    'usher_sla_lateness_seconds_bucket{le="5"}': 3,
    'usher_sla_lateness_seconds_bucket{le="30"}': 3,
    'usher_sla_lateness_seconds_bucket{le="60"}': 4,
  });
  expect(counts['usher_sla_lateness_seconds_sum']).toBeCloseTo(43.2, 3);
  const bounds = Object.keys(counts).flatMap((name) => /_bucket\{le="(.+)"\}/.exec(name)?.[1] ?? []);
  expect(bounds).toEqual(['0.1', '0.25', '0.5', '1', '2', '5', '10', '30', '60', '300', '+Inf']);
});

test('what an earlier attempt left out is counted, what it recorded is not', async () => {
  const lost = aWorker();
  const steps = await life(asTicketId('TKT-0000000B'), noon, [noon + 4 * hour + 1, noon + 8 * hour + 1]);
  await lost.project(steps.slice(0, 3));
  const { project, shown } = aWorker();
  await project(steps);
  const counts = await shown();
  expect(counts[`usher_sla_breaches_total${labels}`]).toBe(1);
  expect(counts).not.toHaveProperty(`usher_sla_warnings_total${labels}`);
  expect(counts['usher_sla_lateness_seconds_count']).toBe(2);
});

test('what was overdue before the desk knew of it is a breach, and nobody’s lateness', async () => {
  const { project, shown } = aWorker();
  await project(await life(asTicketId('TKT-0000000C'), noon + 10 * hour, [noon + 10 * hour + minute]));
  const counts = await shown();
  expect(counts[`usher_sla_breaches_total${labels}`]).toBe(1);
  expect(counts[`usher_sla_warnings_total${labels}`]).toBe(1);
  expect(counts['usher_sla_lateness_seconds_count']).toBe(0);
});

test('another history under the same numbers is not counted', async () => {
  const id = asTicketId('TKT-0000000D');
  const first = aWorker();
  const steps = await life(id, noon, [noon + 8 * hour + 1]);
  await first.project(steps);
  const other = aWorker();
  await other.project(steps.map((step) => ({ ...step, runId: 'run-2', commandId: randomUUID(), actor: 'user/other' })));
  expect((await other.shown())['usher_sla_lateness_seconds_count']).toBe(0);
});
