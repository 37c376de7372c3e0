/**
 * The world of a run on a virtual clock: journeys and handoffs with what they ask for, the log, the directory. Nothing in it takes time but what says so.
 * Source: journeys.md, section 12.
 */
import { isRetryable } from './errors.js';
import type { Instant } from '../../time.js';
import { day } from '../../time.js';
import type { HandoffStep } from '../../handoff/ledger.js';
import type { EntryTemplate } from '../entry/enter.js';
import type { BusEvent } from '../entry/event.js';
import type { Json, JsonObject } from '../json.js';
import type { Effect, EffectOf, HandoffReport, Report } from '../run/effect.js';
import type { Doer } from '../run/event.js';
import type { Reaction } from '../run/reduce.js';
import type { JourneyStart } from '../run/state.js';
import { Agenda } from './agenda.js';
import { Answers, neverAnswers } from './answers.js';
import { Contents } from './contents.js';
import { Directory } from './directory.js';
import { EventLog } from './event-log.js';
import { HandoffRun } from './handoff.js';
import { Instance } from './instance.js';
import type { ActionSpec } from '../scope.js';
import type { SimulatorPorts } from './ports.js';
import { isQuestion, Questions } from './questions.js';
import type { Breach, SentTouchpoint, Standing, Told, Traced } from './run.js';
import type { Roles } from './script.js';
import { usualResult } from './usual-results.js';

/** Who an answer goes back to. */
type Asker = { readonly instance: Instance; readonly handoff: HandoffRun | null };

/** What the world asks of whoever lets journeys in. */
export interface Doors {
  readonly enterChild: (parent: Instance, effect: EffectOf<'openChild'>) => Promise<void>;
  readonly ended: (instance: Instance) => void;
}

const ends = ['journey.ended'];
const breaches: Readonly<Record<string, Breach['kind']>> = { 'journey.step.warned': 'warned', 'journey.step.breached': 'breached' };

/** More than this at one instant is a journey that does not come to rest. */
const mostAtOnce = 100_000;

export class World {
  now: Instant;
  readonly ports: SimulatorPorts;
  readonly agenda = new Agenda();
  readonly answers = new Answers();
  readonly contents = new Contents();
  readonly directory: Directory;
  readonly log = new EventLog();
  readonly instances: Instance[] = [];
  readonly handoffs = new Map<string, HandoffRun>();
  readonly trace: Traced[] = [];
  readonly events: Told[] = [];
  readonly touchpoints: SentTouchpoint[] = [];
  readonly breaches: Breach[] = [];
  private readonly questions: Questions;
  private readonly doors: Doors;
  private readonly todo: (() => void | Promise<void>)[] = [];
  /** Attempts and messages under way, by asker and effect: what takes them back. */
  private readonly underWay = new Map<string, () => void>();
  private counted = 0;

  constructor(ports: SimulatorPorts, people: Roles, start: Instant, doors: Doors) {
    this.ports = ports;
    this.now = start;
    this.doors = doors;
    this.directory = new Directory(people);
    this.questions = new Questions(ports, this.directory, this.contents, this.log);
  }

  /** Names that are used once. */
  name(prefix: string): string {
    this.counted += 1;
    return `${prefix}-${this.counted}`;
  }

  begin(template: EntryTemplate, start: JourneyStart, doer: Doer): void {
    const number = this.instances.length + 1;
    const { instance, reaction } = Instance.begin({ number, template, start }, doer, this.now);
    this.instances.push(instance);
    this.took(instance, reaction);
  }

  /** Lets an instance hear something. */
  report(instance: Instance, said: Report): void {
    this.later(() => this.took(instance, instance.report(said, this.now)));
  }

  /** After everything that is being done. */
  later(work: () => void | Promise<void>): void {
    this.todo.push(work);
  }

  /** Does everything that is to be done now. */
  async settle(): Promise<void> {
    let done = 0;
    for (let work = this.todo.shift(); work !== undefined; work = this.todo.shift()) {
      done += 1;
      if (done > mostAtOnce) throw new Error('the journeys do not come to rest');
      await work();
    }
  }

  /** What happens by itself next; null: nothing does. */
  nextAt(): Instant | null {
    const due = [
      this.agenda.next(),
      ...this.instances.map((one) => one.nextDue()),
      ...Array.from(this.handoffs.values(), (one) => one.nextDue()),
    ];
    return due.reduce((least, at) => (at === null || (least !== null && least <= at) ? least : at), null);
  }

  /** Lets time pass up to an instant, or up to and with it. */
  async passTo(until: Instant, { inclusive }: { readonly inclusive: boolean }): Promise<void> {
    const before = inclusive ? until + 1 : until;
    await this.settle();
    let atOnce = 0;
    for (let at = this.nextAt(); at !== null && at < before; at = this.nextAt()) {
      atOnce = at > this.now ? 0 : atOnce + 1;
      if (atOnce > mostAtOnce) throw new Error('the journeys do not come to rest');
      this.now = Math.max(this.now, at);
      await this.happen(at);
      await this.settle();
    }
    this.now = Math.max(this.now, until);
  }

