/** Secrets that have to be known again, such as those webhooks are signed with: sealed before they are stored. Source: security.md, T39. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { parseSigningKeys } from '../domain/access/signing-key.js';

export interface SecretBox {
  /** @param owner whose it is: sealed for one, it opens for no other */
  seal(owner: string, secret: Uint8Array): Buffer;
  /** @throws Error when it was sealed for another, with a key that is not there any more, or is damaged */
  open(owner: string, sealed: Uint8Array): Buffer;
}

const algorithm = 'aes-256-gcm';
const bytes = { iv: 12, tag: 16, key: 32 } as const;

/**
 * The first key seals, all open: AES-256-GCM under a key derived from it, stored as the length of the key's id, its id, IV, tag and text.
 *
 * @param setting `id:secret` pairs, comma separated, as in SECRET_KEYS
 * @throws Error when it holds no key
 */
export function createSecretBox(setting: string): SecretBox {
  const keys = new Map(parseSigningKeys(setting).map(({ id, secret }) => [id, derived(secret)]));
  const [first] = keys;
  if (first === undefined) throw new Error('there is no key to seal with');
  const [firstId, firstKey] = first;
  return {
    seal(owner, secret) {
      const id = Buffer.from(firstId);
      const iv = randomBytes(bytes.iv);
      const cipher = createCipheriv(algorithm, firstKey, iv, { authTagLength: bytes.tag }).setAAD(Buffer.from(owner));
      const text = Buffer.concat([cipher.update(secret), cipher.final()]);
      return Buffer.concat([Buffer.from([id.length]), id, iv, cipher.getAuthTag(), text]);
    },
    open(owner, sealed) {
      const whole = Buffer.from(sealed);
      const head = 1 + (whole[0] ?? 0);
      const key = keys.get(whole.subarray(1, head).toString());
      if (key === undefined) throw new Error('the key it was sealed with is not there');
      const iv = whole.subarray(head, head + bytes.iv);
      const tag = whole.subarray(head + bytes.iv, head + bytes.iv + bytes.tag);
      const decipher = createDecipheriv(algorithm, key, iv, { authTagLength: bytes.tag }).setAAD(Buffer.from(owner)).setAuthTag(tag);
      return Buffer.concat([decipher.update(whole.subarray(head + bytes.iv + bytes.tag)), decipher.final()]);
    },
  };
}

/** A signing key is a text of any length, and signs; what seals is another key made of it. */
const derived = (secret: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', 'usher secret box', bytes.key));
