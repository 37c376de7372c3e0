/**
 * The world of a run: who takes part in it, what they are answered, what was seen of it. Whoever carries it on says how time passes and where the rules of
 * journeys and handoffs are kept. Source: journeys.md, section 12.
 */
import { isRetryable } from './errors.js';
import type { Instant } from '../../time.js';
import { day } from '../../time.js';
import type { HandoffCommand } from '../../handoff/command.js';
import type { EntryTemplate } from '../entry/enter.js';
import type { BusEvent } from '../entry/event.js';
import type { Json } from '../json.js';
import type { JourneyCommand } from '../run/command.js';
import type { EffectOf, Report } from '../run/effect.js';
import type { Doer } from '../run/event.js';
import type { JourneyStart } from '../run/state.js';
import { Agenda } from './agenda.js';
import { Answers, neverAnswers } from './answers.js';
import { Contents } from './contents.js';
import { Directory } from './directory.js';
import { EventLog } from './event-log.js';
import type { PerformedHandoff, Performer } from './performer.js';
import type { SimulatorPorts } from './ports.js';
import { Questions } from './questions.js';
import type { Breach, SentTouchpoint, Standing, Told, Traced } from './run.js';
import type { Roles } from './script.js';
import { usualResult } from './usual-results.js';

/** What the world asks of whoever lets journeys in. */
export interface Doors {
  readonly enterChild: (parent: Performer, effect: EffectOf<'openChild'>) => Promise<void>;
  readonly ended: (instance: Performer) => void;
}

/** What a world is made of. */
export interface Setting {
  readonly ports: SimulatorPorts;
  readonly people: Roles;
  readonly start: Instant;
  readonly doors: Doors;
}

/** The code it was refused with; null: it was accepted. */
export type Said = string | null;

/** How an attempt comes out that begins now. */
export interface Attempted {
  readonly afterMs: number;
  readonly said: () => Report;
  /** When it is taken back meanwhile, what comes of it is told all the same. */
  readonly isKept: boolean;
  /** What comes too late is told, too: it is kept, and changes nothing. */
  readonly late: { readonly afterMs: number; readonly said: () => Report } | null;
}

const ends = ['journey.ended'];
const breaches: Readonly<Record<string, Breach['kind']>> = { 'journey.step.warned': 'warned', 'journey.step.breached': 'breached' };

/** More than this at one instant is a journey that does not come to rest. */
const mostAtOnce = 100_000;
const restless = 'the journeys do not come to rest';

export abstract class World {
  now: Instant;
  readonly ports: SimulatorPorts;
  readonly agenda = new Agenda();
  readonly answers = new Answers();
  readonly contents = new Contents();
  readonly directory: Directory;
  readonly log = new EventLog();
  readonly trace: Traced[] = [];
  readonly events: Told[] = [];
  readonly touchpoints: SentTouchpoint[] = [];
  readonly breaches: Breach[] = [];
  /** In order of start. */
  abstract readonly instances: readonly Performer[];
  /** By id. */
  abstract readonly handoffs: ReadonlyMap<string, PerformedHandoff>;
  protected readonly questions: Questions;
  protected readonly doors: Doors;
  private readonly todo: (() => void | Promise<void>)[] = [];
  private counted = 0;

  constructor({ ports, people, start, doors }: Setting) {
    this.ports = ports;
    this.now = start;
    this.doors = doors;
    this.directory = new Directory(people);
    this.questions = new Questions(ports, this.directory, this.contents, this.log);
  }

  abstract begin(template: EntryTemplate, start: JourneyStart, doer: Doer): Promise<void>;

  /** Lets an instance hear something, after everything that is being done. */
  abstract report(instance: Performer, said: Report): void;

  /** Somebody has other roles than before: votes whose electorate is dynamic look again. */
  abstract rolesChanged(): void;

  abstract order(instance: Performer, order: JourneyCommand): Promise<Said>;

  abstract orderHandoff(handoff: PerformedHandoff, order: HandoffCommand): Promise<Said>;

  /** Lets time pass up to an instant, or up to and with it. */
  async passTo(until: Instant, { inclusive }: { readonly inclusive: boolean }): Promise<void> {
    const before = inclusive ? until + 1 : until;
    await this.settle();
    let atOnce = 0;
    for (let at = this.nextAt(); at !== null && at < before; at = this.nextAt()) {
      atOnce = at > this.now ? 0 : atOnce + 1;
      if (atOnce > mostAtOnce) throw new Error(restless);
      this.now = Math.max(this.now, at);
      await this.happen(at);
      await this.settle();
    }
    this.now = Math.max(this.now, until);
  }

