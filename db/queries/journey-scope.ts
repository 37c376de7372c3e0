/** The journeys a principal may see, as a predicate; every query on them goes through it. Source: security.md, section 3. */
import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import { scoped } from './scope.js';
import type { TenantTx } from '../client.js';
import type { Principal } from '../../domain/access/principal.js';

/**
 * Journeys of the tenant, but for those about tickets that the reader does not see.
 *
 * @param alias the name the query gives to `journey`
 */
export const visibleJourney = (reader: Principal, alias = 'j'): RawBuilder<SqlBool> => {
  const column = (name: string): RawBuilder<unknown> => sql.ref(`${alias}.${name}`);
  return sql<SqlBool>`(${column('tenantId')} = ${reader.tenant} and (${column('subjectType')} <> 'ticket' or not exists (
    select from ticket t where t.tenant_id = ${reader.tenant} and t.id = ${column('subjectId')} and ${scoped(reader, 't')} is not true)))`;
};

/** What templates call those whose work a step may be, as far as it is the reader: role, keys of teams. */
export const rolesOf = ({ tenant, role, teams }: Principal): RawBuilder<string[]> =>
  sql<string[]>`(array[${role}${role === 'lead' ? sql`, 'team_lead'` : sql``}]::text[]
    || array(select t.key from team t where t.tenant_id = ${tenant} and t.id = any(${[...teams]}::uuid[]) order by t.key))`;

export async function findRoles(tx: TenantTx, reader: Principal): Promise<readonly string[]> {
  const { rows } = await sql<{ roles: string[] }>`select ${rolesOf(reader)} as roles`.execute(tx);
  return rows[0]?.roles ?? [];
}

/** Whether an open task is the reader's: it was given to or taken by him, or nobody has it and it is one of those he may take. */
export const isMyTask = (reader: Principal, alias = 'v'): RawBuilder<SqlBool> => {
  const column = (name: string): RawBuilder<unknown> => sql.ref(`${alias}.${name}`);
  const isTaken = sql`(${column('assignee')} is not null and (${column('claimedUntil')} is null or ${column('claimedUntil')} > now()))`;
  return sql<SqlBool>`(${column('people')} is not null and case when ${isTaken} then ${column('assignee')} = ${reader.id}
    else ${reader.id} = any(${column('people')}) or ${column('roles')} && ${rolesOf(reader)}
      or (cardinality(${column('people')}) = 0 and cardinality(${column('roles')}) = 0) end)`;
};

/** Whether a handoff is the reader's to take or to work on: he has it, or nobody has and he belongs to those who receive it. */
export const isMyHandoff = (reader: Principal, alias = 'h'): RawBuilder<SqlBool> => {
  const column = (name: string): RawBuilder<unknown> => sql.ref(`${alias}.${name}`);
  return sql<SqlBool>`(${column('assignee')} = ${reader.id} or (${column('assignee')} is null
    and (${reader.id} = any(${column('people')}) or array[${column('toPackage')}] || ${column('roles')} && ${rolesOf(reader)})))`;
};
