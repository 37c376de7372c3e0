/** Endpoints that events are sent to: made, changed, given other secrets, switched off and on. Source: api-surfaces.md, section 2; security.md, T13 and T39. */
import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { z } from 'zod';
import { assertRevision, doerOf, etagOf } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { RotateSecret } from './schema.js';
import type { ChangeEndpoint, CreateEndpoint, EndpointQuery, EndpointView } from './schema.js';
import { endpointView } from './view.js';
import type { TenantTx } from '../../db/client.js';
import { recordAdminEvent } from '../../db/queries/admin-log.js';
import { unknownAmong } from '../../db/queries/users.js';
import {
  disableEndpoint,
  enableEndpoint,
  findEndpoint,
  insertEndpoint,
  listEndpoints,
  removeEndpoint,
  replaceSecret,
  updateEndpoint,
} from '../../db/queries/webhook-endpoints.js';
import type { EndpointRecord } from '../../db/queries/webhook-endpoints.js';
import type { TenantId } from '../../domain/ids.js';
import { hour } from '../../domain/time.js';
import { secretBytes, secretOwner, secretPrefix } from '../../domain/webhook/signature.js';
import { leadsInside, unreachable } from '../../reach.js';

export type EndpointService = ReturnType<typeof createEndpointService>;

const subjectOf = (id: string) => `webhook_endpoint/${id}` as const;

/** @throws Refusal `not_found` */
export async function lockedEndpoint(tx: TenantTx, tenant: TenantId, id: string): Promise<EndpointRecord> {
  const found = await findEndpoint(tx, tenant, id, true);
  if (found === undefined) throw new Refusal('not_found');
  return found;
}

/** @throws Refusal `unknown_reference` */
const assertProduct = async (tx: TenantTx, tenant: TenantId, product: string | null): Promise<void> => {
  const { products } = await unknownAmong(tx, tenant, { products: product === null ? [] : [product], teams: [], agents: [] });
  if (products.length > 0) throw new Refusal('unknown_reference', { members: { pointer: '/product' } });
};

