/** Access tokens of a tenant's identity provider, as far as rules go; the signature is checked elsewhere. Source: security.md, section 4, T6. */

/** Signatures by which an issuer proves itself; nothing that shares a secret, and never none. */
export const tokenAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;
export type TokenAlgorithm = (typeof tokenAlgorithms)[number];

/** What the header of an access token has to say of itself: that it is one (RFC 9068), or nothing. */
export const tokenTypes = ['at+jwt', 'any'] as const;
export type TokenType = (typeof tokenTypes)[number];

/** Clocks may differ by this much at most, in seconds. */
export const mostLeewayS = 60;

/** Whom an issuer knows. */
export const knownPeople = ['users', 'customers', 'all'] as const;
export type KnownPeople = (typeof knownPeople)[number];

/** What of a token's claims counts here. */
export interface TokenClaims {
  readonly issuer: string;
  readonly subject: string;
  /** Lower case; null unless the issuer says that it has verified it. */
  readonly email: string | null;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

const longest = 255;

const isText = (value: unknown): value is string => typeof value === 'string' && value.length > 0 && value.length <= longest;

/**
 * Reads the claims of a token whose signature was good.
 *
 * @returns null when one is missing or of another JSON type than it has to be: `"true"` is not true, and a list of subjects is no subject
 */
export function readClaims({ iss, sub, exp, email, email_verified: verified }: Readonly<Record<string, unknown>>): TokenClaims | null {
  if (!isText(iss) || !isText(sub) || typeof exp !== 'number' || !Number.isFinite(exp)) return null;
  if (email !== undefined && typeof email !== 'string') return null;
  const address = verified === true && isText(email) && /^[^\s@]+@[^\s@]+$/.test(email) ? email.toLowerCase() : null;
  return { issuer: iss, subject: sub, email: address, expiresAt: exp };
}

/** Whether text has the form of a signed token; what it says is another matter. */
export const isToken = (text: string): boolean => /^eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}$/.test(text);
