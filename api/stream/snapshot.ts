/** The present state as a stream begins with it: ids, enums, numbers and instants. Texts are read where they are kept. */
import type { StreamQuery } from './schema.js';
import { messageFrame } from './frame.js';
import { subjectOf } from './filter.js';
import { journeyView } from '../journeys/view.js';
import { isoOrNull, iso, ticketView } from '../tickets/view.js';
import type { TenantTx } from '../../db/client.js';
import { findHandoff, listHandoffs } from '../../db/queries/handoffs.js';
import type { HandoffFilter, HandoffRecord } from '../../db/queries/handoffs.js';
import { findJourney, listJourneys } from '../../db/queries/journeys.js';
import type { JourneyRecord } from '../../db/queries/journeys.js';
import { listTickets } from '../../db/queries/ticket-lists.js';
import type { TicketFilter } from '../../db/queries/ticket-lists.js';
import { noIncludes } from '../../db/queries/ticket-record.js';
import type { TicketRecord } from '../../db/queries/ticket-record.js';
import { findTicket } from '../../db/queries/tickets.js';
import { permit } from '../../domain/access/permit.js';
import type { Principal } from '../../domain/access/principal.js';
import { asTicketId } from '../../domain/ids.js';
import { openStatuses } from '../../domain/ticket/status.js';

/** Rows of one snapshot; `more` says that there are others. */
const most = 500;

export const snapshotFrame = (position: number, state: object): Buffer => messageFrame(position, 'snapshot', { position, ...state });

function ticketState(row: TicketRecord) {
  const { subject: _s, description: _d, tags: _t, customFields: _c, links: _l, included: _i, ...state } = ticketView(row);
  return state;
}

export function journeyState(row: JourneyRecord) {
  const { context: _, ...state } = journeyView(row, new Map());
  return state;
}

const handoffState = (row: HandoffRecord) => ({
  id: row.id,
  journey: row.journeyId,
  templateKey: row.templateKey,
  step: row.step,
  visit: row.visit,
  state: row.state,
  from: row.fromPackage,
  to: row.toPackage,
  mode: row.mode,
  owner: row.owner,
  assignee: row.assignee,
  outcome: row.outcome,
  dueAt: isoOrNull(row.dueAt),
  seq: row.version,
  createdAt: iso(row.createdAt),
  endedAt: isoOrNull(row.endedAt),
});

/** One thing by the name events have for it; undefined: the reader does not see it, or it is not there. */
export async function subjectState(tx: TenantTx, reader: Principal, subject: string): Promise<object | undefined> {
  const name = subjectOf(subject);
  const at = name.indexOf('/');
  const id = name.slice(at + 1);
  switch (name.slice(0, at)) {
    case 'ticket': {
      if (permit(reader, 'ticket.read') !== 'allowed') return undefined;
      const row = await findTicket(tx, reader, asTicketId(id));
      return row && { ticket: ticketState(row) };
    }
    case 'journey': {
      if (permit(reader, 'journey.read') !== 'allowed') return undefined;
      const row = await findJourney(tx, reader, id);
      return row && { journey: journeyState(row) };
    }
    default: {
      if (permit(reader, 'journey.read') !== 'allowed') return undefined;
      const row = await findHandoff(tx, reader, id);
      return row && { handoff: handoffState(row) };
    }
  }
}

/** Open tickets that fit, those that changed last first. */
export async function ticketsState(tx: TenantTx, reader: Principal, { product, team, assignee }: StreamQuery): Promise<object> {
  if (permit(reader, 'ticket.read') !== 'allowed') return { tickets: [], more: false };
  const filter: TicketFilter = {
    status: openStatuses,
    ...(product === undefined || product.includes('*') ? {} : { product }),
    ...(team === undefined ? {} : { team }),
    ...(assignee === undefined ? {} : { assignee: assignee.map((who) => (who === 'me' ? reader.id : who === 'none' ? null : who)) }),
  };
  const rows = await listTickets(tx, reader, filter, { sort: 'updatedAt', descending: true, limit: most }, noIncludes);
  return { tickets: rows.slice(0, most).map(ticketState), more: rows.length > most };
}

/** Instances of a template that have not ended, newest first. */
export async function instancesState(tx: TenantTx, reader: Principal, template: string): Promise<object> {
  const rows = await listJourneys(tx, reader, { template: [template], status: ['active', 'paused', 'incident'] }, { limit: most });
  return { template, journeys: rows.slice(0, most).map(journeyState), more: rows.length > most };
}

const openStates = [
  'created',
  'awaiting_data',
  'awaiting_approval',
  'offered',
  'accepted',
  'in_progress',
  'returned',
  'expired',
  'failed',
] as const;

/** Handoffs that have not ended, newest first. */
export async function handoffsState(tx: TenantTx, reader: Principal, filter: Pick<HandoffFilter, 'from' | 'to' | 'mine'>): Promise<object> {
  const rows = await listHandoffs(tx, reader, { ...filter, state: openStates }, { limit: most });
  const open = rows.slice(0, most).filter(({ endedAt }) => endedAt === null);
  return { handoffs: open.map(handoffState), more: rows.length > most };
}
