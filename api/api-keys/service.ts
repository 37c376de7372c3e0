/** API keys: made, replaced and ended here. Only their SHA-256 is kept. Source: security.md, section 5. */
import { createHash, randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { z } from 'zod';
import { doerOf, telling } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso, isoOrNull } from '../tickets/view.js';
import { assertKnown } from '../users/references.js';
import { RotateKey } from './schema.js';
import type { CreateKey, KeyQuery, KeyView } from './schema.js';
import type { TenantTx } from '../../db/client.js';
import { recordAdminEvent } from '../../db/queries/admin-log.js';
import { findKey, insertKey, listKeys, revokeKey, supersedeKey } from '../../db/queries/api-keys.js';
import type { ApiKeyRecord, KeyOwner, NewApiKey } from '../../db/queries/api-keys.js';
import { findPrincipal } from '../../db/queries/directory.js';
import { formatApiKey } from '../../domain/access/api-key.js';
import { scopes as allScopes } from '../../domain/access/principal.js';
import type { TenantId } from '../../domain/ids.js';
import { day, hour } from '../../domain/time.js';

export type KeyService = ReturnType<typeof createKeyService>;

/** Enough to tell keys apart, too little to guess one. */
const prefixLength = 12;

/** Stores a new key. @returns the answer that shows it, and the one for repetitions, which does not */
async function issue(tx: TenantTx, tenant: TenantId, fields: Omit<NewApiKey, 'hash' | 'prefix'>): Promise<Answer> {
  const key = formatApiKey(randomBytes(32));
  const hash = createHash('sha256').update(key).digest();
  await insertKey(tx, tenant, { ...fields, hash, prefix: key.slice(0, prefixLength) });
  const stored = await findKey(tx, tenant, fields.id);
  if (stored === undefined) throw new Error('a key just stored is not there');
  const view = keyView(stored);
  return { status: 201, body: { ...view, key }, kept: { ...view, key: null }, headers: { location: `/v1/api-keys/${fields.id}` } };
}

