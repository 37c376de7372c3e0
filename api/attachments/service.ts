/** Attachments: announced, uploaded, looked at, then clean or rejected; read by links that live a minute. */
import { createHash } from 'node:crypto';
import { v7 } from 'uuid';
import { accountable } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso } from '../tickets/view.js';
import { announced } from './new-attachment.js';
import { mostBytes, mostBytesPerTicket } from './announcement.js';
import type { CreateAttachment } from './announcement.js';
import { createAttachmentLinks, uploadWithin } from './links.js';
import type { AttachmentView, FileQuery } from './schema.js';
import { matchesType } from './sniff.js';
import { withTenant } from '../../db/client.js';
import { recordAudit } from '../../db/queries/audit.js';
import { attachmentsById, findAttachment, insertAttachment, moveAttachment } from '../../db/queries/attachments.js';
import type { AttachmentRecord } from '../../db/queries/attachments.js';
import type { TicketFacts } from '../../db/queries/tickets.js';
import { asTenantId } from '../../domain/ids.js';

export type AttachmentService = ReturnType<typeof createAttachmentService>;

export function createAttachmentService(
  { db, files, now, ...deps }: Pick<Deps, 'db' | 'files' | 'keys' | 'now' | 'publicUrl'>,
  engine: Pick<TicketEngine, 'within'>,
) {
  const links = createAttachmentLinks({ ...deps, now });

  /** The attachment a signed link speaks of; a link that does not hold leads nowhere. */
  const bySignature = async (purpose: 'upload' | 'file', id: string, link: FileQuery): Promise<AttachmentRecord> => {
    const tenant = asTenantId(link.tenant);
    const [found] = links.holds(purpose, id, link) ? await withTenant(db, tenant, (tx) => attachmentsById(tx, tenant, [id])) : [];
    if (found === undefined) throw new Refusal('not_found');
    if (found.isErased) throw new Refusal('erased');
    return found;
  };

  const visible = async (reader: Reader, id: string): Promise<AttachmentRecord> => {
    const found = await engine.within(reader, (tx) => findAttachment(tx, reader.principal, id));
    if (found === undefined) throw new Refusal('not_found');
    if (found.isErased) throw new Refusal('erased');
    return found;
  };

  return {
    async create(caller: Caller, ticket: TicketFacts, input: CreateAttachment): Promise<Answer> {
      const { tenant } = caller.principal;
      const id = v7();
      const row = announced(caller, { id, ticket: ticket.id, message: null }, input);
      await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const fits = await insertAttachment(tx, tenant, row, { most: mostBytesPerTicket, waitMs: uploadWithin, by: accountable(caller) });
        if (!fits) throw new Refusal('too_large', { members: { limit: mostBytesPerTicket } });
      });
      const view = attachmentView({ ...row, state: 'awaiting', createdAt: new Date(now()) });
      return { status: 201, body: { ...view, upload: links.upload(tenant, id) }, headers: { location: `/v1/attachments/${id}` } };
    },

    /** Takes the bytes of an announced attachment, once. */
    async upload(id: string, fields: FileQuery, bytes: Uint8Array, requestId: string): Promise<void> {
      const found = await bySignature('upload', id, fields);
      if (bytes.length > Math.min(found.size, mostBytes)) throw new Refusal('too_large', { members: { limit: found.size } });
      const tenant = asTenantId(fields.tenant);
      if (found.state !== 'awaiting') throw new Refusal('not_found');
      await files.put(found.storageKey, bytes);
      await withTenant(db, tenant, async (tx) => {
        await moveAttachment(tx, tenant, id, 'awaiting', 'quarantine');
        const changes = { attachment: id, state: 'quarantine' };
        const by = { tenant, actor: found.createdBy, requestId, source: 'api' } as const;
        await recordAudit(tx, by, { action: 'attachment.uploaded', subject: `ticket/${found.ticket}`, changes });
      });
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
        const changes = { attachment: id, state };
        await recordAudit(tx, accountable(caller), { action: 'attachment.checked', subject: `ticket/${found.ticket}`, changes });
      });
      if (state === 'rejected') await files.remove(found.storageKey);
      return { status: 200, body: attachmentView({ ...found, state }) };
    },

    get: async (reader: Reader, id: string): Promise<AttachmentView> => attachmentView(await visible(reader, id)),

    /** Where the bytes can be read for a minute. */
    async link(reader: Reader, id: string): Promise<string> {
      const found = await visible(reader, id);
      if (found.state !== 'clean') throw new Refusal('not_found');
      return links.file(reader.principal.tenant, id);
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
}: Omit<AttachmentRecord, 'storageKey' | 'createdBy' | 'sha256' | 'isErased'>): AttachmentView => ({
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

/** RFC 6266: a plain name for old programs, the real one for others. */
function disposition(name: string): string {
  const plain = name.replaceAll(/[^ -~]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
