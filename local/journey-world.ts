/** The world of a script whose journeys and handoffs are real workflows, on a server that skips time; activities are answered from the script. */
import { setTimeout as pause } from 'node:timers/promises';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure, WorkflowNotFoundError } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import type { JourneyActivities, ProjectionResult } from '../activities/contract.js';
import type { HandoffCommand } from '../domain/handoff/command.js';
import { asTenantId } from '../domain/ids.js';
import type { ActionResult } from '../domain/journey/action.js';
import type { EntryTemplate } from '../domain/journey/entry/enter.js';
import type { JourneyCommand } from '../domain/journey/run/command.js';
import type { EffectOf, Report } from '../domain/journey/run/effect.js';
import type { Doer } from '../domain/journey/run/event.js';
import type { HandoffRecord, HandoffView, JourneyRecord } from '../domain/journey/run/record.js';
import type { JourneyStart } from '../domain/journey/run/state.js';
import type { PerformedHandoff, Performer } from '../domain/journey/simulate/performer.js';
import type { Question } from '../domain/journey/simulate/questions.js';
import { World } from '../domain/journey/simulate/world.js';
import type { Said, Setting } from '../domain/journey/simulate/world.js';
import { second, toIso } from '../domain/time.js';
import type { Instant } from '../domain/time.js';
import { handoffWorkflowId } from '../workflows/handoff/start.js';
import { journeyStartOptions, journeyWorkflowId, journeyWorkflowType } from '../workflows/journey/start.js';
import type { Exchange } from './journey-exchange.js';
import { presentOf } from './journey-history.js';
import type { Present } from './journey-history.js';
import { skipTo } from './journey-skip.js';
import { StagedHandoff, StagedJourney } from './journey-performers.js';
import { Unplayable } from './theatre.js';
import type { TimeSkippingServer } from './time-skipping-server.js';

/** Far more than a script has: no run continues as new. */
const continueAfter = 100_000;
/** An attempt that ends with its timeout is answered so long before the server gives it up. */
const beforeTimeout = 50;
/** What a workflow cannot hear: found out on the way, the script is played on the virtual clock only. */
const tooLate = (step: string): string =>
  `an answer of ${step} comes after its time: it stays in the ledger of actions, and no workflow hears it`;

/** An activity under way whose answer has its instant. */
interface Held {
  readonly workflowId: string;
  readonly letGo: () => void;
}

export interface Place {
  readonly server: TimeSkippingServer;
  readonly queueSuffix: string;
  readonly exchange: Exchange;
}

export class WorkflowWorld extends World {
  override readonly instances: StagedJourney[] = [];
  override readonly handoffs = new Map<string, StagedHandoff>();
  /** The server's clock runs on while somebody works: of a machine that stalled meanwhile the trace says nothing. Null: it kept up. */
  disturbance: string | null = null;
  /** Why it cannot be played to its end; null: it can. */
  refusal: Unplayable | null = null;
  private readonly place: Place;
  /** Workflows that have begun, as they were seen last. */
  private readonly live = new Map<string, Present | null>();
  /** By workflow and activity. */
  private readonly held = new Map<string, Held>();
  /** Children that are let in at the moment, by parent and effect. */
  private readonly entering = new Map<string, (said: Report) => void>();

  constructor(setting: Setting, place: Place) {
    super(setting);
    this.place = place;
  }

  override async begin(template: EntryTemplate, start: JourneyStart, doer: Doer): Promise<void> {
    const { journeyId, entryKey, tenant, template: version, startedAt: _startedAt, ...fields } = start;
    const { exchange, server, queueSuffix } = this.place;
    const instance = new StagedJourney(this.instances.length + 1, template, start);
    this.instances.push(instance);
    exchange.know(journeyId);
    const facts = { journeyId: exchange.toServer(journeyId), tenant: asTenantId(tenant), template: version, entryKey };
    const options = journeyStartOptions(facts, { queueSuffix, continueAfter });
    // Started only, to be opened then: asked again for both at once, this server fails for ever.
    const handle = await server.client.workflow.start(journeyWorkflowType, options);
    this.live.set(options.workflowId, null);
    const { commandId, actor, role, source } = doer;
    const opening = exchange.toServer({ ...fields, commandId, actor, role, source });
    await handle.executeUpdate('open', { args: [opening], updateId: commandId });
  }

  /** What workflows tell each other they tell themselves. */
  override report(instance: Performer, said: Report): void {
    if (said.kind === 'event') {
      this.later(() => this.signal(journeyWorkflowId(instance.id), 'event', said.event));
      return;
    }
    if (said.kind !== 'childStarted' && said.kind !== 'failed') return;
    this.entering.get(enteringKey(instance, said.effect))?.(said);
  }

