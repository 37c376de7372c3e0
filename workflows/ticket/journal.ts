/** The state of one ticket's run: what was decided, which commands were handled, what PostgreSQL has not seen yet. */
import { currentUpdateInfo, workflowInfo } from '@temporalio/workflow';
import { originOf } from '../../domain/actor.js';
import type { Origin } from '../../domain/actor.js';
import type { AgentId, TeamId } from '../../domain/ids.js';
import { planMessages } from '../../domain/messaging/plan.js';
import { consider } from '../../domain/sla/commands.js';
import { act, catchUp, follow, happenedAt, nearestOf } from '../../domain/sla/desk.js';
import type { Outcome } from '../../domain/sla/desk.js';
import type { ReplanReason, SlaFact } from '../../domain/sla/facts.js';
import { carried, emptyLedger, ledgerOf, refreshAt, windowsAround, windowsWanted } from '../../domain/sla/ledger.js';
import type { Ledger, WindowsRequest } from '../../domain/sla/ledger.js';
import type { SlaDue } from '../../domain/sla/ladder.js';
import type { Reassignment } from '../../domain/sla/posting.js';
import type { TicketCommand, Verb } from '../../domain/ticket/command.js';
import { asCommand, shapeErrors } from '../../domain/ticket/shape.js';
import type { TicketStep } from '../../domain/ticket/step.js';
import { isClosed, upToDate } from '../../domain/ticket/ticket.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { day } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';
import type { PlanRequest } from '../../activities/contract.js';
import type { TicketStart } from './start.js';
import { refusal } from '../support/refusal.js';
import type { TicketAnswer } from './messages.js';

/** What a run hands to the next one. A change of its form raises `schema` and adds an upgrade in `restoreJournal`. */
export interface TicketCarry {
  readonly schema: 1;
  readonly ticket: Ticket;
  /** The last handled command ids with the version each led to, oldest first. */
  readonly handled: readonly (readonly [commandId: string, version: number])[];
  /** Messages whose delivery has not ended. */
  readonly deliveries: readonly string[];
  /** Absent: of a run that kept no clocks. */
  readonly ledger?: Ledger;
  /** Why the policy is to be looked up again. */
  readonly replan?: Replan | null;
  /** Agents still to be found for the ladder. */
  readonly reassignments?: readonly Reassignment[];
}

/** The policy is to be looked up, because of what happened at an instant. */
export interface Replan {
  readonly reason: ReplanReason;
  readonly at: Instant;
}

export interface TicketInput extends TicketStart {
  readonly carried?: TicketCarry;
}

/** Command ids remembered across runs; the server forgets its own at continue-as-new. */
const remembered = 200;
/** A start whose `open` was lost waits this long for the caller's retry. Source: reliability.md, R5. */
const openWithin = day;

const approvalPattern = /^[A-Za-z0-9_.:-]{1,200}$/;

/** The next instant at which the ticket acts by itself. */
export interface Due {
  readonly at: Instant;
  readonly kind: 'opening' | 'reopen window' | 'wait' | 'clock' | 'open hours';
  /** As operators read it in the timer's summary. */
  readonly what: string;
}

export class Journal {
  readonly handled: Map<string, number>;
  /** Accepted, not yet in PostgreSQL; in version order. */
  readonly pending: TicketStep[] = [];
  /** Messages being delivered. */
  readonly deliveries: Set<string>;
  ticket: Ticket | null;
  ledger: Ledger;
  replan: Replan | null;
  readonly reassignments: Reassignment[];
  /** What is accepted waits for its plan, so that both are seen at once; not for longer than one quick try. */
  private planning = false;
  neverOpened = false;
  private handledInRun = 0;
  private readonly input: TicketInput;
  private readonly startedAt: Instant;

