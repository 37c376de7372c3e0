/** The templates that come with the product, published for every tenant when a worker starts, and for those made later. Source: journeys-change.md, section 2. */
import { sql } from 'kysely';
import { withTenant } from './client.js';
import type { Db, TenantTx } from './client.js';
import { recordAudit } from './queries/audit.js';
import { insertDraft, insertVersion, listVersions, lockTemplate, replaceDraft, templateHash } from './queries/journey-templates.js';
import { asTenantId } from '../domain/ids.js';
import type { TenantId } from '../domain/ids.js';
import { actionRegistry, builtInActions } from '../domain/journey/action.js';
import { createGuards } from '../domain/journey/guard.js';
import { plainJson } from '../domain/journey/json.js';
import { templateShape } from '../domain/journey/schema.js';
import type { JourneyTemplate } from '../domain/journey/template.js';
import { validate } from '../domain/journey/validate.js';
import { isZone } from '../domain/journey/zone.js';

/** Who publishes them: a version of somebody else's on top makes the template the tenant's own. */
const builtInActor = 'system/journeys';

export interface PublishedBuiltIn {
  readonly tenant: TenantId;
  readonly key: string;
  readonly version: number;
}

/**
 * Publishes what differs from the newest version, in every tenant; several workers may do so at once.
 *
 * @param relay a pool of the role usher_relay: it alone knows which tenants there are
 * @param served tenants that have them already; those served now are added
 * @returns the versions that are new
 * @throws Error when a template has errors; then nothing is published
 */
export async function publishBuiltIns(
  { db, relay }: { readonly db: Db; readonly relay: Db },
  templates: readonly JourneyTemplate[],
  served: Set<TenantId> = new Set(),
): Promise<PublishedBuiltIn[]> {
  const valid = templates.map(checked);
  const { rows } = await sql<{ tenantId: string }>`select tenant_id from tenant order by tenant_id`.execute(relay);
  const published: PublishedBuiltIn[] = [];
  for (const tenant of rows.map(({ tenantId }) => asTenantId(tenantId)).filter((one) => !served.has(one))) {
    published.push(...(await publishAll(db, tenant, valid)));
    served.add(tenant);
  }
  return published;
}

/** The same for one tenant. */
export const publishBuiltInsOf = (db: Db, tenant: TenantId, templates: readonly JourneyTemplate[]): Promise<PublishedBuiltIn[]> =>
  publishAll(db, tenant, templates.map(checked));

async function publishAll(db: Db, tenant: TenantId, templates: readonly JourneyTemplate[]): Promise<PublishedBuiltIn[]> {
  const published: PublishedBuiltIn[] = [];
  for (const template of templates) {
    const version = await withTenant(db, tenant, (tx) => publishOne(tx, tenant, template));
    if (version !== null) published.push({ tenant, key: template.key, version });
  }
  return published;
}

/** @returns its number; null: nothing new, or the tenant's own */
async function publishOne(tx: TenantTx, tenant: TenantId, template: JourneyTemplate): Promise<number | null> {
  const { key, name, category } = template;
  const { value: document } = plainJson(template);
  const draft = { name, category, document, by: builtInActor, editor: builtInActor };
  const isNew = await insertDraft(tx, tenant, key, draft, { builtIn: true });
  const present = await lockTemplate(tx, tenant, key);
  if (present === undefined || !present.builtIn) return null;
  const [newest] = await listVersions(tx, tenant, key);
  if (newest !== undefined && (newest.publishedBy !== builtInActor || newest.hash === templateHash(template))) return null;
  // Somebody's draft goes on from what was published before; it is not thrown away.
  if (!isNew && (newest === undefined || present.hash === newest.hash)) await replaceDraft(tx, tenant, key, draft);
  const version = present.latest + 1;
  await insertVersion(tx, tenant, { template, version, mode: 'new_only', by: builtInActor });
  const line = { action: 'template.published', subject: `template/${key}`, changes: { version, mode: 'new_only' } };
  await recordAudit(tx, { tenant, actor: builtInActor, source: 'worker' }, line);
  return version;
}

/** They were reviewed as code; roles, teams and calendars are each tenant's. */
function checked(template: JourneyTemplate): JourneyTemplate {
  const surroundings = { shape: templateShape, guards: createGuards(), actions: actionRegistry(builtInActions), isZone };
  const { template: read, errors } = validate(template, surroundings);
  if (read !== null) return read;
  throw new Error(`template ${template.key}: ${errors.map(({ code, path, message }) => `${code} ${path} ${message}`).join('; ')}`);
}
