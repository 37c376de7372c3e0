/** Drives one ticket's workflow on a test server, with its projection on a real database. */
import { randomBytes, randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import { inject } from 'vitest';
import type { Activities, DeliveryRequest, DeliveryResult } from '../../activities/contract.js';
import { createProjection } from '../../activities/projection.js';
import { createPlanning } from '../../activities/sla.js';
import { createStaffing } from '../../activities/staffing.js';
import { withTenant } from '../../db/client.js';
import type { Db, TenantTx } from '../../db/client.js';
import { insertPolicySet, lockPolicySets } from '../../db/queries/policy-sets.js';
import { seedDemo, newApiKey, demo } from '../../db/seed.js';
import { asContentId, asCustomerId, ticketIdFrom } from '../../domain/ids.js';
import type { ContentId, TicketId } from '../../domain/ids.js';
import type { Policy } from '../../domain/sla/policy.js';
import type { CommandFields, Envelope, OpenFields, Verb } from '../../domain/ticket/command.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { taskQueue } from '../../workflows/names.js';
import { ticketStartOptions } from '../../workflows/ticket/start.js';
import { state, updates } from '../../workflows/ticket/messages.js';
import type { TicketAnswer } from '../../workflows/ticket/messages.js';
import { anOpen } from './builders.js';
import type { TestDatabase } from './db.js';
import { Told } from './projected.js';

export interface Desk {
  readonly client: Client;
  readonly worker: Worker;
  /** What deliveries were asked for, in order. */
  readonly deliveries: DeliveryRequest[];
  open(fields?: Partial<OpenFields>, continueAfter?: number, envelope?: Partial<Envelope>): Promise<TicketRun>;
}

export interface DeskOptions {
  readonly client: Client;
  readonly connection: NativeConnection;
  readonly namespace?: string;
  readonly database: TestDatabase;
  /** What becomes of a delivery; all sent when absent. */
  readonly deliver?: (request: DeliveryRequest) => Promise<DeliveryResult>;
  /** Replaces parts of the projection, to let it fail. */
  readonly project?: Activities['project'];
  /** Replaces the planning, to let it fail. */
  readonly planSla?: Activities['planSla'];
  /** Added to the workflow's instants before a calendar sees them: on a server that skips time. */
  readonly offsetMs?: number;
  /** Activities besides a ticket's own. */
  readonly activities?: Partial<Activities>;
  /** Of a desk that was closed, to go on where it stopped; one of its own when absent. */
  readonly queueSuffix?: string;
}

const sent: DeliveryResult = { sent: 1, failed: 0, unknown: 0, suppressed: 0 };

/** Workers for one test file on queues of its own, and a seeded database. */
export async function openDesk(options: DeskOptions): Promise<Desk> {
  const { client, connection, database, namespace = 'default' } = options;
  const key = newApiKey();
  await seedDemo(database.url, { admin: key, lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() });
  const deliveries: DeliveryRequest[] = [];
  const { project } = createProjection({ db: database.db, newId: randomUUID, onRepaired: () => undefined });
  const planning = createPlanning({ db: database.db, now: Date.now, offsetMs: options.offsetMs ?? 0 });
  const deliver = async (request: DeliveryRequest): Promise<DeliveryResult> => {
    deliveries.push(request);
    return options.deliver?.(request) ?? sent;
  };
  const queueSuffix = options.queueSuffix ?? `-${randomBytes(4).toString('hex')}`;
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: taskQueue('core', queueSuffix),
    workflowBundle: { codePath: inject('bundle') },
    activities: {
      project: options.project ?? project,
      giveUp: deliver,
      planSla: options.planSla ?? planning.planSla,
      expandCalendar: planning.expandCalendar,
      ...createStaffing({ db: database.db }),
      ...options.activities,
    },
    stickyQueueScheduleToStartTimeout: '1s',
  });
  const outbound = await Worker.create({ connection, namespace, taskQueue: taskQueue('outbound', queueSuffix), activities: { deliver } });
  const running = outbound.run();
  const runUntilDone = worker.run().finally(() => {
    outbound.shutdown();
    return running;
  });
  return {
    client,
    worker: Object.assign(worker, { done: runUntilDone }),
    deliveries,
    open: async (fields = {}, continueAfter = 1000, envelope = {}) => {
      const ticketId = fields.ticketId ?? ticketIdFrom(randomBytes(5));
      const content =
        fields.content ?? (await storeText(database.db, 'opening', { subject: 'It does not start', body: 'Since this morning.' }));
      const open = anOpen({ tenant: demo.tenant, requester: asCustomerId(demo.customers[0] ?? ''), ...fields, ticketId, content });
      const start = ticketStartOptions({ ...open, status: open.status ?? 'new', queueSuffix, continueAfter });
      const { typedSearchAttributes: _unknownToTheTestServer, ...rest } = start;
      const startWorkflowOperation = new WithStartWorkflowOperation('ticketWorkflow', namespace === 'default' ? rest : start);
      const answer = await client.workflow.executeUpdateWithStart(updates.open, {
        args: [{ ...open, commandId: `open/${ticketId}`, actor: 'system/test', role: 'admin', source: 'api', ...envelope }],
        startWorkflowOperation,
      });
      return new TicketRun(client.workflow.getHandle(start.workflowId), ticketId, database.db, answer);
    },
  };
}

