/** The state of one ticket's run: what was decided, which commands were handled, what PostgreSQL has not seen yet. */
import { ApplicationFailure, currentUpdateInfo, workflowInfo } from '@temporalio/workflow';
import type { Members } from '../../domain/decision.js';
import { planMessages } from '../../domain/messaging/plan.js';
import type { TicketCommand, Verb } from '../../domain/ticket/command.js';
import { decide } from '../../domain/ticket/decide.js';
import { asCommand, shapeErrors } from '../../domain/ticket/shape.js';
import type { TicketStep } from '../../domain/ticket/step.js';
import { isClosed } from '../../domain/ticket/ticket.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { day } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';
import type { TicketStart } from '../names.js';
import type { TicketAnswer } from './messages.js';

/** What a run hands to the next one. A change of its form raises `schema` and adds an upgrade in `restoreJournal`. */
export interface TicketCarry {
  readonly schema: 1;
  readonly ticket: Ticket;
  /** The last handled command ids with the version each led to, oldest first. */
  readonly handled: readonly (readonly [commandId: string, version: number])[];
  /** Messages whose delivery has not ended. */
  readonly deliveries: readonly string[];
}

export interface TicketInput extends TicketStart {
  readonly carried?: TicketCarry;
}

/** Command ids remembered across runs; the server forgets its own at continue-as-new. */
const remembered = 200;
/** A start whose `open` was lost waits this long for the caller's retry. Source: reliability.md, R5. */
const openWithin = day;

/** The next instant at which the ticket acts by itself. */
export interface Due {
  readonly at: Instant;
  readonly what: 'opening' | 'reopen window' | 'wait';
}

export class Journal {
  readonly handled: Map<string, number>;
  /** Accepted, not yet in PostgreSQL; in version order. */
  readonly pending: TicketStep[] = [];
  /** Messages being delivered. */
  readonly deliveries: Set<string>;
  ticket: Ticket | null;
  neverOpened = false;
  private handledInRun = 0;
  private readonly input: TicketInput;
  private readonly startedAt: Instant;

  constructor(input: TicketInput, startedAt: Instant) {
    this.input = input;
    this.startedAt = startedAt;
    this.ticket = input.carried?.ticket ?? null;
    this.handled = new Map(input.carried?.handled);
    this.deliveries = new Set(input.carried?.deliveries);
  }

  /** Refuses, without leaving a trace, what the rules do not allow. */
  check(kind: Verb, args: unknown, now: Instant): void {
    const errors = shapeErrors(kind, args);
    if (errors.length > 0) {
      throw refusal('invalid_request', { errors: errors.map(({ field, rule }) => `${field} ${rule}`) });
    }
    const command = complete(kind, args);
    if (this.handled.has(command.commandId)) return;
    const decision = decide(this.ticket, command, now);
    if (!decision.ok) throw refusal(decision.code, decision.members);
  }

  /**
   * Applies a command that `check` let pass.
   *
   * @returns the version it led to; of the first time, when the command was handled before
   */
  accept(kind: Verb, args: unknown, now: Instant): number {
    const command = complete(kind, args);
    const before = this.handled.get(command.commandId);
    return before ?? this.apply(command, now);
  }

  /** Applies a command of a caller or of the ticket itself. */
  apply(command: TicketCommand, now: Instant): number {
    const decision = decide(this.ticket, command, now);
    if (!decision.ok) throw refusal(decision.code, decision.members);
    const { state: ticket, events } = decision;
    this.ticket = ticket;
    this.handledInRun += 1;
    this.remember(command.commandId, ticket.version);
    if (events.length > 0) {
      const { commandId, kind, actor, role, source } = command;
      const planned = planMessages(ticket, events);
      this.pending.push({ commandId, kind, actor, role, source, runId: workflowInfo().runId, at: now, events, ticket, planned });
    }
    return ticket.version;
  }