  override rolesChanged(): void {
    const event = this.name('directory');
    for (const instance of this.instances)
      if (!instance.isOver()) this.later(() => this.signal(journeyWorkflowId(instance.id), 'directory', { event }));
    for (const handoff of this.handoffs.values()) {
      const told = { id: `directory/${event}`, word: { kind: 'directory' } };
      this.later(() => this.signal(handoffWorkflowId(handoff.view().handoffId), 'tell', told));
    }
  }

  override order(instance: Performer, order: JourneyCommand): Promise<Said> {
    const closed = instance.standing([], []).gates.findLast(({ step }) => 'step' in order && step === order.step)?.gate.outcome ?? null;
    const isVote = order.kind === 'vote' || order.kind === 'delegate';
    return this.update(journeyWorkflowId(instance.id), order, isVote && closed !== null ? 'approval_closed' : 'journey_ended');
  }

  override orderHandoff(handoff: PerformedHandoff, order: HandoffCommand): Promise<Said> {
    return this.update(handoffWorkflowId(handoff.view().handoffId), order, 'handoff.illegal_move');
  }

  override async passTo(until: Instant, how: { readonly inclusive: boolean }): Promise<void> {
    await super.passTo(until, how);
    await skipTo(this.place.server, this.place.exchange.onServer(this.now));
  }

  override nextAt(): Instant | null {
    const due = [this.agenda.next(), ...this.timers().map((at) => this.place.exchange.inScript(at))].filter((at) => at !== null);
    return due.length === 0 ? null : Math.min(...due);
  }

  /** Until nothing is to be done and every workflow rests. */
  override async settle(): Promise<void> {
    for (let patience = 100; ;) {
      await super.settle();
      const before = this.trace.length;
      const seen = await this.look();
      // The server fires what is due soon after its clock has moved, not with it.
      const isDue = this.timers().some((at) => this.place.exchange.inScript(at) <= this.now) && (patience -= 1) > 0;
      if (!seen && !isDue && !this.hasWork() && this.trace.length === before) break;
      if (seen || isDue) await pause(2);
    }
    await Promise.all(Array.from(this.handoffs.values()).map((handoff) => this.countAttempts(handoff)));
  }

  /** Ends what is open, so that nobody waits for it. */
  async close(): Promise<void> {
    const { client } = this.place.server;
    for (const [workflowId, present] of this.live) {
      if (present?.isOver !== true) await client.workflow.getHandle(workflowId).terminate('played to its end');
    }
    for (const { letGo } of this.held.values()) letGo();
    this.held.clear();
  }

  /** What the activities of journeys and handoffs are answered. */
  activities(): JourneyActivities {
    const ask = async <Kind extends Question['kind']>(kind: Kind, request: Asked): Promise<Answers[Kind]> => {
      const { toScript, toServer } = this.translation();
      const { journey, effect, ...fields } = toScript(request);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an activity's request is its question, beside who asks
      const question = { ...fields, kind, id: effect } as unknown as Question;
      const answer = this.questions.answer(question, this.instanceOf(journey.journeyId));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each kind of question has its kind of answer
      return Promise.resolve(toServer(answer as unknown as Answers[Kind]));
    };
    return {
      loadTemplate: ({ template }) => Promise.resolve(this.translation().toServer(this.templateOf(template.key).compiled)),
      evaluateGuards: async (request) => (await ask('guards', request)).choice,
      findValues: async (request) => (await ask('values', request)).values,
      findPeople: async (request) => {
        const { people, fault } = await ask('people', request);
        return { people, fault };
      },
      hashEvidence: async (request) => (await ask('hash', request)).hash,
      nextLocalTime: async (request) => (await ask('localTime', request)).at ?? request.after,
      quietUntil: async (request) => (await ask('quiet', request)).at,
      afterOpenTime: async (request) => (await ask('openTime', request)).at,
      weighEvent: async (request) => {
        const { verdicts, trace } = await ask('weigh', request);
        return { verdicts, trace };
      },
      lookBack: async (request) => (await ask('lookBack', request)).events,
      projectJourney: (records) => Promise.resolve(this.take(records)),
      projectHandoff: (records) => Promise.resolve(this.takeHandoff(records)),
      runAction: async (request) => {
        const { journeyId, effect: action, tenant: _tenant, release: _release, ...fields } = this.translation().toScript(request);
        const { startToCloseTimeoutMs: timeoutMs } = Context.current().info;
        const effect = { kind: 'action', id: '', action, timeoutMs, ...fields } as const;
        const { afterMs, said, late } = this.attempted(effect, this.instanceOf(journeyId));
        if (late !== null) throw this.unplayable(tooLate(fields.step));
        await this.await(afterMs);
        return this.translation().toServer(resultOf(said()));
      },
      deliverTouchpoint: (request) => {
        const { journey, effect: id, ...fields } = this.translation().toScript(request);
        const instance = this.instanceOf(journey.journeyId);
        const due = instance.visit(fields.step, fields.item)?.enteredAt ?? this.now;
        const outcome = this.touched({ id, ...fields }, instance, due);
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the three are all there are
        return Promise.resolve({ outcome: outcome as 'sent' | 'capped' | 'failed' });
      },
      enterChild: (request) => this.enterChild(this.translation().toScript(request)),
      fireSchedule: () => Promise.reject(ApplicationFailure.nonRetryable('schedules are those of the script', 'over')),
    };
  }

