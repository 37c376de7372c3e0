/** How entries into journeys look at the database, and what they leave there. Source: journeys.md, sections 1, 2 and 10. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { v5 as uuidFrom } from 'uuid';
import type { TenantTx } from '../client.js';
import type { TenantId } from '../../domain/ids.js';
import type { CompiledTemplate } from '../../domain/journey/compile.js';
import type { Dedupe, EntryNote, EntryQuestion, EntrySight, EntryTemplate } from '../../domain/journey/entry/enter.js';
import { usualCapacity } from '../../domain/journey/entry/consider.js';
import type { PackageIntegrations } from '../../domain/journey/entry/triggers.js';
import { isObject, plainJson } from '../../domain/journey/json.js';
import type { Json } from '../../domain/journey/json.js';
import type { KeptText } from '../../domain/journey/texts.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

interface VersionRow {
  readonly key: string;
  readonly version: number;
  readonly hash: string;
  readonly compiled: unknown;
  readonly isOpen: boolean;
}

const entryTemplate = ({ compiled, ...row }: VersionRow): EntryTemplate => ({ ...row, compiled: asCompiled(compiled) });

/** Only what was compiled is stored there. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const asCompiled = (stored: unknown): CompiledTemplate => stored as CompiledTemplate;

/**
 * The version an entry takes now: the newest that is published, or the one that is asked for. One that was published and is no longer comes
 * back closed; undefined: there never was one.
 */
export async function findEntryTemplate(tx: TenantTx, tenant: TenantId, key: string, version?: number): Promise<EntryTemplate | undefined> {
  const { rows } = await sql<VersionRow>`
    select v.key, v.version, v.hash, v.compiled, v.status = 'published' and t.paused_at is null as is_open
    from journey_template_version v join journey_template t on t.tenant_id = v.tenant_id and t.key = v.key
    where v.tenant_id = ${tenant} and v.key = ${key} ${version === undefined ? sql`` : sql`and v.version = ${version}`}
    order by v.status = 'published' desc, v.version desc limit 1`.execute(tx);
  return rows[0] === undefined ? undefined : entryTemplate(rows[0]);
}

interface SightRow {
  readonly mine: string | null;
  readonly noted: EntrySight['noted'];
  readonly open: string | null;
  readonly ended: number;
  readonly lastEndedAt: Date | null;
  readonly openInTenant: number;
  readonly isRepeated: boolean;
  readonly settings: unknown;
}

/** What stands in an entry's way, in one statement. */
export async function lookAtEntry(
  tx: TenantTx,
  tenant: TenantId,
  { template, trigger, entryKey, commandId, dedupe }: EntryQuestion,
  now: Instant,
): Promise<EntrySight> {
  const ofKey = sql`from journey j where j.tenant_id = ${tenant} and j.template_key = ${template} and j.entry_key = ${entryKey}`;
  const { rows } = await sql<SightRow>`
    select
      (select j.id from journey j join event e on e.tenant_id = j.tenant_id and e.subject = 'journey/' || j.id and e.seq = 1
        where j.tenant_id = ${tenant} and j.template_key = ${template} and j.entry_key = ${entryKey} and e.command_id = ${commandId}) as mine,
      (select jsonb_build_object('result', n.result, 'reason', n.reason, 'journeyId', n.journey_id) from journey_entry n
        where n.tenant_id = ${tenant} and n.id = ${noteId(tenant, { template, trigger, commandId })}) as noted,
      (select j.id ${ofKey} and j.ended_at is null order by j.entry desc limit 1) as open,
      (select count(*)::int ${ofKey} and j.ended_at is not null) as ended,
      (select max(j.ended_at) ${ofKey}) as last_ended_at,
      (select count(*)::int from journey j where j.tenant_id = ${tenant} and j.ended_at is null) as open_in_tenant,
      ${
        dedupe === null
          ? sql`false`
          : sql`exists (select from journey_dedupe d where d.tenant_id = ${tenant} and d.template_key = ${template} and d.trigger_id = ${dedupe.trigger}
              and d.dedupe_key = ${dedupe.key} and d.event_id <> ${dedupe.eventId} and d.until > ${toIso(now)}::timestamptz)`
      } as is_repeated,
      (select settings from tenant where tenant_id = ${tenant}) as settings`.execute(tx);
  const [row] = rows;
  if (row === undefined) throw new Error('a select without a table has one row');
  const { lastEndedAt, settings, ...rest } = row;
  return { ...rest, lastEndedAt: lastEndedAt?.getTime() ?? null, ...journeySettings(settings) };
}

