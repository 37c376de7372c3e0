/** Hands notices to staff to batches, across tenants, and knows which of a batch are still open. Source: reliability.md, R1 and R2. */
import { sql } from 'kysely';
import type { Db, TenantTx } from '../client.js';
import { asTenantId } from '../../domain/ids.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import { ticketsOf } from './notices.js';
import type { NoticeRef } from './notices.js';

/** A batch whose workflow is to be started. */
export interface NoticeBatch {
  readonly tenant: TenantId;
  readonly batch: string;
  /** How many it has, */
  readonly notices: number;
  /** and of which tickets, each named once. */
  readonly tickets: readonly TicketId[];
}

export interface Handing {
  /** Notices of one batch, and of all together. */
  readonly perBatch: number;
  readonly limit: number;
  /** Notices of any second, whoever hands them over. */
  readonly perSecond: number;
  /** A batch that has not begun after this time, in milliseconds, has lost its workflow: its notices go into another one. */
  readonly leaseMs: number;
}

/** Of those that wait, so many are looked at for one round. */
const looked = 2_000;

/**
 * Hands waiting notices, tenants by turns and the oldest first, to new batches of one tenant each. One relay at a time; only its role may ask.
 *
 * @returns null: another relay is at it
 */
export async function handNotices(relay: Db, { perBatch, limit, perSecond, leaseMs }: Handing): Promise<NoticeBatch[] | null> {
  return relay.transaction().execute(async (tx) => {
    const { rows: locks } = await sql<{ mine: boolean }>`select pg_try_advisory_xact_lock(hashtext('usher notices')) as mine`.execute(tx);
    if (locks[0]?.mine !== true) return null;
    const { rows } = await sql<{ tenantId: string; batch: string; notices: number; tickets: TicketId[] }>`
      with waiting as materialized (
        -- By turns, so that one tenant's thousand do not hold up the two of another.
        select *, row_number() over (partition by tenant_id order by hand_at) as turn
        from (select tenant_id, ticket_id, message, hand_at from notice where hand_at <= now() order by hand_at limit ${looked}) oldest
      ), due as materialized (
        select n.tenant_id, n.ticket_id, n.message, n.hand_at from waiting w
        join notice n on n.tenant_id = w.tenant_id and n.ticket_id = w.ticket_id and n.message = w.message and n.hand_at <= now()
        order by w.turn, w.hand_at
        limit least(${limit}::int, greatest(0, ${Math.ceil(perSecond)}::int - (select count(*) from notice where handed_at > now() - interval '1 second')))
        for update of n skip locked
      ), placed as (
        select tenant_id, ticket_id, message, (row_number() over (partition by tenant_id order by hand_at) - 1) / ${perBatch}::int as place from due
      ), batch as materialized (
        select tenant_id, place, gen_random_uuid() as id from placed group by tenant_id, place
      ), handed as (
        update notice n set batch = b.id, handed_at = now(), hand_at = now() + ${leaseMs} * interval '1 millisecond'
        from placed p join batch b on b.tenant_id = p.tenant_id and b.place = p.place
        where n.tenant_id = p.tenant_id and n.ticket_id = p.ticket_id and n.message = p.message
        returning n.tenant_id, n.batch, n.ticket_id
      )
      select tenant_id, batch, count(*)::int as notices, array_agg(distinct ticket_id) as tickets from handed group by tenant_id, batch`.execute(
      tx,
    );
    return rows.map(({ tenantId, ...batch }) => ({ ...batch, tenant: asTenantId(tenantId) }));
  });
}

/** Lets notices of one ticket go out in a batch, of those that nobody has looked up recipients for yet. */
export async function handOver(tx: TenantTx, tenant: TenantId, ticket: TicketId, messages: readonly string[]): Promise<void> {
  if (messages.length === 0) return;
  await sql`
    update notice set hand_at = now()
    where tenant_id = ${tenant} and ticket_id = ${ticket} and message = any(${[...messages]}::text[])
      and hand_at is null and batch is null and not about ? 'addressed'`.execute(tx);
}

/** Whether any notice waits to be handed over. Asked often; only the relay's role may. */
export async function noticesWait(relay: Db): Promise<boolean> {
  const { rows } = await sql<{ wait: boolean }>`select exists (select from notice where hand_at <= now()) as wait`.execute(relay);
  return rows[0]?.wait === true;
}

/** The workflow of a batch could not be started: its notices wait for another one, unless it was, and has begun. */
export async function giveBackNotices(relay: Db, { tenant, batch }: NoticeBatch, { leaseMs }: Pick<Handing, 'leaseMs'>): Promise<void> {
  await sql`
    update notice set hand_at = now()
    where tenant_id = ${tenant} and batch = ${batch} and hand_at <= now() + ${leaseMs} * interval '1 millisecond'`.execute(relay);
}

/** All recipients of these notices are through. */
export async function settleNotices(tx: TenantTx, tenant: TenantId, notices: readonly NoticeRef[]): Promise<void> {
  if (notices.length === 0) return;
  await sql`
    update notice n set hand_at = null
    from jsonb_to_recordset(${JSON.stringify(notices)}::jsonb) as s(ticket text, message text)
    where n.tenant_id = ${tenant} and n.ticket_id = any(${ticketsOf(notices)}) and n.ticket_id = s.ticket and n.message = s.message`.execute(
    tx,
  );
}
