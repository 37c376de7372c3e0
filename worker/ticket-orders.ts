/** Gives tickets the commands that journeys cause, by Update. */
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { TicketOrder, TicketOrders } from '../activities/actions/ports.js';
import { TicketGone } from '../activities/actions/ports.js';
import { CommandRefused } from '../activities/ports.js';
import { ticketWorkflowId } from '../workflows/ticket/start.js';
import { updates } from '../workflows/ticket/messages.js';
import { refusedOr } from './ticket-commands.js';

/** One order waits this long for its answer; given again later, it gets the first one. */
const answerWithin = 10_000;

export function createTicketOrders(client: Client): TicketOrders {
  const told = async <Answer>(work: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await client.withDeadline(Date.now() + answerWithin, work);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw new TicketGone('no workflow runs under this number', { cause: error });
      throw refusedOr(error);
    }
  };
  const handleOf = ({ ticketId }: TicketOrder) => client.workflow.getHandle(ticketWorkflowId(ticketId));
  return {
    async edit(order, fields) {
      const args = { ...envelopeOf(order), ...fields };
      await told(() => handleOf(order).executeUpdate(updates.edit, { args: [args], updateId: order.commandId }));
    },
    async assign(order, { agent, team }) {
      const args = { ...envelopeOf(order), agent, team, ifUnassigned: true };
      try {
        const { ticket } = await told(() => handleOf(order).executeUpdate(updates.assign, { args: [args], updateId: order.commandId }));
        return ticket.assignee;
      } catch (error) {
        if (error instanceof CommandRefused && error.code === 'ticket.already_assigned') return null;
        throw error;
      }
    },
  };
}

const envelopeOf = ({ commandId }: TicketOrder) => ({ commandId, actor: 'system/journey', role: 'system', source: 'system' }) as const;
