/** Opening a ticket. */
import { v5 } from 'uuid';
import { announced } from '../attachments/new-attachment.js';
import { mostBytesPerTicket } from '../attachments/announcement.js';
import { createAttachmentLinks } from '../attachments/links.js';
import type { Caller, Reader } from '../caller.js';
import { CommandLost, CommandRefused } from '../commands.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { authorise } from '../middleware/auth.js';
import { takeKey, ticketIdOf } from '../middleware/idempotency.js';
import type { TenantTx } from '../../db/client.js';
import { attachmentsById, insertAttachments, renumberAttachments } from '../../db/queries/attachments.js';
import type { AttachmentRecord } from '../../db/queries/attachments.js';
import type { ContentRow } from '../../db/queries/content.js';
import { isTaken } from '../../db/queries/errors.js';
import { rename } from '../../db/queries/idempotency.js';
import { findCreated, findCreateFacts } from '../../db/queries/tickets.js';
import type { CreateFacts } from '../../db/queries/tickets.js';
import { seesProduct } from '../../domain/access/principal.js';
import { ticketSettings } from '../../domain/configuration/settings.js';
import { asProductKey, asTeamId } from '../../domain/ids.js';
import type { ContentId, CustomerId, TicketId } from '../../domain/ids.js';
import type { CommandFields } from '../../domain/ticket/command.js';
import type { Known } from './after.js';
import { authorOf, contentIdOf, envelopeOf } from './engine.js';
import type { TicketEngine, Written } from './engine.js';
import { forbidden } from '../forbidden.js';
import { checkCategory, unknownReference } from './refusals.js';
import { settleRequester, whoAsks } from './requester.js';
import type { Asked } from './requester.js';
import type { AnnouncedAttachment, CreateTicket } from './schema.js';

/** Numbers a create tries before it gives up; each further one is a collision of 40 bits. */
const mostTries = 8;

/** A new ticket with the files that were announced for it. */
export interface Created {
  readonly written: Written;
  readonly attachments: readonly AnnouncedAttachment[];
}

export type CreateDeps = Pick<Deps, 'commands' | 'keys' | 'now' | 'publicUrl'>;

/** Opens tickets; the same key again finds the same ticket. Source: reliability.md, R5. */
export function createOpening(deps: CreateDeps, engine: TicketEngine) {
  const { commands } = deps;
  const links = createAttachmentLinks(deps);

  /** Opens it under the first number that is free. */
  const open = async (
    caller: Caller,
    { start, fields, files }: { start: TicketId; fields: Omit<CommandFields['open'], 'ticketId'>; files: readonly string[] },
    known: Known,
  ): Promise<Written> => {
    const { tenant } = caller.principal;
    const numbers = Array.from({ length: mostTries }, (_, n) => ticketIdOf(caller.scope, n));
    for (const ticketId of numbers.slice(Math.max(0, numbers.indexOf(start)))) {
      if (ticketId !== start) await engine.within(caller, (tx) => renumber(tx, caller, ticketId, files));
      try {
        const { product, priority, status = 'new' } = fields;
        const facts = { tenant, ticketId, product, priority, status };
        const args = { ...envelopeOf(caller), ...fields, ticketId };
        const answer = await engine.deliver(caller, 'open', ticketId, () => commands.open(facts, args, caller.deadline));
        return await engine.finish(caller, ticketId, answer, known);
      } catch (error) {
        if (error instanceof CommandLost && error.kind === 'over') {
          const created = await engine.within(caller, (tx) => findCreated(tx, tenant, ticketId));
          if (created?.scope === caller.scope) return engine.finish(caller, ticketId, null, null);
        } else if (!(error instanceof CommandRefused && error.code === 'ticket.id_taken')) {
          throw error;
        }
      }
    }
    throw new Error('no free ticket number');
  };

  const announcedView = (caller: Caller, { id, name, type, size, state }: Waiting): AnnouncedAttachment => ({
    id,
    name,
    type,
    size,
    state,
    ...(state === 'awaiting' ? { upload: links.upload(caller.principal.tenant, id) } : {}),
  });

  return async (caller: Caller, input: CreateTicket): Promise<Created> => {
    const { principal } = caller;
    if (principal.role === 'customer' && input.status !== undefined) throw forbidden('ticket.edit');
    if (input.attachments !== undefined) checkFiles(caller, input.attachments);
    const asked = whoAsks(caller, input);
    const content = contentIdOf(caller, 'opening');
    // Somebody else may store the same new customer at the same time: then it is found at the second look.
    for (let look = 1; ; look += 1) {
      try {
        const { facts, requester, texts, start, again, files } = await engine.within(caller, (tx) =>
          prepare(tx, caller, input, asked, content),
        );
        const attachments = files.map((file) => announcedView(caller, file));
        if (again) return { written: await engine.finish(caller, start, null, null), attachments };
        const { settings, policySet } = facts;
        const fields = {
          tenant: principal.tenant,
          scope: caller.scope,
          product: asProductKey(input.product),
          channel: input.channel,
          priority: input.priority ?? settings.defaultPriority,
          category: input.category ?? null,
          requester,
          copied: [],
          content,
          ...(settings.defaultTeam === null ? {} : { team: asTeamId(settings.defaultTeam) }),
          ...(input.status === undefined ? {} : { status: input.status }),
          settings: ticketSettings(settings),
          ...(policySet === 0 ? {} : { sla: { set: policySet } }),
        };
        const known = { before: null, written: texts, statusLabels: settings.statusLabels };
        const written = await open(caller, { start, fields, files: files.map(({ id }) => id) }, known);
        return { written, attachments };
      } catch (error) {
        if (!isTaken(error) || look > 2) throw error;
      }
    }
  };
}

