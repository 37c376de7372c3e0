/** The state of one journey's run: what its rules decided, which commands were handled, what PostgreSQL has not seen yet. */
import { currentUpdateInfo, workflowInfo } from '@temporalio/workflow';
import { originOf } from '../../domain/actor.js';
import { handoffIdOf } from '../../domain/handoff/ledger.js';
import { asJourneyCommand, journeyShapeErrors } from '../../domain/journey/shape.js';
import type { OpenJourneyFields } from '../../domain/journey/shape.js';
import type { Members } from '../../domain/decision.js';
import type { CompiledTemplate } from '../../domain/journey/compile.js';
import type { JourneyCommand, JourneyEnvelope, JourneyVerb } from '../../domain/journey/run/command.js';
import type { Effect, EffectId, HandoffState, Report } from '../../domain/journey/run/effect.js';
import type { Doer, JourneyEvent } from '../../domain/journey/run/event.js';
import type { JourneyRecord, JourneyView } from '../../domain/journey/run/record.js';
import { begin, command, gatesOf, nextDue, outstanding, report, view, visitsOf, wake } from '../../domain/journey/run/reduce.js';
import type { JourneyState, Reaction } from '../../domain/journey/run/reduce.js';
import type { VisitView } from '../../domain/journey/run/state.js';
import { day } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';
import type { JourneyRef } from '../../activities/contract.js';
import type { JourneyRun } from './start.js';
import { now as clock } from '../support/clock.js';
import { Handled } from '../support/handled.js';
import { refusal } from '../support/refusal.js';
import type { Due } from '../support/watcher.js';
import type { News } from './effects.js';
import type { Parent } from './messages.js';

/** What a run hands to the next one. A change of its form raises `schema` and adds an upgrade in `Journal`. */
export interface JourneyCarry {
  readonly schema: 1;
  readonly state: JourneyState;
  /** The last handled command ids with what each led to, oldest first. */
  readonly handled: readonly (readonly [commandId: string, done: Done])[];
  /** Handoffs that were opened and have not told their end. */
  readonly handoffs: readonly string[];
  /** Steps of other journeys that wait for the end of this one; absent: none. */
  readonly followers?: readonly Parent[];
}

/** What a command led to. */
export interface Done {
  readonly version: number;
  readonly said: Members;
}

export interface JourneyInput extends JourneyRun {
  readonly carried?: JourneyCarry;
}

/** A start whose `open` was lost waits this long for the caller's retry. Source: reliability.md, R5. */
const openWithin = day;
/** Events kept for operators. */
const mostShown = 8;
/** States after which a handoff has no more to say. */
const endOfHandoff: readonly HandoffState[] = ['completed', 'rejected', 'returned', 'cancelled'];

export class Journal {
  /** Accepted, not yet in PostgreSQL; in version order. */
  readonly pending: JourneyRecord[] = [];
  state: JourneyState | null;
  template: CompiledTemplate | null = null;
  neverOpened = false;
  private readonly input: JourneyInput;
  private readonly handled: Handled<Done>;
  private readonly startedAt: Instant;
  private readonly carryOut: (effects: readonly Effect[]) => void;
  /** Facts that came before the rules could be asked. */
  private readonly early: Report[] = [];
  private readonly handoffs: Set<string>;
  /** Steps that a person wants to be tried again, whatever became of the last attempt; until it begins. */
  private readonly released = new Set<string>();
  private readonly followers: Parent[];
  private toldParent = false;
  private happened = 0;
  /** For operators: the newest events, oldest first. */
  private newest: readonly JourneyEvent[] = [];

  constructor(input: JourneyInput, startedAt: Instant, carryOut: (effects: readonly Effect[]) => void) {
    this.input = input;
    this.startedAt = startedAt;
    this.carryOut = carryOut;
    this.state = input.carried?.state ?? null;
    this.handled = new Handled(input.carried?.handled);
    this.handoffs = new Set(input.carried?.handoffs);
    this.followers = [...(input.carried?.followers ?? [])];
  }

  /** From here on the rules can be asked; what the last run had not finished is begun again. */
  begun(template: CompiledTemplate): void {
    this.template = template;
    if (this.state !== null) this.carryOut(outstanding(template, this.state));
    this.heard();
  }

  /** There is no such template: nothing can be begun. */
  abandon(): void {
    if (this.state === null) this.neverOpened = true;
  }

  /** Refuses, without leaving a trace, what the rules do not allow. Before the template is there, only what cannot be read is refused. */
  check(verb: JourneyVerb, args: unknown, now: Instant): void {
    readable(verb, args);
    const order = complete(verb, args);
    if (this.handled.has(order.commandId) || this.template === null) return;
    const decision = command(this.template, this.opened(), order, now);
    if (!decision.ok) throw refusal(decision.code, decision.members);
  }

