/** Ends what is open for a person who is being erased, by Update. */
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { OpenWork } from '../activities/erasure-ports.js';
import { second } from '../domain/time.js';
import { updates as journeyUpdates } from '../workflows/journey/messages.js';
import { journeyWorkflowId } from '../workflows/journey/start.js';
import { ticketWorkflowId } from '../workflows/ticket/start.js';
import { updates as ticketUpdates } from '../workflows/ticket/messages.js';
import { refusedOr } from './ticket-commands.js';

/** One command waits this long for its answer; sent again later, it gets the first one. */
const answerWithin = 8 * second;

const said = { actor: 'system/erasure', role: 'system', source: 'system', cause: 'erased' } as const;

export function createOpenWork(client: Client): OpenWork {
  const told = async (work: () => Promise<unknown>): Promise<'done' | 'gone'> => {
    try {
      await client.withDeadline(Date.now() + answerWithin, work);
      return 'done';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return 'gone';
      throw refusedOr(error);
    }
  };
  return {
    closeTicket: (ticket, commandId) =>
      told(() =>
        client.workflow
          .getHandle(ticketWorkflowId(ticket))
          .executeUpdate(ticketUpdates.close, { args: [{ ...said, commandId }], updateId: commandId }),
      ),
    cancelJourney: (journey, commandId) =>
      told(() =>
        client.workflow
          .getHandle(journeyWorkflowId(journey))
          .executeUpdate(journeyUpdates.cancel, { args: [{ ...said, commandId }], updateId: commandId }),
      ),
  };
}
