/** The ticket of a scenario on the server, for whoever sends it messages. */
import { setTimeout as pause } from 'node:timers/promises';
import { isGrpcServiceError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, WorkflowNotFoundError } from '@temporalio/common';
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { TicketId } from '../domain/ids.js';
import type { TicketCommand } from '../domain/ticket/command.js';
import type { Instant } from '../domain/time.js';
import { passedOver } from '../workflows/names.js';
import { ticketStartOptions, ticketWorkflowType } from '../workflows/ticket/start.js';

/** What one event says to a ticket. */
export interface Message {
  readonly name: string;
  readonly fields: object;
}

export type OpenCommand = Extract<TicketCommand, { kind: 'open' }>;

/** A message under way. */
export interface Sent {
  /** The server has it: what is sent next cannot overtake it. */
  readonly arrived: Promise<void>;
  /** The code of its refusal; null: accepted. */
  readonly answer: Promise<string | null>;
}

/** Far more than a scenario has: no run continues as new. */
const continueAfter = 1000;
/** As gRPC counts. */
const notFound = 5;

export class StagedTicket {
  private readonly client: Client;
  private readonly handle: WorkflowHandle;

  private constructor(client: Client, handle: WorkflowHandle) {
    this.client = client;
    this.handle = handle;
  }

  /** Started only, to be opened then: asked again for both at once, as it is after 10 s without an answer, this server fails for ever. */
  static async start(client: Client, ticketId: TicketId, command: OpenCommand, queueSuffix: string): Promise<StagedTicket> {
    const { status = 'new' } = command;
    const options = ticketStartOptions({ ...command, status, ticketId, queueSuffix, continueAfter });
    return new StagedTicket(client, await client.workflow.start(ticketWorkflowType, options));
  }

  tell({ name, fields }: Message, commandId: string): Sent {
    const answered = new AbortController();
    const answer = this.handle
      .executeUpdate(name, { args: [{ ...fields, commandId }], updateId: commandId })
      .then(() => null, refusalOf)
      .finally(() => answered.abort());
    answer.catch(() => undefined); // while the worker is down nobody waits for it yet
    return { arrived: this.arrival(commandId, answered.signal), answer };
  }

  /**
   * Gives it something to work on, which changes nothing.
   *
   * @returns false: it is over
   */
  async nudge(): Promise<boolean> {
    try {
      await this.handle.signal('nothing');
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  /** When the next of its timers fires, to a few milliseconds; null: none is set. */
  async nextTimer(): Promise<Instant | null> {
    const timers = new Map<string, Instant>();
    const { events } = await this.handle.fetchHistory();
    for (const { eventTime, timerStartedEventAttributes: started, ...event } of events ?? []) {
      const ended = event.timerFiredEventAttributes ?? event.timerCanceledEventAttributes;
      if (started?.timerId) timers.set(started.timerId, tsToMs(eventTime) + tsToMs(started.startToFireTimeout));
      if (ended?.timerId) timers.delete(ended.timerId);
    }
    return timers.size === 0 ? null : Math.min(...timers.values());
  }

  /** Returns when its run has ended. */
  async ended(): Promise<void> {
    await this.handle.result();
  }

  /** For one that was never opened. */
  async remove(): Promise<void> {
    await this.handle.terminate('never opened');
  }

  private async arrival(updateId: string, answered: AbortSignal): Promise<void> {
    const { workflowService, options } = this.client;
    const request = { namespace: options.namespace, updateRef: { workflowExecution: { workflowId: this.handle.workflowId }, updateId } };
    while (!answered.aborted) {
      try {
        await workflowService.pollWorkflowExecutionUpdate(request);
        return;
      } catch (error) {
        const code: number | null = isGrpcServiceError(error) ? error.code : null;
        if (code !== notFound) throw error;
        await pause(1);
      }
    }
  }
}

/** The code of a refusal; anything else is thrown on. */
function refusalOf(error: unknown): string {
  if (error instanceof WorkflowNotFoundError) return 'ticket.closed'; // the run has ended with the ticket
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : null;
  if (!(cause instanceof ApplicationFailure)) throw error;
  return passedOver.includes(cause.type ?? '') ? 'ticket.closed' : (cause.type ?? 'unknown');
}