/** Claims the key and stores what the ticket opens with, in one transaction. `again`: the ticket is there already. */
async function prepare(tx: TenantTx, caller: Caller, input: CreateTicket, asked: Asked, content: ContentId): Promise<Prepared> {
  const { principal } = caller;
  const first = ticketIdOf(caller.scope, 0);
  const product = seesProduct(principal, asProductKey(input.product)) ? input.product : '';
  const contacts = asked.customer === null ? asked.contacts : [];
  const facts = await findCreateFacts(tx, principal.tenant, { product, customer: asked.customer, contacts, ticketId: first });
  if (facts === undefined) throw unknownReference('/product');
  if (asked.customer !== null && !facts.customerExists) throw unknownReference('/requester/customerId');
  checkCategory(facts.settings.categories, input.category ?? null);
  const { requester, newcomers } = settleRequester(asked, facts.contacts);
  const again = facts.takenBy === caller.scope;
  // When the ticket is there the key still decides: a kept answer is replayed, another body is refused, a first call that lives is waited for.
  const wanted = again || facts.takenBy === null ? first : ticketIdOf(caller.scope, 1);
  const texts = again ? [] : [openingText(caller, content, requester, input)];
  const chosen = await takeKey(tx, caller, { texts, ticketId: wanted, ...(again ? {} : { newcomers }) });
  const start = again ? first : (chosen ?? wanted);
  const rows = (input.attachments ?? []).map((file, n) =>
    announced(caller, { id: fileIdOf(caller, n), ticket: start, message: content }, file),
  );
  if (rows.length > 0) await insertAttachments(tx, principal.tenant, rows);
  const ids = rows.map(({ id }) => id);
  const files =
    again && ids.length > 0
      ? await attachmentsById(tx, principal.tenant, ids)
      : rows.map((row) => ({ ...row, state: 'awaiting' as const }));
  return { facts, requester, texts, start, again, files };
}

type Waiting = Pick<AttachmentRecord, 'id' | 'name' | 'type' | 'size' | 'state'>;

interface Prepared {
  readonly facts: CreateFacts;
  readonly requester: CustomerId;
  readonly texts: readonly ContentRow[];
  readonly start: TicketId;
  readonly again: boolean;
  readonly files: readonly Waiting[];
}

/** The id of a file that was announced with a ticket, the same for each repetition of the request. */
const fileIdOf = (caller: Caller, n: number): string => v5(`usher:attachment:${caller.scope}:${n}`, v5.URL);

/** Goes on with another number, before anything is sent under it. */
async function renumber(
  tx: TenantTx,
  { principal: { tenant }, claim }: Caller,
  ticketId: TicketId,
  files: readonly string[],
): Promise<void> {
  if (claim !== null) await rename(tx, tenant, claim.scope, ticketId);
  if (files.length > 0) await renumberAttachments(tx, tenant, files, ticketId);
}

function checkFiles({ principal }: Reader, files: NonNullable<CreateTicket['attachments']>): void {
  authorise(principal, 'attachment.add');
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes > mostBytesPerTicket) throw new Refusal('too_large', { members: { limit: mostBytesPerTicket } });
}

const openingText = (caller: Caller, id: ContentId, requester: CustomerId, input: CreateTicket): ContentRow => ({
  id,
  kind: 'opening',
  visibility: 'public',
  ...(caller.principal.role === 'customer' ? authorOf(caller) : { authorKind: 'customer', authorId: requester }),
  channel: input.channel,
  subject: input.subject,
  body: input.description,
  data: { tags: [...new Set(input.tags)], customFields: input.customFields ?? {} },
});