export function createKeyService({ keys, now }: Pick<Deps, 'keys' | 'now'>, engine: Pick<TicketEngine, 'within'>, forget: () => void) {
  return {
    async list(reader: Reader, { limit, cursor, owner }: KeyQuery): Promise<Page<KeyView>> {
      const binding = cursorBinding(reader.principal, 'api-keys', { owner });
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor).id };
      const theirs = owner === undefined ? undefined : ownerOf(owner);
      const rows = await engine.within(reader, (tx) => listKeys(tx, reader.principal.tenant, theirs, { limit, ...after }));
      return pageOf(rows, limit, keyView, ({ id }) => writeCursor(keys, binding, { position: '', id }));
    },

    async get(reader: Reader, id: string): Promise<KeyView> {
      const found = await engine.within(reader, (tx) => findKey(tx, reader.principal.tenant, id));
      if (found === undefined) throw new Refusal('not_found');
      return keyView(found);
    },

    create(caller: Caller, { owner, name, scopes, products, addresses, expiresInDays }: CreateKey): Promise<Answer> {
      const { tenant, actor } = caller.principal;
      const whose = ownerOf(owner);
      if (scopes !== undefined && whose.ownerKind !== 'service') {
        const message = 'only a service account has scopes; this key may what its owner may';
        throw new Refusal('invalid_request', { errors: [{ pointer: '/scopes', code: 'not_of_this_owner', message }] });
      }
      return engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const found = await findPrincipal(tx, { tenant, ...whose });
        if (found === undefined) throw new Refusal('unknown_reference', { members: { pointer: '/owner' } });
        const missing = (scopes ?? []).findIndex((scope) => !found.scopes.includes(scope));
        if (missing >= 0) throw new Refusal('unknown_reference', { members: { pointer: `/scopes/${missing}` } });
        const limits = { scopes: scopes ?? null, products: products === '*' ? null : [...new Set(products)] };
        await assertKnown(tx, tenant, limits);
        const from = addresses === undefined ? null : [...new Set(addresses)];
        const id = v7();
        const expiresAt = new Date(now() + expiresInDays * day);
        const made = await issue(tx, tenant, { id, ...whose, name, ...limits, addresses: from, createdBy: actor, expiresAt });
        const data = { owner, ...limits, addresses: from, expiresAt: expiresAt.toISOString() };
        await recordAdminEvent(tx, doerOf(caller), { subject: `api_key/${id}`, type: 'api_key.issued', data });
        return made;
      });
    },

    /**
     * Makes a successor with the same rights; both count until the overlap is over.
     *
     * @param body as it came, which may be not at all
     */
    rotate(caller: Caller, id: string, body: z.input<typeof RotateKey>): Promise<Answer> {
      const { overlapHours, expiresInDays } = RotateKey.parse(body);
      const { tenant, actor } = caller.principal;
      const rotated = engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const present = await findKey(tx, tenant, id, true);
        if (present === undefined) throw new Refusal('not_found');
        const { name, scopes, products, addresses, ownerKind, ownerId, expiresAt: end } = present;
        if (present.revokedAt !== null || present.replacedBy !== null || (end !== null && end.getTime() <= now()))
          throw new Refusal('key_ended');
        const successor = v7();
        const expiresAt = new Date(now() + expiresInDays * day);
        const fields = { name: name ?? present.prefix, scopes, products, addresses, ownerKind, ownerId, createdBy: actor, expiresAt };
        const made = await issue(tx, tenant, { id: successor, ...fields });
        await supersedeKey(tx, tenant, id, successor, new Date(now() + overlapHours * hour));
        const doer = doerOf(caller);
        await recordAdminEvent(tx, doer, { subject: `api_key/${id}`, type: 'api_key.rotated', data: { successor, overlapHours } });
        const data = { owner: ownerText(present), scopes, products, addresses, expiresAt: expiresAt.toISOString(), replaces: id };
        await recordAdminEvent(tx, doer, { subject: `api_key/${successor}`, type: 'api_key.issued', data });
        return made;
      });
      return telling(forget, rotated);
    },

    /** Ends a key at once; a second time changes nothing. */
    async revoke(caller: Caller, id: string): Promise<Answer> {
      const { tenant } = caller.principal;
      const revoked = engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const present = await findKey(tx, tenant, id, true);
        if (present === undefined) throw new Refusal('not_found');
        if (!(await revokeKey(tx, tenant, id, new Date(now())))) return;
        await recordAdminEvent(tx, doerOf(caller), {
          subject: `api_key/${id}`,
          type: 'api_key.revoked',
          data: { owner: ownerText(present) },
        });
      });
      await telling(forget, revoked);
      return { status: 204 };
    },
  };
}

const ownerKinds = ['user', 'customer', 'service'] as const;

/** The contract takes no other form. */
function ownerOf(text: string): KeyOwner {
  const [kind = '', ownerId = ''] = text.split('/');
  const ownerKind = ownerKinds.find((known) => known === kind);
  if (ownerKind === undefined) throw new Error('an owner has no kind');
  return { ownerKind, ownerId };
}

const ownerText = ({ ownerKind, ownerId }: KeyOwner): string => `${ownerKind}/${ownerId}`;

const keyView = (row: ApiKeyRecord): KeyView => ({
  id: row.id,
  owner: ownerText(row),
  name: row.name,
  prefix: row.prefix,
  scopes: row.scopes === null ? null : allScopes.filter((scope) => row.scopes?.includes(scope)),
  products: row.products === null ? '*' : [...row.products],
  addresses: row.addresses === null ? null : [...row.addresses],
  createdBy: row.createdBy,
  createdAt: iso(row.createdAt),
  expiresAt: isoOrNull(row.expiresAt),
  revokedAt: isoOrNull(row.revokedAt),
  lastUsedAt: isoOrNull(row.lastUsedAt),
  replacedBy: row.replacedBy,
});