export interface JourneySettings {
  /** Open journeys at most. */
  readonly capacity: number;
  readonly integrations: PackageIntegrations;
}

/** Settings are checked when they are stored. */
function journeySettings(stored: unknown): JourneySettings {
  const { value } = plainJson(stored);
  const { maxConcurrentJourneys: most, packageIntegrations: packages } = isObject(value) ? value : {};
  return {
    capacity: typeof most === 'number' ? most : usualCapacity,
    integrations: Object.fromEntries(
      Object.entries(isObject(packages) ? packages : {}).map(([name, one]) => [
        name,
        { enabled: !isObject(one) || one['enabled'] !== false },
      ]),
    ),
  };
}

/**
 * Takes a dedupe key for an event until an instant.
 *
 * @returns false when another event has it; the same event keeps it
 */
export async function claimDedupeKey(
  tx: TenantTx,
  tenant: TenantId,
  template: string,
  { trigger, key, eventId }: Dedupe,
  until: Instant,
  now: Instant,
): Promise<boolean> {
  const { rows } = await sql`
    insert into journey_dedupe as d (tenant_id, template_key, trigger_id, dedupe_key, event_id, until)
    values (${tenant}, ${template}, ${trigger}, ${key}, ${eventId}, ${toIso(until)}::timestamptz)
    on conflict (tenant_id, template_key, trigger_id, dedupe_key) do update set event_id = excluded.event_id,
      until = case when d.event_id = excluded.event_id and d.until > ${toIso(now)}::timestamptz then d.until else excluded.until end
    where d.event_id = excluded.event_id or d.until <= ${toIso(now)}::timestamptz
    returning 1`.execute(tx);
  return rows.length > 0;
}

/** Stores texts for a journey; they are its own once it accepts the command, and swept if it never does. */
export async function keepEntryTexts(
  tx: TenantTx,
  tenant: TenantId,
  journeyId: string,
  commandId: string,
  texts: readonly KeptText[],
): Promise<void> {
  if (texts.length === 0) return;
  const rows = texts.map(({ id, text }) => (typeof text === 'string' ? { id, body: text } : { id, data: { value: text } }));
  await sql`
    insert into content (tenant_id, id, kind, visibility, author_kind, journey_id, command_id, body, data)
    select ${tenant}, c.id, 'variable', 'internal', 'system', ${journeyId}, ${commandId}, c.body, c.data
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as c(id uuid, body text, data jsonb)
    on conflict (tenant_id, id) do update set journey_id = excluded.journey_id, created_at = excluded.created_at
    where content.linked_at is null`.execute(tx);
}

/** The same entry always under the same id, so that a repetition is noted once and found again. */
const noteId = (
  tenant: TenantId,
  { template, trigger, commandId }: { readonly template: string; readonly trigger: string | null; readonly commandId: string },
): string => uuidFrom(`entry/${template}/${trigger ?? ''}/${commandId}`, tenant);

