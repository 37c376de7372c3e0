import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { formatApiKey } from '../domain/access/api-key.js';
import { writeWhole } from './state-folder.js';

const Credentials = z.object({
  keys: z.object({ admin: z.string(), lead: z.string(), agent: z.string(), customer: z.string(), gateway: z.string() }),
  /** As SECRET_KEYS wants them. */
  secretKeys: z.string(),
});
export type Credentials = z.output<typeof Credentials>;

/** The keys of the demo people and the signing secret: made once, so that links and keys survive a restart. */
export async function loadCredentials(file: string): Promise<Credentials> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text !== undefined) return Credentials.parse(JSON.parse(text));
  const made: Credentials = {
    keys: { admin: apiKey(), lead: apiKey(), agent: apiKey(), customer: apiKey(), gateway: apiKey() },
    secretKeys: `k1:${randomBytes(32).toString('base64url')}`,
  };
  await writeWhole(file, `${JSON.stringify(made, null, 2)}\n`);
  return made;
}

const apiKey = (): string => formatApiKey(randomBytes(32));
