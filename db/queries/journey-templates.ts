/** Templates of journeys: one draft each, and versions that never change. */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { Actor } from '../../domain/actor.js';
import type { TenantId } from '../../domain/ids.js';
import { canonicalForm } from '../../domain/journey/author.js';
import { compile } from '../../domain/journey/compile.js';
import { canonical } from '../../domain/journey/json.js';
import type { Json } from '../../domain/journey/json.js';
import type { Category, JourneyTemplate } from '../../domain/journey/template.js';

export const versionStatuses = ['published', 'deprecated', 'archived'] as const;
export type VersionStatus = (typeof versionStatuses)[number];

export const publishModes = ['new_only', 'drain', 'migrate', 'cancel_old'] as const;
/** What becomes of running instances. Source: journeys-change.md, section 2. */
export type PublishMode = (typeof publishModes)[number];

export interface VersionSummary {
  readonly version: number;
  readonly name: string;
  readonly hash: string;
  readonly status: VersionStatus;
  readonly mode: PublishMode;
  readonly publishedAt: Date;
  readonly publishedBy: Actor;
  readonly deprecatedAt: Date | null;
  readonly archivedAt: Date | null;
}

export interface VersionRecord extends VersionSummary {
  /** In today's form, as its author ordered it. */
  readonly document: JourneyTemplate;
}

/** A template with its draft. */
export interface TemplateRecord {
  readonly key: string;
  readonly name: string;
  readonly category: Category;
  readonly document: Json;
  /** Of the draft. */
  readonly hash: string;
  readonly revision: number;
  /** Newest version; 0: none. */
  readonly latest: number;
  readonly builtIn: boolean;
  /** Ids of the people who edited the draft since the last version. */
  readonly editors: readonly string[];
  readonly pausedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly updatedBy: Actor;
}

/** SHA-256 of the canonical form, in hex. Source: journeys.md, section 7. */
const contentHash = (document: Json): string => createHash('sha256').update(canonical(document)).digest('hex');
export const templateHash = (template: JourneyTemplate): string => createHash('sha256').update(canonicalForm(template)).digest('hex');

const columns = [
  'key',
  'name',
  'category',
  'document',
  'hash',
  'revision',
  'latest',
  'builtIn',
  'editors',
  'pausedAt',
  'createdAt',
  'updatedAt',
  'updatedBy',
] as const;
const versionColumns = ['version', 'name', 'hash', 'status', 'mode', 'publishedAt', 'publishedBy', 'deprecatedAt', 'archivedAt'] as const;

// What the columns hold was checked when it was stored, and constraints keep it so.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const asTemplate = (row: object): TemplateRecord => row as TemplateRecord;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const asSummary = (row: object): VersionSummary => row as VersionSummary;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const asVersion = (row: object): VersionRecord => row as VersionRecord;

export async function findTemplate(tx: TenantTx, tenant: TenantId, key: string): Promise<TemplateRecord | undefined> {
  const row = await tx
    .selectFrom('journeyTemplate')
    .select(columns)
    .where('tenantId', '=', tenant)
    .where('key', '=', key)
    .executeTakeFirst();
  return row && asTemplate(row);
}

/** The same, kept as it is until the transaction ends. */
export async function lockTemplate(tx: TenantTx, tenant: TenantId, key: string): Promise<TemplateRecord | undefined> {
  const row = await tx
    .selectFrom('journeyTemplate')
    .select(columns)
    .where('tenantId', '=', tenant)
    .where('key', '=', key)
    .forNoKeyUpdate()
    .executeTakeFirst();
  return row && asTemplate(row);
}

/** A template as lists show it: without the draft. */
export interface TemplateSummary extends Omit<TemplateRecord, 'document' | 'editors'> {
  /** Of the newest version; null: only a draft. */
  readonly status: VersionStatus | null;
  /** Instances that have not ended, of all versions. */
  readonly open: number;
}

export interface TemplateFilter {
  readonly category?: readonly string[];
  readonly status?: readonly string[];
}

