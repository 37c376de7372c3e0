/** Whose an access token is. Source: security.md, sections 4 (T6, T7) and 5. */
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { JWTPayload } from 'jose';
import { randomUUID } from 'node:crypto';
import { recordAdminEvent } from '../../db/queries/admin-log.js';
import { findIdentity, findTrustedIssuers, findUnnamed, linkIdentity } from '../../db/queries/identity.js';
import type { Owner, TrustedIssuer } from '../../db/queries/identity.js';
import { withTenant } from '../../db/client.js';
import { isToken, readClaims, tokenAlgorithms } from '../../domain/access/token.js';
import type { TokenClaims } from '../../domain/access/token.js';
import type { TenantId } from '../../domain/ids.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { createKeySets } from './key-sets.js';
import { getJson } from '../../reach.js';

/** Whom a good token speaks for, until when. */
export interface TokenHolder extends Owner {
  readonly tenant: TenantId;
  /** Epoch milliseconds; clocks may differ by what the tenant allows. */
  readonly until: number;
}

export interface Tokens {
  /** @throws Refusal `auth_invalid`, `auth_expired`, `keys_unavailable` */
  holder(token: string): Promise<TokenHolder>;
  /** Which issuers a tenant trusts has changed. */
  forget(): void;
}

const rememberMs = 30_000;
const mostRemembered = 1_000;

/** A token that one tenant's rules let pass. */
interface Verified {
  readonly issuer: TrustedIssuer;
  readonly claims: TokenClaims;
  readonly payload: JWTPayload;
}

export function createTokens({ db, now, log, signIn, denials }: Pick<Deps, 'db' | 'now' | 'log' | 'signIn' | 'denials'>): Tokens {
  const get = (address: string): Promise<unknown> =>
    getJson(address, { anywhere: signIn.privateTargets, timeoutMs: 5_000, mostBytes: 256 * 1024 });
  const keySets = createKeySets({
    get,
    now,
    told: ({ issuer }, error) => log.warn({ issuer, reason: error instanceof Error ? error.message : 'unknown' }, 'no keys of an issuer'),
  });
  const issuers = new Map<string, { readonly found: Promise<TrustedIssuer[]>; readonly until: number }>();

  const trusted = (issuer: string): Promise<TrustedIssuer[]> => {
    const known = issuers.get(issuer);
    if (known !== undefined && known.until > now()) return known.found;
    if (issuers.size >= mostRemembered) issuers.clear();
    const found = findTrustedIssuers(db, issuer);
    issuers.set(issuer, { found, until: now() + rememberMs });
    found.catch(() => issuers.delete(issuer));
    return found;
  };

  const verify = async (token: string, issuer: TrustedIssuer): Promise<Verified> => {
    const { payload } = await jwtVerify(token, keySets.of(issuer), {
      algorithms: [...issuer.algorithms],
      issuer: issuer.issuer,
      audience: issuer.audience,
      clockTolerance: issuer.leewayS,
      currentDate: new Date(now()),
      requiredClaims: ['sub', 'exp'],
      ...(issuer.tokenType === 'any' ? {} : { typ: issuer.tokenType }),
    });
    const claims = readClaims(payload);
    if (claims === null) throw new Refusal('auth_invalid');
    return { issuer, claims, payload };
  };

  /** Nobody is known yet by a token that does not hold: the audit hears only whose it says it is. */
  const refuse = ({ tenant, id }: TrustedIssuer): void =>
    denials.note({
      tenant,
      actor: 'system/sign-in',
      action: 'sign_in.failed',
      subject: `identity_provider/${id}`,
      code: 'auth_invalid',
    });

  return {
    forget: () => issuers.clear(),

    async holder(token) {
      // Several tenants may trust one issuer, each by rules of its own: keys of one never vouch for another.
      const vouching = await trusted(issuerOf(token));
      const attempts = await Promise.allSettled(vouching.map((issuer) => verify(token, issuer)));
      const good = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
      if (good.length === 0) vouching.forEach(refuse);
      if (good.length === 0) throw worst(attempts.flatMap((attempt) => (attempt.status === 'rejected' ? [attempt.reason] : [])));
      const meant = good.filter(({ issuer, payload }) => isMeant(issuer, payload, signIn.tenantClaim));
      const people = (await Promise.all(meant.map(async (one) => ({ ...one, owner: await ownerOf(db, one) })))).flatMap((one) =>
        one.owner === undefined ? [] : [{ ...one, owner: one.owner }],
      );
      const [found, ...others] = people;
      if (found === undefined) throw new Refusal('auth_invalid', { detail: 'The token is good, but it names nobody who is known here.' });
      if (others.length > 0)
        throw new Refusal('auth_invalid', { detail: 'The token names somebody in several tenants and does not say in which.' });
      const { issuer, claims, owner } = found;
      if (!owner.linked) await link(db, issuer, claims, owner);
      const { ownerKind, ownerId } = owner;
      return { tenant: issuer.tenant, ownerKind, ownerId, until: (claims.expiresAt + issuer.leewayS) * 1_000 };
    },
  };
}

