/** What people say on a ticket: messages both ways, notes, and how mails fared. */
import { v7 } from 'uuid';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import { EmailAddress } from '../customers/schema.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { authorise } from '../middleware/auth.js';
import type { Answer } from '../middleware/idempotency.js';
import { authorOf, contentIdOf } from '../tickets/engine.js';
import type { CommandOptions, TicketEngine } from '../tickets/engine.js';
import { messageKinds } from '../tickets/reads.js';
import type { MessageView } from '../tickets/schema.js';
import { iso, isoOrNull, messageView } from '../tickets/view.js';
import type { DeliveryView, PostMessage, PostNote } from './schema.js';
import { giveAttachments } from '../../db/queries/attachments.js';
import type { ContentRow } from '../../db/queries/content.js';
import { findDeliveries } from '../../db/queries/deliveries.js';
import type { DeliveryRecord } from '../../db/queries/deliveries.js';
import { customersByContact } from '../../db/queries/directory.js';
import { isTaken } from '../../db/queries/errors.js';
import type { NewCustomer } from '../../db/queries/directory.js';
import { findMessage, listMessages } from '../../db/queries/timeline.js';
import type { TicketFacts } from '../../db/queries/tickets.js';
import type { MessageRecord } from '../../db/queries/timeline.js';
import { asContentId, asCustomerId } from '../../domain/ids.js';
import type { ContentId, CustomerId } from '../../domain/ids.js';
import { cleanHtml, htmlToText } from '../../domain/messaging/html.js';
import type { TicketAnswer } from '../../workflows/ticket/messages.js';

export type MessageService = ReturnType<typeof createMessageService>;

export function createMessageService({ keys, log }: Pick<Deps, 'keys' | 'log'>, engine: TicketEngine) {
  /** The message as stored, or what the workflow said of it when the database cannot tell. */
  const finish = async (caller: Caller, row: TicketFacts, id: ContentId, answer: TicketAnswer | null | 'accepted'): Promise<Answer> => {
    const location = `/v1/tickets/${row.id}/messages`;
    if (answer === 'accepted') {
      return {
        status: 202,
        body: { id: row.id, commandId: caller.commandId },
        headers: { location, 'preference-applied': 'respond-async' },
      };
    }
    try {
      const stored =
        answer === null || answer.projected ? await engine.within(caller, (tx) => findMessage(tx, caller.principal, id)) : undefined;
      if (stored !== undefined) {
        const body = { ...messageView(stored), deliveries: stored.deliveries.map(deliveryView) };
        return { status: 201, body, headers: { location, etag: `"${answer?.version ?? stored.version}"` } };
      }
    } catch (error) {
      if (answer === null) throw error;
      log.warn({ ticket: row.id, reason: error instanceof Error ? error.message : 'unknown' }, 'accepted, but not read back');
    }
    const version = answer?.version ?? row.version;
    return {
      status: 202,
      body: { id, ticket: row.id, version },
      headers: { location, etag: `"${version}"`, 'usher-projection': 'pending', 'retry-after': '2' },
    };
  };

  const post = async (caller: Caller, row: TicketFacts, input: PostMessage): Promise<Answer> => {
    const { principal } = caller;
    const id = contentIdOf(caller, 'message');
    const text = textOf(caller, id, input);
    const options = { texts: [text], ...attach(caller, row, id, 'public', input.attachments) };
    if (principal.role === 'customer') {
      if (input.to !== undefined || input.then !== undefined || input.force !== undefined)
        throw new Refusal('forbidden', { members: { permission: 'ticket.edit' } });
      return finish(
        caller,
        row,
        id,
        await engine.command(caller, row, 'receive', { content: id, author: asCustomerId(principal.id) }, options),
      );
    }
    if (input.then === 'resolved') authorise(principal, 'ticket.resolve', row);
    if (input.then === 'waiting_on_customer') authorise(principal, 'ticket.wait', row);
    const { to, newcomers } = await recipients(caller, input.to);
    const fields = {
      content: id,
      ...(to === undefined ? {} : { to }),
      ...(input.then === undefined ? {} : { then: input.then }),
      ...(input.basedOn === undefined ? {} : { basedOn: asContentId(input.basedOn) }),
      ...(input.force === undefined ? {} : { force: input.force }),
    };
    return finish(caller, row, id, await engine.command(caller, row, 'reply', fields, { ...options, newcomers }));
  };

  /** The customers behind mail addresses; who is not known yet is new. */
  const recipients = async (
    caller: Caller,
    addresses: readonly string[] | undefined,
  ): Promise<{ to?: CustomerId[]; newcomers: NewCustomer[] }> => {
    if (addresses === undefined) return { newcomers: [] };
    const parsed = addresses.map((address) => EmailAddress.safeParse(address));
    const errors = parsed.flatMap((result, index) =>
      result.success
        ? []
        : [{ pointer: `/to/${index}`, code: 'recipient_invalid', message: 'is not a mail address that can be written to' }],
    );
    if (errors.length > 0) throw new Refusal('recipient_invalid', { errors });
    const emails = [...new Set(parsed.flatMap((result) => (result.success ? [result.data] : [])))];
    const { tenant } = caller.principal;
    const known = await engine.look(caller, (tx) =>
      customersByContact(
        tx,
        tenant,
        emails.map((value) => ({ kind: 'email', value })),
      ),
    );
    const newcomers = emails
      .filter((email) => !known.some((contact) => contact.value === email))
      .map((value): NewCustomer => ({ id: asCustomerId(v7()), name: null, externalId: null, contacts: [{ kind: 'email', value }] }));
    return { to: [...known.map((contact) => contact.customer), ...newcomers.map((customer) => customer.id)], newcomers };
  };

  return {
    async list(
      reader: Reader,
      ticket: TicketFacts,
      { limit, cursor }: { limit: number; cursor?: string },
      only?: 'note',
    ): Promise<Page<MessageView>> {
      const { principal } = reader;
      const kinds: MessageRecord['kind'][] = only === undefined ? messageKinds(principal) : [only];
      const binding = cursorBinding(principal, `tickets/${ticket.id}/messages/${only ?? ''}`, {});
      const after = cursor === undefined ? 0 : Number(readCursor(keys, binding, cursor).position);
      const rows = await engine.within(reader, (tx) => listMessages(tx, principal, [ticket.id], kinds, { after, limit }));
      return pageOf(rows, limit, messageView, (last) => writeCursor(keys, binding, { position: String(last.version), id: last.id }));
    },

    /** A customer's message is received, the desk's is sent. */
    async post(caller: Caller, row: TicketFacts, input: PostMessage): Promise<Answer> {
      try {
        return await post(caller, row, input);
      } catch (error) {
        // A recipient was stored by somebody else at the same time: now it is known.
        if (!isTaken(error)) throw error;
        return post(caller, row, input);
      }
    },

    async note(caller: Caller, row: TicketFacts, { body, attachments }: PostNote): Promise<Answer> {
      const id = contentIdOf(caller, 'note');
      const text: ContentRow = { id, kind: 'note', visibility: 'internal', ...authorOf(caller), body };
      const options = { texts: [text], ...attach(caller, row, id, 'internal', attachments) };
      return finish(caller, row, id, await engine.command(caller, row, 'note', { content: id }, options));
    },

    async deliveries(reader: Reader, message: string): Promise<{ data: DeliveryView[] }> {
      const found = await engine.within(reader, (tx) => findDeliveries(tx, reader.principal, message));
      if (found === undefined) throw new Refusal('not_found');
      return { data: found.map(deliveryView) };
    },
  };
}