  private async happen(at: Instant): Promise<void> {
    if (this.agenda.next() === at) {
      await this.agenda.take()?.();
      return;
    }
    const handoff = Array.from(this.handoffs.values()).find((one) => one.nextDue() === at);
    if (handoff !== undefined) return this.tookStep(handoff, handoff.wake(this.now));
    const instance = this.instances.find((one) => one.nextDue() === at);
    if (instance !== undefined) this.took(instance, instance.wake(this.now));
  }

  /** Works in what came of something. */
  took(instance: Instance, { events, effects }: Pick<Reaction, 'events' | 'effects'>): void {
    for (const { type, at, data } of events) {
      this.tell({ at, journey: instance.number, type, data });
      if (ends.includes(type)) this.doors.ended(instance);
    }
    for (const effect of effects) this.carryOut(effect, { instance, handoff: null });
  }

  tookStep(handoff: HandoffRun, { events, effects, reports }: HandoffStep): void {
    const { instance, start } = handoff;
    const { step, visit } = start;
    for (const { type, at, data } of events) this.tell({ at, journey: instance.number, type, data: { step, visit, ...data } });
    for (const effect of effects) this.carryOut(effect, { instance, handoff });
    for (const one of reports) this.later(() => this.hear(handoff, one));
  }

  private hear({ instance }: HandoffRun, one: HandoffReport): void {
    this.took(instance, instance.report({ kind: 'handoff', report: one }, this.now));
  }

  /** Notes for the trace what nobody emitted. */
  note(told: Told): void {
    const { step = null, visit = null } = told.data;
    this.trace.push({ ...told, step: typeof step === 'string' ? step : null, visit: typeof visit === 'number' ? visit : null });
  }

  /** Notes what was emitted. */
  tell(told: Told): void {
    this.events.push(told);
    this.note(told);
    const { step = null, visit = null } = told.data;
    const kind = breaches[told.type];
    if (kind !== undefined && told.journey !== null && typeof step === 'string' && typeof visit === 'number')
      this.breaches.push({ at: told.at, journey: told.journey, step, visit, kind });
  }

  private answer({ instance, handoff }: Asker, said: Report): void {
    this.later(() => {
      if (handoff === null) this.took(instance, instance.report(said, this.now));
      else this.tookStep(handoff, handoff.report(said, this.now));
    });
  }

  private carryOut(effect: Effect, asker: Asker): void {
    const { instance } = asker;
    if (isQuestion(effect)) {
      this.later(() => this.answer(asker, this.questions.answer(effect, instance)));
      return;
    }
    switch (effect.kind) {
      case 'action':
        return this.later(() => this.attempt(effect, asker));
      case 'dropAction':
        return this.later(() => this.drop(`${ownerOf(asker)}/${effect.action}`));
      case 'touchpoint':
        return this.later(() => this.touch(effect, asker));
      case 'openHandoff':
        return this.later(() => this.openHandoff(effect, instance));
      case 'tellHandoff':
        return this.later(() => {
          const handoff = this.handoffs.get(effect.handoff);
          if (handoff !== undefined) this.tookStep(handoff, handoff.tell(effect.word, this.now));
        });
      case 'openChild':
        return this.later(() => this.doors.enterChild(instance, effect));
      case 'cancelChild':
        return this.later(() => this.cancelChild(effect.journey));
      case 'ticketCause':
        return undefined; // there is no ticket in a run
    }
  }

  /** One attempt of an action: it answers when the script says, and never after its timeout. */
  private attempt(effect: EffectOf<'action'>, asker: Asker): void {
    const { id, step, item, action, timeoutMs, pii = [] } = effect;
    const { error, output, takesMs } = this.answers.take(asker.instance.number, step, item, this.now);
    const spec = this.ports.actions.get(action);
    const isOnce = spec?.effect === 'once';
    const timedOut: Report = { kind: 'failed', effect: id, error: neverAnswers, retryable: !isOnce, ...(isOnce ? { unknown: true } : {}) };
    const succeeded = (): Report => ({
      kind: 'done',
      effect: id,
      output: this.contents.without(output ?? this.usual(effect, spec), spec?.output ?? {}, pii),
    });
    const key = `${ownerOf(asker)}/${id}`;
    if (error === neverAnswers) return this.await(key, timeoutMs, () => this.answer(asker, timedOut));
    const said = (): Report => (error === null ? succeeded() : { kind: 'failed', effect: id, error, retryable: isRetryable(error) });
    if (takesMs <= timeoutMs) return this.await(key, takesMs, () => this.answer(asker, said()), error === null);
    this.await(key, timeoutMs, () => this.answer(asker, timedOut));
    // What comes too late is told all the same: it is kept, and changes nothing.
    this.agenda.add(this.now + takesMs, () => this.answer(asker, said()));
  }