/** One ticket, by its verbs. */
export class TicketRun {
  readonly handle: WorkflowHandle;
  readonly id: TicketId;
  readonly opened: TicketAnswer;
  private readonly db: Db;
  private readonly told = new Told();

  constructor(handle: WorkflowHandle, id: TicketId, db: Db, opened: TicketAnswer) {
    this.handle = handle;
    this.id = id;
    this.db = db;
    this.opened = opened;
    this.told.answer(opened);
  }

  /** Sends one verb as an admin would through the API; `commandId` repeats a command. */
  async send<Kind extends Verb>(
    kind: Kind,
    fields: CommandFields[Kind],
    envelope: { commandId?: string; source?: 'api' | 'mail' } = {},
  ): Promise<TicketAnswer> {
    const commandId = envelope.commandId ?? randomUUID();
    const args = { ...fields, commandId, actor: 'user/test', role: 'admin', source: envelope.source ?? 'api' };
    return this.told.answer(await this.handle.executeUpdate<TicketAnswer, [typeof args]>(kind, { args: [args], updateId: commandId }));
  }

  reply(then?: 'waiting_on_customer' | 'resolved'): Promise<TicketAnswer> {
    return this.text('message').then((content) => this.send('reply', then === undefined ? { content } : { content, then }));
  }

  receive(source: 'api' | 'mail' = 'api'): Promise<TicketAnswer> {
    const author = asCustomerId(demo.customers[0] ?? '');
    return this.text('message').then((content) => this.send('receive', { content, author }, { source }));
  }

  text(kind: 'message' | 'note'): Promise<ContentId> {
    return storeText(this.db, kind, { body: 'Some words.' });
  }

  state(): Promise<Ticket | null> {
    return this.handle.query(state);
  }

  /** Reads what PostgreSQL has once all that was answered is there. */
  private async projected<T>(read: (tx: TenantTx) => Promise<T>): Promise<T> {
    const version = (tx: TenantTx) => tx.selectFrom('ticket').select('version').where('id', '=', this.id).executeTakeFirst();
    await this.told.isThere(() => withTenant(this.db, demo.tenant, version));
    return withTenant(this.db, demo.tenant, read);
  }

