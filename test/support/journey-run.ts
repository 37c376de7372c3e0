/** Drives journeys and their handoffs on a test server, with their projection on a real database. */
import { randomBytes, randomUUID } from 'node:crypto';
import { isGrpcServiceError, WithStartWorkflowOperation, WorkflowUpdateFailedError } from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, WorkflowNotFoundError } from '@temporalio/common';
import type { NativeConnection } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import { inject } from 'vitest';
import type { Activities, TouchpointRequest } from '../../activities/contract.js';
import { createChildEntry } from '../../activities/journey-entry.js';
import { createJourneyProjection } from '../../activities/journey-projection.js';
import { createTemplates } from '../../activities/journey-templates.js';
import { createJourneyQuestions } from '../../activities/journey.js';
import { withTenant } from '../../db/client.js';
import type { Db, TenantTx } from '../../db/client.js';
import { insertDraft, insertVersion, templateHash } from '../../db/queries/journey-templates.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { base32 } from '../../domain/ids.js';
import type { HandoffCommandFields, HandoffVerb } from '../../domain/handoff/command.js';
import type { ActionRequest, ActionResult } from '../../domain/journey/action.js';
import { createGuards } from '../../domain/journey/guard.js';
import { plainJson } from '../../domain/journey/json.js';
import type { JsonObject } from '../../domain/journey/json.js';
import type { JourneyCommandFields, JourneyVerb } from '../../domain/journey/run/command.js';
import type { HandoffView, JourneyView } from '../../domain/journey/run/record.js';
import type { OpenJourneyFields } from '../../domain/journey/shape.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { createJourneyMessages } from '../../worker/journey-messages.js';
import { handoffWorkflowId } from '../../workflows/handoff/start.js';
import { journeyStartOptions, journeyWorkflowType } from '../../workflows/journey/start.js';
import { passedOver, taskQueue } from '../../workflows/names.js';
import { state as handoffState } from '../../workflows/handoff/messages.js';
import type { HandoffAnswer } from '../../workflows/handoff/messages.js';
import { event, open, state } from '../../workflows/journey/messages.js';
import type { JourneyAnswer, OpenJourneyAnswer } from '../../workflows/journey/messages.js';
import type { TestDatabase } from './db.js';
import { Told } from './projected.js';

export interface Published {
  readonly key: string;
  readonly version: number;
  readonly hash: string;
}

export interface JourneyDeskOptions {
  readonly client: Client;
  readonly connection: NativeConnection;
  readonly namespace?: string;
  readonly database: TestDatabase;
  /** What becomes of an attempt of an action; done without output when absent. */
  readonly act?: (request: ActionRequest) => Promise<ActionResult>;
  /** Replaces activities, to let them fail. */
  readonly activities?: Partial<Activities>;
  /** Added to the workflow's instants before the log and calendars see them: on a server that skips time. */
  readonly offsetMs?: number;
  /** The server's clock, where it skips time. */
  readonly now?: () => Promise<number>;
  /** Of a desk that was closed, to go on where it stopped; one of its own when absent. */
  readonly queueSuffix?: string;
  /** The database has been seeded. */
  readonly seeded?: boolean;
  /** Workflows kept in memory. A server that skips time waits for the very worker that kept one, so none where workers come and go. */
  readonly cache?: number;
}

export interface Begin extends Partial<OpenJourneyFields> {
  readonly entryKey?: string;
  readonly continueAfter?: number;
  readonly journeyId?: string;
  readonly commandId?: string;
}

export class JourneyDesk {
  /** Attempts of actions that were asked for, in order. */
  readonly actions: ActionRequest[] = [];
  /** Messages that were asked for, in order. */
  readonly touchpoints: TouchpointRequest[] = [];
  readonly queueSuffix: string;
  private readonly options: JourneyDeskOptions;
  private core: Worker | null = null;
  private outbound: Worker | null = null;
  private running: Promise<unknown> = Promise.resolve();

  private constructor(options: JourneyDeskOptions) {
    this.options = options;
    this.queueSuffix = options.queueSuffix ?? `-${randomBytes(4).toString('hex')}`;
  }

  /** Workers for one test file on queues of its own, and a seeded database. */
  static async open(options: JourneyDeskOptions): Promise<JourneyDesk> {
    const desk = new JourneyDesk(options);
    const keys = { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() };
    if (options.seeded !== true) await seedDemo(options.database.url, keys);
    await desk.work();
    return desk;
  }