  /**
   * PostgreSQL holds these versions from another run or a lost attempt: what is pending is numbered anew behind them,
   * and one event says so.
   */
  rebase(stored: number, now: Instant): void {
    let version = stored;
    const steps = this.pending.splice(0).map((step) => {
      const events = step.events.map((event) => ({ ...event, version: (version += 1) }));
      return { ...step, events, ticket: { ...step.ticket, version } };
    });
    if (this.ticket === null) return;
    version += 1;
    const from = this.ticket.version;
    this.ticket = { ...this.ticket, version };
    const rebased: TicketStep = {
      commandId: `rebase/${workflowInfo().runId}/${version}`,
      kind: 'edit',
      actor: 'system/ticket',
      role: 'system',
      source: 'system',
      runId: workflowInfo().runId,
      at: now,
      events: [{ type: 'ticket.rebased', version, data: { from, stored } }],
      ticket: this.ticket,
      planned: [],
    };
    this.pending.push(...steps, rebased);
  }

  /** The nearest instant at which something happens by itself; null: nothing is due. */
  nextDue(): Due | null {
    if (this.ticket === null) return { at: this.startedAt + openWithin, what: 'opening' };
    const { reopenUntil, waitUntil } = this.ticket;
    if (reopenUntil !== null) return { at: reopenUntil, what: 'reopen window' };
    return waitUntil === null ? null : { at: waitUntil, what: 'wait' };
  }

  /** Does what is due. */
  fire(due: Due, now: Instant): void {
    const envelope = { commandId: `due/${due.what}/${due.at}`, actor: 'system/ticket', role: 'system', source: 'system' } as const;
    if (due.what === 'opening') this.neverOpened = true;
    else if (due.what === 'reopen window') this.apply({ ...envelope, kind: 'close', cause: 'window' }, now);
    else this.apply({ ...envelope, kind: 'start', cause: 'until' }, now);
  }

  /** Somebody asked the server to cancel the run: the ticket ends as a closed one, so that no row stays open without a workflow. */
  cancel(now: Instant): void {
    if (this.isOver()) return;
    if (this.ticket === null) this.neverOpened = true;
    else
      this.apply(
        { commandId: 'cancel', actor: 'system/cancel', role: 'operator', source: 'operator', kind: 'close', cause: 'cancelled' },
        now,
      );
  }

  isOver(): boolean {
    return this.neverOpened || (this.ticket !== null && isClosed(this.ticket));
  }

  shouldContinue(): boolean {
    return workflowInfo().continueAsNewSuggested || this.handledInRun >= this.input.continueAfter;
  }

  answer(version: number, projected: boolean): TicketAnswer {
    if (this.ticket === null) throw refusal('ticket.not_found', {});
    return { version, ticket: this.ticket, projected };
  }

  /** The next run's input; only when nothing is pending. */
  carry(): TicketInput {
    const { tenant, ticketId, outboundQueue, continueAfter } = this.input;
    const base = { tenant, ticketId, outboundQueue, continueAfter };
    if (this.ticket === null) return base;
    return { ...base, carried: { schema: 1, ticket: this.ticket, handled: [...this.handled], deliveries: [...this.deliveries] } };
  }

  private remember(commandId: string, version: number): void {
    this.handled.set(commandId, version);
    for (const oldest of this.handled.keys()) {
      if (this.handled.size <= remembered) break;
      this.handled.delete(oldest);
    }
  }
}

/** Fills in what the Web UI leaves out. */
const complete = (kind: Verb, args: unknown): TicketCommand =>
  asCommand(kind, { commandId: currentUpdateInfo()?.id ?? 'unknown', role: 'operator', source: 'operator' }, args);

/** A refusal as callers read it by code and members, and operators, in the form of the Web UI, by its message. */
function refusal(code: string, members: Members): ApplicationFailure {
  const said = Object.entries(members).map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : String(value)}`);
  const failure = ApplicationFailure.create({ type: code, message: [code, ...said].join(' · '), nonRetryable: true, details: [members] });
  // Where in our code it was said helps nobody who typed a wrong value.
  failure.stack = '';
  return failure;
}
