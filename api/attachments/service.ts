/** Attachments: announced, uploaded, looked at, then clean or rejected; read by links that live a minute. */
import { createHash } from 'node:crypto';
import { v7 } from 'uuid';
import type { Caller, Reader } from '../caller.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso } from '../tickets/view.js';
import { mostBytes, mostBytesPerTicket } from './schema.js';
import type { AttachmentView, CreateAttachment, FileQuery } from './schema.js';
import { matchesType } from './sniff.js';
import { withTenant } from '../../db/client.js';
import { newFileKey } from '../../db/files.js';
import { attachmentById, findAttachment, insertAttachment, moveAttachment } from '../../db/queries/attachments.js';
import type { AttachmentRecord } from '../../db/queries/attachments.js';
import type { TicketFacts } from '../../db/queries/tickets.js';
import { asTenantId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import { toIso } from '../../domain/time.js';

const uploadWithin = 15 * 60_000;
const readWithin = 60_000;

export type AttachmentService = ReturnType<typeof createAttachmentService>;

export function createAttachmentService(
  { db, files, keys, now, publicUrl }: Pick<Deps, 'db' | 'files' | 'keys' | 'now' | 'publicUrl'>,
  engine: Pick<TicketEngine, 'within'>,
) {
  const signed = (
    purpose: 'upload' | 'file',
    tenant: TenantId,
    id: string,
    lifetime: number,
  ): Record<'tenant' | 'expires' | 'signature', string> => {
    const expires = String(now() + lifetime);
    return { tenant, expires, signature: keys.sign(purpose, `${tenant}/${id}/${expires}`) };
  };

  /** The attachment a signed link speaks of; a link that does not hold leads nowhere. */
  const bySignature = async (
    purpose: 'upload' | 'file',
    id: string,
    { tenant, expires, signature }: FileQuery,
  ): Promise<AttachmentRecord> => {
    const valid = expires > now() && keys.verify(purpose, `${tenant}/${id}/${expires}`, signature);
    const found = valid ? await withTenant(db, asTenantId(tenant), (tx) => attachmentById(tx, asTenantId(tenant), id)) : undefined;
    if (found === undefined) throw new Refusal('not_found');
    return found;
  };

  const visible = async (reader: Reader, id: string): Promise<AttachmentRecord> => {
    const found = await engine.within(reader, (tx) => findAttachment(tx, reader.principal, id));
    if (found === undefined) throw new Refusal('not_found');
    return found;
  };

  return {
    async create(caller: Caller, ticket: TicketFacts, input: CreateAttachment): Promise<Answer> {
      const { principal } = caller;
      const id = v7();
      const createdBy = principal.role === 'customer' ? `customer/${principal.id}` : principal.actor;
      const name = cleanName(input.name);
      const given = {
        id,
        ticket: ticket.id,
        name,
        type: input.type,
        size: input.size,
        sha256: input.sha256 ?? null,
        visibility: 'public' as const,
      };
      const stored = { ...given, storageKey: newFileKey('attachment'), createdBy };
      await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const fits = await insertAttachment(tx, principal.tenant, stored, mostBytesPerTicket);
        if (!fits) throw new Refusal('too_large', { members: { limit: mostBytesPerTicket } });
      });
      const { tenant, expires, signature } = signed('upload', principal.tenant, id, uploadWithin);
      const view = attachmentView({ ...stored, state: 'awaiting', message: null, createdAt: new Date(now()) });
      const upload = { url: `${publicUrl}/v1/uploads/${id}`, fields: { tenant, expires, signature }, expiresAt: toIso(Number(expires)) };
      return { status: 201, body: { ...view, upload }, headers: { location: `/v1/attachments/${id}` } };
    },

    /** Takes the bytes of an announced attachment, once. */
    async upload(id: string, fields: FileQuery, bytes: Uint8Array): Promise<void> {
      const found = await bySignature('upload', id, fields);
      if (bytes.length > Math.min(found.size, mostBytes)) throw new Refusal('too_large', { members: { limit: found.size } });
      const tenant = asTenantId(fields.tenant);
      if (found.state !== 'awaiting') throw new Refusal('not_found');
      await files.put(found.storageKey, bytes);
      await withTenant(db, tenant, (tx) => moveAttachment(tx, tenant, id, 'awaiting', 'quarantine'));
    },

    /** Looks at what was uploaded: clean, if it is what it was said to be. */
    async complete(caller: Caller, id: string): Promise<Answer> {
      const found = await visible(caller, id);
      const { tenant } = caller.principal;
      if (found.state === 'awaiting') {
        throw new Refusal('invalid_request', { errors: [{ pointer: '', code: 'not_uploaded', message: 'no bytes have arrived yet' }] });
      }
      if (found.state !== 'quarantine') {
        await engine.within(caller, (tx) => takeKey(tx, caller));
        return { status: 200, body: attachmentView(found) };
      }
      const bytes = await files.read(found.storageKey);
      const whole =
        bytes.length === found.size && (found.sha256 === null || createHash('sha256').update(bytes).digest('hex') === found.sha256);
      const state = whole && (await matchesType(bytes, found.type)) ? 'clean' : 'rejected';
      await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        await moveAttachment(tx, tenant, id, 'quarantine', state);
      });
      if (state === 'rejected') await files.remove(found.storageKey);
      return { status: 200, body: attachmentView({ ...found, state }) };
    },

    get: async (reader: Reader, id: string): Promise<AttachmentView> => attachmentView(await visible(reader, id)),

    /** Where the bytes can be read for a minute. */
    async link(reader: Reader, id: string): Promise<string> {
      const found = await visible(reader, id);
      if (found.state !== 'clean') throw new Refusal('not_found');
      return `${publicUrl}/v1/files/${id}?${new URLSearchParams(signed('file', reader.principal.tenant, id, readWithin)).toString()}`;
    },

    async read(id: string, query: FileQuery): Promise<{ bytes: Uint8Array; headers: Record<string, string> }> {
      const found = await bySignature('file', id, query);
      if (found.state !== 'clean') throw new Refusal('not_found');
      const bytes = await files.read(found.storageKey);
      return {
        bytes,
        headers: {
          'content-type': found.type,
          'content-disposition': disposition(found.name),
          'content-security-policy': "sandbox; default-src 'none'",
          'cache-control': 'private, no-store',
        },
      };
    },
  };
}

const attachmentView = ({
  id,
  ticket,
  message,
  name,
  type,
  size,
  state,
  visibility,
  createdAt,
}: Omit<AttachmentRecord, 'storageKey' | 'createdBy' | 'sha256'>): AttachmentView => ({
  id,
  ticket,
  message,
  name,
  type,
  size,
  state,
  visibility,
  createdAt: iso(createdAt),
});

/** A file name without path, control and direction characters. */
function cleanName(name: string): string {
  const base = name.split(/[/\\]/).at(-1) ?? '';
  const clean = base.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '').trim();
  return /^\.*$/.test(clean) ? 'file' : clean;
}

/** RFC 6266: a plain name for old programs, the real one for others. */
function disposition(name: string): string {
  const plain = name.replaceAll(/[^ -~]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
