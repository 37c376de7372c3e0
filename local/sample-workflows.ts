/** Gives loaded tickets that are open the workflows they would have. */
import type { Client } from '@temporalio/client';
import type { Ticket } from '../domain/ticket/ticket.js';
import { ticketStartOptions, ticketWorkflowType } from '../workflows/ticket/start.js';
import type { TicketInput } from '../workflows/ticket/journal.js';

export interface WorkflowOptions {
  readonly queueSuffix: string;
  readonly continueAfter: number;
  readonly onProgress: (started: number, total: number) => void;
}

const atOnce = 16;

/** Starts each from the state it has reached, as a run does that continues another; one that runs already is left alone. */
export async function startWorkflows(
  client: Client,
  tickets: readonly Ticket[],
  { onProgress, ...options }: WorkflowOptions,
): Promise<void> {
  const waiting = tickets.values();
  let started = 0;
  const startAll = async (): Promise<void> => {
    for (const ticket of waiting) {
      await start(client, ticket, options);
      onProgress((started += 1), tickets.length);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, startAll));
}

async function start(client: Client, ticket: Ticket, options: Omit<WorkflowOptions, 'onProgress'>): Promise<void> {
  const { tenant, id: ticketId, product, priority, status } = ticket;
  const { args, ...how } = ticketStartOptions({ tenant, ticketId, product, priority, status, ...options });
  const input: TicketInput = { ...args[0], carried: { schema: 1, ticket, handled: [], deliveries: [] } };
  await client.workflow.start(ticketWorkflowType, { ...how, args: [input] });
}
