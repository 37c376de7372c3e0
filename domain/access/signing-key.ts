/** Keys that sign what comes back to us: links, cursors, reply addresses, Message-IDs. */

export interface SigningKey {
  readonly id: string;
  readonly secret: string;
}

/**
 * Reads keys written as `id:secret,…`: the first signs, all verify.
 *
 * @throws Error when one has no id or no secret; the message holds neither
 */
export function parseSigningKeys(text: string): SigningKey[] {
  const keys = text.split(',').map((entry) => {
    const [id = '', ...rest] = entry.trim().split(':');
    return { id, secret: rest.join(':') };
  });
  if (keys.some(({ id, secret }) => id === '' || secret === ''))
    throw new Error('signing keys must be written as id:secret, separated by commas');
  return keys;
}
