/** Public keys of issuers: fetched when first needed, kept, and asked for again when a token names one that is not there. Source: security.md, T7. */
import { createLocalJWKSet, errors } from 'jose';
import type { JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import type { TrustedIssuer } from '../../db/queries/identity.js';
import { Refusal } from '../errors.js';

/** Keys older than this are asked for anew. */
const freshMs = 600_000;
/** At most one question per issuer within this time, however many unknown keys tokens name. */
const cooldownMs = 30_000;
/** The same while there are no keys at all. */
const pauseMs = 1_000;
const mostIssuers = 1_000;

const Jwks = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) });
const Discovery = z.looseObject({ issuer: z.string(), jwks_uri: z.string() });

interface KeySet {
  resolve: JWTVerifyGetKey | null;
  loadedAt: number;
  askedAt: number;
  loading: Promise<void> | null;
}

type Source = Pick<TrustedIssuer, 'tenant' | 'id' | 'revision' | 'issuer' | 'jwksUri'>;

export interface KeySets {
  /** Throws Refusal `keys_unavailable` when there were never any. */
  of(source: Source): JWTVerifyGetKey;
}

/**
 * @param get fetches a JSON document
 * @param told hears why keys could not be had
 */
export function createKeySets({
  get,
  now,
  told,
}: {
  readonly get: (address: string) => Promise<unknown>;
  readonly now: () => number;
  readonly told: (source: Source, error: unknown) => void;
}): KeySets {
  const sets = new Map<string, KeySet>();

  const fetchKeys = async ({ issuer, jwksUri }: Source): Promise<JWTVerifyGetKey> => {
    const address = jwksUri ?? (await discover(get, issuer));
    return createLocalJWKSet(Jwks.parse(await get(address)));
  };

  const load = (set: KeySet, source: Source): Promise<void> => {
    set.askedAt = now();
    set.loading ??= fetchKeys(source)
      .then((resolve) => {
        set.resolve = resolve;
        set.loadedAt = now();
      })
      // Those that are there stay good: an issuer that is away for an hour must not lock everybody out.
      .catch((error: unknown) => told(source, error))
      .finally(() => {
        set.loading = null;
      });
    return set.loading;
  };

  const setOf = ({ tenant, id, revision }: Source): KeySet => {
    // A changed provider starts anew: its keys may be elsewhere now.
    const name = `${tenant}/${id}/${revision}`;
    const known = sets.get(name);
    if (known !== undefined) return known;
    if (sets.size >= mostIssuers) sets.clear();
    const fresh: KeySet = { resolve: null, loadedAt: 0, askedAt: 0, loading: null };
    sets.set(name, fresh);
    return fresh;
  };

  return {
    of: (source) => async (header, token) => {
      const set = setOf(source);
      const rested = (ms: number): boolean => now() - set.askedAt >= ms;
      if (set.loading !== null && set.resolve === null) await set.loading;
      else if (set.resolve === null && rested(pauseMs)) await load(set, source);
      else if (set.resolve !== null && now() - set.loadedAt >= freshMs && rested(cooldownMs)) await load(set, source);
      if (set.resolve === null) throw new Refusal('keys_unavailable');
      try {
        return await set.resolve(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        if (set.loading !== null) await set.loading;
        else if (rested(cooldownMs)) await load(set, source);
        else throw error;
        return set.resolve(header, token);
      }
    },
  };
}

/** Where the issuer says its keys are. Source: OpenID Connect Discovery 1.0, section 4. */
async function discover(get: (address: string) => Promise<unknown>, issuer: string): Promise<string> {
  const found = Discovery.parse(await get(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`));
  if (found.issuer !== issuer) throw new Error('the discovery document is of another issuer');
  return found.jwks_uri;
}