  /** Applies a command that `check` let pass. */
  accept(verb: JourneyVerb, args: unknown, now: Instant): Done {
    const order = complete(verb, args);
    const before = this.handled.get(order.commandId);
    if (before !== undefined) return before;
    const decision = command(this.rules(), this.opened(), order, now);
    if (!decision.ok) throw refusal(decision.code, decision.members);
    if (order.kind === 'retry') this.released.add(order.step);
    this.keep(decision, doerOf(order), now);
    return this.remember(order.commandId, decision.said);
  }

  checkOpening(args: unknown): void {
    readable('open', args);
  }

  /** Begins the journey, unless somebody has: two who start the same one at once meet here. */
  open(args: OpenJourneyFields & Partial<JourneyEnvelope>, now: Instant): Done & { readonly entry: 'started' | 'existing' } {
    const { subject, entry, input, requester, trigger, parent } = args;
    const envelope = { ...missing(), ...args };
    const before = this.handled.get(envelope.commandId);
    if (before !== undefined) return { ...before, entry: 'started' };
    if (this.state?.end != null) throw refusal('journey_ended', {});
    if (this.state !== null) return { version: this.state.version, said: {}, entry: 'existing' };
    const { journeyId, tenant, template, entryKey } = this.input;
    const start = { journeyId, tenant, template, entryKey, subject, entry, input, requester, trigger, parent, startedAt: now };
    const { commandId, actor = 'system/journey', role, source } = envelope;
    const doer = { commandId, kind: 'open', actor, role, source, ...originOf(envelope) };
    this.keep(begin(this.rules(), start, doer, now), doer, now);
    this.heard();
    return { ...this.remember(commandId, {}), entry: 'started' };
  }

  /** Takes an answer or a fact; one that comes before the journey is open waits for it. */
  tell(fact: Report, now: Instant): void {
    if (this.state === null || this.template === null) {
      this.early.push(fact);
      return;
    }
    const { version } = this.state;
    if (fact.kind === 'handoff' && endOfHandoff.includes(fact.report.state)) this.handoffs.delete(fact.report.handoff);
    this.keep(report(this.rules(), this.state, fact, now), system(`${fact.kind}/${causeOf(fact) ?? version}`, fact.kind), now);
  }

  /** The nearest instant at which something happens by itself; null: nothing is due. */
  nextDue(): Due | null {
    if (this.isOver()) return null;
    if (this.state === null) return { at: this.startedAt + openWithin, what: 'opening' };
    return this.template === null ? null : nextDue(this.template, this.state);
  }

  /** Does what is due. */
  fire(due: Due, now: Instant): void {
    if (this.state === null) this.neverOpened = true;
    else
      this.keep(wake(this.rules(), this.state, now), system(`due/${due.what.replace(/[^A-Za-z0-9._:/-]+/g, '-')}/${due.at}`, 'due'), now);
  }

  /** Somebody asked the server to cancel the run: the journey ends as one that was cancelled, so that no row stays open without a workflow. */
  cancel(now: Instant): void {
    if (this.isOver()) return;
    if (this.state === null || this.template === null) {
      this.neverOpened = this.state === null;
      return;
    }
    const order: JourneyCommand = {
      kind: 'cancel',
      commandId: 'cancel',
      actor: 'system/cancel',
      role: 'system',
      source: 'system',
      cause: 'cancelled',
    };
    const decision = command(this.template, this.state, order, now);
    if (decision.ok) this.keep(decision, doerOf(order), now);
  }

  /**
   * PostgreSQL holds these versions from another run or a lost attempt: what is pending is numbered anew behind them, and one event says so,
   * with everything that is open.
   */
  rebase(stored: number, now: Instant): void {
    let version = stored;
    const records = this.pending.splice(0).map((record) => {
      const events = record.events.map((event) => ({ ...event, seq: (version += 1) }));
      return { ...record, events, view: { ...record.view, version } };
    });
    const { state, template } = this;
    if (state === null || template === null) return;
    const from = state.version;
    version += 1;
    this.state = { ...state, version };
    const { runId } = workflowInfo();
    const rebased: JourneyRecord = {
      ...this.head(),
      doer: system(`rebase/${runId}/${version}`, 'rebase'),
      at: now,
      events: [{ type: 'journey.rebased', seq: version, at: now, data: { from, stored } }],
      view: view(template, this.state),
      visits: visitsOf(template, this.state),
      gates: gatesOf(this.state),
    };
    this.pending.push(...records, rebased);
  }

  view(): JourneyView | null {
    return this.state === null || this.template === null ? null : view(this.template, this.state);
  }

  /** The journey as it is now, for an answer. */
  seen(): JourneyView {
    return view(this.rules(), this.opened());
  }

  version(): number {
    return this.state?.version ?? 0;
  }

  requester(): string | null {
    return this.state?.start.requester ?? null;
  }

  lastEvents(): readonly JourneyEvent[] {
    return this.newest;
  }

