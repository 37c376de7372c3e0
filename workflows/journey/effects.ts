/** Carries out what a journey's rules ask for: questions, actions, messages, handoffs, child journeys. Each answer goes back to the journal. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  getExternalWorkflowHandle,
  isCancellation,
  patched,
  sleep,
  startChild,
  TemporalFailure,
  TimeoutFailure,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { JourneyRef } from '../../activities/contract.js';
import type { ActionResult } from '../../domain/journey/action.js';
import { ticketIdPattern, asTicketId } from '../../domain/ids.js';
import type { Effect, EffectId, EffectKind, EffectOf, Report } from '../../domain/journey/run/effect.js';
import { handoffIdOf } from '../../domain/handoff/ledger.js';
import { second } from '../../domain/time.js';
import { tell } from '../handoff/messages.js';
import { handoffStartOptions, handoffWorkflowId, handoffWorkflowType } from '../handoff/start.js';
import { journeyWorkflowId } from './start.js';
import { ticketWorkflowId } from '../ticket/start.js';
import type { HandoffRun } from '../handoff/start.js';
import { deliverTouchpoint, enterChild, runAction } from '../proxies.js';
import { now } from '../support/clock.js';
import type { Line } from '../support/line.js';
import { approval } from '../ticket/messages.js';
import { childEnded } from './messages.js';
import type { Parent } from './messages.js';
import { answer, isQuestion } from './questions.js';
import type { Question } from './questions.js';

export interface EffectsOptions {
  readonly line: Line;
  readonly journey: () => JourneyRef;
  /** Who started the journey; null: nobody. */
  readonly requester: () => string | null;
  readonly outboundQueue: string;
  readonly continueAfter: number;
  readonly report: (report: Report) => void;
  /** Whether a person wants this attempt, whatever became of the last one; asked once. Absent: nobody does. */
  readonly isReleased?: (step: string) => boolean;
}

export interface News {
  readonly parent: Parent;
  readonly outcome: string;
  readonly result: 'won' | 'lost' | null;
}

/** What is answered by somebody else, or not at all, is done once it has been said. */
type Said = 'dropAction' | 'tellHandoff' | 'cancelChild' | 'ticketCause' | 'openHandoff';
const answered = (kind: EffectKind): kind is Exclude<EffectKind, Said> =>
  !['dropAction', 'tellHandoff', 'cancelChild', 'ticketCause', 'openHandoff'].includes(kind);

export class Effects {
  private readonly options: EffectsOptions;
  /** Those that are being carried out; a run that continues as new gives them up, and the next one takes them up. */
  private readonly running = new Map<EffectId, CancellationScope>();
  /** What has to be said before the run may end. */
  private readonly saying = new Set<Promise<void>>();
  /** Handoffs whose workflow is being started: nothing can be said to them yet. */
  private readonly starting = new Map<string, Promise<void>>();
  /** Questions of which the answer comes at once. */
  private quick = 0;
  private left = false;

  constructor(options: EffectsOptions) {
    this.options = options;
  }