/** What the token says of its issuer, for the look-up of rules only: nothing is believed yet. */
function issuerOf(token: string): string {
  try {
    const { alg } = decodeProtectedHeader(token);
    const { iss } = decodeJwt(token);
    const fits = isToken(token) && tokenAlgorithms.some((algorithm) => algorithm === alg);
    if (fits && typeof iss === 'string' && iss.length <= 500) return iss;
  } catch {
    // Not a token at all: said below like all else that is wrong with it.
  }
  throw new Refusal('auth_invalid');
}

/** The refusal that helps its reader most: who came too late is told so, and who could not be checked may come again. */
function worst(reasons: readonly unknown[]): unknown {
  const expired = reasons.some((reason) => reason instanceof errors.JWTExpired);
  if (expired) return new Refusal('auth_expired', { detail: 'The token has expired. Get another.' });
  const unchecked = reasons.find((reason) => reason instanceof Refusal && reason.code === 'keys_unavailable');
  if (unchecked !== undefined) return unchecked;
  const fault = reasons.find(
    (reason) => !(reason instanceof errors.JOSEError) && !(reason instanceof Refusal) && !(reason instanceof TypeError),
  );
  return fault ?? new Refusal('auth_invalid');
}

/** Where a claim says the tenant, it has to be this one. */
function isMeant({ tenant, tenantKey }: TrustedIssuer, payload: JWTPayload, claim: string | undefined): boolean {
  if (claim === undefined) return true;
  const said = payload[claim];
  return said === tenant || said === tenantKey;
}

/** @returns undefined for somebody the tenant does not know by this issuer, nor may get to know */
const ownerOf = (
  db: Deps['db'],
  { issuer: { tenant, issuer, people, linkByEmail }, claims: { subject, email } }: Verified,
): Promise<(Owner & { readonly linked: boolean }) | undefined> =>
  withTenant(db, tenant, async (tx) => {
    const named = async (): Promise<(Owner & { readonly linked: boolean }) | undefined> => {
      const found = await findIdentity(tx, tenant, { issuer, subject });
      return found && { ...found, linked: true };
    };
    const spokenFor = (owner: Owner): boolean => people === 'all' || people === `${owner.ownerKind}s`;
    const present = await named();
    if (present !== undefined) return spokenFor(present) ? present : undefined;
    if (!linkByEmail || email === null) return undefined;
    const unnamed = await findUnnamed(tx, tenant, { issuer, email, people });
    // Nobody is left with the address when another request of the same person has just linked them.
    return unnamed === undefined ? named() : { ...unnamed, linked: false };
  });

/** @throws Refusal when somebody else came first; the next try finds who it was */
const link = (
  db: Deps['db'],
  { tenant, issuer, id }: TrustedIssuer,
  { subject }: TokenClaims,
  { ownerKind, ownerId }: Owner,
): Promise<void> =>
  withTenant(db, tenant, async (tx) => {
    if (await linkIdentity(tx, tenant, { issuer, subject }, { ownerKind, ownerId })) {
      const doer = { tenant, actor: 'system/sign-in', role: 'system', commandId: randomUUID() };
      const data = { provider: id, by: 'email' };
      await recordAdminEvent(tx, doer, { subject: `${ownerKind}/${ownerId}`, type: 'identity.linked', data });
      return;
    }
    const now = await findIdentity(tx, tenant, { issuer, subject });
    if (now?.ownerId !== ownerId || now.ownerKind !== ownerKind) throw new Refusal('auth_invalid');
  });