  /** Where its journeys and handoffs run. */
  get queue(): string {
    return taskQueue('core', this.queueSuffix);
  }

  now(): Promise<number> {
    return this.options.now?.() ?? Promise.resolve(Date.now());
  }

  get db(): Db {
    return this.options.database.db;
  }

  /** Starts the workers, again after `rest`. */
  async work(): Promise<void> {
    const { connection, namespace = 'default', offsetMs = 0, activities } = this.options;
    const { db } = this;
    const guards = createGuards();
    const questions = createJourneyQuestions({ db, now: Date.now, guards, templates: createTemplates({ db }), offsetMs });
    const projection = createJourneyProjection({ db, newId: randomUUID, onRepaired: () => undefined });
    const runAction = async (request: ActionRequest): Promise<ActionResult> => {
      this.actions.push(request);
      return (await this.options.act?.(request)) ?? { state: 'done', output: {} };
    };
    const deliverTouchpoint: Activities['deliverTouchpoint'] = (request) => {
      this.touchpoints.push(request);
      return Promise.resolve({ outcome: 'sent' });
    };
    const { client } = this.options;
    const journeys = createJourneyMessages({ client, queueSuffix: this.queueSuffix, continueAfter: 1_000 });
    const entry = createChildEntry({ db, guards, journeys, newId: randomUUID, now: Date.now });
    const all = { ...questions, ...projection, ...entry, runAction, deliverTouchpoint, ...activities };
    const { runAction: act, deliverTouchpoint: touch, ...core } = all;
    this.core = await Worker.create({
      connection,
      namespace,
      taskQueue: this.queue,
      workflowBundle: { codePath: inject('bundle') },
      activities: core,
      stickyQueueScheduleToStartTimeout: '1s',
      ...(this.options.cache === undefined ? {} : { maxCachedWorkflows: this.options.cache }),
    });
    this.outbound = await Worker.create({
      connection,
      namespace,
      taskQueue: taskQueue('outbound', this.queueSuffix),
      activities: { runAction: act, deliverTouchpoint: touch },
    });
    this.running = Promise.all([this.core.run(), this.outbound.run()]);
  }

  /** Ends the workers; every task they hold is finished first. */
  async rest(): Promise<void> {
    this.core?.shutdown();
    this.outbound?.shutdown();
    await this.running;
  }

  inTenant<T>(work: (tx: TenantTx) => Promise<T>): Promise<T> {
    return withTenant(this.db, demo.tenant, work);
  }

  /** Publishes a template's first version, whether or not validation would let it pass. */
  async publish(template: JourneyTemplate): Promise<Published> {
    await this.inTenant(async (tx) => {
      const { name, category } = template;
      await insertDraft(tx, demo.tenant, template.key, {
        name,
        category,
        document: plainJson(template).value,
        by: 'system/test',
        editor: 'test',
      });
      await insertVersion(tx, demo.tenant, { template, version: 1, mode: 'new_only', by: 'system/test' });
    });
    return { key: template.key, version: 1, hash: templateHash(template) };
  }

  async start(template: Published, fields: Begin = {}): Promise<JourneyRun> {
    const {
      entryKey,
      continueAfter = 1_000,
      journeyId = `JRN-${base32(randomBytes(10))}`,
      commandId = `open/${journeyId}`,
      ...given
    } = fields;
    const subject = given.subject ?? { type: 'customer', id: demo.customers[0] ?? '' };
    const begin: OpenJourneyFields = { entry: 1, input: {}, requester: null, trigger: null, parent: null, ...given, subject };
    const options = journeyStartOptions(
      { journeyId, tenant: demo.tenant, template, entryKey: entryKey ?? `${subject.type}/${subject.id}/${journeyId}` },
      { queueSuffix: this.queueSuffix, continueAfter },
    );
    const answer = await this.options.client.workflow.executeUpdateWithStart(open, {
      args: [{ ...begin, commandId, actor: 'system/test', role: 'service', source: 'api' }],
      updateId: commandId,
      startWorkflowOperation: new WithStartWorkflowOperation(journeyWorkflowType, options),
    });
    return new JourneyRun(this.options.client, this, journeyId, answer);
  }
}

