/** The API on a real database, with a desk in memory where the engine would be: same rules, same projection, no server. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { createPlanning } from '../../activities/sla.js';
import { createApp } from '../../api/app.js';
import { keepDenials } from '../../api/audit/denials.js';
import type { Denials } from '../../api/audit/denials.js';
import type { App } from '../../api/app.js';
import { CommandLost, CommandRefused } from '../../api/commands.js';
import type { OpenFacts, TicketCommands } from '../../api/commands.js';
import type { Deps } from '../../api/deps.js';
import { createMetrics } from '../../api/metrics.js';
import type { ApiMetrics } from '../../api/metrics.js';
import type { ReprojectionControl, ReprojectionEngine } from '../../api/service-levels/reprojection-engine.js';
import { createSigningKeys } from '../../api/signing.js';
import { createHub } from '../../api/stream/hub.js';
import { sourceOf } from '../../api/stream/live.js';
import type { StreamHub } from '../../api/stream/streams.js';
import { withTenant } from '../../db/client.js';
import type { Db, TenantTx } from '../../db/client.js';
import { createDiskFiles } from '../../db/files.js';
import { createSecretBox } from '../../db/secret-box.js';
import { recordOnRow } from '../../db/queries/projection.js';
import { markReprojection } from '../../db/queries/reprojection.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { originOf } from '../../domain/actor.js';
import { ProductSettings } from '../../domain/configuration/schema.js';
import { asTenantId } from '../../domain/ids.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import { planMessages } from '../../domain/messaging/plan.js';
import { act, catchUp, follow, nearestOf } from '../../domain/sla/desk.js';
import type { Outcome } from '../../domain/sla/desk.js';
import { emptyLedger, windowsAround } from '../../domain/sla/ledger.js';
import type { Ledger } from '../../domain/sla/ledger.js';
import type { TicketCommand, Verb } from '../../domain/ticket/command.js';
import { shapeErrors } from '../../domain/ticket/shape.js';
import type { TicketStep } from '../../domain/ticket/step.js';
import { isClosed } from '../../domain/ticket/ticket.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { createLogger } from '../../logger.js';
import type { CommandArgs, TicketAnswer } from '../../workflows/ticket/messages.js';
import { BatchesInMemory } from './batches-in-memory.js';
import { ErasuresInMemory } from './erasures-in-memory.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';
import { conforms } from './conforms.js';
import { countingAlone } from './counting.js';
import { JourneysInMemory } from './journeys-in-memory.js';

/** Whatever a verb carries. */
interface Args {
  readonly commandId: string;
}

/** One ticket's run. */
interface Run {
  ticket: Ticket | null;
  ledger: Ledger;
  readonly handled: Map<string, number>;
}

/** What the engine does next instead of working. */
export type Trouble = CommandLost['kind'] | 'unprojected' | 'lost_after';

export class DeskInMemory implements TicketCommands {
  /** One entry per command that reached the desk. */
  readonly received: { readonly id: TicketId; readonly kind: Verb; readonly commandId: string }[] = [];
  trouble: Trouble | null = null;
  /** Called once, when the next command arrives, before it is decided. */
  beforehand: (() => Promise<unknown>) | null = null;
  /** Called when a command is in, before it is answered. */
  meanwhile: (() => Promise<void>) | null = null;
  /** When the desk lives: at another time, its clocks run then. */
  now: () => number = Date.now;
  private readonly runs = new Map<TicketId, Run>();
  private readonly db: Db;

  constructor(db: Db) {
    this.db = db;
  }

  async send<Kind extends Verb>(id: TicketId, kind: Kind, args: CommandArgs<Kind> & Args): Promise<TicketAnswer> {
    const run = this.runs.get(id);
    if (run === undefined || (run.ticket !== null && isClosed(run.ticket))) throw new CommandLost('gone');
    return this.handle(id, kind, args);
  }

  async accept<Kind extends Verb>(id: TicketId, kind: Kind, args: CommandArgs<Kind> & Args): Promise<void> {
    await this.send(id, kind, args);
  }

  async open(facts: OpenFacts, args: CommandArgs<'open'> & Args): Promise<TicketAnswer> {
    const { ticketId } = facts;
    const run = this.runs.get(ticketId);
    if (run?.ticket && isClosed(run.ticket)) throw new CommandLost('over');
    if (run === undefined) this.runs.set(ticketId, { ticket: null, ledger: emptyLedger, handled: new Map() });
    return this.handle(ticketId, 'open', args);
  }

  async ping(): Promise<void> {
    if (this.trouble === 'unavailable') throw new CommandLost('unavailable');
  }