  constructor(input: TicketInput, startedAt: Instant) {
    this.input = input;
    this.startedAt = startedAt;
    const { ticket = null, ledger, replan = null, reassignments = [] } = input.carried ?? {};
    this.ticket = ticket === null ? null : upToDate(ticket);
    this.ledger = ledger ?? (this.ticket === null ? emptyLedger : ledgerOf(this.ticket));
    this.replan = replan;
    this.reassignments = [...reassignments];
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
    const decision = consider(this.ticket, this.ledger, command, now);
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

  /** Applies a command of a caller or of the ticket itself; what was due before it is done first. */
  apply(command: TicketCommand, now: Instant): number {
    this.catchUp(now, happenedAt(command, this.ledger, now));
    const before = this.ticket;
    if (command.kind === 'open' && (command.sla?.set ?? 0) > 0) this.ledger = { ...emptyLedger, planned: false };
    const { expectedVersion: _checkedBefore, ...rest } = command;
    const outcome = act(before, this.ledger, before === null ? command : rest, now);
    if (!outcome.ok) throw refusal(outcome.code, outcome.members);
    this.handledInRun += 1;
    this.remember(command.commandId, outcome.ticket.version);
    this.keep(outcome, command, now);
    const reason = replanReason(before, outcome.ticket, this.ledger);
    if (reason !== null) this.askForPlan({ reason, at: now });
    return outcome.ticket.version;
  }

  /** The ladder found another agent; nobody found, or a ticket closed meanwhile, leaves it as it is. */
  assignByLadder(commandId: string, found: { readonly agent: AgentId; readonly team: TeamId } | null, now: Instant): void {
    if (found === null || this.isOver()) return;
    this.apply({ commandId, actor: 'system/sla', role: 'system', source: 'system', kind: 'assign', ...found }, now);
  }

  /** Does what was due before an instant. */
  catchUp(now: Instant, until = now): void {
    const { ticket: before } = this;
    if (before === null) return;
    const outcome = catchUp(before, this.ledger, now, until);
    this.keep(outcome, this.bySystem(now), now);
    if (before.priority !== outcome.ticket.priority && movesTargets(outcome) && this.ledger.rematchOn.includes('priority')) {
      this.askForPlan({ reason: 'priority', at: now });
    }
  }

  /** Works in what an activity found out for the clocks. */
  tell(fact: SlaFact, now: Instant): void {
    if (this.ticket !== null) this.keep(follow(this.ticket, this.ledger, [fact], now), this.bySystem(now), now);
  }

  /** Somebody has to decide about the ticket, or has; what is said twice, or of a ticket that is over, changes nothing. */
  approval(approval: unknown, open: unknown, now: Instant): void {
    if (this.isOver() || typeof approval !== 'string' || typeof open !== 'boolean' || !approvalPattern.test(approval)) return;
    this.tell({ kind: 'cause', at: now, cause: `approval:${approval}`, on: open }, now);
  }

  /** A message to somebody did not arrive, or nobody knows whether it did; what is said twice is recorded once. */
  deliveryEnded(message: string, outcome: 'failed' | 'unknown', now: Instant): void {
    const commandId = `delivery/${message}`;
    if (this.handled.has(commandId)) return;
    const envelope = { commandId, actor: 'system/outbound', role: 'system', source: 'system' } as const;
    this.apply({ ...envelope, kind: 'deliveryEnded', message, outcome }, now);
  }

  private bySystem(now: Instant): Pick<TicketStep, 'commandId' | 'kind' | 'actor' | 'role' | 'source'> {
    const commandId = `sla/${this.ticket?.version ?? 0}/${now}`;
    return { commandId, kind: 'sla', actor: 'system/sla', role: 'system', source: 'system' };
  }

  private keep(
    { ticket, ledger, events, sla, reassignments }: Outcome,
    by: Pick<TicketStep, 'commandId' | 'kind' | 'actor' | 'role' | 'source'> & Origin,
    now: Instant,
  ): void {
    this.ticket = ticket;
    this.ledger = ledger;
    this.reassignments.push(...reassignments);
    if (events.length === 0 && sla === null) return;
    const planned = planMessages(ticket, events);
    const { commandId, kind, actor, role, source } = by;
    const said = { commandId, kind, actor, role, source, ...originOf(by) };
    const step = { ...said, runId: workflowInfo().runId, at: now, events, ticket, planned };
    this.pending.push(sla === null ? step : { ...step, sla });
  }

  /** Whether what is pending may go to PostgreSQL. */
  isReady(): boolean {
    return !this.planning;
  }

  private askForPlan(replan: Replan): void {
    this.replan = replan;
    this.planning = true;
  }

  /** The plan did not come quickly: what was accepted is brought home without it. */
  planDeferred(): void {
    this.planning = false;
  }

  planned(): void {
    this.replan = null;
    this.planning = false;
  }

  /** The facts by which the policy is looked up. */
  planRequest({ tenant, ticketId }: TicketStart, now: Instant): PlanRequest {
    const { ticket, ledger } = this;
    if (ticket === null) throw new Error('no ticket to plan for');
    const { product, priority, category, channel, team, requester, sla } = ticket;
    const facts = { product, priority, category, channel, team, requester, tags: ticket.texts.tags };
    const { from } = windowsAround(ledger, { targets: {}, rungs: [] }, now);
    const request = { tenant, ticketId, set: sla.set, facts, from, now };
    const reason = this.replan?.reason;
    // Only a move to another team or revision brings another revision of the calendar.
    return ledger.plan === null || reason === 'team' || reason === 'revision' ? request : { ...request, pinned: ledger.plan.calendar };
  }

  windowsWanted(now: Instant): WindowsRequest | null {
    return this.replan === null ? windowsWanted(this.ledger, now) : null;
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
  nextDue(now: Instant): Due | null {
    if (this.ticket === null) return { at: this.startedAt + openWithin, kind: 'opening', what: 'opening' };
    const dues = [this.ownDue(this.ticket), this.clockDue(this.ticket), this.refreshDue(now)].filter((due) => due !== null);
    return dues.reduce<Due | null>((nearest, due) => (nearest === null || due.at < nearest.at ? due : nearest), null);
  }

  private ownDue({ reopenUntil, waitUntil }: Ticket): Due | null {
    if (reopenUntil !== null) return { at: reopenUntil, kind: 'reopen window', what: 'reopen window' };
    return waitUntil === null ? null : { at: waitUntil, kind: 'wait', what: 'wait' };
  }

  /** What happens at the very instant comes before what is due at it: hence a moment later. */
  private clockDue(ticket: Ticket): Due | null {
    const due = nearestOf(ticket, this.ledger);
    return due === null ? null : { at: due.at + 1, kind: 'clock', what: nameOfDue(due) };
  }

  /** Once it is past, the hours are being fetched. */
  private refreshDue(now: Instant): Due | null {
    const at = refreshAt(this.ledger);
    return at === null || at <= now ? null : { at, kind: 'open hours', what: 'open hours' };
  }

  /** Does what is due. */
  fire(due: Due, now: Instant): void {
    const envelope = { commandId: `due/${due.what}/${due.at}`, actor: 'system/ticket', role: 'system', source: 'system' } as const;
    switch (due.kind) {
      case 'opening':
        this.neverOpened = true;
        return;
      case 'reopen window':
        this.apply({ ...envelope, kind: 'close', cause: 'window' }, now);
        return;
      case 'wait':
        this.apply({ ...envelope, kind: 'start', cause: 'until' }, now);
        return;
      case 'clock':
        this.catchUp(now);
        return;
      case 'open hours':
        return; // waking was the point: they are asked for now
    }
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

  answer(version: number, projected: boolean, stored: number): TicketAnswer {
    if (this.ticket === null) throw refusal('ticket.not_found', {});
    return { version, ticket: this.ticket, projected, stored };
  }

  /** The next run's input; only when nothing is pending. */
  carry(now: Instant): TicketInput {
    if (this.ticket === null) return this.input;
    const { ticket, replan, reassignments } = this;
    const carry = { schema: 1, ticket, handled: [...this.handled], deliveries: [...this.deliveries] } as const;
    return { ...this.input, carried: { ...carry, ledger: carried(this.ledger, now), replan, reassignments } };
  }

  private remember(commandId: string, version: number): void {
    this.handled.set(commandId, version);
    for (const oldest of this.handled.keys()) {
      if (this.handled.size <= remembered) break;
      this.handled.delete(oldest);
    }
  }
}

/** Whether a rung that fired wants the raised priority's targets. */
const movesTargets = ({ sla, ledger: { plan } }: Outcome): boolean =>
  (plan?.rungs ?? []).some(
    ({ id, actions }) =>
      actions.some((action) => 'raise_priority' in action && action.raise_priority.retarget === true) &&
      sla?.rungs.some(({ rung }) => rung === id) === true,
  );

/** Why a change asks for the policy again; null: it does not. */
function replanReason(before: Ticket | null, after: Ticket, { rematchOn, teamCalendar }: Ledger): ReplanReason | null {
  if (after.sla.set === 0 || isClosed(after)) return null;
  if (before === null) return 'policy';
  if (before.sla.set !== after.sla.set) return 'revision';
  if (before.priority !== after.priority && rematchOn.includes('priority')) return 'priority';
  if (before.team !== after.team && teamCalendar) return 'team';
  const category = before.category !== after.category && rematchOn.includes('category');
  const tags = before.texts.tags !== after.texts.tags && rematchOn.includes('tags');
  return category || tags ? 'policy' : null;
}

function nameOfDue(due: SlaDue): string {
  if (due.kind === 'unacknowledged') return `acknowledgement e${due.escalation.n}`;
  if (due.kind === 'breach') return `${due.clock.kind} breach`;
  const { when } = due.rung;
  if (when === 'at_breach') return `${due.clock.kind} ${due.rung.id}`;
  if ('percent' in when) return `${due.clock.kind} ${when.percent} %`;
  return `${due.clock.kind} ${due.rung.id}`;
}

/** Fills in what the Web UI leaves out. */
const complete = (kind: Verb, args: unknown): TicketCommand =>
  asCommand(kind, { commandId: currentUpdateInfo()?.id ?? 'unknown', role: 'operator', source: 'operator' }, args);
