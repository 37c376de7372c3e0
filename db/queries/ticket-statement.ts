/** The statement that records a ticket's events: one for each set of parts that come with them, put together once. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import { statementOf } from '../statement.js';
import type { Places } from '../statement.js';
import { auditInsertOf } from './audit.js';
import { slaInserts } from './service-levels.js';
import { rowUpdate, rowWrite } from './ticket-row.js';
import type { rowValues } from './ticket-row.js';
import type { SlaStep } from '../../domain/sla/desk.js';

/** In the order in which they stand in the statement. */
export const slaParts = ['clocks', 'segments', 'rungs', 'escalations', 'notices'] as const satisfies readonly (keyof SlaStep)[];

/** Lists as JSON. */
interface RecordingValues extends ReturnType<typeof rowValues>, Record<keyof SlaStep, string> {
  /** Of the events. */
  readonly subject: string;
  readonly events: string;
  readonly audit: string;
  readonly planned: string;
}

type RecordingPlaces = Places<RecordingValues>;

const parts = {
  audited: ({ tenant, audit }: RecordingPlaces) => auditInsertOf({ tenant, entries: audit }),
  linked: ({ tenant, id }: RecordingPlaces) => sql`
      update content c set ticket_id = ${id}, seq = g.seq, linked_at = g.at
      from given g
      -- The ids once more: a plan made while the table was small would otherwise go through all texts of the tenant.
      where c.tenant_id = ${tenant} and c.id = any(array(select content from given)) and c.id = g.content and c.ticket_id is null`,
  planned: ({ tenant, id, planned }: RecordingPlaces) => sql`
      insert into outbound_message (tenant_id, id, dedupe_key, ticket_id, message, template, recipient_id, content_id, automatic, cycle)
      select ${tenant}, p.id, p."dedupeKey", ${id}, p.message, p.template, p.recipient, p.content, p.automatic, p.cycle
      from jsonb_to_recordset(${planned}::jsonb) as p(
        id uuid, "dedupeKey" text, message text, template text, recipient uuid, content uuid, automatic boolean, cycle int)
      on conflict (tenant_id, dedupe_key) do nothing`,
  ...slaInserts,
  /** The row holds the texts already: only `whole` is right whatever is there. */
  changed: rowUpdate,
  whole: (places: RecordingPlaces) => rowWrite(places),
};

/** What comes with the events; one of the last two always does. */
export type RecordingPart = keyof typeof parts;

const build =
  (with_: readonly RecordingPart[]) =>
  (places: RecordingPlaces): RawBuilder<unknown> => sql`
    with given as materialized (
      select * from jsonb_to_recordset(${places.events}::jsonb) as e(
        seq int, id uuid, type text, at timestamptz, actor text, role text, source text,
        "commandId" text, "runId" text, digest text, data jsonb, content uuid)
    ), recorded as (
      insert into event (tenant_id, subject, seq, id, type, at, product, actor, role, source, command_id, run_id, digest, data, content_id)
      select ${places.tenant}, ${places.subject}, seq, id, type, at, ${places.product}, actor, role, source, "commandId", "runId",
        decode(digest, 'hex'), data, content
      from given
    ), ${sql.join(with_.map((part) => sql`${sql.id(part)} as (${parts[part](places)})`))}
    ${with_.includes('changed') ? sql`select refuse('the row holds other texts') where not exists (select from changed)` : sql`select`}`;

const recordings = new Map<string, (tx: TenantTx, values: RecordingValues) => Promise<void>>();

/** The statement for events that come with these parts. */
export function recordingOf(with_: readonly RecordingPart[]): (tx: TenantTx, values: RecordingValues) => Promise<void> {
  const key = with_.join(' ');
  const known = recordings.get(key) ?? statementOf(build(with_));
  recordings.set(key, known);
  return known;
}

/** The row alone, although its version is the ticket's already. */
export const rewriting = statementOf<ReturnType<typeof rowValues>>((places) => rowWrite(places, sql`<=`));