/** The code a command was refused with; undefined: it was accepted; `gone`: nobody was there. Anything else that went wrong is thrown. */
export async function codeOf(sent: Promise<unknown>): Promise<string | undefined> {
  try {
    await sent;
    return undefined;
  } catch (error) {
    const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
    if (cause instanceof ApplicationFailure) return cause.type ?? undefined;
    if (error instanceof WorkflowNotFoundError) return 'gone';
    throw error;
  }
}

/** gRPC: the task that was to take the command was thrown away, because something else came meanwhile. */
const failedPrecondition = 9;

/**
 * Sends a command again that a run passed over while it continued as new, as the API does. The server that skips time says of such a run that
 * there is none, although the next one has begun.
 */
async function persistently<Answer>(handle: WorkflowHandle, verb: string, args: { readonly commandId: string }): Promise<Answer> {
  for (;;) {
    try {
      return await handle.executeUpdate<Answer, [typeof args]>(verb, { args: [args], updateId: args.commandId });
    } catch (error) {
      const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
      const isPassedOver = cause instanceof ApplicationFailure && passedOver.includes(cause.type ?? '');
      const status: number | null = error instanceof Error && isGrpcServiceError(error.cause) ? error.cause.code : null;
      const isThrownAway = status === failedPrecondition;
      const isBetweenRuns = error instanceof WorkflowNotFoundError && (await handle.describe()).status.name === 'RUNNING';
      if (!isPassedOver && !isThrownAway && !isBetweenRuns) throw error;
    }
  }
}

/** One journey, by its verbs. */
export class JourneyRun {
  readonly handle: WorkflowHandle;
  readonly id: string;
  readonly opened: OpenJourneyAnswer;
  private readonly client: Client;
  private readonly desk: JourneyDesk;
  private readonly told = new Told();

  constructor(client: Client, desk: JourneyDesk, id: string, opened: OpenJourneyAnswer) {
    this.handle = client.workflow.getHandle(`journey/${id}`);
    this.id = id;
    this.opened = opened;
    this.client = client;
    this.desk = desk;
    this.told.answer(opened);
  }

  /** Sends one verb as an admin would through the API; `commandId` repeats a command. */
  async send<Verb extends JourneyVerb>(
    verb: Verb,
    fields: JourneyCommandFields[Verb],
    envelope: {
      readonly commandId?: string;
      readonly actor?: string;
      readonly role?: string;
      readonly roles?: readonly string[];
      readonly reason?: string;
    } = {},
  ): Promise<JourneyAnswer> {
    const commandId = envelope.commandId ?? randomUUID();
    const args = { actor: `user/${demo.admin}`, role: 'admin', source: 'api', ...fields, ...envelope, commandId };
    return this.told.answer(await persistently<JourneyAnswer>(this.handle, verb, args));
  }

