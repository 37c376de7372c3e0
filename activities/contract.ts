/** What workflows may ask of the outside, as types only; `index.ts` has the implementation. All arguments are plain JSON: ids, enums, numbers, instants. */
import type { Actor, Role, Source } from '../domain/actor.js';
import type { TenantId, TicketId } from '../domain/ids.js';
import type { PlannedMessage } from '../domain/messaging/plan.js';
import type { CommandKind } from '../domain/ticket/command.js';
import type { TicketEvent } from '../domain/ticket/event.js';
import type { Ticket } from '../domain/ticket/ticket.js';
import type { Instant } from '../domain/time.js';

/** One accepted command, as PostgreSQL is to see it. */
export interface ProjectionStep {
  readonly commandId: string;
  readonly kind: CommandKind;
  readonly actor: Actor;
  readonly role: Role;
  readonly source: Source;
  /** The run that decided it; tells a repeated attempt from a Reset. */
  readonly runId: string;
  readonly at: Instant;
  readonly events: readonly TicketEvent[];
  /** The ticket after these events. */
  readonly ticket: Ticket;
  readonly planned: readonly PlannedMessage[];
}

export interface ProjectionResult {
  /** Highest version stored for the ticket. */
  readonly stored: number;
  /** Another run or another command holds these versions: nothing was written, the workflow has to renumber from `stored`. */
  readonly conflict: boolean;
}

export interface ProjectionActivities {
  /** Records the steps in order, each at most once; a repeated call changes nothing. */
  project(steps: readonly ProjectionStep[]): Promise<ProjectionResult>;
}

export interface DeliveryRequest {
  readonly tenant: TenantId;
  readonly ticketId: TicketId;
  /** The planned message; all its recipients are worked through. */
  readonly message: string;
}

/** How many ledger rows of the message ended how. */
export interface DeliveryResult {
  readonly sent: number;
  readonly failed: number;
  readonly unknown: number;
  readonly suppressed: number;
}

export interface DeliveryActivities {
  /** Sends one planned message to each of its recipients: each at most once, or kept as `unknown`. Throws only what may be tried again. */
  deliver(request: DeliveryRequest): Promise<DeliveryResult>;
}

export interface GiveUpActivities {
  /** Ends what is still open of a message that could not be delivered in its time: `failed`, or `unknown` where the wire was reached. */
  giveUp(request: DeliveryRequest): Promise<DeliveryResult>;
}

export type Activities = ProjectionActivities & DeliveryActivities & GiveUpActivities;