  /** Its clocks as PostgreSQL has them, by name. */
  async clocks(): Promise<Record<string, { phase: string; dueAt: number | null; breachedAt: number | null; consumedS: number }>> {
    const rows = await this.projected((tx) =>
      tx.selectFrom('slaClock').select(['clock', 'phase', 'dueAt', 'breachedAt', 'consumedS']).where('ticketId', '=', this.id).execute(),
    );
    return Object.fromEntries(
      rows.map(({ clock, phase, dueAt, breachedAt, consumedS }) => [
        clock,
        { phase, dueAt: timeOf(dueAt), breachedAt: timeOf(breachedAt), consumedS },
      ]),
    );
  }

  /** Its rungs that fired, in order. */
  async rungs(): Promise<{ clock: string; rung: string; dueAt: Date; firedAt: Date; outcome: string }[]> {
    return this.projected((tx) =>
      tx
        .selectFrom('slaRung')
        .select(['clock', 'rung', 'dueAt', 'firedAt', 'outcome'])
        .where('ticketId', '=', this.id)
        .orderBy('dueAt')
        .orderBy('recordedAt')
        .execute(),
    );
  }

  /** Notices recorded for it, oldest first. */
  /** Those that wait to go out in a batch. */
  async waitingNotices(): Promise<string[]> {
    const waiting = await withTenant(this.db, demo.tenant, (tx) =>
      tx
        .selectFrom('notice')
        .select('message')
        .where('ticketId', '=', this.id)
        .where('handAt', 'is not', null)
        .orderBy('createdAt')
        .execute(),
    );
    return waiting.map(({ message }) => message);
  }

  async notices(): Promise<string[]> {
    const rows = await this.projected((tx) =>
      tx.selectFrom('notice').select('message').where('ticketId', '=', this.id).orderBy('createdAt').execute(),
    );
    return rows.map(({ message }) => message);
  }

  /** Keys of the mails planned for it. */
  async planned(): Promise<string[]> {
    const rows = await this.projected((tx) =>
      tx.selectFrom('outboundMessage').select('dedupeKey').where('ticketId', '=', this.id).execute(),
    );
    return rows.map((row) => row.dedupeKey);
  }

  /** Status, version and sequence numbers as PostgreSQL has them. */
  async row(): Promise<{ status: string; version: number; seqs: number[]; types: string[] }> {
    return this.projected(async (tx) => {
      const ticket = await tx.selectFrom('ticket').select(['status', 'version']).where('id', '=', this.id).executeTakeFirstOrThrow();
      const events = await tx
        .selectFrom('event')
        .select(['seq', 'type'])
        .where('subject', '=', `ticket/${this.id}`)
        .orderBy('seq')
        .execute();
      return { ...ticket, seqs: events.map((event) => event.seq), types: events.map((event) => event.type) };
    });
  }
}

const timeOf = (at: Date | null): number | null => at?.getTime() ?? null;

/** Publishes policies for the demo tenant, as the API does once it has checked them. @returns the revision */
export async function publishPolicies(db: Db, policies: readonly Policy[]): Promise<number> {
  return withTenant(db, demo.tenant, async (tx) => {
    const revision = (await lockPolicySets(tx, demo.tenant)) + 1;
    await insertPolicySet(tx, demo.tenant, { revision, policies, mode: 'new_tickets', by: 'system/test' });
    return revision;
  });
}

/** Stores a text as the API does before it sends a command. */
export async function storeText(
  db: Db,
  kind: 'opening' | 'message' | 'note',
  { subject, body }: { subject?: string; body: string },
): Promise<ContentId> {
  const id = asContentId(randomUUID());
  await withTenant(db, demo.tenant, (tx) =>
    tx
      .insertInto('content')
      .values({
        tenantId: demo.tenant,
        id,
        kind,
        visibility: kind === 'note' ? 'internal' : 'public',
        authorKind: 'customer',
        subject: subject ?? null,
        body,
      })
      .execute(),
  );
  return id;
}

/** Ends the workers; every task they hold is finished first. */
export async function closeDesk(desk: Desk): Promise<void> {
  desk.worker.shutdown();
  await (desk.worker as Worker & { done?: Promise<void> }).done;
}