  private unplayable(why: string): ApplicationFailure {
    this.refusal ??= new Unplayable(why);
    return ApplicationFailure.nonRetryable(why, 'unplayable');
  }

  private translation() {
    const { exchange } = this.place;
    return {
      toServer: <Value>(value: Value): Value => exchange.toServer(value),
      toScript: <Value>(value: Value): Value => exchange.toScript(value),
    };
  }

  private instanceOf(journeyId: string): StagedJourney {
    const found = this.instances.find(({ id }) => id === journeyId);
    if (found === undefined) throw ApplicationFailure.nonRetryable('played already', 'over');
    return found;
  }

  private templateOf(key: string): EntryTemplate {
    const found = this.instances.find(({ template }) => template.key === key);
    if (found === undefined) throw ApplicationFailure.nonRetryable('played already', 'over');
    return found.template;
  }

  private take(records: readonly JourneyRecord[]): ProjectionResult {
    const known = this.place.exchange.toScript(records);
    for (const record of known) {
      const instance = this.instanceOf(record.journeyId);
      this.watch(record.at, `${instance.number} ${record.doer.commandId}`);
      this.told(instance, instance.take(record));
    }
    return { stored: known.at(-1)?.view.version ?? 0, conflict: false };
  }

  private takeHandoff(records: readonly HandoffRecord[]): ProjectionResult {
    const known = this.place.exchange.toScript(records);
    for (const record of known) {
      const { handoffId, at } = record;
      const instance = this.instanceOf(record.view.journeyId);
      const handoff = this.handoffs.get(handoffId) ?? new StagedHandoff(instance, record);
      this.handoffs.set(handoffId, handoff);
      this.watch(at, `${handoffId} ${record.doer.commandId}`);
      this.toldOfHandoff(instance, record.view, handoff.take(record));
    }
    return { stored: known.at(-1)?.view.version ?? 0, conflict: false };
  }

  /** What is worked on belongs to the present instant. */
  private watch(at: Instant, what: string): void {
    if (at !== this.now) this.disturbance ??= `${what} belongs to ${toIso(this.now)} and was worked on at ${toIso(at)}`;
  }

  private async signal(workflowId: string, name: 'event' | 'follow' | 'directory' | 'tell', fact: object): Promise<void> {
    const { server, exchange } = this.place;
    const handle = server.client.workflow.getHandle(exchange.toServer(workflowId));
    await handle.signal(name, exchange.toServer(fact)).catch((error: unknown) => {
      if (!(error instanceof WorkflowNotFoundError)) throw error; // it has ended meanwhile
    });
  }

  private async update(workflowId: string, order: JourneyCommand | HandoffCommand, whenOver: string): Promise<Said> {
    const { server, exchange } = this.place;
    const { kind, ...fields } = order;
    const handle = server.client.workflow.getHandle(exchange.toServer(workflowId));
    try {
      await handle.executeUpdate(kind, { args: [exchange.toServer(fields)], updateId: order.commandId });
      return null;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return whenOver;
      const cause = error instanceof WorkflowUpdateFailedError ? error.cause : null;
      if (cause instanceof ApplicationFailure) return cause.type ?? 'unknown';
      throw error;
    }
  }

  private enterChild({ journey, requester: _requester, effect: id, ...fields }: Parameters<JourneyActivities['enterChild']>[0]) {
    const parent = this.instanceOf(journey.journeyId);
    return new Promise<Awaited<ReturnType<JourneyActivities['enterChild']>>>((resolve) => {
      this.entering.set(enteringKey(parent, id), (said) => {
        if (said.kind === 'childStarted') {
          const { journey: child, joined } = said;
          const entered = this.place.exchange.toServer({ journey: child, ...(joined === undefined ? {} : { joined }) });
          const follower = { journeyId: parent.id, effect: id };
          if (joined === undefined) resolve(entered);
          else void this.signal(journeyWorkflowId(child), 'follow', follower).then(() => resolve(entered));
        } else if (said.kind === 'failed') resolve({ refused: said.error });
      });
      const effect: EffectOf<'openChild'> = { kind: 'openChild', id, ...fields };
      this.later(() => this.doors.enterChild(parent, effect));
    });
  }