  private usual({ action, input }: EffectOf<'action'>, spec: ActionSpec | undefined): JsonObject {
    return usualResult(action, spec, this.contents.allBehind(input));
  }

  /** @param isKept when it is taken back meanwhile, what comes of it is told all the same */
  private await(key: string, ms: number, work: () => void, isKept = false): void {
    const over = (): void => {
      this.underWay.delete(key);
      work();
    };
    if (ms <= 0) return over();
    const takeBack = this.agenda.add(this.now + ms, over);
    if (!isKept) this.underWay.set(key, takeBack);
  }

  private drop(key: string): void {
    this.underWay.get(key)?.();
    this.underWay.delete(key);
  }

  /** One message to the subject, when the quiet hours are over; the cap counts what was sent to the same subject. */
  private touch(effect: EffectOf<'touchpoint'>, asker: Asker): void {
    const { instance } = asker;
    const due = this.now;
    const send = (): void => {
      const outcome = this.outcomeOf(effect, instance);
      const { step, visit, channel, template, notBefore } = effect;
      const heldFrom = notBefore !== null && notBefore > due ? due : null;
      this.touchpoints.push({ at: this.now, journey: instance.number, step, visit, channel, template, outcome, heldFrom });
      this.answer(asker, { kind: 'done', effect: effect.id, output: {}, outcome });
    };
    this.await(`${ownerOf(asker)}/${effect.id}`, (effect.notBefore ?? due) - due, send);
  }

  private outcomeOf({ step, item, cap }: EffectOf<'touchpoint'>, instance: Instance): string {
    const { type, id } = instance.start.subject;
    if (cap !== null) {
      const since = this.now - (cap.per === 'day' ? day : 7 * day);
      const sent = this.touchpoints.filter(({ journey, at, outcome }) => {
        const other = this.instances[journey - 1]?.start.subject;
        return outcome === 'sent' && at > since && other?.type === type && other.id === id;
      });
      if (sent.length >= cap.count) return 'capped';
    }
    return this.answers.take(instance.number, step, item ?? null, this.now).error === null ? 'sent' : 'failed';
  }

  private openHandoff({ start }: EffectOf<'openHandoff'>, instance: Instance): void {
    const { handoff, step } = HandoffRun.open(instance, start, this.now);
    this.handoffs.set(handoff.id, handoff);
    this.tookStep(handoff, step);
  }

  private cancelChild(journey: string): void {
    const child = this.instances.find(({ id }) => id === journey);
    if (child === undefined) return;
    const commandId = this.name('cancel');
    const answer = child.command(
      { kind: 'cancel', commandId, ...bySystem, reason: this.contents.keep('cancelled with its parent') },
      this.now,
    );
    if (answer.ok) this.took(child, answer);
  }

  /** How every instance stands now; texts in place. */
  standings(): Standing[] {
    return this.instances.map((instance) => {
      const own = Array.from(this.handoffs.values()).filter((handoff) => handoff.instance === instance);
      const standing = instance.standing(
        own.map((handoff) => handoff.view()),
        own.flatMap((handoff) => handoff.gates()),
      );
      return { ...standing, view: { ...standing.view, context: this.contents.allBehind(standing.view.context) } };
    });
  }

  /** Whatever lies behind it, for a reader. */
  shown(value: Json): Json {
    return this.contents.behind(value);
  }

  /** An event of the outside, for those who wait for it. */
  hearOf(event: BusEvent, consumed: (instance: Instance) => void): void {
    const { id, type, at } = event;
    this.log.add(event);
    this.note({ at, journey: null, type: 'event', data: { type, id } });
    for (const instance of this.instances) {
      if (!this.log.concerns(event, instance)) continue;
      if (instance.isOver()) {
        this.reach(event, instance);
        continue;
      }
      if (this.log.consumes(event, instance, this.ports.engine, this.now)) consumed(instance);
      this.report(instance, { kind: 'event', event: { id, type, at } });
    }
  }

  /** Goals count inside their window although the journey is over, once each. */
  private reach(event: BusEvent, instance: Instance): void {
    for (const { goal, value } of this.log.goals(event, instance, this.ports.engine, this.now)) {
      const type = 'journey.goal.reached';
      if (this.events.some((told) => told.type === type && told.journey === instance.number && told.data['goal'] === goal)) continue;
      this.tell({ at: this.now, journey: instance.number, type, data: { goal, value, event: event.id } });
    }
  }
}

export const bySystem = { actor: 'system/simulator', role: 'system', source: 'system' } as const;

const ownerOf = ({ instance, handoff }: Asker): string => (handoff === null ? instance.id : handoff.id);