  /** Does what happens next by itself. */
  protected abstract happen(at: Instant): Promise<void>;

  /** What happens by itself next; null: nothing does. */
  abstract nextAt(): Instant | null;

  /** Names that are used once. */
  name(prefix: string): string {
    this.counted += 1;
    return `${prefix}-${this.counted}`;
  }

  /** After everything that is being done. */
  later(work: () => void | Promise<void>): void {
    this.todo.push(work);
  }

  protected hasWork(): boolean {
    return this.todo.length > 0;
  }

  /** Does everything that is to be done now. */
  async settle(): Promise<void> {
    let done = 0;
    for (let work = this.todo.shift(); work !== undefined; work = this.todo.shift()) {
      done += 1;
      if (done > mostAtOnce) throw new Error(restless);
      await work();
    }
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

  /** Notes what an instance emitted. */
  protected told(instance: Performer, events: readonly Omit<Told, 'journey'>[]): void {
    for (const { type, at, data } of events) {
      this.tell({ at, journey: instance.number, type, data });
      if (ends.includes(type)) this.doors.ended(instance);
    }
  }

  /** Notes what a handoff of an instance emitted. */
  protected toldOfHandoff(
    instance: Performer,
    at: { readonly step: string; readonly visit: number },
    events: readonly Omit<Told, 'journey'>[],
  ): void {
    const { step, visit } = at;
    for (const event of events)
      this.tell({ at: event.at, journey: instance.number, type: event.type, data: { step, visit, ...event.data } });
  }

  /** One attempt of an action: it answers when the script says, and never after its timeout. */
  protected attempted(effect: EffectOf<'action'>, instance: Performer): Attempted {
    const { id, step, item, action, input, timeoutMs, pii = [] } = effect;
    const { error, output, takesMs } = this.answers.take(instance.number, step, item, this.now);
    const spec = this.ports.actions.get(action);
    const isOnce = spec?.effect === 'once';
    const timedOut: Attempted['said'] = () => ({
      kind: 'failed',
      effect: id,
      error: neverAnswers,
      retryable: !isOnce,
      ...(isOnce ? { unknown: true } : {}),
    });
    const usual = () => usualResult(action, spec, this.contents.allBehind(input));
    const said: Attempted['said'] = () =>
      error === null
        ? { kind: 'done', effect: id, output: this.contents.without(output ?? usual(), spec?.output ?? {}, pii) }
        : { kind: 'failed', effect: id, error, retryable: isRetryable(error) };
    if (error === neverAnswers) return { afterMs: timeoutMs, said: timedOut, isKept: false, late: null };
    if (takesMs <= timeoutMs) return { afterMs: takesMs, said, isKept: error === null, late: null };
    return { afterMs: timeoutMs, said: timedOut, isKept: false, late: { afterMs: takesMs, said } };
  }

  /** One message to the subject, now; the cap counts what was sent to the same subject. @param due when it would have gone but for quiet hours */
  protected touched(effect: Omit<EffectOf<'touchpoint'>, 'kind'>, instance: Performer, due: Instant): string {
    const outcome = this.outcomeOf(effect, instance);
    const { step, visit, channel, template, notBefore } = effect;
    const heldFrom = notBefore !== null && notBefore > due ? due : null;
    this.touchpoints.push({ at: this.now, journey: instance.number, step, visit, channel, template, outcome, heldFrom });
    return outcome;
  }

  private outcomeOf({ step, item, cap }: Omit<EffectOf<'touchpoint'>, 'kind'>, instance: Performer): string {
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
  hearOf(event: BusEvent, consumed: (instance: Performer) => void): void {
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
  private reach(event: BusEvent, instance: Performer): void {
    for (const { goal, value } of this.log.goals(event, instance, this.ports.engine, this.now)) {
      const type = 'journey.goal.reached';
      if (this.events.some((told) => told.type === type && told.journey === instance.number && told.data['goal'] === goal)) continue;
      this.tell({ at: this.now, journey: instance.number, type, data: { goal, value, event: event.id } });
    }
  }
}

export const bySystem = { actor: 'system/simulator', role: 'system', source: 'system' } as const;