/** Gives the files to the message, in the transaction that stores its text. */
const attach = (
  caller: Caller,
  row: TicketFacts,
  message: ContentId,
  visibility: 'public' | 'internal',
  ids: readonly string[] | undefined,
): Pick<CommandOptions, 'also'> => {
  if (ids === undefined || ids.length === 0) return {};
  const { tenant, role, id } = caller.principal;
  const by = role === 'customer' ? `customer/${id}` : null;
  return {
    also: async (tx) => {
      const given = await giveAttachments(tx, tenant, { ticket: row.id, message, ids, visibility, by });
      const missing = ids.findIndex((file) => !given.includes(file));
      if (missing >= 0) throw new Refusal('unknown_reference', { members: { pointer: `/attachments/${missing}` } });
    },
  };
};

function textOf(caller: Caller, id: ContentId, { body, format, channel }: PostMessage): ContentRow {
  const base = { id, kind: 'message', visibility: 'public', ...authorOf(caller), channel: channel ?? 'api' } as const;
  if (format === 'text') return { ...base, body };
  const html = cleanHtml(body);
  const text = htmlToText(body);
  if (text === '')
    throw new Refusal('invalid_request', { errors: [{ pointer: '/body', code: 'empty', message: 'holds no text once it is made safe' }] });
  return { ...base, body: text, html };
}

const deliveryStates = ['planned', 'sending', 'sent', 'failed', 'unknown', 'suppressed', 'cancelled'] as const;

const deliveryView = ({ state, ...row }: DeliveryRecord): DeliveryView => ({
  ...row,
  state: deliveryStates.find((name) => name === state) ?? 'unknown',
  sentAt: isoOrNull(row.sentAt),
  createdAt: iso(row.createdAt),
  updatedAt: iso(row.updatedAt),
});
