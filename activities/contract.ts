/** What workflows may ask of the outside, as types only; `index.ts` has the implementation. All arguments are plain JSON: ids, enums, numbers, instants. */
import type { TenantId, TicketId } from '../domain/ids.js';
import type { TicketStep } from '../domain/ticket/step.js';

export interface ProjectionResult {
  /** Highest version stored for the ticket. */
  readonly stored: number;
  /** Another run or another command holds these versions: nothing was written, the workflow has to renumber from `stored`. */
  readonly conflict: boolean;
}

export interface ProjectionActivities {
  /** Records the steps in order, each at most once; a repeated call changes nothing. */
  readonly project: (steps: readonly TicketStep[]) => Promise<ProjectionResult>;
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
  readonly deliver: (request: DeliveryRequest) => Promise<DeliveryResult>;
}

export interface GiveUpActivities {
  /** Ends what is still open of a message that could not be delivered in its time: `failed`, or `unknown` where the wire was reached. */
  readonly giveUp: (request: DeliveryRequest) => Promise<DeliveryResult>;
}

export type Activities = ProjectionActivities & DeliveryActivities & GiveUpActivities;
