/** Signatures of what the API hands out and gets back: cursors and links. The first key signs, all verify. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { parseSigningKeys } from '../domain/access/signing-key.js';

export interface SigningKeys {
  /**
   * @param purpose keeps signatures for one use from passing in another
   * @returns 22 base64url characters with the id of the key before them
   */
  sign(purpose: string, text: string): string;
  verify(purpose: string, text: string, signature: string): boolean;
}

/** Signature bytes kept: 128 bits. */
const bytes = 16;

/**
 * @param setting `id:secret` pairs, comma separated, as in SECRET_KEYS
 * @throws Error when it holds no key
 */
export function createSigningKeys(setting: string): SigningKeys {
  const parsed = parseSigningKeys(setting);
  const keys = new Map(parsed.map(({ id, secret }) => [id, secret]));
  const first = parsed[0]?.id ?? '';
  return {
    sign: (purpose, text) => `${first}.${digest(keys.get(first) ?? '', purpose, text).toString('base64url')}`,
    verify: (purpose, text, signature) => {
      const [id = '', mac = ''] = signature.split('.');
      const secret = keys.get(id);
      if (secret === undefined) return false;
      const given = Buffer.from(mac, 'base64url');
      return given.length === bytes && timingSafeEqual(given, digest(secret, purpose, text));
    },
  };
}

const digest = (secret: string, purpose: string, text: string): Buffer =>
  createHmac('sha256', secret).update(`${purpose}\u001F${text}`).digest().subarray(0, bytes);
