/** Reads of tickets: one, a page, a count, the log. */
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Reader } from '../caller.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { TicketEngine } from './engine.js';
import { envelope } from './envelope.js';
import { fieldFilters } from './schema.js';
import type { CountQuery, EventView, GetQuery, ListQuery, TicketInclude, TicketView } from './schema.js';
import { describeEvent } from './history.js';
import { iso, ticketView } from './view.js';
import type { Inclusions } from './view.js';
import { countTickets, listTickets, mostCounted, ticketSorts } from '../../db/queries/ticket-lists.js';
import { findTicket, linkedTickets } from '../../db/queries/tickets.js';
import { listEvents, listMessages } from '../../db/queries/timeline.js';
import type { TicketFilter, TicketSort } from '../../db/queries/ticket-lists.js';
import type { TicketRecord } from '../../db/queries/ticket-record.js';
import type { TicketFacts, WholeTicket } from '../../db/queries/tickets.js';
import type { EventRecord, MessageRecord } from '../../db/queries/timeline.js';
import type { TenantTx } from '../../db/client.js';
import { permit } from '../../domain/access/permit.js';
import type { Principal } from '../../domain/access/principal.js';

/** Messages of one ticket that an include brings along. */
const mostIncluded = 100;

export type TicketReads = ReturnType<typeof createTicketReads>;

export function createTicketReads({ keys }: Pick<Deps, 'keys'>, engine: Pick<TicketEngine, 'within'>) {
  return {
    async get(reader: Reader, ticket: WholeTicket, { include = [] }: GetQuery): Promise<TicketView> {
      if (include.length === 0) return ticketView(ticket.record);
      return engine.within(reader, async (tx) => {
        const row = await findTicket(tx, reader.principal, ticket.id, { include: joins(include), removed: ticket.removed });
        if (row === undefined) throw new Refusal('not_found');
        const more = await inclusions(tx, reader.principal, [row], include);
        return ticketView(row, more(row));
      });
    },

    async list(reader: Reader, query: ListQuery): Promise<Page<TicketView>> {
      const { principal } = reader;
      const filter = filterOf(principal, query);
      const { include = [], limit, cursor } = query;
      const { sort, descending } = sortOf(query.sort);
      const binding = cursorBinding(principal, 'tickets', query);
      const after = cursor === undefined ? undefined : readCursor(keys, binding, cursor);
      return engine.within(reader, async (tx) => {
        const page = { sort, descending, limit, ...(after === undefined ? {} : { after }) };
        const rows = await listTickets(tx, principal, filter, page, joins(include));
        const more = await inclusions(tx, principal, rows.slice(0, limit), include);
        return pageOf(
          rows,
          limit,
          (row) => ticketView(row, more(row)),
          (last) => writeCursor(keys, binding, last),
        );
      });
    },

    async count(reader: Reader, query: CountQuery): Promise<{ count: number; text: string }> {
      const found = await engine.within(reader, (tx) => countTickets(tx, reader.principal, filterOf(reader.principal, query)));
      return found > mostCounted ? { count: mostCounted, text: `${mostCounted}+` } : { count: found, text: String(found) };
    },

    async events(reader: Reader, ticket: TicketFacts, page: { limit: number; cursor?: string }): Promise<Page<EventView>> {
      return log(reader, ticket, page, 'events', false, envelope(reader.principal.tenant, ticket.id));
    },

    /** The same log, told in words, with the texts. */
    async history(
      reader: Reader,
      ticket: TicketFacts,
      page: { limit: number; cursor?: string },
    ): Promise<Page<ReturnType<typeof historyEntry>>> {
      return log(reader, ticket, page, 'history', { notes: permit(reader.principal, 'note.read', ticket) === 'allowed' }, historyEntry);
    },
  };

  async function log<View>(
    reader: Reader,
    ticket: TicketFacts,
    { limit, cursor }: { limit: number; cursor?: string },
    list: string,
    readable: false | { notes: boolean },
    view: (row: EventRecord) => View,
  ): Promise<Page<View>> {
    const { principal } = reader;
    const binding = cursorBinding(principal, `tickets/${ticket.id}/${list}`, {});
    const after = cursor === undefined ? 0 : Number(readCursor(keys, binding, cursor).position);
    const rows = await engine.within(reader, (tx) => listEvents(tx, principal.tenant, ticket.id, { after, limit, readable }));
    return pageOf(rows, limit, view, (last) => writeCursor(keys, binding, { position: String(last.seq), id: '' }));
  }
}

