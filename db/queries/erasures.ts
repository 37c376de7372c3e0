/** Erasures: who asked, who confirmed, how far it is, and the proof. Source: security.md, section 6. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { Actor } from '../../domain/actor.js';
import { asCustomerId } from '../../domain/ids.js';
import type { CustomerId, TenantId } from '../../domain/ids.js';
import { addRows, erasureStates } from '../../domain/privacy/erasure.js';
import type { ErasedRows, ErasureState } from '../../domain/privacy/erasure.js';
import { oneOf } from './outbound.js';

export interface ErasureRecord {
  readonly id: string;
  readonly customer: CustomerId;
  readonly state: ErasureState;
  readonly requestedBy: Actor;
  readonly requestedAt: Date;
  readonly confirmedBy: Actor | null;
  readonly confirmedAt: Date | null;
  readonly withdrawnBy: Actor | null;
  readonly withdrawnAt: Date | null;
  readonly erasedAt: Date | null;
  readonly rows: ErasedRows;
  readonly files: number;
  /** SHA-256 of the report, in hex; null until it is done. */
  readonly reportHash: string | null;
}

type Row = Omit<ErasureRecord, 'customer' | 'state' | 'rows'> & {
  readonly customerId: string;
  readonly state: string;
  readonly counts: unknown;
};

const columns = sql`id, customer_id, state, requested_by, requested_at, confirmed_by, confirmed_at, withdrawn_by, withdrawn_at, erased_at, counts, files, report_hash`;

const read = ({ customerId, state, counts, ...row }: Row): ErasureRecord => ({
  ...row,
  customer: asCustomerId(customerId),
  state: oneOf(erasureStates, state),
  rows: rowsIn(counts),
});

const rowsIn = (counts: unknown): ErasedRows =>
  typeof counts === 'object' && counts !== null
    ? Object.fromEntries(Object.entries(counts).filter((entry): entry is [string, number] => typeof entry[1] === 'number'))
    : {};

/** One erasure; `lock` keeps others from changing it until the transaction ends. */
export async function findErasure(tx: TenantTx, tenant: TenantId, id: string, lock = false): Promise<ErasureRecord | undefined> {
  const { rows } = await sql<Row>`
    select ${columns} from erasure where tenant_id = ${tenant} and id = ${id} ${lock ? sql`for update` : sql``}`.execute(tx);
  return rows[0] && read(rows[0]);
}

/** The erasure of a customer that counts: every one but those withdrawn. */
export async function erasureOf(tx: TenantTx, tenant: TenantId, customer: string): Promise<ErasureRecord | undefined> {
  const { rows } = await sql<Row>`
    select ${columns} from erasure where tenant_id = ${tenant} and customer_id = ${customer} and state <> 'withdrawn'`.execute(tx);
  return rows[0] && read(rows[0]);
}

/** Erasures, newest first; one row more than `limit` when there are others. */
export async function listErasures(
  tx: TenantTx,
  tenant: TenantId,
  state: ErasureState | undefined,
  { after, limit }: { readonly after?: { readonly position: string; readonly id: string }; readonly limit: number },
): Promise<(ErasureRecord & { readonly position: string })[]> {
  const { rows } = await sql<Row & { position: string }>`
    select ${columns}, to_char(requested_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as position
    from erasure where tenant_id = ${tenant}
      ${state === undefined ? sql`` : sql`and state = ${state}`}
      ${after === undefined ? sql`` : sql`and (requested_at, id) < (${after.position}::text::timestamptz, ${after.id}::uuid)`}
    order by requested_at desc, id desc limit ${limit + 1}`.execute(tx);
  return rows.map(({ position, ...row }) => ({ ...read(row), position }));
}

export type Standing = 'here' | 'deleted' | 'erasing' | 'erased';

/** What is left of a customer, kept as it is until the transaction ends; undefined: there was never one. */
export async function lockStanding(tx: TenantTx, tenant: TenantId, customer: string): Promise<Standing | undefined> {
  const { rows } = await sql<{ standing: Standing }>`
    select case when erased_at is not null then 'erased' when erasing_at is not null then 'erasing'
      when deleted_at is not null then 'deleted' else 'here' end as standing
    from customer where tenant_id = ${tenant} and id = ${customer} for update`.execute(tx);
  return rows[0]?.standing;
}

/** Whether this was a customer who is erased, or is being erased. */
export async function isErased(tx: TenantTx, tenant: TenantId, customer: string): Promise<boolean> {
  const { rows } = await sql`
    select from customer where tenant_id = ${tenant} and id = ${customer} and erasing_at is not null`.execute(tx);
  return rows.length > 0;
}

/** @throws a unique violation when one counts already */
export async function insertErasure(
  tx: TenantTx,
  tenant: TenantId,
  { id, customer, by }: { readonly id: string; readonly customer: string; readonly by: Actor },
): Promise<void> {
  await tx.insertInto('erasure').values({ tenantId: tenant, id, customerId: customer, requestedBy: by }).execute();
}

/** Writes what somebody decided about a request; the row is locked by `findErasure`. */
export async function decideErasure(tx: TenantTx, tenant: TenantId, id: string, state: 'running' | 'withdrawn', by: Actor): Promise<void> {
  const now = sql<Date>`now()`;
  await tx
    .updateTable('erasure')
    .set(state === 'running' ? { state, confirmedBy: by, confirmedAt: now } : { state, withdrawnBy: by, withdrawnAt: now })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .execute();
}

/** Adds what was erased just now, in the transaction that erased it. */
export async function countErased(tx: TenantTx, tenant: TenantId, id: string, rows: ErasedRows, files: number): Promise<void> {
  const found = await findErasure(tx, tenant, id, true);
  if (found === undefined) throw new Error('what is erased has its request');
  await tx
    .updateTable('erasure')
    .set({ counts: JSON.stringify(addRows(found.rows, rows)), files: found.files + files })
    .where('tenantId', '=', tenant)
    .where('id', '=', id)
    .execute();
}
