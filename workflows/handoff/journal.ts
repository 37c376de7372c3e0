/** The state of one handoff's run: what its rules decided, which commands were handled, what PostgreSQL and the journey have not heard yet. */
import { currentUpdateInfo, workflowInfo } from '@temporalio/workflow';
import { originOf } from '../../domain/actor.js';
import type { HandoffCommand, HandoffVerb } from '../../domain/handoff/command.js';
import { handoffIdOf, isOver, view } from '../../domain/handoff/ledger.js';
import type { HandoffLedger, HandoffStep } from '../../domain/handoff/ledger.js';
import { nextDue, open, outstanding, report, tell, wake } from '../../domain/handoff/machine.js';
import { asHandoffCommand, handoffShapeErrors } from '../../domain/handoff/shape.js';
import type { HandoffEvent } from '../../domain/handoff/event.js';
import { command } from '../../domain/handoff/verbs.js';
import type { Effect, EffectId, HandoffReport, Report } from '../../domain/journey/run/effect.js';
import type { Doer } from '../../domain/journey/run/event.js';
import type { HandoffRecord, HandoffView } from '../../domain/journey/run/record.js';
import type { Instant } from '../../domain/time.js';
import type { HandoffRun } from './start.js';
import { Handled } from '../support/handled.js';
import { refusal } from '../support/refusal.js';
import type { Due } from '../support/watcher.js';
import type { Told } from './messages.js';

/** What a run hands to the next one. A change of its form raises `schema` and adds an upgrade in `Journal`. */
export interface HandoffCarry {
  readonly schema: 1;
  readonly ledger: HandoffLedger;
  /** The last handled ids of commands and words with the version each led to, oldest first. */
  readonly handled: readonly (readonly [commandId: string, version: number])[];
}

export interface HandoffInput extends HandoffRun {
  readonly carried?: HandoffCarry;
}

/** Events kept for operators. */
const mostShown = 8;

interface Outside {
  readonly carryOut: (effects: readonly Effect[]) => void;
  readonly report: (reports: readonly HandoffReport[]) => void;
}

export class Journal {
  /** Accepted, not yet in PostgreSQL; in version order. */
  readonly pending: HandoffRecord[] = [];
  private ledger: HandoffLedger;
  private readonly input: HandoffInput;
  private readonly handled: Handled<number>;
  private readonly outside: Outside;
  private happened = 0;
  private newest: readonly HandoffEvent[] = [];

  constructor(input: HandoffInput, now: Instant, outside: Outside) {
    this.input = input;
    this.outside = outside;
    this.handled = new Handled(input.carried?.handled);
    if (input.carried === undefined) {
      const step = open(input.start, now);
      this.ledger = step.state;
      this.keep(step, system('open', 'open'), now);
    } else {
      this.ledger = input.carried.ledger;
      outside.carryOut(outstanding(this.ledger));
    }
  }

  /** Refuses, without leaving a trace, what the rules do not allow. */
  check(verb: HandoffVerb, args: unknown, now: Instant): void {
    const errors = handoffShapeErrors(verb, args);
    if (errors.length > 0) throw refusal('invalid_request', { errors: errors.map(({ field, rule }) => `${field} ${rule}`) });
    const order = complete(verb, args);
    if (this.handled.has(order.commandId)) return;
    const decision = command(wake(this.ledger, now).state, order, now);
    if (!decision.ok) throw refusal(decision.code, decision.members);
  }

  /**
   * Applies a command that `check` let pass; what was due before it is done first.
   *
   * @returns the version it led to; of the first time, when the command was handled before
   */
  accept(verb: HandoffVerb, args: unknown, now: Instant): number {
    const order = complete(verb, args);
    const before = this.handled.get(order.commandId);
    if (before !== undefined) return before;
    this.fire({ at: now, what: 'due' }, now);
    const decision = command(this.ledger, order, now);
    if (!decision.ok) throw refusal(decision.code, decision.members);
    const { commandId, kind, actor, role, source } = order;
    this.keep(decision, { commandId, kind, actor, role, source, ...originOf(order) }, now);
    this.handled.set(commandId, this.ledger.version);
    return this.ledger.version;
  }

