/** What journeys and handoffs share when they are recorded: their lines of the event log, each once, whatever repeats. Source: temporal.md, 6.3. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { withTenant } from '../client.js';
import type { Db, TenantTx } from '../client.js';
import { auditInsert } from './audit.js';
import { eventKey, isTaken } from './errors.js';
import { AlreadyRecorded, storedEvents } from './projection.js';
import { originOf } from '../../domain/actor.js';
import type { Origin } from '../../domain/actor.js';
import { auditEntries } from '../../domain/audit/entry.js';
import type { TenantId } from '../../domain/ids.js';
import type { JsonObject } from '../../domain/journey/json.js';
import type { Doer } from '../../domain/journey/run/event.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

export interface ProjectionOptions {
  readonly db: Db;
  /** A new time-ordered UUID. */
  readonly newId: () => string;
  /** Told when a lost attempt or a Reset left something else than the workflow says. */
  readonly onRepaired: () => void;
  /** How long a statement may take, in milliseconds; the pool's own limit when absent. */
  readonly statementMs?: () => number;
}

/** The highest number stored; `conflict`: another history holds some of these numbers, and nothing was written. */
export interface ProjectionOutcome {
  readonly stored: number;
  readonly conflict: boolean;
}

/** One reaction of a journey or a handoff, as far as the log is concerned. */
interface Reaction {
  readonly doer: Doer;
  readonly runId: string;
  readonly events: readonly { readonly type: string; readonly seq: number; readonly at: Instant; readonly data: JsonObject }[];
}

/** One line of the event log, ready to be stored, with the command that led to it. */
export interface LogRow extends Origin {
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly at: string;
  readonly actor: string;
  readonly role: string;
  readonly source: string;
  readonly commandId: string;
  readonly kind: string;
  readonly runId: string;
  /** Hex; tells a repeated attempt from another change under the same number. */
  readonly digest: string;
  readonly data: JsonObject;
  readonly routing: 'pending' | 'routed';
}

/** Inner steps, of which no other journey is told. */
const unheard =
  /^(?:journey[.](?:timer|task|step|experiment|context|incident)[.].+|approval[.](?:opened|voted|delegated|escalated|changed|stale)|handoff[.](?:data[.].+|assigned|started|retried|paused|resumed))$/;

/** The lines of reactions, oldest first. */
export const logRows = (reactions: readonly Reaction[], newId: () => string): LogRow[] =>
  reactions.flatMap(({ doer, runId, events }) => {
    const { commandId, kind, actor, role, source } = doer;
    return events.map(({ type, seq, at, data }) => ({
      ...originOf(doer),
      seq,
      id: newId(),
      type,
      at: toIso(at),
      actor,
      role,
      source,
      commandId,
      kind,
      runId,
      digest: createHash('sha256')
        .update(JSON.stringify([commandId, kind, type, data]))
        .digest('hex'),
      data,
      routing: unheard.test(type) ? 'routed' : 'pending',
    }));
  });

export interface LogPlace {
  readonly tenant: TenantId;
  /** `journey/<id>` or `handoff/<id>`. */
  readonly subject: string;
  readonly journeyId: string;
  /** The business subject, `<type>/<id>`, as an expression. */
  readonly entity: RawBuilder<unknown>;
}

/** The parts of a statement that store the lines and their audit, and link the texts their commands brought. */
export const logInsert = ({ tenant, subject, journeyId, entity }: LogPlace, rows: readonly LogRow[]): RawBuilder<unknown> => sql`
    given as (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as e(
        seq int, id uuid, type text, at timestamptz, actor text, role text, source text,
        "commandId" text, "runId" text, digest text, data jsonb, routing text)
    ), recorded as (
      insert into event (tenant_id, subject, seq, id, type, at, actor, role, source, command_id, run_id, digest, data, routing, journey_id, entity)
      select ${tenant}, ${subject}, seq, id, type, at, actor, role, source, "commandId", "runId", decode(digest, 'hex'), data, routing,
        ${journeyId}, ${entity}
      from given
    ), linked as (
      update content c set linked_at = now()
      where c.tenant_id = ${tenant} and c.journey_id = ${journeyId} and c.linked_at is null and c.command_id in (select "commandId" from given)
    ), audited as (
      ${auditInsert(tenant, auditEntries(subject, rows))}
    )`;

/** @throws AlreadyRecorded when some line was there before; the transaction has to be rolled back */
export async function executeLog(tx: TenantTx, statement: RawBuilder<unknown>): Promise<void> {
  try {
    await statement.execute(tx);
  } catch (error) {
    throw isTaken(error, eventKey) ? new AlreadyRecorded() : error;
  }
}

/** What is to be recorded, and how. */
export interface Recording extends Pick<LogPlace, 'tenant' | 'subject'> {
  readonly rows: readonly LogRow[];
  /** The number of the last event. */
  readonly version: number;
  /** Stores these lines and how things stand, in one statement. Throws AlreadyRecorded. */
  readonly record: (tx: TenantTx, rows: readonly LogRow[]) => Promise<void>;
  /** Writes how things stand although the version is stored already. */
  readonly rewrite: (tx: TenantTx) => Promise<void>;
}

/** Records once; where numbers are taken, finds out by whom: this very attempt, a lost one of the same command, or another history. */
export async function recordOnce({ db, onRepaired, statementMs }: ProjectionOptions, recording: Recording): Promise<ProjectionOutcome> {
  const { tenant, rows, version, record } = recording;
  try {
    await withTenant(db, tenant, (tx) => record(tx, rows), { statementMs: statementMs?.(), forOne: true });
    return { stored: version, conflict: false };
  } catch (error) {
    if (!(error instanceof AlreadyRecorded)) throw error;
  }
  return withTenant(db, tenant, (tx) => reconcile(tx, recording, onRepaired), { statementMs: statementMs?.() });
}

async function reconcile(
  tx: TenantTx,
  { tenant, subject, rows, version, record, rewrite }: Recording,
  onRepaired: () => void,
): Promise<ProjectionOutcome> {
  const stored = new Map((await storedEvents(tx, tenant, subject, rows[0]?.seq ?? 0)).map((line) => [line.seq, line]));
  const differs = rows.filter((row) => stored.has(row.seq) && stored.get(row.seq)?.digest !== row.digest);
  const foreign = differs.some((row) => {
    const found = stored.get(row.seq);
    return found?.runId !== row.runId || found.commandId !== row.commandId;
  });
  if (foreign) {
    onRepaired();
    return { stored: Math.max(...stored.keys()), conflict: true };
  }
  const missing = rows.filter((row) => !stored.has(row.seq));
  if (missing.length > 0) await record(tx, missing);
  if (differs.length > 0) {
    onRepaired();
    await rewrite(tx);
  }
  return { stored: version, conflict: false };
}

/** The last of several rows under the same key, in the order of their first. */
export const lastOf = <Row>(rows: readonly Row[], key: (row: Row) => string): Row[] => [
  ...new Map(rows.map((row) => [key(row), row])).values(),
];

export const isoOf = (at: Instant | null): string | null => (at === null ? null : toIso(at));