export function createEndpointService(
  { keys, signIn, webhooks, now }: Pick<Deps, 'keys' | 'signIn' | 'webhooks' | 'now'>,
  engine: Pick<TicketEngine, 'within'>,
) {
  /** @returns the address in its one form @throws Refusal `target_not_allowed` */
  const target = async (url: string): Promise<string> => {
    const message = unreachable(url, signIn.privateTargets) ?? (signIn.privateTargets ? null : await leadsInside(url));
    if (message !== null) throw new Refusal('target_not_allowed', { errors: [{ pointer: '/url', code: 'target_not_allowed', message }] });
    return new URL(url).href;
  };

  const newSecret = (tenant: TenantId, id: string) => {
    const secret = randomBytes(secretBytes);
    return { shown: secretPrefix + secret.toString('base64'), sealed: webhooks.secrets.seal(secretOwner(tenant, id), secret) };
  };

  /** Does work on a locked endpoint, and answers with how it is then. */
  const change = async (
    caller: Caller,
    id: string,
    work: (tx: TenantTx, present: EndpointRecord) => Promise<void>,
  ): Promise<EndpointView> => {
    const { tenant } = caller.principal;
    const changed = await engine.within(caller, async (tx) => {
      await takeKey(tx, caller);
      await work(tx, await lockedEndpoint(tx, tenant, id));
      return findEndpoint(tx, tenant, id);
    });
    return viewOf(changed);
  };

  return {
    async list(reader: Reader, { limit, cursor }: EndpointQuery): Promise<Page<EndpointView>> {
      const binding = cursorBinding(reader.principal, 'webhook-endpoints', {});
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor).id };
      const rows = await engine.within(reader, (tx) => listEndpoints(tx, reader.principal.tenant, { limit, ...after }));
      return pageOf(rows, limit, endpointView, ({ id }) => writeCursor(keys, binding, { position: '', id }));
    },

    async get(reader: Reader, id: string): Promise<EndpointView> {
      const found = await engine.within(reader, (tx) => findEndpoint(tx, reader.principal.tenant, id));
      if (found === undefined) throw new Refusal('not_found');
      return endpointView(found);
    },

    async create(caller: Caller, { url: given, types, ...fields }: CreateEndpoint): Promise<Answer> {
      const url = await target(given);
      const { tenant, actor } = caller.principal;
      const id = v7();
      const { shown, sealed } = newSecret(tenant, id);
      const made = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        await assertProduct(tx, tenant, fields.product);
        await insertEndpoint(tx, tenant, { id, url, types: [...new Set(types)], ...fields, secret: sealed, createdBy: actor });
        const { product, includeText } = fields;
        await recordAdminEvent(tx, doerOf(caller), {
          subject: subjectOf(id),
          type: 'webhook_endpoint.added',
          data: { types, product, includeText },
        });
        return findEndpoint(tx, tenant, id);
      });
      const view = viewOf(made);
      return {
        status: 201,
        body: { ...view, secret: shown },
        kept: { ...view, secret: null },
        headers: { location: `/v1/webhook-endpoints/${id}`, etag: etagOf(view) },
      };
    },

    async change(caller: Caller, id: string, { url: given, ...fields }: ChangeEndpoint): Promise<Answer> {
      const url = given === undefined ? undefined : await target(given);
      const view = await change(caller, id, async (tx, present) => {
        const { tenant } = caller.principal;
        assertRevision(caller, present.revision);
        await assertProduct(tx, tenant, fields.product ?? null);
        const { types, product, description, includeText } = { ...present, ...fields };
        await updateEndpoint(tx, tenant, id, { url: url ?? present.url, types: [...new Set(types)], product, description, includeText });
        const changed = [...(url === undefined ? [] : ['url']), ...Object.keys(fields)];
        await recordAdminEvent(tx, doerOf(caller), {
          subject: subjectOf(id),
          type: 'webhook_endpoint.changed',
          data: { changed, types, product, includeText },
        });
      });
      return { status: 200, body: view, headers: { etag: etagOf(view) } };
    },

    /** What was on its way is dropped, and its deliveries are not shown any more. */
    async remove(caller: Caller, id: string): Promise<Answer> {
      const { tenant } = caller.principal;
      await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        assertRevision(caller, (await lockedEndpoint(tx, tenant, id)).revision);
        await removeEndpoint(tx, tenant, id, new Date(now()));
        await recordAdminEvent(tx, doerOf(caller), { subject: subjectOf(id), type: 'webhook_endpoint.removed' });
      });
      return { status: 204 };
    },

    /**
     * Makes another secret; both sign until the overlap is over.
     *
     * @param body as it came, which may be not at all
     */
    async rotate(caller: Caller, id: string, body: z.input<typeof RotateSecret>): Promise<Answer> {
      const { overlapHours } = RotateSecret.parse(body);
      const { tenant } = caller.principal;
      const { shown, sealed } = newSecret(tenant, id);
      const view = await change(caller, id, async (tx) => {
        await replaceSecret(tx, tenant, id, sealed, new Date(now() + overlapHours * hour));
        await recordAdminEvent(tx, doerOf(caller), {
          subject: subjectOf(id),
          type: 'webhook_endpoint.secret_rotated',
          data: { overlapHours },
        });
      });
      return { status: 200, body: { ...view, secret: shown }, kept: { ...view, secret: null } };
    },

    /** Switched off twice is switched off. */
    disable: async (caller: Caller, id: string): Promise<Answer> => ({
      status: 200,
      body: await change(caller, id, async (tx, { state }) => {
        if (state === 'disabled') return;
        await disableEndpoint(tx, caller.principal.tenant, id, 'admin', new Date(now()));
        await recordAdminEvent(tx, doerOf(caller), { subject: subjectOf(id), type: 'webhook_endpoint.disabled', data: { cause: 'admin' } });
      }),
    }),

    enable: async (caller: Caller, id: string): Promise<Answer> => ({
      status: 200,
      body: await change(caller, id, async (tx, { state }) => {
        if (state === 'active') return;
        await enableEndpoint(tx, caller.principal.tenant, id, new Date(now()));
        await recordAdminEvent(tx, doerOf(caller), { subject: subjectOf(id), type: 'webhook_endpoint.enabled' });
      }),
    }),
  };
}

function viewOf(row: EndpointRecord | undefined): EndpointView {
  if (row === undefined) throw new Error('an endpoint just stored is not there');
  return endpointView(row);
}
