/** Products and their settings. */
import { assertRevision, doerOf, etagOf, unlessTaken } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso } from '../tickets/view.js';
import type { CreateProduct, ProductQuery, ProductSettings, ProductView, ReplaceProduct } from './schema.js';
import type { TenantTx } from '../../db/client.js';
import { recordAdminEvent } from '../../db/queries/admin-log.js';
import { findProduct, insertProduct, listProducts, renameProduct, replaceSettings } from '../../db/queries/configuration.js';
import type { ProductRecord } from '../../db/queries/configuration.js';
import { findTeam } from '../../db/queries/directory.js';
import { seesProduct } from '../../domain/access/principal.js';
import { templateErrors } from '../../domain/messaging/template.js';
import { asProductKey } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';

export type ConfigurationService = ReturnType<typeof createConfigurationService>;

export function createConfigurationService({ keys }: Pick<Deps, 'keys'>, engine: Pick<TicketEngine, 'within'>) {
  const find = async (reader: Reader, key: string): Promise<ProductRecord> => {
    const { principal } = reader;
    // The empty key names no product: the way of a foreign key is the way of an absent one.
    const found = await engine.within(reader, (tx) =>
      findProduct(tx, principal.tenant, seesProduct(principal, asProductKey(key)) ? key : ''),
    );
    if (found === undefined) throw new Refusal('not_found');
    return found;
  };

  return {
    async list(reader: Reader, { limit, cursor }: ProductQuery): Promise<Page<ProductView>> {
      const binding = cursorBinding(reader.principal, 'products', {});
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor).id };
      const rows = await engine.within(reader, (tx) => listProducts(tx, reader.principal, { limit, ...after }));
      return pageOf(rows, limit, productView, ({ key }) => writeCursor(keys, binding, { position: '', id: key }));
    },

    product: async (reader: Reader, key: string): Promise<ProductView> => productView(await find(reader, key)),

    async create(caller: Caller, { key, name, settings }: CreateProduct): Promise<Answer> {
      checkTemplates(settings);
      const { tenant } = caller.principal;
      const made = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        await assertTeam(tx, tenant, settings.defaultTeam, '/settings/defaultTeam');
        await unlessTaken('/key', insertProduct(tx, tenant, { key, name, settings }));
        await recordAdminEvent(tx, doerOf(caller), { subject: `product/${key}`, type: 'product.added' });
        return findProduct(tx, tenant, key);
      });
      const view = viewOf(made);
      return { status: 201, body: view, headers: { location: `/v1/products/${key}`, etag: etagOf(view) } };
    },

    async replace(caller: Caller, key: string, { name }: ReplaceProduct): Promise<Answer> {
      const present = await find(caller, key);
      assertRevision(caller, present.revision);
      const { tenant } = caller.principal;
      const renamed = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        if (!(await renameProduct(tx, tenant, key, present.revision, name))) {
          throw new Refusal('version_mismatch', {
            members: { current: (await findProduct(tx, tenant, key))?.revision ?? present.revision },
          });
        }
        await recordAdminEvent(tx, doerOf(caller), { subject: `product/${key}`, type: 'product.changed', data: { changed: ['name'] } });
        return findProduct(tx, tenant, key);
      });
      const view = viewOf(renamed);
      return { status: 200, body: view, headers: { etag: etagOf(view) } };
    },

    async settings(reader: Reader, key: string): Promise<{ settings: ProductSettings; revision: number }> {
      const { settings, revision } = await find(reader, key);
      return { settings, revision };
    },

    /** Publishes the next revision of a product's settings; tickets that run keep theirs. */
    async replaceSettings(caller: Caller, key: string, settings: ProductSettings): Promise<Answer> {
      const present = await find(caller, key);
      const { expected } = caller;
      if (expected === null) throw new Refusal('version_required');
      checkTemplates(settings);
      const { tenant } = caller.principal;
      const { defaultTeam } = settings;
      const stored = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        await assertTeam(tx, tenant, defaultTeam, '/defaultTeam');
        const next = expected === 'never' ? null : await replaceSettings(tx, tenant, key, expected, settings);
        if (next !== null) {
          const data = { revision: next.revision };
          await recordAdminEvent(tx, doerOf(caller), { subject: `product/${key}`, type: 'product.settings_changed', data });
        }
        return next;
      });
      if (stored === null) throw new Refusal('version_mismatch', { members: { current: present.revision } });
      return { status: 200, body: stored.settings, headers: { etag: `"${stored.revision}"` } };
    },
  };
}

async function assertTeam(tx: TenantTx, tenant: TenantId, team: string | null, pointer: string): Promise<void> {
  if (team === null || (await findTeam(tx, tenant, team)) !== undefined) return;
  throw new Refusal('unknown_reference', { members: { pointer } });
}

function viewOf(row: ProductRecord | undefined): ProductView {
  if (row === undefined) throw new Error('a product just stored is not there');
  return productView(row);
}

/** A template that cannot be rendered would be found out when a customer waits for the mail. */
function checkTemplates({ templates }: ProductSettings): void {
  const errors = Object.entries(templates).flatMap(([name, template]) =>
    templateErrors(template).map(({ part, message }) => ({ pointer: `/templates/${name}/${part}`, code: 'template_invalid', message })),
  );
  if (errors.length > 0) throw new Refusal('template_invalid', { errors });
}

const productView = ({ key, name, settings, revision, createdAt, updatedAt }: ProductRecord): ProductView => ({
  key,
  name,
  displayName: settings.displayName ?? name,
  categories: settings.categories,
  revision,
  createdAt: iso(createdAt),
  updatedAt: iso(updatedAt),
});
