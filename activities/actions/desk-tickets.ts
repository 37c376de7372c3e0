/** Ticket actions: on tickets of the desk by the desk's own commands, on all others at the support system they belong to. Source: journeys.md, section 4. */
import { createHash } from 'node:crypto';
import { withTenant } from '../../db/client.js';
import type { Db } from '../../db/client.js';
import { findTicketStanding } from '../../db/queries/journey-actions.js';
import type { TicketStanding } from '../../db/queries/journey-actions.js';
import { findNextAgent } from '../../db/queries/staffing.js';
import { parseTicketId } from '../../domain/ids.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import type { JsonObject } from '../../domain/journey/json.js';
import { CommandRefused } from '../ports.js';
import { PackageError, TicketGone } from './ports.js';
import type { PackageCall, TicketOrder, TicketOrders, Tickets } from './ports.js';

export interface DeskTicketsDeps {
  readonly db: Db;
  readonly orders: TicketOrders;
  /** Tickets whose number is none of the desk's. */
  readonly foreign: Tickets;
}

/** What a ticket is filed under of which nobody says what it is about. */
const unsorted = 'general';

export function createTickets({ db, orders, foreign }: DeskTicketsDeps): Tickets {
  /** A ticket of the tenant that is still open; a number says nothing about whose it is. */
  const standing = async (tenant: TenantId, ticketId: TicketId): Promise<TicketStanding> => {
    const found = await withTenant(db, tenant, (tx) => findTicketStanding(tx, tenant, ticketId));
    if (found === undefined) throw new PackageError('rejected', 'no such ticket', { code: 'ticket_not_found' });
    if (found.isClosed) throw closed();
    return found;
  };
  return {
    async triage(tenant, input, call) {
      const ticketId = ownNumber(input);
      if (ticketId === null) return foreign.triage(tenant, input, call);
      const ticket = await standing(tenant, ticketId);
      if (ticket.category !== null) return { category: ticket.category, priority: ticket.priority };
      const category = textOf(input, 'category') ?? unsorted;
      await given(() => orders.edit(orderOf(ticketId, call), { category }));
      return { category, priority: ticket.priority };
    },
    async assign(tenant, input, call) {
      const ticketId = ownNumber(input);
      if (ticketId === null) return foreign.assign(tenant, input, call);
      const ticket = await standing(tenant, ticketId);
      if (ticket.assignee !== null) return { assigned: true, agent: ticket.assignee };
      const next = await withTenant(db, tenant, (tx) => findNextAgent(tx, { tenant, ticketId, team: null }));
      if (next === null) return { assigned: false };
      const agent = await given(() => orders.assign(orderOf(ticketId, call), next));
      // Somebody else was faster; who it is, the next attempt will read.
      if (agent === null) throw new PackageError('unavailable', 'the ticket was given to somebody else meanwhile');
      return { assigned: true, agent };
    },
  };
}

const closed = (options?: ErrorOptions): PackageError =>
  new PackageError('rejected', 'the ticket is closed', { ...options, code: 'ticket_closed' });

const textOf = (input: JsonObject, field: string): string | undefined => {
  const value = input[field];
  return typeof value === 'string' ? value : undefined;
};

const ownNumber = (input: JsonObject): TicketId | null => parseTicketId(textOf(input, 'ticketId') ?? '');

/** The command is named after the effect, so that a second attempt gets the first one's answer. */
const orderOf = (ticketId: TicketId, { key }: PackageCall): TicketOrder => ({
  ticketId,
  commandId: `action/${createHash('sha256').update(key).digest('hex').slice(0, 32)}`,
});

/** A refusal is a clear no; whatever else goes wrong may have reached the ticket. */
async function given<Answer>(order: () => Promise<Answer>): Promise<Answer> {
  try {
    return await order();
  } catch (error) {
    if (error instanceof TicketGone) throw closed({ cause: error });
    if (error instanceof CommandRefused && error.code === 'ticket.closed') throw closed({ cause: error });
    if (error instanceof CommandRefused) throw new PackageError('rejected', 'the ticket refused', { code: error.code, cause: error });
    throw error;
  }
}
