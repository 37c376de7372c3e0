/** Who calls, and what of the request a service needs; nothing of HTTP. */
import type { Http2Bindings, HttpBindings } from '@hono/node-server';
import type { TenantLimits } from '../domain/access/limits.js';
import type { Principal } from '../domain/access/principal.js';
import type { ApprovalFacts } from '../db/queries/approvals.js';
import type { WholeEscalation } from '../db/queries/escalations.js';
import type { HandoffFacts } from '../db/queries/handoffs.js';
import type { JourneyFacts } from '../db/queries/journeys.js';
import type { TicketFacts, WholeTicket } from '../db/queries/tickets.js';
import type { Claim } from '../db/queries/idempotency.js';
import type { Deps } from './deps.js';
import { DatabaseLate } from './errors.js';
import type { Refusal } from './errors.js';
import type { Unit } from './unit.js';

/** Who asks, by when they want an answer. */
export interface Reader {
  readonly principal: Principal;
  /** The id of the request, as the answer names it. */
  readonly requestId: string;
  /** Epoch milliseconds from which on the caller waits. */
  readonly receivedAt: number;
  /** Epoch milliseconds at which the answer is due. */
  readonly deadline: number;
  /** The transaction in which the ticket of the address was looked at. */
  readonly unit?: Unit;
}

/** A reader who changes something. */
export interface Caller extends Reader {
  /** Hex SHA-256 of tenant, principal, method, path and key. */
  readonly scope: string;
  /** Derived from the scope: the same request again is the same command. */
  readonly commandId: string;
  /** The caller's Idempotency-Key, or one made for this call. */
  readonly key: string;
  /** To be written before the command is sent; null when the caller sent no key. */
  readonly claim: (Claim & { held: boolean }) | null;
  /** From If-Match; `never` when it names no version at all. */
  readonly expected: number | 'never' | null;
  /** The caller does not wait for the result. */
  readonly async: boolean;
}

export interface Env {
  /** What the server knows of the connection; under tests there is none. */
  Bindings: Partial<HttpBindings | Http2Bindings>;
  Variables: {
    deps: Deps;
    requestId: string;
    startedAt: number;
    /** Epoch milliseconds from which on the caller waits: receiving a body has its own time. */
    receivedAt: number;
    /** Epoch milliseconds at which the answer is due. */
    deadline: number;
    principal: Principal;
    /** By what they are known: `key/<id>`, or the person where a token says who it is. */
    credential: string;
    /** What their tenant changed of the usual limits. */
    limits: TenantLimits;
    /** The request was counted: more than one route may fit its address. */
    metered?: true;
    /** Who the caller is by now, for answers that go on: throws as at the beginning when the credential has lost its worth. */
    again: () => Promise<Principal>;
    /** What was received as a JSON body; or what is wrong with it, for when its turn comes. */
    body: Uint8Array | Refusal;
    /** On routes below `/tickets/{ticketId}`: the ticket, seen and allowed. */
    ticket: TicketFacts;
    /** The same with all its reader sees of it, where the guard says so. */
    whole: WholeTicket;
    /** On routes below `/escalations/{escalationId}`: the escalation, seen and allowed. */
    escalation: WholeEscalation;
    /** On routes below `/journeys/{journeyId}`, `/handoffs/{handoffId}`, `/approvals/{approvalId}`: what the address names, seen and allowed. */
    journey: JourneyFacts;
    handoff: HandoffFacts;
    approval: ApprovalFacts;
    /** The transaction in which it was looked at. */
    unit?: Unit;
    /** For metrics and the log: what became of a command. */
    outcome: string;
  };
}

/** The reader behind a request. */
export const readerOf = ({ principal, requestId, receivedAt, deadline, unit }: Env['Variables']): Reader => ({
  principal,
  requestId,
  receivedAt,
  deadline,
  ...(unit === undefined ? {} : { unit }),
});

/**
 * The work's result, if it comes in time; work that comes late goes on unheard.
 *
 * @throws DatabaseLate
 */
export async function before<T>(deadline: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DatabaseLate('no answer in time')), Math.max(0, deadline - Date.now()));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
