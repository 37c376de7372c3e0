/** Who asks, and may they? Keys in the header only; roles are read per request, remembered at most 30 seconds. */
import { createHash } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { isApiKey } from '../../domain/access/api-key.js';
import { permit } from '../../domain/access/permit.js';
import type { Permission, Scoped } from '../../domain/access/permit.js';
import type { Principal } from '../../domain/access/principal.js';
import { asCustomerId } from '../../domain/ids.js';
import { withTenant } from '../../db/client.js';
import { findApiKey, findPrincipal, touchApiKey } from '../../db/queries/directory.js';
import type { KeyRecord } from '../../db/queries/directory.js';
import type { Env } from '../caller.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';

const rememberMs = 30_000;
const mostRemembered = 10_000;
const minuteMs = 60_000;

interface Remembered {
  readonly key: KeyRecord;
  readonly principal: Principal;
  readonly until: number;
}

export interface Authenticator {
  /** @throws Refusal `auth_missing`, `auth_invalid`, `auth_expired`; `forbidden` or `not_found` for an acting-for header that does not hold */
  (credential: {
    readonly authorization: string | undefined;
    readonly actingFor: string | undefined;
    readonly url: string;
  }): Promise<Principal>;
}

export function createAuthenticator({ db, now, log }: Pick<Deps, 'db' | 'now' | 'log'>): Authenticator {
  const remembered = new Map<string, Remembered>();
  const touched = new Map<string, number>();

  const look = async (key: string): Promise<Remembered> => {
    const hash = createHash('sha256').update(key).digest();
    const name = hash.toString('base64');
    const known = remembered.get(name);
    if (known !== undefined && known.until > now()) return known;
    const found = await findApiKey(db, hash);
    if (found === undefined || found.revokedAt !== null) throw new Refusal('auth_invalid');
    const principal = await withTenant(db, found.tenant, (tx) => findPrincipal(tx, found));
    if (principal === undefined) throw new Refusal('auth_invalid');
    const fresh = { key: found, principal, until: now() + rememberMs };
    if (remembered.size >= mostRemembered) remembered.clear();
    remembered.set(name, fresh);
    return fresh;
  };

  const touch = ({ tenant, id }: KeyRecord): void => {
    if ((touched.get(id) ?? 0) > now() - minuteMs) return;
    if (touched.size >= mostRemembered) touched.clear();
    touched.set(id, now());
    withTenant(db, tenant, (tx) => touchApiKey(tx, tenant, id)).catch((error: unknown) =>
      log.warn({ err: error }, 'last use of a key not noted'),
    );
  };

  return async ({ authorization, actingFor, url }) => {
    if (/usk_[A-Za-z0-9_-]{43}/.test(url))
      throw new Refusal('auth_invalid', { detail: 'A key must not stand in an address; it counts as lost.' });
    if (authorization === undefined) throw new Refusal('auth_missing');
    const [scheme, given = '', ...rest] = authorization.split(' ');
    if (scheme !== 'Bearer' || rest.length > 0 || !isApiKey(given)) throw new Refusal('auth_invalid');
    const { key, principal } = await look(given);
    if (key.expiresAt !== null && key.expiresAt.getTime() <= now()) throw new Refusal('auth_expired');
    touch(key);
    return actingFor === undefined ? principal : acting(db, principal, actingFor);
  };
}

/** The customer's rights, capped by the key's scopes and products. Source: security.md, section 5. */
async function acting(db: Deps['db'], service: Principal, header: string): Promise<Principal> {
  if (service.role !== 'service' || !service.scopes.includes('act_for'))
    throw new Refusal('forbidden', { members: { permission: 'act_for' } });
  const id = /^customer\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(header)?.[1];
  const { tenant } = service;
  const found = id && (await withTenant(db, tenant, (tx) => findPrincipal(tx, { tenant, ownerKind: 'customer', ownerId: id })));
  if (!found) throw new Refusal('not_found');
  return { ...found, actor: service.actor, products: service.products, scopes: service.scopes, actingFor: asCustomerId(found.id) };
}

/** Sets `principal`. On routes about one row the row decides, so nothing is refused here but a missing credential. */
export const authenticated =
  (authenticate: Authenticator): MiddlewareHandler<Env> =>
  async (c, next) => {
    c.set(
      'principal',
      await authenticate({ authorization: c.req.header('authorization'), actingFor: c.req.header('usher-acting-for'), url: c.req.url }),
    );
    await next();
  };

/**
 * Lets pass or refuses.
 *
 * @throws Refusal `not_found` when the row is not theirs, `forbidden` when the role does not allow it
 */
export function authorise(principal: Principal, permission: Permission, row?: Scoped): void {
  const verdict = permit(principal, permission, row);
  if (verdict === 'not_yours') throw new Refusal('not_found');
  if (verdict === 'not_your_role') throw new Refusal('forbidden', { members: { permission } });
}
