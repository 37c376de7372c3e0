/** Messages of journeys to their subjects, in the ledger of what journeys do: to whom, whether one may still go, and what became of it. Source: reliability.md, R1 and R3. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { ProductSettings } from '../../domain/configuration/schema.js';
import { asProductKey, uuidPattern } from '../../domain/ids.js';
import type { ProductKey, TenantId } from '../../domain/ids.js';
import { actionStates } from '../../domain/journey/action.js';
import { ownMailbox, parseAddress } from '../../domain/messaging/headers.js';
import { day, toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';
import { findSubject } from './journey-subject.js';
import { oneOf } from './outbound.js';

export interface TouchpointTarget {
  /** Whom it counts for, whichever journey sends it. */
  readonly recipient: string;
  readonly name: string | null;
  /** Null: there is none that works. */
  readonly address: string | null;
  /** Null: the tenant has no product. */
  readonly product: { readonly key: ProductKey; readonly name: string; readonly fromName: string } | null;
}

/** Who a subject is to a message: a customer, the one behind a ticket, or an address that was noted. */
export async function findTouchpointTarget(
  tx: TenantTx,
  tenant: TenantId,
  subject: { readonly type: string; readonly id: string },
  domain: string,
): Promise<TouchpointTarget> {
  const { attributes } = await findSubject(tx, tenant, subject);
  const { customerId, email, name, product } = attributes;
  const customer = typeof customerId === 'string' && uuidPattern.test(customerId) ? await customerOf(tx, tenant, customerId) : undefined;
  // What somebody noted of a person who is deleted is no way round it.
  const noted = typeof email === 'string' && !(await isDeleted(tx, tenant, subject)) ? email : null;
  const address = customer === undefined ? noted : customer.address;
  const isGood = address !== null && parseAddress(address) !== null && ownMailbox(address, domain) === null;
  return {
    recipient: customer === undefined ? `${subject.type}:${subject.id}` : `customer:${customer.id}`,
    name: customer?.name ?? (typeof name === 'string' ? name : null),
    address: isGood ? address : null,
    product: await productOf(tx, tenant, typeof product === 'string' ? product : null),
  };
}

async function customerOf(tx: TenantTx, tenant: TenantId, id: string) {
  const { rows } = await sql<{ id: string; name: string | null; address: string | null }>`
    select c.id, c.name, (
      select k.value from customer_contact k
      where k.tenant_id = c.tenant_id and k.customer_id = c.id and k.kind = 'email' and not k.bounced
      order by k.verified desc, k.value limit 1) as address
    from customer c where c.tenant_id = ${tenant} and c.id = ${id}::uuid and c.deleted_at is null`.execute(tx);
  return rows[0];
}

/** Whether the customer a subject is, or whose ticket it is, was deleted. */
async function isDeleted(tx: TenantTx, tenant: TenantId, { type, id }: { readonly type: string; readonly id: string }): Promise<boolean> {
  const who =
    type === 'ticket'
      ? sql`(select requester_id from ticket where tenant_id = ${tenant} and id = ${id})`
      : type === 'customer' && uuidPattern.test(id)
        ? sql`${id}::uuid`
        : null;
  if (who === null) return false;
  const { rows } = await sql`select from customer where tenant_id = ${tenant} and id = ${who} and deleted_at is not null`.execute(tx);
  return rows.length > 0;
}

/** The product a ticket is about, else the tenant's first. */
async function productOf(tx: TenantTx, tenant: TenantId, key: string | null): Promise<TouchpointTarget['product']> {
  const row = await tx
    .selectFrom('product')
    .select(['key', 'name', 'settings'])
    .where('tenantId', '=', tenant)
    .orderBy((eb) => eb('key', '=', key ?? ''), 'desc')
    .orderBy('createdAt')
    .orderBy('key')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : { key: asProductKey(row.key), name: row.name, fromName: ProductSettings.parse(row.settings).fromName };
}

export interface TouchpointRow {
  readonly tenant: TenantId;
  /** Names it for ever. */
  readonly key: string;
  readonly journeyId: string;
  readonly step: string;
  readonly visit: number;
  readonly item: string | null;
  /** `touchpoint:<channel>:<template>`. */
  readonly action: string;
  readonly recipient: string;
  readonly cap: { readonly count: number; readonly per: 'day' | 'week' } | null;
}

