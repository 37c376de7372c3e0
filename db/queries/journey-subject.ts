/** Attributes of subjects, as guards read them under `subject`: what was noted, and for tickets and customers what their rows say. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { uuidPattern } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import type { SubjectRef } from '../../domain/journey/entry/event.js';
import { isObject, plainJson } from '../../domain/journey/json.js';
import type { JsonObject } from '../../domain/journey/json.js';
import { toIso } from '../../domain/time.js';

export interface SubjectRecord {
  /** Without `type` and `id`. */
  readonly attributes: JsonObject;
  /** IANA name; null: nobody said. */
  readonly zone: string | null;
}

interface Row {
  readonly noted: unknown;
  readonly zone: string | null;
  readonly found: unknown;
}

/** What is known of a subject; nothing is known of one that nobody has mentioned. */
export async function findSubject(
  tx: TenantTx,
  tenant: TenantId,
  { type, id }: { readonly type: string; readonly id: string },
): Promise<SubjectRecord> {
  const { rows } = await sql<Row>`
    select s.attributes as noted, s.zone, f.found
    from (select 1) one
    left join journey_subject s on s.tenant_id = ${tenant} and s.type = ${type} and s.id = ${id}
    left join lateral (${rowOf(tenant, type, id)}) f(found) on true`.execute(tx);
  const [row] = rows;
  return { attributes: { ...objectOf(row?.noted), ...objectOf(row?.found) }, zone: row?.zone ?? null };
}

/** The row behind a subject, as one object; without rows for subjects that are kept elsewhere. */
function rowOf(tenant: TenantId, type: string, id: string) {
  if (type === 'ticket') {
    return sql`
      select jsonb_strip_nulls(jsonb_build_object('product', t.product, 'status', t.status, 'priority', t.priority, 'category', t.category,
        'channel', t.channel, 'customerId', t.requester_id, 'assignee', t.assignee_id, 'team', m.key, 'teamMembers', m.members,
        'slaState', t.sla_state, 'slaBreached', t.sla_breached, 'escalationLevel', t.escalation_level, 'tags', t.tags,
        'customFields', t.custom_fields, 'createdAt', ${isoText('t.created_at')}, 'resolvedAt', ${isoText('t.resolved_at')}))
      from ticket t
      left join lateral (
        select (select k.key from team k where k.tenant_id = t.tenant_id and k.id = t.team_id) as key,
          jsonb_agg(a.id order by a.id) filter (where a.id is not null) as members
        from team_member tm join agent a on a.tenant_id = tm.tenant_id and a.id = tm.agent_id and a.active
        where tm.tenant_id = t.tenant_id and tm.team_id = t.team_id
      ) m on true
      where t.tenant_id = ${tenant} and t.id = ${id}`;
  }
  if (type === 'customer') {
    const same = uuidPattern.test(id) ? sql`c.id = ${id}::uuid` : sql`c.external_id = ${id}`;
    return sql`
      select jsonb_strip_nulls(jsonb_build_object('customerId', c.id, 'externalId', c.external_id, 'createdAt', ${isoText('c.created_at')}))
      from customer c where c.tenant_id = ${tenant} and ${same} and c.deleted_at is null`;
  }
  return sql`select null::jsonb where false`;
}

const isoText = (column: string) => sql`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

function objectOf(stored: unknown): JsonObject {
  const { value } = plainJson(stored);
  return isObject(value) ? value : {};
}

/** What guards see under `subject`. */
export async function subjectRoot(tx: TenantTx, tenant: TenantId, ref: SubjectRef): Promise<JsonObject> {
  const { attributes } = await findSubject(tx, tenant, ref);
  return { ...attributes, ...ref };
}

export interface NotedSubject extends SubjectRecord {
  readonly updatedAt: Date;
}

/** What was noted of a subject by `noteSubject`; undefined: nothing. */
export async function findNoted(tx: TenantTx, tenant: TenantId, { type, id }: SubjectRef): Promise<NotedSubject | undefined> {
  const row = await tx
    .selectFrom('journeySubject')
    .select(['attributes', 'zone', 'updatedAt'])
    .where('tenantId', '=', tenant)
    .where('type', '=', type)
    .where('id', '=', id)
    .executeTakeFirst();
  return row && { attributes: objectOf(row.attributes), zone: row.zone, updatedAt: row.updatedAt };
}

/** The same, kept as it is until the transaction ends. */
export async function lockNoted(tx: TenantTx, tenant: TenantId, ref: SubjectRef): Promise<NotedSubject | undefined> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${tenant}/${ref.type}/${ref.id}`}, 1))`.execute(tx);
  return findNoted(tx, tenant, ref);
}

/** Notes attributes of a subject, instead of all that were noted before. */
export async function noteSubject(
  tx: TenantTx,
  tenant: TenantId,
  { type, id }: SubjectRef,
  { attributes, zone }: SubjectRecord,
  now: number,
): Promise<void> {
  await sql`
    insert into journey_subject (tenant_id, type, id, attributes, zone, updated_at)
    values (${tenant}, ${type}, ${id}, ${JSON.stringify(attributes)}::jsonb, ${zone}, ${toIso(now)})
    on conflict (tenant_id, type, id) do update set attributes = excluded.attributes, zone = excluded.zone, updated_at = excluded.updated_at`.execute(
    tx,
  );
}

/** Ids of known subjects of a type, in order: those that were noted, customers who are here, tickets that are open. */
export async function listSubjects(
  tx: TenantTx,
  tenant: TenantId,
  type: SubjectRef['type'],
  after: string | null,
  limit: number,
): Promise<string[]> {
  const behind = (column: string) => (after === null ? sql`true` : sql`${sql.ref(column)} > ${after}`);
  const others =
    type === 'ticket'
      ? sql`union select t.id from ticket t where t.tenant_id = ${tenant} and t.status <> 'closed' and ${behind('t.id')}`
      : type === 'customer'
        ? sql`union select c.id::text from customer c where c.tenant_id = ${tenant} and c.deleted_at is null
            and ${after === null ? sql`true` : sql`c.id::text > ${after}`}`
        : sql``;
  const { rows } = await sql<{ id: string }>`
    select id from (
      select s.id from journey_subject s where s.tenant_id = ${tenant} and s.type = ${type} and ${behind('s.id')}
      ${others}
    ) known order by id limit ${limit}`.execute(tx);
  return rows.map(({ id }) => id);
}