  /** Takes what the journey says, once. */
  told({ id, word }: Told, now: Instant): void {
    const commandId = `tell/${id}`;
    if (this.handled.has(commandId)) return;
    this.keep(tell(this.ledger, word, now), system(commandId, word.kind), now);
    this.handled.set(commandId, this.ledger.version);
  }

  /** Takes an answer. */
  tell(fact: Report, now: Instant): void {
    const effect = 'effect' in fact ? fact.effect : fact.kind;
    this.keep(report(this.ledger, fact, now), system(`${fact.kind}/${effect}`, fact.kind), now);
  }

  nextDue(): Due | null {
    const at = nextDue(this.ledger);
    return at === null ? null : { at, what: this.ledger.state };
  }

  /** Does what is due. */
  fire({ at, what }: Due, now: Instant): void {
    this.keep(wake(this.ledger, now), system(`due/${what}/${at}`, 'due'), now);
  }

  /** Its journey is over, or somebody asked the server to cancel the run. */
  cancel(now: Instant): void {
    this.keep(tell(this.ledger, { kind: 'cancel' }, now), system('cancel', 'cancel'), now);
  }

  /** PostgreSQL holds these versions from another run or a lost attempt: what is pending is numbered anew behind them, and one event says so. */
  rebase(stored: number, now: Instant): void {
    let version = stored;
    const records = this.pending.splice(0).map((record) => {
      const events = record.events.map((event) => ({ ...event, seq: (version += 1) }));
      return { ...record, events, view: { ...record.view, version } };
    });
    const from = this.ledger.version;
    version += 1;
    this.ledger = { ...this.ledger, version };
    const rebased: HandoffRecord = {
      ...this.head(),
      doer: system(`rebase/${workflowInfo().runId}/${version}`, 'rebase'),
      at: now,
      events: [{ type: 'handoff.rebased', seq: version, at: now, data: { from, stored } }],
      view: view(this.ledger),
      gate: this.ledger.gate,
    };
    this.pending.push(...records, rebased);
  }

  view(): HandoffView {
    return view(this.ledger);
  }

  version(): number {
    return this.ledger.version;
  }

  lastEvents(): readonly HandoffEvent[] {
    return this.newest;
  }

  awaited(): readonly EffectId[] {
    return outstanding(this.ledger).map(({ id }) => id);
  }

  /** What keeps it from going on; null: nothing. */
  incident(): string | null {
    return this.ledger.parked?.incident ?? null;
  }

  isOver(): boolean {
    return isOver(this.ledger);
  }

  shouldContinue(): boolean {
    return workflowInfo().continueAsNewSuggested || this.happened >= this.input.continueAfter;
  }

  /** The next run's input; only when nothing is pending. */
  carry(): HandoffInput {
    return { ...this.input, carried: { schema: 1, ledger: this.ledger, handled: this.handled.entries() } };
  }

  private keep({ state, events, effects, reports }: HandoffStep, doer: Doer, now: Instant): void {
    const { gate: before } = this.ledger;
    this.ledger = state;
    if (events.length > 0) {
      this.happened += 1;
      this.newest = [...this.newest, ...events].slice(-mostShown);
      const gate = state.gate === before ? null : state.gate;
      this.pending.push({ ...this.head(), doer, at: now, events, view: view(state), gate });
    }
    this.outside.carryOut(effects);
    this.outside.report(reports);
  }

  private head(): Pick<HandoffRecord, 'tenant' | 'handoffId' | 'runId'> {
    return { tenant: this.input.tenant, handoffId: handoffIdOf(this.input.start), runId: workflowInfo().runId };
  }
}

/** Fills in what the Web UI leaves out. */
const complete = (verb: HandoffVerb, args: unknown): HandoffCommand =>
  asHandoffCommand(verb, { commandId: currentUpdateInfo()?.id ?? 'unknown', role: 'operator', source: 'operator' }, args);

const system = (commandId: string, kind: string): Doer => ({ commandId, kind, actor: 'system/handoff', role: 'system', source: 'system' });
