/** Gives tickets the commands that mail and published policies cause, by Update, and tells them of notices that did not arrive. */
import { WithStartWorkflowOperation, WorkflowUpdateFailedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { ApplicationFailure, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/common';
import { CommandRefused } from '../activities/ports.js';
import type { NoticeTickets, OpenTickets, TicketCommands } from '../activities/ports.js';
import { passedOver } from '../workflows/names.js';
import { ticketStartOptions, ticketWorkflowId, ticketWorkflowType } from '../workflows/ticket/start.js';
import { noticeEnded, updates } from '../workflows/ticket/messages.js';

export interface TicketCommandOptions {
  readonly client: Client;
  readonly queueSuffix: string;
  /** Commands of one run before it continues as new. */
  readonly continueAfter: number;
}

/** One command waits this long for its answer; sent again later, it gets the first one. */
const answerWithin = 10_000;
/** Shorter where many tickets are asked one after the other. */
const replannedWithin = 5_000;

export function createTicketCommands({
  client,
  queueSuffix,
  continueAfter,
}: TicketCommandOptions): TicketCommands & OpenTickets & NoticeTickets {
  const within = <T>(call: () => Promise<T>, time = answerWithin): Promise<T> => client.withDeadline(Date.now() + time, call);
  return {
    async open(command, fields) {
      const { tenant, ticketId, commandId } = command;
      const { product, priority } = fields;
      const facts = { tenant, ticketId, product, priority, status: fields.status ?? 'new', queueSuffix, continueAfter } as const;
      const startWorkflowOperation = new WithStartWorkflowOperation(ticketWorkflowType, ticketStartOptions(facts));
      try {
        await within(() =>
          client.workflow.executeUpdateWithStart(updates.open, {
            startWorkflowOperation,
            args: [{ ...command, ...fields }],
            updateId: commandId,
          }),
        );
        return 'opened';
      } catch (error) {
        // A closed ticket keeps its number, and so does its workflow.
        if (error instanceof WorkflowExecutionAlreadyStartedError || refusalIn(error) === 'ticket.id_taken') return 'taken';
        throw refusedOr(error);
      }
    },
    async receive({ tenant: _known, ticketId, ...envelope }, fields) {
      const handle = client.workflow.getHandle(ticketWorkflowId(ticketId));
      try {
        await within(() => handle.executeUpdate(updates.receive, { args: [{ ...envelope, ...fields }], updateId: envelope.commandId }));
        return 'received';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError || refusalIn(error) === 'ticket.closed') return 'closed';
        throw refusedOr(error);
      }
    },
    async replan(ticketId, revision) {
      const handle = client.workflow.getHandle(ticketWorkflowId(ticketId));
      const commandId = `reproject/${revision}`;
      const args = { commandId, actor: 'system/reprojection', role: 'system', source: 'system', set: revision } as const;
      try {
        await within(() => handle.executeUpdate(updates.replan, { args: [args], updateId: commandId }), replannedWithin);
        return 'replanned';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError || refusalIn(error) === 'ticket.closed') return 'gone';
        throw refusedOr(error);
      }
    },
    async noticeEnded({ tenant, ticket, message, outcome }) {
      const handle = client.workflow.getHandle(ticketWorkflowId(ticket));
      try {
        await within(() => handle.signal(noticeEnded, { tenant, message, outcome }), replannedWithin);
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    },
  };
}

/** The code a ticket refused with; null when it did not. */
export function refusalIn(error: unknown): string | null {
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
  return cause instanceof ApplicationFailure ? (cause.type ?? null) : null;
}

/** A ticket that is being opened at this moment is not one that refuses for good. */
export function refusedOr(error: unknown): unknown {
  const code = refusalIn(error);
  return code === null || code === 'ticket.not_found' || passedOver.includes(code) ? error : new CommandRefused(code, { cause: error });
}
