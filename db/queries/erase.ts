/** Blanks and deletes what belongs to a person, to tickets or to journeys, by the list of personal data. Every statement may be repeated. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import { personalData } from '../personal-data.js';
import type { Blank, ErasureScope, TablePlan } from '../personal-data.js';
import type { ErasedRows } from '../../domain/privacy/erasure.js';

/** Whether a row still has something to blank there, and what is written. */
const blanks: Readonly<
  Record<Blank, (column: RawBuilder<unknown>) => { readonly left: RawBuilder<boolean>; readonly by: RawBuilder<unknown> }>
> = {
  null: (column) => ({ left: sql`${column} is not null`, by: sql`null` }),
  text: (column) => ({ left: sql`${column} <> ''`, by: sql`''` }),
  list: (column) => ({ left: sql`cardinality(${column}) > 0`, by: sql`'{}'` }),
  object: (column) => ({ left: sql`${column} <> '{}'::jsonb`, by: sql`'{}'::jsonb` }),
  own: (column) => ({ left: sql`${column} <> 'erased/' || id::text`, by: sql`'erased/' || id::text` }),
};

/**
 * Erases what a scope names, table by table; an empty scope is nobody's.
 *
 * @param tables those that are looked at; all when absent
 * @returns rows by table that were changed or deleted: none at the second time
 */
export async function erase(tx: TenantTx, scope: ErasureScope, tables?: readonly string[]): Promise<ErasedRows> {
  const counts: Record<string, number> = {};
  for (const plan of personalData) {
    if (tables !== undefined && !tables.includes(plan.table)) continue;
    const whose = plan.whose?.(scope) ?? null;
    if (whose === null) continue;
    const statement = plan.remove === true ? removal(plan, scope, whose) : blanking(plan, scope, whose);
    const { numAffectedRows = 0n } = await statement.execute(tx);
    if (numAffectedRows > 0n) counts[plan.table] = Number(numAffectedRows);
  }
  return counts;
}

const removal = ({ table }: TablePlan, { tenant }: ErasureScope, whose: RawBuilder<boolean>): RawBuilder<unknown> =>
  sql`delete from ${sql.table(table)} where tenant_id = ${tenant} and ${whose}`;

function blanking({ table, blank = {}, set = {}, marked }: TablePlan, { tenant }: ErasureScope, whose: RawBuilder<boolean>) {
  const columns = Object.entries(blank).map(([name, kind]) => ({ name, ...blanks[kind](sql.ref(name)) }));
  const written = [
    ...columns.map(({ name, by }) => sql`${sql.ref(name)} = ${by}`),
    ...Object.entries(set).map(([name, value]) => sql`${sql.ref(name)} = ${value}`),
    ...(marked === true ? [sql`erased_at = coalesce(erased_at, now())`] : []),
  ];
  const left = [...columns.map((column) => column.left), ...(marked === true ? [sql`erased_at is null`] : [])];
  return sql`
    update ${sql.table(table)} set ${sql.join(written)}
    where tenant_id = ${tenant} and ${whose} and (${sql.join(left, sql` or `)})`;
}

/** Keys of the files that go with a scope and have not gone yet. */
export async function filesToErase(tx: TenantTx, scope: ErasureScope, tables?: readonly string[]): Promise<string[]> {
  const keys: string[] = [];
  for (const { table, file, whose } of personalData) {
    if (file === undefined || (tables !== undefined && !tables.includes(table))) continue;
    const theirs = whose?.(scope) ?? null;
    if (theirs === null) continue;
    const { rows } = await sql<{ key: string }>`
      select ${sql.ref(file)} as key from ${sql.table(table)}
      where tenant_id = ${scope.tenant} and ${theirs} and erased_at is null`.execute(tx);
    keys.push(...rows.map(({ key }) => key));
  }
  return keys;
}