/** By key; one row more than `limit` when there are others. */
export async function listTemplates(
  tx: TenantTx,
  tenant: TenantId,
  { category, status }: TemplateFilter,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<TemplateSummary[]> {
  const { rows } = await sql<TemplateSummary>`
    select t.key, t.name, t.category, t.hash, t.revision, t.latest, t.built_in, t.paused_at, t.created_at, t.updated_at, t.updated_by, v.status,
      (select count(*)::int from journey j where j.tenant_id = t.tenant_id and j.template_key = t.key and j.ended_at is null) as open
    from journey_template t
    left join journey_template_version v on v.tenant_id = t.tenant_id and v.key = t.key and v.version = t.latest
    where t.tenant_id = ${tenant}
      ${category === undefined ? sql`` : sql`and t.category = any(${[...category]}::text[])`}
      ${status === undefined ? sql`` : sql`and coalesce(v.status, 'draft') = any(${[...status]}::text[])`}
      ${after === undefined ? sql`` : sql`and t.key > ${after}`}
    order by t.key limit ${limit + 1}`.execute(tx);
  return rows;
}

export interface DraftFields {
  readonly name: string;
  readonly category: Category;
  readonly document: Json;
  readonly by: Actor;
  /** The person behind the actor. */
  readonly editor: string;
}

/** @returns false when the key is taken */
export async function insertDraft(
  tx: TenantTx,
  tenantId: TenantId,
  key: string,
  { name, category, document, by, editor }: DraftFields,
  { builtIn = false }: { readonly builtIn?: boolean } = {},
): Promise<boolean> {
  const { numInsertedOrUpdatedRows = 0n } = await tx
    .insertInto('journeyTemplate')
    .values({
      tenantId,
      key,
      name,
      category,
      document: JSON.stringify(document),
      hash: contentHash(document),
      builtIn,
      editors: [editor],
      updatedBy: by,
    })
    .onConflict((conflict) => conflict.columns(['tenantId', 'key']).doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows > 0n;
}

/** Replaces the draft; the template is locked. */
export async function replaceDraft(tx: TenantTx, tenant: TenantId, key: string, draft: DraftFields): Promise<void> {
  const { name, category, document, by, editor } = draft;
  await sql`
    update journey_template set name = ${name}, category = ${category}, document = ${JSON.stringify(document)}::json,
      hash = ${contentHash(document)}, revision = revision + 1, updated_at = now(), updated_by = ${by},
      editors = case when ${editor} = any(editors) then editors else editors || ${editor}::text end
    where tenant_id = ${tenant} and key = ${key}`.execute(tx);
}

/** One version; undefined when it was never published. */
export async function findVersion(tx: TenantTx, tenant: TenantId, key: string, version: number): Promise<VersionRecord | undefined> {
  const row = await tx
    .selectFrom('journeyTemplateVersion')
    .select([...versionColumns, 'document'])
    .where('tenantId', '=', tenant)
    .where('key', '=', key)
    .where('version', '=', version)
    .executeTakeFirst();
  return row && asVersion(row);
}

/** All versions, newest first. */
export async function listVersions(tx: TenantTx, tenant: TenantId, key: string): Promise<VersionSummary[]> {
  const rows = await tx
    .selectFrom('journeyTemplateVersion')
    .select(versionColumns)
    .where('tenantId', '=', tenant)
    .where('key', '=', key)
    .orderBy('version', 'desc')
    .execute();
  return rows.map(asSummary);
}

export interface NewVersion {
  readonly template: JourneyTemplate;
  readonly version: number;
  readonly mode: PublishMode;
  readonly by: Actor;
}

/** Publishes the next version; the template is locked. From then on the draft has no editors: whoever changes it next is the first. */
export async function insertVersion(tx: TenantTx, tenantId: TenantId, { template, version, mode, by }: NewVersion): Promise<void> {
  const { key, name } = template;
  await tx
    .insertInto('journeyTemplateVersion')
    .values({
      tenantId,
      key,
      version,
      name,
      mode,
      document: JSON.stringify(template),
      compiled: JSON.stringify(compile(template)),
      hash: templateHash(template),
      publishedBy: by,
    })
    .execute();
  await tx
    .updateTable('journeyTemplate')
    .set({ latest: version, editors: [] })
    .where('tenantId', '=', tenantId)
    .where('key', '=', key)
    .execute();
}

/** Moves a version on; what it says stays. */
export async function markVersion(
  tx: TenantTx,
  tenant: TenantId,
  {
    key,
    version,
    status,
    at,
  }: { readonly key: string; readonly version: number; readonly status: 'deprecated' | 'archived'; readonly at: Date },
): Promise<void> {
  await tx
    .updateTable('journeyTemplateVersion')
    .set({ status, ...(status === 'deprecated' ? { deprecatedAt: at } : { archivedAt: at }) })
    .where('tenantId', '=', tenant)
    .where('key', '=', key)
    .where('version', '=', version)
    .execute();
}

/** How many instances of a version have not ended. */
export async function countOpen(tx: TenantTx, tenant: TenantId, key: string, version: number): Promise<number> {
  const { rows } = await sql<{ open: number }>`
    select count(*)::int as open from journey
    where tenant_id = ${tenant} and template_key = ${key} and template_version = ${version} and ended_at is null`.execute(tx);
  return rows[0]?.open ?? 0;
}

/** What a template may name in this tenant. */
export interface TemplateWorld {
  readonly calendars: ReadonlySet<string>;
  /** Roles, and keys of teams. */
  readonly teams: readonly string[];
}

export async function findTemplateWorld(tx: TenantTx, tenant: TenantId): Promise<TemplateWorld> {
  const { rows } = await sql<{ calendars: string[]; teams: string[] }>`
    select array(select id from sla_calendar where tenant_id = ${tenant} and retired_at is null) as calendars,
      array(select distinct key from team where tenant_id = ${tenant}) as teams`.execute(tx);
  return { calendars: new Set(rows[0]?.calendars), teams: rows[0]?.teams ?? [] };
}