export type TouchpointClaim =
  | { readonly kind: 'claimed'; readonly attempt: number }
  | { readonly kind: 'over'; readonly outcome: 'sent' | 'capped' | 'failed' }
  /** Another attempt is at it. */
  | { readonly kind: 'wait'; readonly until: Instant };

/** Begins an attempt, unless it is over, the recipient has had enough, or nobody can say whether it went out before. */
export async function claimTouchpoint(tx: TenantTx, row: TouchpointRow, leaseUntil: Instant, now: Instant): Promise<TouchpointClaim> {
  const { tenant, key, cap, ...rest } = row;
  await tx
    .insertInto('journeyAction')
    .values({ tenantId: tenant, dedupeKey: key, ...rest, effect: 'once', updatedAt: toIso(now) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const found = await tx
    .selectFrom('journeyAction')
    .select(['state', 'leaseUntil', 'attempts', 'error'])
    .where('tenantId', '=', tenant)
    .where('dedupeKey', '=', key)
    .forUpdate()
    .executeTakeFirstOrThrow();
  const until = found.leaseUntil?.getTime() ?? 0;
  switch (oneOf(actionStates, found.state)) {
    case 'done':
      return { kind: 'over', outcome: found.error === 'capped' ? 'capped' : 'sent' };
    case 'failed':
    case 'unknown':
      return { kind: 'over', outcome: 'failed' };
    case 'sending':
      if (until > now) return { kind: 'wait', until };
      // It reached the wire and never came back: it is held for a person to look at, and not sent twice.
      await endTouchpoint(tx, row, { state: 'unknown', error: 'no_reply' }, now);
      return { kind: 'over', outcome: 'failed' };
    case 'planned':
      if (until > now) return { kind: 'wait', until };
  }
  if (cap !== null && (await sentTo(tx, row, now - (cap.per === 'day' ? day : 7 * day))) >= cap.count) {
    await endTouchpoint(tx, row, { state: 'done', error: 'capped' }, now);
    return { kind: 'over', outcome: 'capped' };
  }
  const attempt = found.attempts + 1;
  await tx
    .updateTable('journeyAction')
    .set({ attempts: attempt, leaseUntil: toIso(leaseUntil), updatedAt: toIso(now) })
    .where('tenantId', '=', tenant)
    .where('dedupeKey', '=', key)
    .execute();
  return { kind: 'claimed', attempt };
}

async function sentTo(tx: TenantTx, { tenant, recipient }: TouchpointRow, since: Instant): Promise<number> {
  const { count } = await tx
    .selectFrom('journeyAction')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('tenantId', '=', tenant)
    .where('recipient', '=', recipient)
    .where('action', 'like', 'touchpoint:%')
    .where('state', '=', 'done')
    .where('error', 'is', null)
    .where('updatedAt', '>', sql<Date>`${toIso(since)}::timestamptz`)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Passes the point of no return. @returns false when another attempt took the row over: nothing must be sent */
export async function wireTouchpoint(tx: TenantTx, { tenant, key }: TouchpointRow, attempt: number, now: Instant): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('journeyAction')
    .set({ state: 'sending', updatedAt: toIso(now) })
    .where('tenantId', '=', tenant)
    .where('dedupeKey', '=', key)
    .where('attempts', '=', attempt)
    .where('state', '=', 'planned')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** How an attempt ended; `planned`: it may be tried again. */
export interface TouchpointEnd {
  readonly state: 'planned' | 'done' | 'failed' | 'unknown';
  /** Null: it was sent. */
  readonly error: string | null;
}

/** Records how it ended. */
export async function endTouchpoint(
  tx: TenantTx,
  { tenant, key }: Pick<TouchpointRow, 'tenant' | 'key'>,
  { state, error }: TouchpointEnd,
  now: Instant,
): Promise<void> {
  await tx
    .updateTable('journeyAction')
    .set({ state, error, leaseUntil: null, updatedAt: toIso(now) })
    .where('tenantId', '=', tenant)
    .where('dedupeKey', '=', key)
    .execute();
}