  /** Begins what is not begun. */
  carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'dropAction') this.drop(effect.action);
      else if (!answered(effect.kind)) this.say(effect);
      else if (!this.running.has(effect.id)) this.begin(effect);
    }
  }

  /** No question is open whose answer comes at once. */
  isSettled(): boolean {
    return this.quick === 0;
  }

  /** Nothing is under way but what the next run can take up. */
  canLeave(): boolean {
    return this.saying.size === 0;
  }

  isIdle(): boolean {
    return this.running.size === 0 && this.saying.size === 0;
  }

  /** Gives up what is running; the next run begins it anew, under the same names. */
  leave(): void {
    this.left = true;
    for (const scope of this.running.values()) scope.cancel();
  }

  /** Gives up what nobody waits for any more: the journey is over. */
  retain(awaited: readonly EffectId[]): void {
    for (const id of Array.from(this.running.keys())) if (!awaited.includes(id)) this.drop(id);
  }

  /** Tells the journey that started this one how it ended. */
  tellParent({ parent, outcome, result }: News): void {
    const fact = { effect: parent.effect, outcome, result };
    this.keepSaying(getExternalWorkflowHandle(journeyWorkflowId(parent.journeyId)).signal(childEnded, fact));
  }

  /** Asks a handoff to end, whatever it is at: its journey is over. */
  callOff(handoff: string): void {
    const started = this.starting.get(handoff) ?? Promise.resolve();
    this.keepSaying(started.then(() => getExternalWorkflowHandle(handoffWorkflowId(handoff)).cancel()));
  }

  private begin(effect: Effect): void {
    const scope = new CancellationScope();
    this.running.set(effect.id, scope);
    void scope
      .run(() => this.outcomeOf(effect))
      .catch((error: unknown) => (isCancellation(error) ? null : Promise.reject(error)))
      .then((report) => {
        const isAwaited = this.running.get(effect.id) === scope;
        if (isAwaited) this.running.delete(effect.id);
        if (report === null || this.left) return;
        // An answer of an action that was cut is noted on its step. Earlier releases did not listen to it.
        if (isAwaited || patched('2026-11-late-answers')) this.options.report(report);
      });
  }

  private drop(action: EffectId): void {
    const scope = this.running.get(action);
    this.running.delete(action);
    scope?.cancel();
  }

  private outcomeOf(effect: Effect): Promise<Report> {
    if (isQuestion(effect)) return this.ask(effect);
    switch (effect.kind) {
      case 'action':
        return this.act(effect);
      case 'touchpoint':
        return this.touch(effect);
      case 'openChild':
        return this.enter(effect);
      default:
        throw new Error(`${effect.kind} has no answer`);
    }
  }

  private async ask(question: Question): Promise<Report> {
    this.quick += 1;
    let isQuick = true;
    const slow = (): void => {
      if (isQuick) this.quick -= 1;
      isQuick = false;
    };
    try {
      return await answer(this.options.line, this.options.journey(), question, slow);
    } finally {
      slow();
    }
  }

  private async act(action: EffectOf<'action'>): Promise<Report> {
    const { id: effect } = action;
    try {
      const result = await this.attempt(action);
      switch (result.state) {
        case 'done':
          // Nobody waits any more for what came too late; it is kept in the ledger.
          return result.late === true
            ? { kind: 'failed', effect, error: 'timeout', retryable: true }
            : { kind: 'done', effect, output: result.output };
        case 'failed':
          return { kind: 'failed', effect, error: result.error, retryable: result.retryable };
        case 'unknown':
          return { kind: 'failed', effect, error: result.error, retryable: false, unknown: true };
      }
    } catch (error) {
      return { kind: 'failed', effect, ...failureOf(error) };
    }
  }

  /** One attempt; that the database is away is none, and is waited for. */
  private async attempt({
    step,
    visit,
    item,
    attempt,
    action,
    input,
    timeoutMs,
    scheduleMs,
    recipient,
    pii,
  }: EffectOf<'action'>): Promise<ActionResult> {
    const { journey, outboundQueue } = this.options;
    const { tenant, journeyId } = journey();
    const request = {
      tenant,
      journeyId,
      step,
      visit,
      item,
      attempt,
      effect: action,
      input,
      recipient,
      ...(pii === undefined ? {} : { pii }),
      ...(this.options.isReleased?.(step) === true ? { release: true as const } : {}),
    };
    const run = runAction(outboundQueue, { timeoutMs, scheduleMs, summary: `${action} · ${step} · attempt ${attempt}` });
    for (let pauseMs = second; ; pauseMs = Math.min(2 * pauseMs, 30 * second)) {
      try {
        return await run(request);
      } catch (error) {
        if (!(error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.type === notBegun)) throw error;
      }
      await sleep(pauseMs, { summary: `PostgreSQL · ${action} · ${step}` });
    }
  }

  private async touch({ kind: _touchpoint, id: effect, ...touchpoint }: EffectOf<'touchpoint'>): Promise<Report> {
    const { journey, outboundQueue } = this.options;
    const { step, visit, template, notBefore } = touchpoint;
    const heldMs = (notBefore ?? 0) - now();
    if (heldMs > 0) await sleep(heldMs, { summary: `quiet hours · ${step} ${visit}` });
    try {
      const send = deliverTouchpoint(outboundQueue, `${template} · ${step} ${visit}`);
      const { outcome } = await send({ journey: journey(), effect, ...touchpoint });
      return { kind: 'done', effect, output: {}, outcome };
    } catch (error) {
      if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
      return { kind: 'done', effect, output: {}, outcome: 'failed' };
    }
  }

  private async enter({ kind: _openChild, id: effect, ...child }: EffectOf<'openChild'>): Promise<Report> {
    const { journey, requester } = this.options;
    try {
      const entered = await enterChild(`start ${child.key} · ${child.step} ${child.visit}`)({
        journey: journey(),
        requester: requester(),
        effect,
        ...child,
      });
      if ('journey' in entered) {
        const { ended, ...started } = entered;
        const begun: Report = { kind: 'childStarted', effect, ...started };
        if (ended === undefined) return begun;
        this.options.report(begun);
        return { kind: 'childEnded', effect, ...ended };
      }
      return { kind: 'failed', effect, error: entered.refused, retryable: false };
    } catch (error) {
      return { kind: 'failed', effect, ...failureOf(error) };
    }
  }

  private say(effect: Effect): void {
    const { journey } = this.options;
    switch (effect.kind) {
      case 'openHandoff': {
        const id = handoffIdOf(effect.start);
        const started = this.startHandoff(effect);
        this.starting.set(id, started);
        this.keepSaying(started.finally(() => this.starting.delete(id)));
        return;
      }
      case 'tellHandoff': {
        const handle = getExternalWorkflowHandle(handoffWorkflowId(effect.handoff));
        const started = this.starting.get(effect.handoff) ?? Promise.resolve();
        this.keepSaying(started.then(() => handle.signal(tell, { id: effect.id, word: effect.word })));
        return;
      }
      case 'cancelChild':
        this.keepSaying(getExternalWorkflowHandle(journeyWorkflowId(effect.journey)).cancel());
        return;
      case 'ticketCause': {
        const { subject, tenant } = journey();
        if (!ticketIdPattern.test(subject.id)) return;
        const fact = { tenant, approval: effect.approval, open: effect.open };
        this.keepSaying(getExternalWorkflowHandle(ticketWorkflowId(asTicketId(subject.id))).signal(approval, fact));
        return;
      }
      default:
        throw new Error(`${effect.kind} wants an answer`);
    }
  }

  private async startHandoff({ start }: EffectOf<'openHandoff'>): Promise<void> {
    const { journey, outboundQueue, continueAfter } = this.options;
    const { tenant, template, subject } = journey();
    const run: HandoffRun = { start, tenant, template, subject, outboundQueue, continueAfter };
    try {
      await startChild(handoffWorkflowType, handoffStartOptions(run));
    } catch (error) {
      // Started before, by a run that was reset: its reports come all the same.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  /** Whom it was meant for may be over already; then there is nothing left to say. */
  keepSaying(said: Promise<void>): void {
    const kept = said
      .catch((error: unknown) =>
        error instanceof TemporalFailure || error instanceof ApplicationFailure ? undefined : Promise.reject(error),
      )
      .finally(() => this.saying.delete(kept));
    this.saying.add(kept);
  }
}

/** What an action's activity throws when it could not even write down that it begins. */
const notBegun = 'action.retry';

/** How an activity ended that should have answered. What was given up is nobody's failure. */
function failureOf(error: unknown): { readonly error: string; readonly retryable: boolean } {
  if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
  const { cause } = error;
  if (cause instanceof TimeoutFailure) return { error: 'timeout', retryable: true };
  if (cause instanceof ApplicationFailure) return { error: cause.type ?? 'Error', retryable: cause.nonRetryable !== true };
  return { error: 'Error', retryable: true };
}