export const historyEntry = ({ seq, at, type, actor, role, actorName, data, text }: EventRecord) => ({
  version: seq,
  at: iso(at),
  type,
  actor: { ref: actor, role, name: actorName ?? null },
  summary: describeEvent(type, data),
  text: text ?? null,
});

const joins = (include: readonly TicketInclude[]): { requester: boolean; assignee: boolean } => ({
  requester: include.includes('requester'),
  assignee: include.includes('assignee'),
});

/** What is read beside the rows, in one statement per kind. */
async function inclusions(
  tx: TenantTx,
  reader: Principal,
  rows: readonly TicketRecord[],
  include: readonly TicketInclude[],
): Promise<(row: TicketRecord) => Inclusions> {
  const messages =
    include.includes('messages') && rows.length > 0
      ? await listMessages(
          tx,
          reader,
          rows.map((row) => row.id),
          messageKinds(reader),
          { limit: mostIncluded - 1 },
        )
      : [];
  const others = rows.flatMap(linksOf);
  const links = include.includes('links') && others.length > 0 ? await linkedTickets(tx, reader, others) : [];
  return (row) => ({
    ...(include.includes('messages') ? { messages: messages.filter((message) => message.ticket === row.id) } : {}),
    ...(include.includes('links') ? { links: links.filter((link) => linksOf(row).includes(link.id)) } : {}),
  });
}

const linksOf = (row: TicketRecord): string[] => [...(row.followUpOf === null ? [] : [row.followUpOf]), ...row.followUps];

/** Which texts of a ticket the reader may see at all. */
export const messageKinds = (reader: Principal): MessageRecord['kind'][] =>
  permit(reader, 'note.read') === 'allowed' ? ['opening', 'message', 'note', 'resolution'] : ['opening', 'message', 'resolution'];

const moment = (text: string | undefined): Date | undefined => (text === undefined ? undefined : new Date(text));

function filterOf(reader: Principal, query: CountQuery): TicketFilter {
  if (query.includeRemoved === true && permit(reader, 'ticket.remove') !== 'allowed')
    throw new Refusal('forbidden', { members: { permission: 'ticket.remove' } });
  assertMayAsk(reader, query);
  const product = productsOf(reader, query.product);
  const { status, priority, channel, category, team, assignee, requester, tag, q } = query;
  return defined({
    product,
    status,
    priority,
    channel,
    category,
    team,
    assignee: assignee?.map((who) => (who === 'none' ? null : who === 'me' ? reader.id : who)),
    requester,
    tag,
    createdFrom: moment(query['createdAt.gte']),
    createdBefore: moment(query['createdAt.lt']),
    updatedFrom: moment(query['updatedAt.gte']),
    updatedBefore: moment(query['updatedAt.lt']),
    escalationLevel: query.escalationLevel?.map(Number),
    slaState: query.slaState,
    slaBreached: query.slaBreached,
    dueBefore: moment(query['dueAt.lt']),
    customFields: fieldFilters(query),
    text: q,
    includeRemoved: query.includeRemoved,
  });
}

const forStaff = ['escalationLevel', 'slaState', 'slaBreached', 'dueAt.lt'] as const;

/** What customers do not read of a ticket they cannot ask by either, nor by the order. */
function assertMayAsk(reader: Principal, query: CountQuery & { readonly sort?: unknown }): void {
  const asks = forStaff.some((name) => query[name] !== undefined) || query.sort === 'dueAt' || query.sort === '-dueAt';
  if (asks && permit(reader, 'ticket.events') !== 'allowed') throw new Refusal('forbidden', { members: { permission: 'ticket.events' } });
}

/** A list of product-scoped things says of which products; undefined: of all the reader has. */
export function productsOf(reader: Principal, given: readonly string[] | undefined): readonly string[] | undefined {
  if (given !== undefined) return given.includes('*') ? undefined : given;
  if (reader.products !== '*' && reader.products.length === 1) return undefined;
  throw new Refusal('product_required');
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without the keys that hold undefined. */
const defined = <T extends object>(fields: T): Defined<T> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;

function sortOf(text: string): { sort: TicketSort; descending: boolean } {
  const descending = text.startsWith('-');
  const name = descending ? text.slice(1) : text;
  return { sort: ticketSorts.find((sort) => sort === name) ?? 'createdAt', descending };
}
