/** Service accounts: programs that call the API by keys of their own. */
import { v7 } from 'uuid';
import { assertRevision, doerOf, etagOf, telling } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso } from '../tickets/view.js';
import { assertKnown } from '../users/references.js';
import type { AccountQuery, AccountView, ChangeAccount, CreateAccount } from './schema.js';
import { recordAdminEvent } from '../../db/queries/admin-log.js';
import { findServiceAccount, insertServiceAccount, listServiceAccounts, updateServiceAccount } from '../../db/queries/service-accounts.js';
import type { ServiceAccountFields, ServiceAccountRecord } from '../../db/queries/service-accounts.js';

export type AccountService = ReturnType<typeof createAccountService>;

export function createAccountService({ keys }: Pick<Deps, 'keys'>, engine: Pick<TicketEngine, 'within'>, forget: () => void) {
  return {
    async list(reader: Reader, { limit, cursor }: AccountQuery): Promise<Page<AccountView>> {
      const binding = cursorBinding(reader.principal, 'service-accounts', {});
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor).id };
      const rows = await engine.within(reader, (tx) => listServiceAccounts(tx, reader.principal.tenant, { limit, ...after }));
      return pageOf(rows, limit, accountView, ({ id }) => writeCursor(keys, binding, { position: '', id }));
    },

    async get(reader: Reader, id: string): Promise<AccountView> {
      const found = await engine.within(reader, (tx) => findServiceAccount(tx, reader.principal.tenant, id));
      if (found === undefined) throw new Refusal('not_found');
      return accountView(found);
    },

    async create(caller: Caller, { products, ...body }: CreateAccount): Promise<Answer> {
      const { tenant } = caller.principal;
      const id = v7();
      const fields: ServiceAccountFields = { ...body, products: storedProducts(products), active: true };
      const made = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        await assertKnown(tx, tenant, fields);
        await insertServiceAccount(tx, tenant, { id, ...fields });
        await recordAdminEvent(tx, doerOf(caller), {
          subject: `service_account/${id}`,
          type: 'service_account.added',
          data: reachOf(fields),
        });
        return findServiceAccount(tx, tenant, id);
      });
      const view = viewOf(made);
      return { status: 201, body: view, headers: { location: `/v1/service-accounts/${id}`, etag: etagOf(view) } };
    },

    async change(caller: Caller, id: string, { products, ...body }: ChangeAccount): Promise<Answer> {
      const { tenant } = caller.principal;
      const changed = engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const present = await findServiceAccount(tx, tenant, id, true);
        if (present === undefined) throw new Refusal('not_found');
        assertRevision(caller, present.revision);
        const fields: ServiceAccountFields = {
          name: present.name,
          scopes: present.scopes,
          active: present.active,
          ...body,
          products: products === undefined ? present.products : storedProducts(products),
        };
        await assertKnown(tx, tenant, fields);
        await updateServiceAccount(tx, tenant, id, fields);
        await recordAdminEvent(tx, doerOf(caller), {
          subject: `service_account/${id}`,
          type: 'service_account.changed',
          data: { ...reachOf(fields), from: reachOf(present) },
        });
        return findServiceAccount(tx, tenant, id);
      });
      const view = viewOf(await telling(forget, changed));
      return { status: 200, body: view, headers: { etag: etagOf(view) } };
    },
  };
}

const storedProducts = (products: '*' | readonly string[]): readonly string[] | null => (products === '*' ? null : [...new Set(products)]);

const reachOf = ({ scopes, products, active }: ServiceAccountFields) => ({ scopes, products, active });

function viewOf(row: ServiceAccountRecord | undefined): AccountView {
  if (row === undefined) throw new Error('an account just stored is not there');
  return accountView(row);
}

const accountView = ({ scopes, products, createdAt, updatedAt, ...rest }: ServiceAccountRecord): AccountView => ({
  ...rest,
  scopes: [...scopes],
  products: products === null ? '*' : [...products],
  createdAt: iso(createdAt),
  updatedAt: iso(updatedAt),
});
