/** Products and their settings. */
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso } from '../tickets/view.js';
import type { ProductQuery, ProductSettings, ProductView } from './schema.js';
import { findProduct, listProducts, replaceSettings } from '../../db/queries/configuration.js';
import type { ProductRecord } from '../../db/queries/configuration.js';
import { findTeam } from '../../db/queries/directory.js';
import { seesProduct } from '../../domain/access/principal.js';
import { templateErrors } from '../../domain/messaging/template.js';
import { asProductKey } from '../../domain/ids.js';

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
        if (defaultTeam !== null && (await findTeam(tx, tenant, defaultTeam)) === undefined) {
          throw new Refusal('unknown_reference', { members: { pointer: '/defaultTeam' } });
        }
        return expected === 'never' ? null : replaceSettings(tx, tenant, key, expected, settings);
      });
      if (stored === null) throw new Refusal('version_mismatch', { members: { current: present.revision } });
      return { status: 200, body: stored.settings, headers: { etag: `"${stored.revision}"` } };
    },
  };
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
