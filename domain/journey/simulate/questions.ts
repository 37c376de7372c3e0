/** Answers what journeys and handoffs may not find out by themselves, at once and out of what a script says. */
import type { Instant } from '../../time.js';
import { choose } from '../expression.js';
import type { GuardData } from '../expression.js';
import { canonical, isList, isObject } from '../json.js';
import type { Json } from '../json.js';
import type { Effect, EffectOf, Report } from '../run/effect.js';
import { mapped, weigh } from '../run/weigh.js';
import type { Contents } from './contents.js';
import type { Directory } from './directory.js';
import type { EventLog } from './event-log.js';
import type { Performer } from './performer.js';
import type { SimulatorPorts } from './ports.js';

/** Kinds that are answered without anything happening in the world. */
export const questionKinds = ['guards', 'values', 'people', 'hash', 'localTime', 'quiet', 'openTime', 'weigh', 'lookBack'] as const;
export type QuestionKind = (typeof questionKinds)[number];
export type Question = Extract<Effect, { readonly kind: QuestionKind }>;
export const isQuestion = (effect: Effect): effect is Question => questionKinds.some((kind) => kind === effect.kind);

export class Questions {
  private readonly ports: SimulatorPorts;
  private readonly directory: Directory;
  private readonly contents: Contents;
  private readonly log: EventLog;

  constructor(ports: SimulatorPorts, directory: Directory, contents: Contents, log: EventLog) {
    this.ports = ports;
    this.directory = directory;
    this.contents = contents;
    this.log = log;
  }

  answer(question: Question, instance: Performer): Report {
    const { engine, digest } = this.ports;
    const { id: effect } = question;
    switch (question.kind) {
      case 'guards':
        return { kind: 'guards', effect, choice: choose(engine, question.guards, this.scene(question.data, instance, question.eventId)) };
      case 'values': {
        const values = mapped(question.paths, this.scene(question.data, instance, question.eventId));
        return { kind: 'values', effect, values: this.contents.without(values, {}, question.pii) };
      }
      case 'people':
        return this.people(question, instance);
      case 'hash':
        // A text is hashed as it is: buckets of experiments are.
        return { kind: 'hash', effect, hash: hex(digest(typeof question.value === 'string' ? question.value : canonical(question.value))) };
      case 'localTime': {
        const zone = question.zone ?? this.zoneOf(instance, question.fallback);
        return { kind: 'instant', effect, at: this.ports.nextLocalTime(question.local, zone, question.after) };
      }
      case 'quiet': {
        const { from, to, at } = question;
        return { kind: 'instant', effect, at: this.ports.quietUntil({ from, to }, this.zoneOf(instance, question.fallback), at) };
      }
      case 'openTime': {
        const { calendar, from, amountsMs } = question;
        const found = this.ports.openTime(calendar, from, amountsMs);
        return { kind: 'instants', effect, at: found ?? amountsMs.map((ms: number): Instant => from + ms) };
      }
      case 'weigh':
        return this.weigh(question, instance);
      case 'lookBack': {
        const { since, types, excluded } = question;
        const events = this.log.since(since, types, instance).filter(({ id }) => !excluded.includes(id));
        return { kind: 'found', effect, events: events.map(({ id, type, at }) => ({ id, type, at })) };
      }
    }
  }

  /** What an expression sees: texts in place, the subject with its attributes, the event. */
  private scene(data: GuardData, instance: Performer, eventId?: string): GuardData {
    const event = eventId === undefined ? undefined : this.log.root(eventId);
    return {
      ...this.contents.allBehind(data),
      subject: this.directory.subjectRoot(instance.start.subject),
      ...(event === undefined ? {} : { event }),
    };
  }

  private people({ id: effect, who, data, eventId }: EffectOf<'people'>, instance: Performer): Report {
    const { users = [], roles = [], expr } = who;
    const found = expr === undefined ? null : this.ports.engine.value(expr, this.scene(data, instance, eventId));
    if (found !== null && !found.ok) return { kind: 'people', effect, people: [], fault: found.fault };
    const named = found === null ? [] : isList(found.value) ? found.value : [found.value];
    const ids = named.flatMap(idIn);
    const fault = ids.length < named.length ? ({ reason: 'type', path: null } as const) : null;
    return { kind: 'people', effect, people: this.directory.find([...users, ...ids], roles), fault };
  }

  private weigh({ id: effect, eventId, candidates, data }: EffectOf<'weigh'>, instance: Performer): Report {
    const event = this.log.root(eventId);
    if (event === undefined) return { kind: 'weighed', effect, verdicts: [], trace: [] };
    const { verdicts, trace } = weigh(this.ports.engine, candidates, event, this.scene(data, instance));
    const kept = verdicts.map(({ output, ...verdict }, index) => ({
      ...verdict,
      output: this.contents.without(output, {}, candidates[index]?.pii ?? []),
    }));
    return { kind: 'weighed', effect, verdicts: kept, trace };
  }

  private zoneOf(instance: Performer, fallback: string | undefined): string {
    const { isZone } = this.ports;
    const known = [this.directory.zoneOf(instance.start.subject), fallback, instance.template.compiled.defaults?.timezone];
    return known.find((zone) => typeof zone === 'string' && isZone(zone)) ?? 'UTC';
  }
}

/** People may come as ids, or as objects that have one. */
const idIn = (value: Json): string[] => {
  const id = isObject(value) ? value['id'] : value;
  return typeof id === 'string' ? [id.slice(id.indexOf('/') + 1)] : [];
};

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
