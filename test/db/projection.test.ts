import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProjection } from '../../activities/projection.js';
import { withTenant } from '../../db/client.js';
import { rewriteTicket } from '../../db/queries/projection.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { asAgentId, asCustomerId, asTicketId } from '../../domain/ids.js';
import type { TicketId } from '../../domain/ids.js';
import { planMessages } from '../../domain/messaging/plan.js';
import type { CommandFields, CommandKind, TicketCommand } from '../../domain/ticket/command.js';
import { decide } from '../../domain/ticket/decide.js';
import type { TicketStep } from '../../domain/ticket/step.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { anEnvelope, anOpen, noon } from '../support/builders.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';
import { storeText } from '../support/ticket-run.js';

let database: TestDatabase;
let repaired = 0;
let project: (steps: readonly TicketStep[]) => Promise<{ stored: number; conflict: boolean }>;
const requester = asCustomerId(demo.customers[0] ?? '');

beforeAll(async () => {
  database = await freshDatabase();
  const keys = { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() };
  await seedDemo(database.url, keys);
  ({ project } = createProjection({ db: database.db, newId: randomUUID, onRepaired: () => (repaired += 1) }));
});
afterAll(() => database[Symbol.asyncDispose]());

const step = <Kind extends CommandKind>(
  ticket: Ticket | null,
  kind: Kind,
  fields: CommandFields[Kind],
  { commandId = randomUUID(), runId = 'run-1' }: { commandId?: string; runId?: string } = {},
): TicketStep => {
  const envelope = anEnvelope({ commandId });
  const decision = decide(ticket, { kind, ...envelope, ...fields } as unknown as TicketCommand, noon);
  if (!decision.ok) throw new Error(decision.code);
  const { actor, role, source } = envelope;
  return {
    commandId,
    kind,
    actor,
    role,
    source,
    runId,
    at: noon,
    events: decision.events,
    ticket: decision.state,
    planned: planMessages(decision.state, decision.events),
  };
};

let count = 0;
const opened = async (): Promise<TicketStep> => {
  const content = await storeText(database.db, 'opening', { subject: 'Printer', body: 'It is on fire.' });
  count += 1;
  return step(
    null,
    'open',
    anOpen({ tenant: demo.tenant, requester, content, ticketId: asTicketId(`TKT-${String(count).padStart(8, '0')}`) }),
  );
};

const read = (id: TicketId) =>
  withTenant(database.db, demo.tenant, async (tx) => ({
    row: await tx.selectFrom('ticket').selectAll().where('id', '=', id).executeTakeFirst(),
    events: await tx
      .selectFrom('event')
      .select(['seq', 'type', 'commandId', 'runId'])
      .where('subject', '=', `ticket/${id}`)
      .orderBy('seq')
      .execute(),
    planned: await tx.selectFrom('outboundMessage').select(['dedupeKey', 'state']).where('ticketId', '=', id).execute(),
    texts: await tx.selectFrom('content').select(['id', 'seq']).where('ticketId', '=', id).orderBy('seq').execute(),
  }));

test('a step writes events, row, texts and planned mails together', async () => {
  const open = await opened();
  expect(await project([open])).toMatchObject({ stored: 1, conflict: false });
  const { row, events, planned, texts } = await read(open.ticket.id);
  expect(row).toMatchObject({
    subject: 'Printer',
    description: 'It is on fire.',
    status: 'new',
    version: 1,
    tags: [],
    customFields: {},
    slaState: 'none',
  });
  expect(row?.state).toEqual(open.ticket);
  expect(events).toMatchObject([{ seq: 1, type: 'ticket.created' }]);
  expect(planned).toEqual([{ dedupeKey: `${open.ticket.id}/acknowledgement/${requester}`, state: 'planned' }]);
  expect(texts).toMatchObject([{ id: open.ticket.texts.subject, seq: 1 }]);
});

test('a repeated attempt changes nothing, alone or in a longer batch', async () => {
  const open = await opened();
  const hold = step(open.ticket, 'hold', {});
  const reply = step(hold.ticket, 'start', {});
  await project([open]);
  await project([open]);
  const before = await read(open.ticket.id);
  expect(await project([open, hold, reply])).toMatchObject({ stored: 3, conflict: false });
  expect(await project([hold, reply])).toMatchObject({ stored: 3, conflict: false });
  const after = await read(open.ticket.id);
  expect(after.events.map((event) => event.seq)).toEqual([1, 2, 3]);
  expect(after.row).toMatchObject({ version: 3, status: 'in_progress' });
  expect(after.planned).toEqual(before.planned);
  expect(repaired).toBe(0);
});

test('texts follow their reference, and text erased meanwhile stays erased', async () => {
  const open = await opened();
  const fields = await storeText(database.db, 'opening', { subject: 'Two printers', body: '' });
  const edit = step(open.ticket, 'edit', { fields, changed: ['subject'] });
  await project([open, edit]);
  expect((await read(open.ticket.id)).row?.subject).toBe('Two printers');
  await withTenant(database.db, demo.tenant, (tx) =>
    tx.updateTable('ticket').set({ description: null }).where('id', '=', open.ticket.id).execute(),
  );
  await project([step(edit.ticket, 'hold', {})]);
  expect((await read(open.ticket.id)).row).toMatchObject({ subject: 'Two printers', description: null, version: 3 });
});

test('a text that changes later reaches the row, and what can be searched for', async () => {
  const open = await opened();
  await project([open]);
  const fields = await storeText(database.db, 'opening', { subject: 'Two teapots', body: '' });
  await project([step(open.ticket, 'edit', { fields, changed: ['subject'] })]);
  const { row } = await read(open.ticket.id);
  expect(row).toMatchObject({ subject: 'Two teapots', description: 'It is on fire.', version: 2 });
  expect(row?.search).toContain('teapot');
});