  /** Names of what has begun and is not answered. */
  awaited(): readonly EffectId[] {
    return this.state === null || this.template === null ? [] : outstanding(this.template, this.state).map(({ id }) => id);
  }

  /** Whether a person wants this attempt, whatever became of the last one; asked once. */
  isReleased(step: string): boolean {
    return this.released.delete(step);
  }

  /** Handoffs nobody has called off yet. */
  openHandoffs(): readonly string[] {
    return [...this.handoffs];
  }

  /** Another step waits for the end; one that was told of before is known. */
  follow({ journeyId, effect }: Parent): void {
    if (!this.followers.some((one) => one.journeyId === journeyId && one.effect === effect)) this.followers.push({ journeyId, effect });
  }

  /** How it ended, for each step that waits for it and has not been told; empty while it has not. */
  news(): readonly News[] {
    const { start, end } = this.state ?? { start: null, end: null };
    if (end === null) return [];
    const parents = [...(start?.parent == null || this.toldParent ? [] : [start.parent]), ...this.followers.splice(0)];
    this.toldParent = true;
    return parents.map((parent) => ({ parent, outcome: end.outcome, result: end.result }));
  }

  visits(): readonly VisitView[] {
    return this.state === null || this.template === null ? [] : visitsOf(this.template, this.state);
  }

  /** Whom activities work for. */
  ref(): JourneyRef {
    const { journeyId, tenant, template } = this.input;
    return { journeyId, tenant, template, subject: this.opened().start.subject };
  }

  isReady(): boolean {
    return this.template !== null;
  }

  isOver(): boolean {
    return this.neverOpened || (this.state !== null && this.state.end !== null);
  }

  shouldContinue(): boolean {
    return workflowInfo().continueAsNewSuggested || this.happened >= this.input.continueAfter;
  }

  /** The next run's input; only when nothing is pending. */
  carry(): JourneyInput {
    if (this.state === null) return this.input;
    const followers = this.followers.length === 0 ? {} : { followers: this.followers };
    return {
      ...this.input,
      carried: { schema: 1, state: this.state, handled: this.handled.entries(), handoffs: this.openHandoffs(), ...followers },
    };
  }

  private heard(): void {
    if (this.state === null || this.template === null) return;
    for (const fact of this.early.splice(0)) this.tell(fact, clock());
  }

  private keep({ state, events, visits, gates, effects }: Reaction, doer: Doer, now: Instant): void {
    this.state = state;
    this.happened += 1;
    this.newest = [...this.newest, ...events].slice(-mostShown);
    if (events.length > 0 || visits.length > 0 || gates.length > 0) {
      this.pending.push({ ...this.head(), doer, at: now, events, view: view(this.rules(), state), visits, gates });
    }
    for (const effect of effects) {
      if (effect.kind === 'openHandoff') this.handoffs.add(handoffIdOf(effect.start));
      if (effect.kind === 'tellHandoff' && effect.word.kind === 'cancel') this.handoffs.delete(effect.handoff);
    }
    this.carryOut(effects);
  }

  private head(): Pick<JourneyRecord, 'tenant' | 'journeyId' | 'runId'> {
    const { journeyId, tenant } = this.input;
    return { tenant, journeyId, runId: workflowInfo().runId };
  }

  private remember(commandId: string, said: Members): Done {
    const done = { version: this.opened().version, said };
    this.handled.set(commandId, done);
    return done;
  }

  private rules(): CompiledTemplate {
    if (this.template === null) throw new Error('the template is not there yet');
    return this.template;
  }

  private opened(): JourneyState {
    if (this.state === null) throw refusal('not_found', {});
    return this.state;
  }
}

/** Operators type by hand. */
function readable(verb: JourneyVerb | 'open', args: unknown): void {
  const errors = journeyShapeErrors(verb, args);
  if (errors.length > 0) throw refusal('invalid_request', { errors: errors.map(({ field, rule }) => `${field} ${rule}`) });
}

/** What the Web UI leaves out. */
const missing = () => ({ commandId: currentUpdateInfo()?.id ?? 'unknown', role: 'operator', source: 'operator' }) as const;
const complete = (verb: JourneyVerb, args: unknown): JourneyCommand => asJourneyCommand(verb, missing(), args);

const doerOf = (order: JourneyCommand): Doer => {
  const { commandId, kind, actor, role, source } = order;
  return { commandId, kind, actor, role, source, ...originOf(order) };
};
const system = (commandId: string, kind: string): Doer => ({ commandId, kind, actor: 'system/journey', role: 'system', source: 'system' });

/** What an answer answers, or which fact it is: no two reactions of a journey have the same. */
function causeOf(fact: Report): string | null {
  if ('effect' in fact) return fact.effect;
  if (fact.kind === 'event') return fact.event.id;
  return fact.kind === 'handoff' ? `${fact.report.handoff}/${fact.report.seq}` : null;
}