  /** Answers when so much time has passed; it passes although the activity is under way. */
  private async await(afterMs: number): Promise<void> {
    if (afterMs <= 0) return;
    const { workflowExecution, activityId } = Context.current().info;
    const { workflowId } = workflowExecution ?? { workflowId: '' };
    const key = `${workflowId} ${activityId}`;
    const over = new Promise<void>((resolve) => {
      this.held.set(key, { workflowId, letGo: resolve });
      this.agenda.add(this.now + afterMs, () => this.letGo(key));
    });
    await this.place.server.overlookOneTask();
    await over;
  }

  private async letGo(key: string): Promise<void> {
    const held = this.held.get(key);
    this.held.delete(key);
    if (held === undefined) return;
    // Of a workflow that is over nothing holds the clock any more.
    if (this.live.get(held.workflowId)?.isOver !== true) await this.place.server.heedAllTasks();
    held.letGo();
  }

  /** An attempt that has begun is recorded with what comes of it; until then only the workflow knows. */
  private async countAttempts(handoff: StagedHandoff): Promise<void> {
    const { handoffId, state, attempts } = handoff.view();
    if (state !== 'offered' || attempts === 0) return;
    const { server, exchange } = this.place;
    const handle = server.client.workflow.getHandle(exchange.toServer(handoffWorkflowId(handoffId)));
    handoff.tried((await handle.query<HandoffView>('state')).attempts);
  }

  private timers(): Instant[] {
    return Array.from(this.live.values()).flatMap((present) => present?.timers ?? []);
  }

  /** @returns whether anybody works */
  private async look(): Promise<boolean> {
    const { client } = this.place.server;
    const open = Array.from(this.live).flatMap(([workflowId, present]) => (present?.isOver === true ? [] : [workflowId]));
    const seen = await Promise.all(
      open.map((workflowId) => presentOf(client, workflowId, (activityId) => this.held.has(`${workflowId} ${activityId}`))),
    );
    for (const [index, present] of seen.entries()) this.live.set(open[index] ?? '', present);
    const fresh = seen.flatMap(({ children }) => children).filter((child) => !this.live.has(child));
    for (const child of fresh) this.live.set(child, null);
    return fresh.length > 0 || seen.some(({ isBusy }) => isBusy);
  }

  protected override async happen(at: Instant): Promise<void> {
    const { server, exchange } = this.place;
    if (this.agenda.next() === at) {
      await skipTo(server, exchange.onServer(at) - beforeTimeout);
      await this.agenda.take()?.();
      return;
    }
    const timer = Math.min(...this.timers());
    await skipTo(server, timer);
    // Fired, it is none any more.
    const limit = performance.now() + 10 * second;
    while (this.timers().includes(timer)) {
      if (performance.now() > limit) throw new Error(`a timer did not fire at ${toIso(timer)}`);
      await this.look();
    }
  }
}

/** Who asks, beside the question. */
type Asked = { readonly journey: { readonly journeyId: string }; readonly effect: string };

interface Answers {
  readonly guards: Extract<Report, { readonly kind: 'guards' }>;
  readonly values: Extract<Report, { readonly kind: 'values' }>;
  readonly people: Extract<Report, { readonly kind: 'people' }>;
  readonly hash: Extract<Report, { readonly kind: 'hash' }>;
  readonly localTime: Extract<Report, { readonly kind: 'instant' }>;
  readonly quiet: Extract<Report, { readonly kind: 'instant' }>;
  readonly openTime: Extract<Report, { readonly kind: 'instants' }>;
  readonly weigh: Extract<Report, { readonly kind: 'weighed' }>;
  readonly lookBack: Extract<Report, { readonly kind: 'found' }>;
}

const enteringKey = ({ id }: Performer, effect: string): string => `${id} ${effect}`;

/** An answer as the activity gives it. */
function resultOf(said: Report): ActionResult {
  if (said.kind === 'done') return { state: 'done', output: said.output };
  if (said.kind !== 'failed') throw new Error(`${said.kind} is no answer to an action`);
  const { error, retryable } = said;
  return said.unknown === true ? { state: 'unknown', error } : { state: 'failed', error, retryable };
}