test('an edit that a Reset took back is taken back in the row by the next step', async () => {
  const open = await opened();
  const fields = await storeText(database.db, 'opening', { subject: 'Two printers', body: '' });
  await project([open, step(open.ticket, 'edit', { fields, changed: ['subject'] })]);
  await project([step({ ...open.ticket, version: 2 }, 'hold', {}, { runId: 'run-2' })]);
  expect((await read(open.ticket.id)).row).toMatchObject({ subject: 'Printer', status: 'on_hold', version: 3 });
});

test('a step without texts writes all that the whole row would say', async () => {
  const open = await opened();
  await project([open]);
  const edit = step(open.ticket, 'edit', {
    priority: 'urgent',
    category: 'billing',
    assignee: asAgentId(demo.agents[0] ?? ''),
    status: 'on_hold',
  });
  const [dueAt, updatedAt] = [noon + 60_000, noon + 1_000];
  const ticket: Ticket = {
    ...edit.ticket,
    updatedAt,
    firstResponseAt: noon,
    resolvedAt: noon + 1,
    closedAt: noon + 2,
    reopenUntil: noon + 3,
    waitUntil: noon + 4,
    closeCause: 'staff',
    removedAt: noon + 5,
    cycle: 2,
    copied: [requester],
    sla: { ...edit.ticket.sla, state: 'breached', breached: true, dueAt },
  };
  await project([{ ...edit, ticket }]);
  const { row } = await read(open.ticket.id);
  expect(row).toMatchObject({
    priority: 'urgent',
    priorityRank: 4,
    cycle: 2,
    slaBreached: true,
    dueAt: new Date(dueAt),
    subject: 'Printer',
  });
  await withTenant(database.db, demo.tenant, (tx) => rewriteTicket(tx, ticket));
  expect((await read(open.ticket.id)).row).toEqual(row);
});

test('a lost attempt of the same command in the same run: its event stays, the row is the workflow’s', async () => {
  const open = await opened();
  await project([open]);
  const lost = step(open.ticket, 'hold', {}, { commandId: 'same' });
  await project([lost]);
  const now = step(open.ticket, 'awaitCustomer', {}, { commandId: 'same' });
  repaired = 0;
  expect(await project([now])).toMatchObject({ stored: 2, conflict: false });
  expect(repaired).toBe(1);
  const { row, events } = await read(open.ticket.id);
  expect(row?.status).toBe('waiting_on_customer');
  expect(events).toHaveLength(2);
});

test.each([
  ['another command of the same run', { commandId: 'other', runId: 'run-1' }],
  ['the same command of another run, as after a Reset', { commandId: 'first', runId: 'run-2' }],
])('%s: nothing is written, the highest version comes back', async (_, second) => {
  const open = await opened();
  await project([open]);
  const first = step(open.ticket, 'hold', {}, { commandId: 'first' });
  const later = step(first.ticket, 'start', {});
  await project([first, later]);
  const before = await read(open.ticket.id);
  expect(await project([step(open.ticket, 'resolve', {}, second)])).toMatchObject({ stored: 3, conflict: true });
  expect(await read(open.ticket.id)).toEqual(before);
});

test('rows of another tenant do not exist, and cannot be written', async () => {
  const open = await opened();
  await project([open]);
  const other = '018f3b1e-0000-7000-8000-0000000000ff' as typeof demo.tenant;
  const seen = await withTenant(database.db, other, (tx) => tx.selectFrom('ticket').select('id').execute());
  expect(seen).toEqual([]);
  const elsewhere = { ...open, ticket: { ...open.ticket, tenant: other } };
  await expect(
    withTenant(database.db, other, (tx) => tx.insertInto('team').values({ tenantId: demo.tenant, id: randomUUID(), name: 'x' }).execute()),
  ).rejects.toMatchObject({
    code: '42501',
  });
  await expect(project([elsewhere])).rejects.toMatchObject({ code: '23503' });
});

test('a notice waits for the relay from the moment it is recorded, also when an attempt of before recorded it', async () => {
  const open = await opened();
  const about = { clock: 'resolution#1', reason: 'breach', escalation: null, rungs: [], to: [] } as const;
  const sla = { clocks: [], segments: [], rungs: [], escalations: [], notices: [{ message: 'notice/resolution#1/r', about }] };
  const told = { ...open, sla };
  expect(await project([told])).toMatchObject({ notices: 'relayed' });
  const waits = async (): Promise<boolean> => {
    const where = open.ticket.id;
    return withTenant(database.db, demo.tenant, async (tx) => {
      const { handAt } = await tx.selectFrom('notice').select('handAt').where('ticketId', '=', where).executeTakeFirstOrThrow();
      return handAt !== null;
    });
  };
  const set = (fields: { handAt: null; about?: string }): Promise<unknown> =>
    withTenant(database.db, demo.tenant, (tx) => tx.updateTable('notice').set(fields).where('ticketId', '=', open.ticket.id).execute());
  expect(await waits()).toBe(true);
  // Recorded by a worker that knew no batches, and died before its run went on.
  await set({ handAt: null });
  await project([told]);
  expect(await waits()).toBe(true);
  // Settled meanwhile: the same attempt once more changes nothing.
  await set({ handAt: null, about: JSON.stringify({ ...about, addressed: { recipients: 1 } }) });
  await project([told]);
  expect(await waits()).toBe(false);
});
