/** Who asks, and may they? Keys and tokens in the header only; roles are read per request, remembered at most 30 seconds. */
import { createHash } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { isApiKey } from '../../domain/access/api-key.js';
import type { TenantLimits } from '../../domain/access/limits.js';
import { permit } from '../../domain/access/permit.js';
import type { Permission, Scoped } from '../../domain/access/permit.js';
import { limited } from '../../domain/access/principal.js';
import type { Principal } from '../../domain/access/principal.js';
import { isToken } from '../../domain/access/token.js';
import { asCustomerId } from '../../domain/ids.js';
import { withTenant } from '../../db/client.js';
import { findApiKey, findPrincipal, touchApiKey } from '../../db/queries/directory.js';
import type { KeyRecord } from '../../db/queries/directory.js';
import { findLimits } from '../../db/queries/request-limits.js';
import type { Env } from '../caller.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { forbidden } from '../forbidden.js';
import { createTokens } from '../identity/tokens.js';
import { addressOf, networksOf } from '../limits/address.js';
import type { Networks } from '../limits/address.js';
import { countUnknown } from './limits.js';
import type { RequestLimits } from '../limits/limiter.js';

const rememberMs = 30_000;
const mostRemembered = 10_000;
const minuteMs = 60_000;

/** Who asks, by what, and how much they may. */
export interface Known {
  readonly principal: Principal;
  /** The key, or the person where a token says who it is. */
  readonly credential: string;
  /** What the tenant changed of what is usual. */
  readonly limits: TenantLimits;
}

interface Remembered extends Known {
  /** Epoch milliseconds from which the credential is worth nothing; null: it does not run out by itself. */
  readonly expiresAt: number | null;
  /** Null: a token, whose use nobody counts. */
  readonly key: KeyRecord | null;
  /** From where it may be used; null: from anywhere. */
  readonly from: Networks | null;
  readonly until: number;
}

export interface Authenticator {
  /** @throws Refusal `auth_missing`, `auth_invalid`, `auth_expired`, `keys_unavailable`; `forbidden` or `not_found` for an acting-for header that does not hold */
  (credential: {
    readonly authorization: string | undefined;
    readonly actingFor: string | undefined;
    readonly url: string;
    /** Null: over no connection, so from nowhere a key could be bound to. */
    readonly address: string | null;
  }): Promise<Known>;
  /** Who people are, or what they may, has changed: the next request looks anew. Other processes follow within 30 seconds. */
  readonly forget: () => void;
}

