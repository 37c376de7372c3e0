/** What actions ask of the packages around the desk. The real ones are in `adapters/`, the worker wires them. */
import type { JsonObject } from '../../domain/journey/json.js';
import type { AgentId, TeamId, TenantId, TicketId } from '../../domain/ids.js';

/** What every call carries. */
export interface PackageCall {
  /** Names the effect: the same key again must have no second one. */
  readonly key: string;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
}

/**
 * How a call failed. `unavailable`: nobody there, or too busy; `timeout`: no answer in time; `rejected`: a clear no; `unreadable`: a yes that
 * cannot be read; `not_configured`: nobody has said where the package is.
 */
export type PackageFault = 'unavailable' | 'timeout' | 'rejected' | 'unreadable' | 'not_configured';

export interface PackageErrorOptions extends ErrorOptions {
  /** The package's own code of a refusal. */
  readonly code?: string | null;
  /** It may have done what it was asked. */
  readonly ambiguous?: boolean;
}

/** A call that did not end with an answer. */
export class PackageError extends Error {
  override readonly name = 'PackageError';
  readonly fault: PackageFault;
  readonly code: string | null;
  readonly ambiguous: boolean;

  constructor(fault: PackageFault, text: string, { code = null, ambiguous = false, ...options }: PackageErrorOptions = {}) {
    super(text, options);
    this.fault = fault;
    this.code = code;
    this.ambiguous = ambiguous;
  }
}

/**
 * Asks a package for one thing, in one attempt, never by itself again. Input and answer are as the action of that name declares them; what the
 * answer holds besides is of no use to anybody.
 *
 * @throws PackageError
 */
export type Operation = (input: JsonObject, call: PackageCall) => Promise<JsonObject>;

/** Every package can be handed work. */
export interface HandoffReceiver {
  readonly acceptHandoff: Operation;
}

export interface Crm extends HandoffReceiver {
  readonly qualifyLead: Operation;
  readonly recommendPlan: Operation;
}

export interface Billing extends HandoffReceiver {
  readonly charge: Operation;
  readonly refund: Operation;
}

export type FieldOperations = HandoffReceiver;

export interface BusinessLogic extends HandoffReceiver {
  readonly analyzeUsage: Operation;
  readonly testService: Operation;
}

/** The tickets of one system: the desk's own, or those of a support system beside it. */
export interface Tickets {
  readonly triage: (tenant: TenantId, input: JsonObject, call: PackageCall) => Promise<JsonObject>;
  readonly assign: (tenant: TenantId, input: JsonObject, call: PackageCall) => Promise<JsonObject>;
}

/** Everything the built-in actions need. */
export interface ActionPorts {
  readonly crm: Crm;
  readonly billing: Billing;
  readonly fieldOperations: FieldOperations;
  readonly businessLogic: BusinessLogic;
  readonly support: HandoffReceiver;
  readonly tickets: Tickets;
}

/** One command of a journey to a ticket of the desk. */
export interface TicketOrder {
  readonly ticketId: TicketId;
  /** The same id again gets the first answer. */
  readonly commandId: string;
}

/** The commands journeys give to the desk's own tickets. */
export interface TicketOrders {
  /** @throws CommandRefused, TicketGone; anything else may be tried again */
  edit(order: TicketOrder, fields: { readonly category: string }): Promise<void>;
  /**
   * Gives the ticket to somebody, unless somebody has it.
   *
   * @returns who has it now; null: somebody took it before this order came
   * @throws CommandRefused, TicketGone; anything else may be tried again
   */
  assign(order: TicketOrder, fields: { readonly agent: AgentId; readonly team: TeamId }): Promise<AgentId | null>;
}

/** No workflow runs under the number: the ticket is closed. */
export class TicketGone extends Error {
  override readonly name = 'TicketGone';
}