  /** A run nobody knows of, under a number of its own. */
  occupy(id: TicketId, ticket: Ticket): void {
    this.runs.set(id, { ticket, ledger: emptyLedger, handled: new Map() });
  }

  /** Lets time pass for a ticket: what falls due until then is done a moment later, as its watcher would. */
  async pass(id: TicketId, until: number): Promise<void> {
    const run = this.runs.get(id);
    if (run === undefined || run.ticket === null) throw new CommandLost('gone');
    for (let due = nearestOf(run.ticket, run.ledger); due !== null && due.at < until; due = nearestOf(run.ticket, run.ledger)) {
      await this.keep(run, catchUp(run.ticket, run.ledger, due.at + 1), bySystem(due.at + 1));
    }
  }

  private async handle(id: TicketId, kind: Verb, args: Args): Promise<TicketAnswer> {
    const { trouble } = this;
    if (trouble !== null && trouble !== 'unprojected' && trouble !== 'lost_after') throw new CommandLost(trouble);
    this.received.push({ id, kind, commandId: args.commandId });
    const { beforehand } = this;
    this.beforehand = null;
    await beforehand?.();
    expect(shapeErrors(kind, args), `shape of ${kind}`).toEqual([]);
    const answer = await this.apply(id, kind, args);
    await this.meanwhile?.();
    if (trouble === 'lost_after') throw new CommandLost('unconfirmed');
    return answer;
  }

  private async apply(id: TicketId, kind: Verb, args: Args): Promise<TicketAnswer> {
    const run = this.runs.get(id);
    if (run === undefined) throw new CommandLost('gone');
    const before = run.handled.get(args.commandId);
    if (before !== undefined && run.ticket !== null) return { version: before, ticket: run.ticket, projected: true };
    // The shape was checked above.
    const command = { role: 'operator', source: 'operator', ...args, kind } as unknown as TicketCommand;
    const now = this.now();
    if (command.kind === 'open' && (command.sla?.set ?? 0) > 0) run.ledger = { ...emptyLedger, planned: false };
    const outcome = act(run.ticket, run.ledger, command, now);
    if (!outcome.ok) throw new CommandRefused(outcome.code, outcome.members);
    const projected = this.trouble !== 'unprojected';
    const { commandId, actor, role, source } = command;
    await this.keep(run, outcome, { commandId, kind, actor, role, source, ...originOf(command), at: now }, projected);
    if (command.kind === 'open') await this.plan(run, now, projected);
    const { version } = run.ticket ?? outcome.ticket;
    run.handled.set(commandId, version);
    return { version, ticket: run.ticket ?? outcome.ticket, projected };
  }

  /** The policy a new ticket falls under. */
  private async plan(run: Run, now: number, projected: boolean): Promise<void> {
    const { ticket, ledger } = run;
    if (ticket === null || ledger.planned) return;
    const { product, priority, category, channel, team, requester, texts, tenant, id: ticketId, sla } = ticket;
    const facts = { product, priority, category, channel, team, requester, tags: texts.tags };
    const { from } = windowsAround(ledger, { targets: {}, rungs: [] }, now);
    const { planSla } = createPlanning({ db: this.db, now: Date.now });
    const plan = await planSla({ tenant, ticketId, set: sla.set, facts, from, now });
    await this.keep(run, follow(ticket, ledger, [{ kind: 'planned', at: now, reason: 'policy', ...plan }], now), bySystem(now), projected);
  }

  private async keep(
    run: Run,
    { ticket, ledger, events, sla }: Outcome,
    said: Omit<TicketStep, 'runId' | 'events' | 'ticket' | 'planned' | 'sla'>,
    projected = true,
  ): Promise<void> {
    run.ticket = ticket;
    run.ledger = ledger;
    if (!projected || (events.length === 0 && sla === null)) return;
    const planned = planMessages(ticket, events);
    const step = { ...said, runId: 'memory', events, ticket, planned, ...(sla === null ? {} : { sla }) };
    await withTenant(this.db, ticket.tenant, (tx) => recordOnRow(tx, step, randomUUID));
  }
}

const bySystem = (at: number) =>
  ({ commandId: `sla/${at}`, kind: 'sla', actor: 'system/sla', role: 'system', source: 'system', at }) as const;

/** The engine of re-projections: what it is told becomes the row, at once. */
export class JobsInMemory implements ReprojectionEngine {
  /** Revisions that were started. */
  readonly started: number[] = [];
  readonly controlled: ReprojectionControl[] = [];
  trouble: CommandLost['kind'] | null = null;
  private readonly db: Db;

