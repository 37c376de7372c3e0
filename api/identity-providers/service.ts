/** Identity providers: whose tokens a tenant takes, and by which rules. */
import { v7 } from 'uuid';
import { assertRevision, doerOf, etagOf, telling, unlessTaken } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { FieldError } from '../errors.js';
import { unreachable } from '../../reach.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso } from '../tickets/view.js';
import type { CreateProvider, ProviderQuery, ProviderView, ReplaceProvider } from './schema.js';
import type { TenantTx } from '../../db/client.js';
import { recordAdminEvent } from '../../db/queries/admin-log.js';
import { deleteProvider, findProvider, insertProvider, listProviders, updateProvider } from '../../db/queries/identity.js';
import type { ProviderRecord } from '../../db/queries/identity.js';

export type ProviderService = ReturnType<typeof createProviderService>;

const subjectOf = (id: string) => `identity_provider/${id}` as const;

/** The provider at the revision the caller has read, kept from others. */
async function present(tx: TenantTx, caller: Caller, id: string): Promise<ProviderRecord> {
  const found = await findProvider(tx, caller.principal.tenant, id, true);
  if (found === undefined) throw new Refusal('not_found');
  assertRevision(caller, found.revision);
  return found;
}

export function createProviderService(
  { keys, signIn }: Pick<Deps, 'keys' | 'signIn'>,
  engine: Pick<TicketEngine, 'within'>,
  forget: () => void,
) {
  const assertTargets = (targets: Readonly<Record<string, string | null>>): void => {
    const errors = Object.entries(targets).flatMap(([pointer, address]): FieldError[] => {
      const message = address === null ? null : unreachable(address, signIn.privateTargets);
      return message === null ? [] : [{ pointer: `/${pointer}`, code: 'target_not_allowed', message }];
    });
    if (errors.length > 0) throw new Refusal('target_not_allowed', { errors });
  };

  return {
    async list(reader: Reader, { limit, cursor }: ProviderQuery): Promise<Page<ProviderView>> {
      const binding = cursorBinding(reader.principal, 'identity-providers', {});
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor).id };
      const rows = await engine.within(reader, (tx) => listProviders(tx, reader.principal.tenant, { limit, ...after }));
      return pageOf(rows, limit, providerView, ({ id }) => writeCursor(keys, binding, { position: '', id }));
    },

    async get(reader: Reader, id: string): Promise<ProviderView> {
      const found = await engine.within(reader, (tx) => findProvider(tx, reader.principal.tenant, id));
      if (found === undefined) throw new Refusal('not_found');
      return providerView(found);
    },

    async create(caller: Caller, { issuer, ...fields }: CreateProvider): Promise<Answer> {
      assertTargets({ issuer, jwksUri: fields.jwksUri });
      const { tenant } = caller.principal;
      const id = v7();
      const made = engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        await unlessTaken('/issuer', insertProvider(tx, tenant, { id, issuer, ...fields }));
        await recordAdminEvent(tx, doerOf(caller), { subject: subjectOf(id), type: 'identity_provider.added', data: settingsOf(fields) });
        return findProvider(tx, tenant, id);
      });
      const view = viewOf(await telling(forget, made));
      return { status: 201, body: view, headers: { location: `/v1/identity-providers/${id}`, etag: etagOf(view) } };
    },

    async replace(caller: Caller, id: string, fields: ReplaceProvider): Promise<Answer> {
      assertTargets({ jwksUri: fields.jwksUri });
      const { tenant } = caller.principal;
      const changed = engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        await present(tx, caller, id);
        await updateProvider(tx, tenant, id, fields);
        await recordAdminEvent(tx, doerOf(caller), { subject: subjectOf(id), type: 'identity_provider.changed', data: settingsOf(fields) });
        return findProvider(tx, tenant, id);
      });
      const view = viewOf(await telling(forget, changed));
      return { status: 200, body: view, headers: { etag: etagOf(view) } };
    },

    /** With it goes whom the tenant knew by it. */
    async remove(caller: Caller, id: string): Promise<Answer> {
      const { tenant } = caller.principal;
      const gone = engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        await deleteProvider(tx, tenant, await present(tx, caller, id));
        await recordAdminEvent(tx, doerOf(caller), { subject: subjectOf(id), type: 'identity_provider.removed' });
      });
      await telling(forget, gone);
      return { status: 204 };
    },
  };
}

/** What decides whose tokens count; names and addresses stay out of the log. */
const settingsOf = ({ algorithms, tokenType, leewayS, people, linkByEmail, active }: ReplaceProvider) => ({
  algorithms,
  tokenType,
  leewayS,
  people,
  linkByEmail,
  active,
});

function viewOf(row: ProviderRecord | undefined): ProviderView {
  if (row === undefined) throw new Error('a provider just stored is not there');
  return providerView(row);
}

const providerView = ({ algorithms, createdAt, updatedAt, ...rest }: ProviderRecord): ProviderView => ({
  ...rest,
  algorithms: [...algorithms],
  createdAt: iso(createdAt),
  updatedAt: iso(updatedAt),
});
