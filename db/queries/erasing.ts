/** What an erasure does to the database besides blanking: from the mark that ends all sending to the tombstone. Source: security.md, section 6. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { theirJourneys } from '../personal-data.js';
import type { ErasureScope } from '../personal-data.js';
import { asTicketId } from '../../domain/ids.js';
import type { CustomerId, TenantId, TicketId } from '../../domain/ids.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** One person of a tenant, and the request for their erasure. */
export interface Person {
  readonly tenant: TenantId;
  readonly customer: CustomerId;
  readonly erasure: string;
}

/** Marks a customer as being erased, once. What they are known as is kept with the request, to find the rest by. */
export async function markErasing(tx: TenantTx, { tenant, customer, erasure }: Person, now: Instant): Promise<void> {
  const { rows } = await sql`
    update customer set erasing_at = ${toIso(now)}, deleted_at = coalesce(deleted_at, ${toIso(now)}::timestamptz), updated_at = ${toIso(now)}
    where tenant_id = ${tenant} and id = ${customer} and erasing_at is null returning id`.execute(tx);
  if (rows.length === 0) return;
  await sql`
    update erasure set known_as = array(
      select value from customer_contact where tenant_id = ${tenant} and customer_id = ${customer}
      union select external_id from customer where tenant_id = ${tenant} and id = ${customer} and external_id is not null)
    where tenant_id = ${tenant} and id = ${erasure}`.execute(tx);
}

/** Whom the marked customer was known as; what is later than the mark is of somebody new. */
export async function personScope(tx: TenantTx, { tenant, customer, erasure }: Person): Promise<ErasureScope & { kind: 'person' }> {
  const { rows } = await sql<{ knownAs: string[] | null; until: Date | null }>`
    select e.known_as, c.erasing_at as until from erasure e
    join customer c on c.tenant_id = e.tenant_id and c.id = e.customer_id
    where e.tenant_id = ${tenant} and e.id = ${erasure}`.execute(tx);
  const [row] = rows;
  if (row === undefined || row.until === null) throw new Error('a person is marked before they are looked for');
  return { kind: 'person', tenant, customer, knownAs: row.knownAs ?? [], until: row.until.getTime() };
}

/**
 * Takes back whatever was to be sent to the person or about their tickets and has not reached the wire.
 *
 * @returns how many messages
 */
export async function suppressSends(tx: TenantTx, { tenant, customer }: Person, now: Instant): Promise<number> {
  const messages = await sql`
    update outbound_message set state = 'suppressed', reason = 'customer_deleted', lease_token = null, lease_until = null, updated_at = ${toIso(now)}
    where tenant_id = ${tenant} and state in ('planned', 'sending') and wire_at is null
      and ((recipient_kind = 'customer' and recipient_id = ${customer})
        or ticket_id in (select id from ticket where tenant_id = ${tenant} and requester_id = ${customer}))`.execute(tx);
  const touchpoints = await sql`
    update journey_action set state = 'failed', error = 'erased', lease_until = null, updated_at = ${toIso(now)}
    where tenant_id = ${tenant} and state = 'planned' and action like 'touchpoint:%' and recipient = ${`customer:${customer}`}`.execute(tx);
  return Number((messages.numAffectedRows ?? 0n) + (touchpoints.numAffectedRows ?? 0n));
}

/** Lets go of mails of the person that nobody has worked off, or looked at, when they were marked. */
export async function discardMails(tx: TenantTx, { tenant, knownAs, until }: ErasureScope & { kind: 'person' }): Promise<void> {
  await sql`
    update inbound_message set state = 'discarded', lease_until = null, updated_at = now()
    where tenant_id = ${tenant} and state in ('received', 'quarantined') and sender = any(${[...knownAs]}::text[])
      and received_at <= ${toIso(until)}::timestamptz`.execute(tx);
}

/** A page of a list by id. */
export interface PageOf {
  /** The last of the page before; null: from the first on. */
  readonly after: string | null;
  readonly limit: number;
}

/** The person's tickets, by number; only those that are not closed, where it says so. */
export async function ticketsOfPerson(
  tx: TenantTx,
  { tenant, customer }: Person,
  { after, limit }: PageOf,
  which: 'open' | 'all',
): Promise<TicketId[]> {
  const { rows } = await sql<{ id: string }>`
    select id from ticket where tenant_id = ${tenant} and requester_id = ${customer} and id > ${after ?? ''}
      ${which === 'open' ? sql`and status <> 'closed'` : sql``}
    order by id limit ${limit}`.execute(tx);
  return rows.map(({ id }) => asTicketId(id));
}

/** Journeys about the person or about one of their tickets, with those that these started, by id; only those that have not ended, where it says so. */
export async function journeysOfPerson(
  tx: TenantTx,
  person: ErasureScope & { kind: 'person' },
  { after, limit }: PageOf,
  which: 'open' | 'all',
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select j.id from journey j where j.tenant_id = ${person.tenant} and j.id in (${theirJourneys(person)}) and j.id > ${after ?? ''}
      ${which === 'open' ? sql`and j.ended_at is null` : sql``}
    order by j.id limit ${limit}`.execute(tx);
  return rows.map(({ id }) => id);
}

/** Leaves of the customer an id, and since when; the names go from the request too. */
export async function buryPerson(tx: TenantTx, { tenant, customer, erasure }: Person, reportHash: string, now: Instant): Promise<void> {
  await sql`
    update customer set erased_at = ${toIso(now)}, updated_at = ${toIso(now)} where tenant_id = ${tenant} and id = ${customer}`.execute(tx);
  await sql`
    update erasure set state = 'done', known_as = null, erased_at = ${toIso(now)}, report_hash = ${reportHash}
    where tenant_id = ${tenant} and id = ${erasure} and state = 'running'`.execute(tx);
}