  constructor(db: Db) {
    this.db = db;
  }

  async start(_tenant: TenantId, revision: number): Promise<void> {
    if (this.trouble !== null) throw new CommandLost(this.trouble);
    this.started.push(revision);
  }

  async control(request: ReprojectionControl): Promise<void> {
    if (this.trouble !== null) throw new CommandLost(this.trouble);
    this.controlled.push(request);
    const { tenant, revision, control } = request;
    const state = ({ pause: 'paused', resume: 'running', cancel: 'cancelled' } as const)[control];
    await withTenant(this.db, tenant, (tx) => markReprojection(tx, tenant, revision, state));
  }
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // What a test looks into; the document says what it is.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

export type Who = 'admin' | 'lead' | 'agent' | 'other' | 'customer' | 'stranger' | 'service' | 'reader' | 'foreign' | 'nobody';

export interface Stage {
  readonly app: App;
  /** What the app was built from, to build another. */
  readonly deps: Deps;
  readonly denials: Denials;
  readonly desk: DeskInMemory;
  readonly jobs: JobsInMemory;
  readonly batches: BatchesInMemory;
  readonly erasures: ErasuresInMemory;
  readonly journeys: JourneysInMemory;
  readonly db: Db;
  readonly metrics: ApiMetrics;
  readonly streams: StreamHub;
  readonly keys: Readonly<Record<Exclude<Who, 'nobody'>, string>>;
  readonly database: TestDatabase;
  call(who: Who, method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  /** Opens a ticket of the demo product and returns its number. */
  ticket(fields?: Record<string, unknown>, who?: Who): Promise<string>;
  sql<T>(work: (tx: TenantTx) => Promise<T>, tenant?: TenantId): Promise<T>;
}

export const otherTenant = asTenantId('018f3b1e-0000-7000-8000-000000000002');
/** An agent of the demo tenant outside its team, for another product only. */
export const outsider = '018f3b1e-0000-7000-8000-000000000025';
export const foreignAdmin = '018f3b1e-0000-7000-8000-000000000926';
const readerAccount = '018f3b1e-0000-7000-8000-0000000000ab';
export const secretKeys = 'k1:test-secret-of-the-api';
export { demo };

/** One stage for a test file. */
export function useStage(): Stage {
  const stage: { current?: Stage & { end: () => Promise<void> } } = {};
  beforeAll(async () => {
    stage.current = await build();
  });
  afterAll(async () => stage.current?.end());
  const now = (): Stage => {
    if (stage.current === undefined) throw new Error('the stage is not up yet');
    return stage.current;
  };
  return {
    get app() {
      return now().app;
    },
    get deps() {
      return now().deps;
    },
    get denials() {
      return now().denials;
    },
    get desk() {
      return now().desk;
    },
    get jobs() {
      return now().jobs;
    },
    get batches() {
      return now().batches;
    },
    get erasures() {
      return now().erasures;
    },
    get journeys() {
      return now().journeys;
    },
    get db() {
      return now().db;
    },
    get metrics() {
      return now().metrics;
    },
    get streams() {
      return now().streams;
    },
    get keys() {
      return now().keys;
    },
    get database() {
      return now().database;
    },
    call: (...args) => now().call(...args),
    ticket: (...args) => now().ticket(...args),
    sql: (...args) => now().sql(...args),
  };
}

async function build(): Promise<Stage & { end: () => Promise<void> }> {
  const database = await freshDatabase();
  const { db } = database;
  const keys = {
    admin: newApiKey(),
    lead: newApiKey(),
    agent: newApiKey(),
    other: newApiKey(),
    customer: newApiKey(),
    stranger: newApiKey(),
    service: newApiKey(),
    reader: newApiKey(),
    foreign: newApiKey(),
  };
  await seedDemo(database.url, { ...keys, gateway: newApiKey() });
  await withTenant(db, demo.tenant, (tx) => seedMore(tx, keys));
  await withTenant(db, otherTenant, (tx) => seedForeign(tx, keys));
  const folder = await mkdtemp(join(tmpdir(), 'usher-api-'));
  const desk = new DeskInMemory(db);
  const jobs = new JobsInMemory(db);
  const batches = new BatchesInMemory(db);
  const erasures = new ErasuresInMemory();
  const journeys = new JourneysInMemory(db);
  const metrics = createMetrics();
  const streams = createHub({ source: sourceOf(db, () => undefined), now: () => Date.now() });
  const denials = keepDenials({ db, log: createLogger({ level: 'silent', pretty: false, name: 'test' }), now: () => Date.now() });
  const deps: Deps = {
    db,
    commands: desk,
    reprojections: jobs,
    batches,
    erasures,
    journeys,
    streams,
    metrics,
    requests: countingAlone(),
    denials,
    files: createDiskFiles(folder),
    keys: createSigningKeys(secretKeys),
    log: createLogger({ level: 'silent', pretty: false, name: 'test' }),
    now: () => Date.now(),
    answerWithin: 60_000,
    publicUrl: 'http://api.test',
    signIn: { privateTargets: true },
    webhooks: { secrets: createSecretBox(secretKeys), testMs: 300 },
    webUi: { url: 'http://ui.test', namespace: 'usher' },
  };
  const app = createApp(deps);
  const call: Stage['call'] = async (who, method, path, body, headers = {}) => {
    const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
    const all = {
      ...(who === 'nobody' ? {} : { authorization: `Bearer ${keys[who]}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    };
    const response = await app.request(`http://api.test${path}`, { method, headers: all, ...sent });
    const text = await response.text();
    const isJson = text !== '' && (response.headers.get('content-type') ?? '').includes('json');
    const reply = { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
    expect(conforms(method, path, reply), `${method} ${path} → ${response.status} ${text.slice(0, 400)}`).toEqual([]);
    return reply;
  };
  return {
    app,
    deps,
    denials,
    desk,
    jobs,
    batches,
    erasures,
    journeys,
    db,
    metrics,
    streams,
    keys,
    database,
    call,
    ticket: async (fields = {}, who = 'admin') => {
      const requester = who === 'customer' || who === 'stranger' ? {} : { requester: { customerId: demo.customers[0] } };
      const made = await call(who, 'POST', '/v1/tickets', {
        product: 'demo',
        subject: 'It does not start',
        description: 'Since this morning.',
        channel: 'api',
        ...requester,
        ...fields,
      });
      expect(made.status, JSON.stringify(made.body)).toBe(201);
      return String(made.body.id);
    },
    sql: (work, tenant = demo.tenant) => withTenant(db, tenant, work),
    end: async () => {
      await denials[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const keyRow = (tenantId: string, ownerKind: string, ownerId: string, key: string, id = ownerId) => ({
  tenantId,
  id,
  hash: createHash('sha256').update(key).digest(),
  ownerKind,
  ownerId,
  prefix: key.slice(0, 8),
});

/** Beside the demo data: a second product and team, an agent only there, a second customer with a key, a service with few scopes. */
async function seedMore(tx: TenantTx, keys: Stage['keys']): Promise<void> {
  const tenantId = demo.tenant;
  const settings = JSON.stringify(ProductSettings.parse({ fromName: 'Second', statusLabels: { new: 'Fresh' } }));
  await tx.insertInto('product').values({ tenantId, key: 'second', name: 'Second product', settings }).execute();
  await tx.insertInto('team').values({ tenantId, id: secondTeam, name: 'Second team' }).execute();
  await tx
    .insertInto('agent')
    .values({ tenantId, id: outsider, name: 'Second Agent', email: 'second@usher.localhost', role: 'agent', products: ['second'] })
    .execute();
  await tx.insertInto('teamMember').values({ tenantId, teamId: secondTeam, agentId: outsider }).execute();
  await tx
    .insertInto('serviceAccount')
    .values({ tenantId, id: readerAccount, name: 'Reader', scopes: ['tickets:read'], products: ['demo'] })
    .execute();
  await tx
    .insertInto('apiKey')
    .values([
      keyRow(tenantId, 'user', outsider, keys.other),
      keyRow(tenantId, 'customer', demo.customers[1] ?? '', keys.stranger),
      keyRow(tenantId, 'service', readerAccount, keys.reader),
    ])
    .execute();
}

export const secondTeam = '018f3b1e-0000-7000-8000-000000000011';

/** A tenant with the same product key, so that only the tenant tells them apart. */
async function seedForeign(tx: TenantTx, keys: Stage['keys']): Promise<void> {
  const tenantId = otherTenant;
  const settings = JSON.stringify(ProductSettings.parse({ fromName: 'Other' }));
  await tx.insertInto('tenant').values({ tenantId, key: 'other', name: 'Other' }).execute();
  await tx.insertInto('product').values({ tenantId, key: 'demo', name: 'Their product', settings }).execute();
  await tx
    .insertInto('agent')
    .values({ tenantId, id: foreignAdmin, name: 'Their Admin', email: 'admin@other.localhost', role: 'admin' })
    .execute();
  await tx
    .insertInto('apiKey')
    .values(keyRow(tenantId, 'user', foreignAdmin, keys.foreign))
    .execute();
}
