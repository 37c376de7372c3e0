/** The rows a principal may see, as a predicate; every query on tickets goes through it. Source: security.md, section 3. */
import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import type { Principal } from '../../domain/access/principal.js';

/**
 * Tenant, product, team and requester predicate for `ticket`; the counterpart in SQL of `isVisible`.
 *
 * @param table the name or alias the query gives to `ticket`
 */
export function scoped(reader: Principal, table = 'ticket'): RawBuilder<SqlBool> {
  const column = (name: string): RawBuilder<unknown> => sql.ref(`${table}.${name}`);
  const tenant = sql<SqlBool>`${column('tenantId')} = ${reader.tenant}`;
  const product = reader.products === '*' ? sql<SqlBool>`true` : sql<SqlBool>`${column('product')} = any(${[...reader.products]}::text[])`;
  switch (reader.role) {
    case 'customer':
      return sql<SqlBool>`(${tenant} and ${product} and ${column('requesterId')} = ${reader.id})`;
    case 'agent':
    case 'lead':
      return sql<SqlBool>`(${tenant} and ${product} and (${column('teamId')} is null or ${column('assigneeId')} = ${reader.id}
        or ${column('teamId')} = any(${[...reader.teams]}::uuid[])))`;
    case 'admin':
    case 'service':
      return sql<SqlBool>`(${tenant} and ${product})`;
  }
}
