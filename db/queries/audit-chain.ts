/** The chain of the audit: sealed across tenants by the relay's role, looked through by whoever may read it. Source: security.md, section 7. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Db, TenantTx } from '../client.js';
import { chainColumns, inChain } from './audit.js';
import { beginning, findBreak, findLoss, seal } from '../../domain/audit/chain.js';
import type { AuditRecord, BadLine, Chaining, Link, SealedRecord } from '../../domain/audit/chain.js';
import { asTenantId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';

/** The chain's hash. */
export const sha256: Chaining = (previous, text) =>
  createHash('sha256').update(Buffer.from(previous, 'hex')).update(text, 'utf8').digest('hex');

/** Tenants with lines that are not sealed; asked often, and answered from an index that is mostly empty. */
export async function unsealedTenants(relay: Db): Promise<TenantId[]> {
  const { rows } = await sql<{ tenantId: string }>`
    with recursive found as (
      (select tenant_id from audit where seq is null order by tenant_id limit 1)
      union all
      select (select a.tenant_id from audit a where a.seq is null and a.tenant_id > f.tenant_id order by a.tenant_id limit 1)
      from found f where f.tenant_id is not null
    )
    select tenant_id from found where tenant_id is not null`.execute(relay);
  return rows.map(({ tenantId }) => asTenantId(tenantId));
}

/**
 * Seals lines of one tenant that wait, in the order of their ids. What commits late is sealed late, and never passed over.
 *
 * One sealer at a time works on a tenant.
 *
 * @returns how many; null: another one is at it just now
 */
export async function sealAudit(relay: Db, tenant: TenantId, limit: number): Promise<number | null> {
  return relay.transaction().execute(async (tx) => {
    // By itself, so that the statements behind it see all that the sealer before has done.
    const { rows: locks } = await sql<{ mine: boolean }>`
      select pg_try_advisory_xact_lock(hashtextextended(${`usher audit ${tenant}`}, 0)) as mine`.execute(tx);
    if (locks[0]?.mine !== true) return null;
    const { rows } = await sql<Omit<AuditRecord, 'at'> & { readonly at: Date }>`
      select ${chainColumns} from audit a where a.tenant_id = ${tenant} and a.seq is null order by a.id limit ${limit}`.execute(tx);
    if (rows.length === 0) return 0;
    const sealed = seal((await findChain(tx, tenant)).head, rows.map(inChain), sha256);
    const places = sealed.map(({ id, at, seq, prevHash, hash }) => ({ id, at, seq, prevHash, hash }));
    await sql`
      update audit a set seq = s.seq, prev_hash = decode(s."prevHash", 'hex'), hash = decode(s.hash, 'hex')
      from jsonb_to_recordset(${JSON.stringify(places)}::jsonb) as s(id uuid, at timestamptz, seq bigint, "prevHash" text, hash text)
      where a.tenant_id = ${tenant} and a.at = s.at and a.id = s.id`.execute(tx);
    const last = sealed.at(-1);
    await sql`
      insert into audit_chain (tenant_id, seq, hash) values (${tenant}, ${last?.seq}, decode(${last?.hash}, 'hex'))
      on conflict (tenant_id) do update set seq = excluded.seq, hash = excluded.hash`.execute(tx);
    return sealed.length;
  });
}

/** Both ends of a chain. */
export interface Chain {
  /** The last line whose time was over; what is left begins behind it. */
  readonly cut: Link;
  /** The last line that is sealed. */
  readonly head: Link;
}

export async function findChain(tx: Db, tenant: TenantId): Promise<Chain> {
  const { rows } = await sql<{ seq: number; hash: string; cutSeq: number; cutHash: string }>`
    select seq::float8 as seq, encode(hash, 'hex') as hash, cut_seq::float8 as cut_seq, encode(cut_hash, 'hex') as cut_hash
    from audit_chain where tenant_id = ${tenant}`.execute(tx);
  const [row] = rows;
  if (row === undefined) return { cut: beginning, head: beginning };
  return { cut: { seq: row.cutSeq, hash: row.cutHash }, head: { seq: row.seq, hash: row.hash } };
}

