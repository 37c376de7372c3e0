/** Sends commands to tickets' workflows and says truthfully what became of them. Source: temporal.md, section 6.2. */
import {
  isGrpcDeadlineError,
  isGrpcServiceError,
  WithStartWorkflowOperation,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { WorkflowUpdateStage } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { ApplicationFailure, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/common';
import type { Members } from '../domain/decision.js';
import type { TicketId } from '../domain/ids.js';
import type { Verb } from '../domain/ticket/command.js';
import { passedOver } from '../workflows/names.js';
import { ticketStartOptions, ticketWorkflowId, ticketWorkflowType } from '../workflows/ticket/start.js';
import type { TicketStartFacts } from '../workflows/ticket/start.js';
import { updates } from '../workflows/ticket/messages.js';
import type { CommandArgs, TicketAnswer } from '../workflows/ticket/messages.js';
import type { ticketWorkflow } from '../workflows/ticket/ticket.workflow.js';

export type OpenFacts = Omit<TicketStartFacts, 'queueSuffix' | 'continueAfter'>;

/** How the API talks to tickets. Every call ends by its deadline (epoch milliseconds). */
export interface TicketCommands {
  /**
   * Sends a command and waits for its answer; the same command id again gets the first answer.
   *
   * @throws CommandRefused, CommandLost
   */
  send<Kind extends Verb>(
    id: TicketId,
    kind: Kind,
    args: CommandArgs<Kind> & { commandId: string },
    deadline: number,
  ): Promise<TicketAnswer>;
  /** Sends a command and waits only until it is accepted. Throws as `send` does. */
  accept<Kind extends Verb>(id: TicketId, kind: Kind, args: CommandArgs<Kind> & { commandId: string }, deadline: number): Promise<void>;
  /** Starts a ticket's workflow, or finds it, and sends `open`. Throws as `send` does. */
  open(facts: OpenFacts, args: CommandArgs<'open'> & { commandId: string }, deadline: number): Promise<TicketAnswer>;
  /** Answers when the engine does. */
  ping(deadline: number): Promise<void>;
}

/** The workflow said no. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused';
  readonly code: string;
  readonly members: Members;

  constructor(code: string, members: Members) {
    super(code);
    this.code = code;
    this.members = members;
  }
}

/**
 * No answer from the workflow. `gone`: none runs under this number; `over`: one ran and has ended; `unavailable`, `busy`: nothing was sent,
 * nothing done; `unconfirmed`: it may or may not have arrived.
 */
export class CommandLost extends Error {
  override readonly name = 'CommandLost';
  readonly kind: 'gone' | 'over' | 'unavailable' | 'busy' | 'unconfirmed';

  constructor(kind: CommandLost['kind'], options?: ErrorOptions) {
    super(kind, options);
    this.kind = kind;
  }
}

/** gRPC status codes by name. */
const grpc = { cancelled: 1, deadlineExceeded: 4, resourceExhausted: 8, failedPrecondition: 9, unavailable: 14 } as const;
/** A short outage is waited out this long before the caller hears of it. */
const patience = 1_500;
const pause = 150;

export interface CommandSettings {
  readonly queueSuffix: string;
  readonly continueAfter: number;
}

/** Makes a call that ends by its deadline (epoch milliseconds). @throws CommandRefused, CommandLost */
export type Attempt = <T>(deadline: number, call: () => Promise<T>) => Promise<T>;

/** Waits out a short outage. The client's connection must not retry by itself: whether a failed call was sent decides the answer. */
export const attempting =
  (client: Client): Attempt =>
  async (deadline, call) => {
    const giveUp = Math.min(Date.now() + patience, deadline);
    let maybeSent = false;
    for (;;) {
      try {
        return await client.withDeadline(deadline, call);
      } catch (error) {
        const outcome = translate(error);
        if (!(outcome instanceof CommandLost)) throw outcome;
        maybeSent ||= outcome.kind === 'unconfirmed';
        const nothingDone = outcome.kind === 'unavailable' || outcome.kind === 'busy';
        const again = nothingDone || (outcome.kind === 'unconfirmed' && (isConnectionLoss(error) || isPassedOver(error)));
        if (again && Date.now() + pause < giveUp) await new Promise((resolve) => setTimeout(resolve, pause));
        else throw maybeSent && nothingDone ? new CommandLost('unconfirmed', { cause: error }) : outcome;
      }
    }
  };

/** The real thing. */
export function createCommands(client: Client, { queueSuffix, continueAfter }: CommandSettings): TicketCommands {
  const attempt = attempting(client);
  return {
    send: (id, kind, args, deadline) =>
      attempt(deadline, () =>
        client.workflow
          .getHandle(ticketWorkflowId(id))
          .executeUpdate<TicketAnswer, [typeof args]>(updates[kind].name, { args: [args], updateId: args.commandId }),
      ),
    accept: (id, kind, args, deadline) =>
      attempt(deadline, async () => {
        const handle = client.workflow.getHandle(ticketWorkflowId(id));
        await handle.startUpdate<TicketAnswer, [typeof args]>(updates[kind].name, {
          args: [args],
          updateId: args.commandId,
          waitForStage: WorkflowUpdateStage.ACCEPTED,
        });
      }),
    open: (facts, args, deadline) =>
      attempt(deadline, () => {
        const start = new WithStartWorkflowOperation<typeof ticketWorkflow>(
          ticketWorkflowType,
          ticketStartOptions({ ...facts, queueSuffix, continueAfter }),
        );
        return client.workflow.executeUpdateWithStart(updates.open, {
          startWorkflowOperation: start,
          args: [args],
          updateId: args.commandId,
        });
      }),
    ping: async (deadline) => void (await client.withDeadline(deadline, () => client.workflowService.getSystemInfo({}))),
  };
}

/** What an error of the client means. */
export function translate(error: unknown): unknown {
  if (error instanceof WorkflowUpdateFailedError) {
    const { cause } = error;
    if (!(cause instanceof ApplicationFailure) || isPassedOver(cause)) return new CommandLost('unconfirmed', { cause: error });
    return new CommandRefused(cause.type ?? 'internal', membersOf(cause.details?.[0]));
  }
  if (error instanceof WorkflowNotFoundError) return new CommandLost('gone', { cause: error });
  if (error instanceof WorkflowExecutionAlreadyStartedError) return new CommandLost('over', { cause: error });
  const status = statusOf(error);
  if (status?.code === grpc.resourceExhausted || status?.code === grpc.failedPrecondition) return new CommandLost('busy', { cause: error });
  if (status?.code === grpc.unavailable)
    return new CommandLost(neverLeft.test(status.details) ? 'unavailable' : 'unconfirmed', { cause: error });
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isGrpcDeadlineError(error) || status?.code === grpc.cancelled) {
    // A call that still waited for a connection when its time ran out was never on the wire.
    return new CommandLost(status !== null && neverLeft.test(status.details) ? 'unavailable' : 'unconfirmed', { cause: error });
  }
  return error;
}

/** The words of the gRPC client for calls that never reached a connection. */
const neverLeft = /No connection established|Waiting for LB pick|Name resolution failed|Failed to connect/i;

/** The run changed under the command; the next one takes it. */
const isPassedOver = (error: unknown): boolean => {
  const failure = error instanceof WorkflowUpdateFailedError ? error.cause : error;
  return failure instanceof ApplicationFailure && passedOver.includes(failure.type ?? '');
};

const isConnectionLoss = (error: unknown): boolean => statusOf(error)?.code === grpc.unavailable;

function statusOf(error: unknown): { code: number; details: string } | null {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    if (isGrpcServiceError(current)) return { code: current.code, details: current.details };
  }
  return null;
}

// Details of a refusal are written by the journal alone, from Members.
const membersOf = (details: unknown): Members =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  typeof details === 'object' && details !== null ? (details as Members) : {};
