/** Products and their settings, published as revisions; settings of the tenant. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { currentRevision } from './policy-sets.js';
import { ProductSettings } from '../../domain/configuration/schema.js';
import type { Principal } from '../../domain/access/principal.js';
import { asAgentId } from '../../domain/ids.js';
import type { AgentId, TenantId } from '../../domain/ids.js';

export interface ProductRecord {
  readonly key: string;
  readonly name: string;
  readonly settings: ProductSettings;
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = ['key', 'name', 'settings', 'revision', 'createdAt', 'updatedAt'] as const;

/** Settings are checked when they are stored; parsing here fills in what a later version of Usher added. */
const read = <T extends { settings: unknown }>(row: T): Omit<T, 'settings'> & { settings: ProductSettings } => ({
  ...row,
  settings: ProductSettings.parse(row.settings),
});

/** A product, whoever asks, with the policy set its new tickets run under (0: none). */
export async function findProduct(
  tx: TenantTx,
  tenant: TenantId,
  key: string,
): Promise<(ProductRecord & { readonly policySet: number }) | undefined> {
  const row = await tx
    .selectFrom('product')
    .select(columns)
    .select(currentRevision(sql`product.tenant_id`).as('policySet'))
    .where('tenantId', '=', tenant)
    .where('key', '=', key)
    .executeTakeFirst();
  return row && read(row);
}

/** Products the reader works with, by key; one row more than `limit` when there are others. */
export async function listProducts(
  tx: TenantTx,
  reader: Principal,
  { after, limit }: { after?: string; limit: number },
): Promise<ProductRecord[]> {
  const mine = reader.products === '*' ? null : [...reader.products];
  const rows = await tx
    .selectFrom('product')
    .select(columns)
    .where('tenantId', '=', reader.tenant)
    .$if(mine !== null, (query) => query.where('key', 'in', mine === null || mine.length === 0 ? [''] : mine))
    .$if(after !== undefined, (query) => query.where('key', '>', after ?? ''))
    .orderBy('key')
    .limit(limit + 1)
    .execute();
  return rows.map(read);
}

/**
 * Publishes settings as the next revision.
 *
 * @returns the new revision; null when `expected` is not the present one
 */
export async function replaceSettings(
  tx: TenantTx,
  tenant: TenantId,
  key: string,
  expected: number,
  settings: ProductSettings,
): Promise<ProductRecord | null> {
  const row = await tx
    .updateTable('product')
    .set((eb) => ({ settings: JSON.stringify(settings), revision: eb('revision', '+', 1), updatedAt: sql`now()` }))
    .where('tenantId', '=', tenant)
    .where('key', '=', key)
    .where('revision', '=', expected)
    .returning(columns)
    .executeTakeFirst();
  return row === undefined ? null : read(row);
}

/** @throws a unique violation when the tenant has this key */
export async function insertProduct(
  tx: TenantTx,
  tenant: TenantId,
  { key, name, settings }: Pick<ProductRecord, 'key' | 'name' | 'settings'>,
): Promise<void> {
  await tx
    .insertInto('product')
    .values({ tenantId: tenant, key, name, settings: JSON.stringify(settings) })
    .execute();
}

/** @returns false when `expected` is not the present revision */
export async function renameProduct(tx: TenantTx, tenant: TenantId, key: string, expected: number, name: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('product')
    .set((eb) => ({ name, revision: eb('revision', '+', 1), updatedAt: sql`now()` }))
    .where('tenantId', '=', tenant)
    .where('key', '=', key)
    .where('revision', '=', expected)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export interface TenantSettings {
  /** Who is told when nobody else can be. */
  readonly fallbackRecipient: AgentId | null;
  readonly revision: number;
}

const readSettings = ({ recipient, revision }: { recipient: string | null; revision: number }): TenantSettings => ({
  fallbackRecipient: recipient === null ? null : asAgentId(recipient),
  revision,
});

/** The tenant's settings, whoever asks. */
export async function findTenantSettings(tx: TenantTx, tenant: TenantId): Promise<TenantSettings> {
  const { rows } = await sql<{ recipient: string | null; revision: number }>`
    select settings ->> 'fallbackRecipient' as recipient, settings_revision as revision from tenant where tenant_id = ${tenant}`.execute(
    tx,
  );
  return readSettings(rows[0] ?? { recipient: null, revision: 0 });
}

/**
 * Publishes settings as the next revision.
 *
 * @returns null when `expected` is not the present one
 */
export async function replaceTenantSettings(
  tx: TenantTx,
  tenant: TenantId,
  expected: number,
  { fallbackRecipient }: Pick<TenantSettings, 'fallbackRecipient'>,
): Promise<TenantSettings | null> {
  const { rows } = await sql<{ recipient: string | null; revision: number }>`
    update tenant set settings_revision = settings_revision + 1,
      settings = settings || jsonb_build_object('fallbackRecipient', ${fallbackRecipient}::text)
    where tenant_id = ${tenant} and settings_revision = ${expected}
    returning settings ->> 'fallbackRecipient' as recipient, settings_revision as revision`.execute(tx);
  return rows[0] === undefined ? null : readSettings(rows[0]);
}
