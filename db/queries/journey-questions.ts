/** What journeys ask the database about: attributes of their subject, texts, people, events of the log. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { uuidPattern } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import type { CompiledTemplate } from '../../domain/journey/compile.js';
import { isObject, own, plainJson } from '../../domain/journey/json.js';
import type { Json, JsonObject } from '../../domain/journey/json.js';
import type { Instance } from '../../domain/journey/entry/correlation.js';
import type { Person } from '../../domain/journey/run/effect.js';

export interface CompiledRecord {
  readonly compiled: CompiledTemplate;
  /** SHA-256 of the canonical form that was published. */
  readonly hash: string;
}

/** The compiled form of a published version, in any standing. */
export async function findCompiled(
  tx: TenantTx,
  tenant: TenantId,
  { key, version }: { readonly key: string; readonly version: number },
): Promise<CompiledRecord | undefined> {
  const row = await tx
    .selectFrom('journeyTemplateVersion')
    .select(['compiled', 'hash'])
    .where('tenantId', '=', tenant)
    .where('key', '=', key)
    .where('version', '=', version)
    .executeTakeFirst();
  return row === undefined ? undefined : { compiled: asCompiled(row.compiled), hash: row.hash };
}

/** Only what was compiled is stored there. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const asCompiled = (stored: unknown): CompiledTemplate => stored as CompiledTemplate;

export { findSubject } from './journey-subject.js';
export type { SubjectRecord } from './journey-subject.js';

/** The values behind content ids; one that was erased is not among them. */
export async function findTexts(tx: TenantTx, tenant: TenantId, ids: readonly string[]): Promise<ReadonlyMap<string, Json>> {
  const known = ids.filter((id) => uuidPattern.test(id));
  if (known.length === 0) return new Map();
  const rows = await tx
    .selectFrom('content')
    .select(['id', 'body', 'data'])
    .where('tenantId', '=', tenant)
    .where('id', 'in', known)
    .execute();
  return new Map(
    rows.flatMap(({ id, body, data }) => {
      const value = body ?? valueIn(plainJson(data).value);
      return value === null ? [] : [[id, value] as const];
    }),
  );
}

/** A variable that is no text stands under `value`. */
const valueIn = (data: Json): Json => (isObject(data) ? (own(data, 'value') ?? data) : data);

/** Stores values that a journey keeps outside of its state; what is there already stays, so that a repeated question changes nothing. */
export async function storeValues(
  tx: TenantTx,
  tenant: TenantId,
  journeyId: string,
  values: readonly { readonly id: string; readonly value: Json }[],
): Promise<void> {
  if (values.length === 0) return;
  const shared = {
    tenantId: tenant,
    kind: 'variable',
    visibility: 'internal',
    authorKind: 'system',
    journeyId,
    linkedAt: sql<Date>`now()`,
  };
  const rows = values.map(({ id, value }) =>
    typeof value === 'string' ? { ...shared, id, body: value, data: null } : { ...shared, id, body: null, data: JSON.stringify({ value }) },
  );
  await tx
    .insertInto('content')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** What a template calls the lead of the receiving team. */
const teamLead = 'team_lead';

export interface PeopleQuery {
  /** Ids of people. */
  readonly users: readonly string[];
  /** Roles, or keys of teams. */
  readonly roles: readonly string[];
  /** Key of the team whose leads `team_lead` means; null: the leads of every team. */
  readonly team: string | null;
}

/** Active people who are named, hold one of the roles or are in one of the teams; each once, with all they hold, by id. */
export async function findPeople(tx: TenantTx, tenant: TenantId, { users, roles, team }: PeopleQuery): Promise<Person[]> {
  const ids = users.filter((id) => uuidPattern.test(id));
  const wantsLeads = roles.includes(teamLead);
  const { rows } = await sql<{ id: string; role: string; teams: string[] }>`
    select a.id, a.role, t.teams
    from agent a
    left join lateral (
      select coalesce(array_agg(t.key order by t.key), '{}') as teams
      from team_member m join team t on t.tenant_id = m.tenant_id and t.id = m.team_id
      where m.tenant_id = a.tenant_id and m.agent_id = a.id
    ) t on true
    where a.tenant_id = ${tenant} and a.active
      and (a.id = any(${ids}::uuid[]) or a.role = any(${[...roles]}::text[]) or t.teams && ${[...roles]}::text[]
        or (${wantsLeads} and a.role = 'lead' and (${team}::text is null or ${team} = any(t.teams))))
    order by a.id`.execute(tx);
  return rows.map(({ id, role, teams }) => {
    const leads = role === 'lead' && (team === null || teams.includes(team));
    return { id, roles: [role, ...teams, ...(leads ? [teamLead] : [])] };
  });
}

/** An instance as PostgreSQL has it, for what its events are held against. */
export async function findInstance(
  tx: TenantTx,
  tenant: TenantId,
  journeyId: string,
): Promise<Pick<Instance, 'input' | 'context' | 'openSteps'>> {
  const row = await tx
    .selectFrom('journey')
    .select(['input', 'context', 'openSteps'])
    .where('tenantId', '=', tenant)
    .where('id', '=', journeyId)
    .executeTakeFirst();
  return { input: objectOf(row?.input), context: objectOf(row?.context), openSteps: row?.openSteps ?? [] };
}

/** How a journey ended; undefined: it has not, as far as PostgreSQL knows. */
export async function findEnding(
  tx: TenantTx,
  tenant: TenantId,
  journeyId: string,
): Promise<{ readonly outcome: string; readonly result: 'won' | 'lost' | null } | undefined> {
  const row = await tx
    .selectFrom('journey')
    .select(['outcome', 'result'])
    .where('tenantId', '=', tenant)
    .where('id', '=', journeyId)
    .where('endedAt', 'is not', null)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return { outcome: row.outcome ?? '', result: row.result === 'won' || row.result === 'lost' ? row.result : null };
}

function objectOf(stored: unknown): JsonObject {
  const { value } = plainJson(stored);
  return isObject(value) ? value : {};
}
