/** Links that speak for themselves: where the bytes of an attachment go, and where they can be read. */
import type { Deps } from '../deps.js';
import type { TenantId } from '../../domain/ids.js';
import { toIso } from '../../domain/time.js';
import type { Upload } from './announcement.js';
import type { FileQuery } from './schema.js';

/** How long a link takes bytes. */
export const uploadWithin = 15 * 60_000;
const readWithin = 60_000;

type Purpose = 'upload' | 'file';

export function createAttachmentLinks({ keys, now, publicUrl }: Pick<Deps, 'keys' | 'now' | 'publicUrl'>) {
  const signed = (purpose: Purpose, tenant: TenantId, id: string, lifetime: number): Record<keyof FileQuery, string> => {
    const expires = String(now() + lifetime);
    return { tenant, expires, signature: keys.sign(purpose, `${tenant}/${id}/${expires}`) };
  };
  return {
    /** Where the bytes go, for a quarter of an hour. */
    upload(tenant: TenantId, id: string): Upload {
      const fields = signed('upload', tenant, id, uploadWithin);
      return { url: `${publicUrl}/v1/uploads/${id}`, fields, expiresAt: toIso(Number(fields.expires)) };
    },

    /** Where they can be read for a minute. */
    file: (tenant: TenantId, id: string): string =>
      `${publicUrl}/v1/files/${id}?${new URLSearchParams(signed('file', tenant, id, readWithin)).toString()}`,

    /** Whether a link was made here for this, and still holds. */
    holds: (purpose: Purpose, id: string, { tenant, expires, signature }: FileQuery): boolean =>
      expires > now() && keys.verify(purpose, `${tenant}/${id}/${expires}`, signature),
  };
}