/** Sealed lines behind a number, in order. */
export async function listSealed(tx: Db, tenant: TenantId, after: number, limit: number): Promise<SealedRecord[]> {
  const { rows } = await sql<Omit<SealedRecord, 'at'> & { readonly at: Date }>`
    select ${chainColumns}, a.seq::float8 as seq, encode(a.prev_hash, 'hex') as prev_hash, encode(a.hash, 'hex') as hash
    from audit a where a.tenant_id = ${tenant} and a.seq > ${after} order by a.seq limit ${limit}`.execute(tx);
  return rows.map(inChain);
}

export interface Verified {
  /** The first line that is not as it was sealed; null: every one looked at is. */
  readonly bad: BadLine | null;
  readonly checked: number;
  /** The last line that is good. */
  readonly end: Link;
  /** Whether the end of the chain was reached. */
  readonly isWhole: boolean;
  /** Lines that are not sealed yet, and so not looked at. */
  readonly unsealed: number;
}

/** Lines of one statement. */
const batch = 1_000;

/**
 * Looks through a chain, from its beginning or behind a line that was found good before.
 *
 * @param noted heads that were kept elsewhere: the chain has to have them still
 * @param until epoch milliseconds at which it stops between two batches; as long as it takes when left out
 */
export async function verifyAudit(
  tx: Db,
  tenant: TenantId,
  { after, noted = [], until }: { readonly after?: Link; readonly noted?: readonly Link[]; readonly until?: Instant } = {},
): Promise<Verified> {
  const { cut, head } = await findChain(tx, tenant);
  let end = after === undefined || after.seq < cut.seq ? cut : after;
  let checked = 0;
  const done = async (bad: BadLine | null, isWhole: boolean): Promise<Verified> => ({
    bad,
    checked,
    end,
    isWhole,
    unsealed: await countUnsealed(tx, tenant),
  });
  for (;;) {
    const lines = await listSealed(tx, tenant, end.seq, batch);
    const first = end;
    const { good, bad } = findBreak(first, lines, sha256);
    checked += good.seq - first.seq;
    end = good;
    if (bad !== null) return done(bad, false);
    const gone = noted.find(({ seq, hash }) => lines.some((line) => line.seq === seq && line.hash !== hash));
    if (gone !== undefined) return done({ seq: gone.seq, id: null, fault: 'altered' }, false);
    if (lines.length < batch) break;
    if (until !== undefined && Date.now() >= until) return done(null, false);
  }
  // More may have been sealed since; what the chain was when this began has to be there.
  const loss = [head, ...noted].map((link) => findLoss(end, link)).find((found) => found !== null);
  return done(loss ?? null, loss === undefined);
}

async function countUnsealed(tx: Db, tenant: TenantId): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from audit where tenant_id = ${tenant} and seq is null`.execute(tx);
  return rows[0]?.count ?? 0;
}

/** A line by its number, as a place to go on from; undefined: there is none, or it is not sealed. */
export async function findLink(tx: TenantTx, tenant: TenantId, seq: number): Promise<Link | undefined> {
  const { rows } = await sql<Link>`
    select seq::float8 as seq, encode(hash, 'hex') as hash from audit where tenant_id = ${tenant} and seq = ${seq}`.execute(tx);
  return rows[0];
}

export interface Head extends Link {
  readonly tenant: TenantId;
}

/** Heads that have grown and were not told for a day; they count as told now. */
export async function tellHeads(relay: Db): Promise<Head[]> {
  const { rows } = await sql<{ tenantId: string; seq: number; hash: string }>`
    update audit_chain set told_at = now()
    where seq > 0 and (told_at is null or told_at < now() - interval '1 day')
    returning tenant_id, seq::float8 as seq, encode(hash, 'hex') as hash`.execute(relay);
  return rows.map(({ tenantId, seq, hash }) => ({ tenant: asTenantId(tenantId), seq, hash }));
}