/** Notes what came of an entry, once; a refusal is told to the log under the template, with the next number there. */
export async function noteEntry(tx: TenantTx, tenant: TenantId, note: EntryNote, newId: () => string): Promise<void> {
  const { template, trigger, eventId, commandId, actor, entrant, result, reason, detail, journeyId, at } = note;
  // A call that was refused may be made again, under the same command, and end otherwise.
  const isFinal = trigger !== null || result !== 'refused';
  const { numInsertedOrUpdatedRows: added = 0n } = await tx
    .insertInto('journeyEntry')
    .values({
      tenantId: tenant,
      id: isFinal ? noteId(tenant, { template: template.key, trigger, commandId }) : newId(),
      templateKey: template.key,
      templateVersion: template.version,
      triggerId: trigger,
      eventId,
      subjectType: entrant?.subject.type ?? null,
      subjectId: entrant?.subject.id ?? null,
      entryKey: entrant?.entryKey ?? null,
      result,
      reason,
      detail: detail === null ? null : JSON.stringify(detail),
      journeyId,
      actor,
      at: toIso(at),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (added > 0n && (result === 'refused' || result === 'existing')) await recordRefusal(tx, tenant, note, newId());
}

async function recordRefusal(
  tx: TenantTx,
  tenant: TenantId,
  { template, trigger, eventId, commandId, actor, entrant, reason, journeyId, at }: EntryNote,
  id: string,
): Promise<void> {
  const subject = `template/${template.key}`;
  const data: Json = { template: template.key, version: template.version, trigger, eventId, reason, journey: journeyId };
  const entity = entrant === null ? null : `${entrant.subject.type}/${entrant.subject.id}`;
  const digest = createHash('sha256')
    .update(JSON.stringify([commandId, data]))
    .digest();
  // Numbers under one template have no gaps: whoever takes one waits for who took the one before.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${tenant}/${subject}`}, 0))`.execute(tx);
  await sql`
    insert into event (tenant_id, subject, seq, id, type, at, actor, role, source, command_id, run_id, digest, data, routing, entity)
    select ${tenant}, ${subject}, coalesce(max(e.seq), 0) + 1, ${id}, 'journey.entry.refused', ${toIso(at)}::timestamptz, ${actor}, 'system', 'system',
      ${commandId}, '', ${digest}, ${JSON.stringify(data)}::jsonb, 'routed', ${entity}
    from event e where e.tenant_id = ${tenant} and e.subject = ${subject}`.execute(tx);
}

/** What is remembered of a condition trigger and a subject; undefined: nobody looked yet. */
export async function findCondition(
  tx: TenantTx,
  tenant: TenantId,
  { template, trigger, subject }: ConditionKey,
): Promise<{ readonly isTrue: boolean; readonly firedAt: Instant | null } | undefined> {
  const row = await tx
    .selectFrom('journeyTriggerState')
    .select(['verdict', 'firedAt'])
    .where('tenantId', '=', tenant)
    .where('templateKey', '=', template)
    .where('triggerId', '=', trigger)
    .where('subjectType', '=', subject.type)
    .where('subjectId', '=', subject.id)
    .executeTakeFirst();
  return row && { isTrue: row.verdict, firedAt: row.firedAt?.getTime() ?? null };
}

export interface ConditionKey {
  readonly template: string;
  readonly trigger: string;
  readonly subject: { readonly type: string; readonly id: string };
}

export async function noteCondition(
  tx: TenantTx,
  tenant: TenantId,
  { template, trigger, subject }: ConditionKey,
  { isTrue, firedAt }: { readonly isTrue: boolean; readonly firedAt: Instant | null },
  now: Instant,
): Promise<void> {
  const fired = firedAt === null ? null : toIso(firedAt);
  await sql`
    insert into journey_trigger_state (tenant_id, template_key, trigger_id, subject_type, subject_id, verdict, fired_at, updated_at)
    values (${tenant}, ${template}, ${trigger}, ${subject.type}, ${subject.id}, ${isTrue}, ${fired}, ${toIso(now)})
    on conflict (tenant_id, template_key, trigger_id, subject_type, subject_id)
    do update set verdict = excluded.verdict, fired_at = excluded.fired_at, updated_at = excluded.updated_at`.execute(tx);
}

/** The tenant's settings of journeys, with the revision of all its settings. */
export async function findJourneySettings(tx: TenantTx, tenant: TenantId): Promise<JourneySettings & { readonly revision: number }> {
  const { rows } = await sql<{ settings: unknown; revision: number }>`
    select settings, settings_revision as revision from tenant where tenant_id = ${tenant}`.execute(tx);
  const [row] = rows;
  return { ...journeySettings(row?.settings), revision: row?.revision ?? 0 };
}

/**
 * Publishes settings as the next revision.
 *
 * @returns null when `expected` is not the present one
 */
export async function replaceJourneySettings(
  tx: TenantTx,
  tenant: TenantId,
  expected: number,
  { capacity, integrations }: JourneySettings,
): Promise<(JourneySettings & { readonly revision: number }) | null> {
  const settings = JSON.stringify({ maxConcurrentJourneys: capacity, packageIntegrations: integrations });
  const { rows } = await sql<{ settings: unknown; revision: number }>`
    update tenant set settings_revision = settings_revision + 1, settings = settings || ${settings}::jsonb
    where tenant_id = ${tenant} and settings_revision = ${expected}
    returning settings, settings_revision as revision`.execute(tx);
  const [row] = rows;
  return row === undefined ? null : { ...journeySettings(row.settings), revision: row.revision };
}