  /** An event of the bus, stored and told as the relay does it. */
  async hear(
    type: string,
    data: JsonObject = {},
    fields: { readonly id?: string; readonly customerId?: string; readonly tell?: boolean } = {},
  ): Promise<string> {
    const { id = randomUUID(), customerId = demo.customers[0] ?? '', tell = true } = fields;
    const at = new Date(await this.desk.now());
    await this.desk.inTenant((tx) =>
      tx
        .insertInto('inboundEvent')
        .values({
          tenantId: demo.tenant,
          id,
          type,
          source: 'test',
          customerId,
          data: JSON.stringify(data),
          at,
          receivedAt: at,
          actor: 'system/test',
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
    );
    if (tell) await this.handle.signal(event, { id, type, at: at.getTime() });
    return id;
  }

  /** A text as the API stores it before it sends the command that names it. */
  async text(body: string, commandId: string = randomUUID()): Promise<string> {
    const id = randomUUID();
    await this.desk.inTenant((tx) =>
      tx
        .insertInto('content')
        .values({
          tenantId: demo.tenant,
          id,
          kind: 'comment',
          visibility: 'internal',
          authorKind: 'agent',
          body,
          journeyId: this.id,
          commandId,
        })
        .execute(),
    );
    return id;
  }

  state(): Promise<JourneyView | null> {
    return this.handle.query(state);
  }

  handoff(step: string, visit = 1): HandoffRun {
    return new HandoffRun(this.client, this.desk, `${this.id}.${step}.${visit}`);
  }

  /** Reads what PostgreSQL has once all that was answered is there. */
  private async projected<T>(read: (tx: TenantTx) => Promise<T>): Promise<T> {
    const version = (tx: TenantTx) => tx.selectFrom('journey').select('version').where('id', '=', this.id).executeTakeFirst();
    await this.told.isThere(() => this.desk.inTenant(version));
    return this.desk.inTenant(read);
  }

  /** The row as PostgreSQL has it, its events and what became of its steps. */
  async row() {
    return this.projected(async (tx) => {
      const row = await tx
        .selectFrom('journey')
        .select([
          'status',
          'result',
          'outcome',
          'stage',
          'progress',
          'currentStep',
          'openSteps',
          'context',
          'version',
          'awaitsApproval',
          'dueAt',
        ])
        .where('id', '=', this.id)
        .executeTakeFirstOrThrow();
      return row;
    });
  }

  /** Types of its events in order, with the step they are about. */
  async events(): Promise<string[]> {
    return (await this.log()).map(({ type, data }) => (typeof data['step'] === 'string' ? `${type} ${data['step']}` : type));
  }

  async log(): Promise<{ seq: number; type: string; at: number; data: JsonObject }[]> {
    const rows = await this.projected((tx) =>
      tx.selectFrom('event').select(['seq', 'type', 'at', 'data']).where('subject', '=', `journey/${this.id}`).orderBy('seq').execute(),
    );
    return rows.map(({ seq, type, at, data }) => ({ seq, type, at: at.getTime(), data: data as unknown as JsonObject }));
  }

  /** `<step>.<visit>` → state, outcome and cause of each visit. */
  async visits(): Promise<
    Record<string, { state: string; outcome: string | null; cause: string | null; incident: string | null; attempts: number }>
  > {
    const rows = await this.projected((tx) =>
      tx.selectFrom('journeyVisit').selectAll().where('journeyId', '=', this.id).orderBy('enteredAt').execute(),
    );
    return Object.fromEntries(
      rows.map(({ step, visit, item, state: stands, outcome, cause, incidentCode, attempts }) => [
        `${step}.${visit}${item === '' ? '' : `.${item}`}`,
        { state: stands, outcome, cause, incident: incidentCode, attempts },
      ]),
    );
  }

  /** Its votes as PostgreSQL has them. */
  async approval(step: string, visit = 1) {
    return this.projected(async (tx) => {
      const id = `${this.id}.${step}.${visit}`;
      const row = await tx
        .selectFrom('approval')
        .select(['round', 'required', 'outcome', 'escalations', 'eligible'])
        .where('id', '=', id)
        .executeTakeFirst();
      const votes = await tx.selectFrom('approvalVote').select(['by', 'decision']).where('approvalId', '=', id).orderBy('n').execute();
      return row === undefined ? null : { ...row, votes };
    });
  }
}

/** One handoff, by its verbs. */
export class HandoffRun {
  readonly handle: WorkflowHandle;
  readonly id: string;
  private readonly desk: JourneyDesk;
  private readonly told = new Told();

  constructor(client: Client, desk: JourneyDesk, id: string) {
    this.handle = client.workflow.getHandle(handoffWorkflowId(id));
    this.id = id;
    this.desk = desk;
  }

  async send<Verb extends HandoffVerb>(
    verb: Verb,
    fields: HandoffCommandFields[Verb],
    envelope: { readonly commandId?: string; readonly actor?: string; readonly role?: string; readonly roles?: readonly string[] } = {},
  ): Promise<HandoffAnswer> {
    const commandId = envelope.commandId ?? randomUUID();
    const args = { actor: `user/${demo.admin}`, role: 'admin', source: 'api', ...(fields as object), ...envelope, commandId };
    return this.told.answer(await persistently<HandoffAnswer>(this.handle, verb, args));
  }

  state(): Promise<HandoffView> {
    return this.handle.query(handoffState);
  }

  /** The row as PostgreSQL has it; null: there is none yet. */
  async row() {
    const stored = () =>
      this.desk.inTenant((tx) =>
        tx
          .selectFrom('handoff')
          .select(['state', 'owner', 'missing', 'outcome', 'reason', 'attempts', 'dueAt', 'version'])
          .where('id', '=', this.id)
          .executeTakeFirst(),
      );
    await this.told.isThere(stored);
    return (await stored()) ?? null;
  }
}