export function createAuthenticator({
  db,
  now,
  log,
  signIn,
  denials,
}: Pick<Deps, 'db' | 'now' | 'log' | 'signIn' | 'denials'>): Authenticator {
  const tokens = createTokens({ db, now, log, signIn, denials });
  const remembered = new Map<string, Remembered>();
  const touched = new Map<string, number>();

  /** Looks under way: who comes meanwhile with the same key, as all do after a restart, waits for the same answer. */
  const looking = new Map<string, Promise<Remembered>>();

  const look = async (credential: string): Promise<Remembered> => {
    const hash = createHash('sha256').update(credential).digest();
    const name = hash.toString('base64');
    const known = remembered.get(name);
    if (known !== undefined && known.until > now()) return known;
    const under = looking.get(name);
    if (under !== undefined) return under;
    const fresh = lookUp(credential, hash).then((found) => {
      // What was forgotten while it was looked for may be out of date already.
      if (looking.get(name) === fresh) keep(name, found);
      return found;
    });
    looking.set(name, fresh);
    try {
      return await fresh;
    } finally {
      if (looking.get(name) === fresh) looking.delete(name);
    }
  };

  const keep = (name: string, found: Remembered): void => {
    if (remembered.size >= mostRemembered) remembered.clear();
    remembered.set(name, found);
  };

  const lookUp = async (given: string, hash: Buffer): Promise<Remembered> => {
    const until = now() + rememberMs;
    if (!isApiKey(given)) {
      const { tenant, until: expiresAt, ...owner } = await tokens.holder(given);
      const { principal, limits } = await holderOf({ tenant, ...owner });
      return { principal, credential: principal.actor, limits, key: null, from: null, expiresAt, until };
    }
    const key = await findApiKey(db, hash);
    if (key === undefined) throw new Refusal('auth_invalid');
    if (key.revokedAt !== null) throw refused(key, 'auth_invalid');
    const { principal, limits } = await holderOf(key);
    const from = key.addresses === null ? null : networksOf(key.addresses);
    const credential = `key/${key.id}`;
    return { principal: limited(principal, key), credential, limits, key, from, expiresAt: key.expiresAt?.getTime() ?? null, until };
  };

  const holderOf = async (owner: Parameters<typeof findPrincipal>[1]): Promise<Pick<Known, 'principal' | 'limits'>> => {
    const { tenant } = owner;
    const found = await withTenant(db, tenant, async (tx) => {
      const principal = await findPrincipal(tx, owner);
      return principal === undefined ? undefined : { principal, limits: (await findLimits(tx, tenant)).limits };
    });
    if (found === undefined) throw new Refusal('auth_invalid');
    return found;
  };

  /** A key that is known, and worth nothing any more or here: the audit hears of it. */
  const refused = ({ tenant, id }: KeyRecord, code: 'auth_invalid' | 'auth_expired'): Refusal => {
    denials.note({ tenant, actor: `key/${id}`, action: 'sign_in.failed', subject: `api_key/${id}`, code });
    return new Refusal(code);
  };

  const touch = ({ tenant, id }: KeyRecord): void => {
    if ((touched.get(id) ?? 0) > now() - minuteMs) return;
    if (touched.size >= mostRemembered) touched.clear();
    touched.set(id, now());
    withTenant(db, tenant, (tx) => touchApiKey(tx, tenant, id)).catch((error: unknown) =>
      log.warn({ err: error }, 'last use of a key not noted'),
    );
  };

  const authenticate = async ({ authorization, actingFor, url, address }: Parameters<Authenticator>[0]): Promise<Known> => {
    if (/usk_[A-Za-z0-9_-]{43}|eyJ[A-Za-z0-9_-]{8,}[.]eyJ[A-Za-z0-9_-]{8,}[.]/.test(url))
      throw new Refusal('auth_invalid', { detail: 'A key or token must not stand in an address; it counts as lost.' });
    if (authorization === undefined) throw new Refusal('auth_missing');
    const [scheme, given = '', ...rest] = authorization.split(' ');
    if (scheme !== 'Bearer' || rest.length > 0 || !(isApiKey(given) || isToken(given))) throw new Refusal('auth_invalid');
    const { key, from, principal, credential, limits, expiresAt } = await look(given);
    if (expiresAt !== null && expiresAt <= now()) throw key === null ? new Refusal('auth_expired') : refused(key, 'auth_expired');
    // Told as of any key that is worth nothing, so that who found one does not learn where it would be worth something.
    if (key !== null && from !== null && (address === null || !from.has(address))) throw refused(key, 'auth_invalid');
    if (key !== null) touch(key);
    return { principal: actingFor === undefined ? principal : await acting(db, principal, actingFor), credential, limits };
  };
  return Object.assign(authenticate, {
    forget: () => {
      remembered.clear();
      looking.clear();
      tokens.forget();
    },
  });
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

/** Sets who asks, and `again`. On routes about one row the row decides, so nothing is refused here but a missing credential. */
export const authenticated =
  (authenticate: Authenticator, limits: RequestLimits): MiddlewareHandler<Env> =>
  async (c, next) => {
    const address = addressOf(c, limits.proxies);
    const credential = {
      authorization: c.req.header('authorization'),
      actingFor: c.req.header('usher-acting-for'),
      url: c.req.url,
      address,
    };
    const found = await authenticate(credential).catch((error: unknown) => {
      if (error instanceof Refusal && isUnknown(error)) countUnknown(c, limits);
      throw error;
    });
    c.set('principal', found.principal);
    c.set('credential', found.credential);
    c.set('limits', found.limits);
    c.set('again', async () => (await authenticate(credential)).principal);
    await next();
  };

const isUnknown = ({ code }: Refusal): boolean => code === 'auth_missing' || code === 'auth_invalid' || code === 'auth_expired';

/**
 * Lets pass or refuses.
 *
 * @throws Refusal `not_found` when the row is not theirs, `forbidden` when the role does not allow it
 */
export function authorise(principal: Principal, permission: Permission, row?: Scoped): void {
  const verdict = permit(principal, permission, row);
  if (verdict === 'not_yours') throw new Refusal('not_found');
  if (verdict === 'not_your_role') throw forbidden(permission);
}
