/** Runs one journey against a small world: it answers what the reducer asks, keeps a clock, and plays what a test says. */
import { expect } from 'vitest';
import { compile } from '../../../../domain/journey/compile.js';
import type { CompiledTemplate } from '../../../../domain/journey/compile.js';
import { choose } from '../../../../domain/journey/expression.js';
import type { Json, JsonObject } from '../../../../domain/journey/json.js';
import { canonical } from '../../../../domain/journey/json.js';
import type { JourneyTemplate } from '../../../../domain/journey/template.js';
import type { JourneyCommand, JourneyCommandFields, JourneyVerb } from '../../../../domain/journey/run/command.js';
import type { Effect, EffectKind, EffectOf, HandoffReport, OccurredEvent, Report } from '../../../../domain/journey/run/effect.js';
import type { JourneyEvent } from '../../../../domain/journey/run/event.js';
import type { JourneyView } from '../../../../domain/journey/run/record.js';
import { begin, command, nextDue, outstanding, report, view, visitsOf, wake } from '../../../../domain/journey/run/reduce.js';
import type { JourneyState, Reaction } from '../../../../domain/journey/run/reduce.js';
import type { JourneyStart, VisitView } from '../../../../domain/journey/run/state.js';
import { mapped, weigh } from '../../../../domain/journey/run/weigh.js';
import { asContentId } from '../../../../domain/ids.js';
import { day, fromIso, hour, minute, second } from '../../../../domain/time.js';
import { guards } from '../builders.js';

/** Monday, nine o'clock in UTC. */
const monday = fromIso('2026-01-05T09:00:00Z');

/** `+1d2h30m10s` in milliseconds. */
function ms(text: string): number {
  const units: Readonly<Record<string, number>> = { d: day, h: hour, m: minute, s: second };
  return Array.from(text.matchAll(/(\d+)([dhms])/g)).reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0);
}

/** How an attempt ends: `wait` is not answered by itself. */
export type Result = JsonObject | { readonly $fail: string; readonly retryable?: boolean; readonly unknown?: boolean } | 'wait';

export interface World {
  readonly input?: JsonObject;
  readonly subject?: { readonly type: string; readonly id: string };
  readonly attributes?: JsonObject;
  readonly requester?: string | null;
  /** Person → roles. */
  readonly people?: Readonly<Record<string, readonly string[]>>;
  /** Step, or step and item, → results of its attempts in order; the last goes on. Absent: `{}`. */
  readonly results?: Readonly<Record<string, readonly Result[]>>;
  readonly touchpoints?: readonly ('sent' | 'capped' | 'failed' | 'wait')[];
  /** Texts that stand behind references. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Kinds that a test answers itself. */
  readonly silent?: readonly EffectKind[];
  readonly startedBy?: OccurredEvent & { readonly data?: JsonObject };
  /** Which of the questions at hand is answered next; absent: the oldest. */
  readonly pick?: (count: number) => number;
  /** Open time passes for so many hours a day, from midnight on. */
  readonly openHours?: number;
}

interface Said extends OccurredEvent {
  readonly envelope: JsonObject;
}

export class Run {
  now = monday;
  state: JourneyState;
  readonly template: CompiledTemplate;
  readonly events: JourneyEvent[] = [];
  /** Everything that was asked, in order. */
  readonly effects: Effect[] = [];
  /** What tests answer. */
  readonly open: Effect[] = [];
  /** Every visit as readers were last told of it. */
  readonly visits = new Map<string, VisitView>();
  people: Record<string, readonly string[]>;
  attributes: JsonObject;
  readonly #world: World;
  readonly #log: Said[] = [];
  readonly #queue: Effect[] = [];
  readonly #spent = new Map<string, number>();
  #commands = 0;
  #handoffs = new Map<string, number>();

  constructor(template: JourneyTemplate, world: World = {}) {
    this.#world = world;
    this.people = { ...world.people };
    this.attributes = world.attributes ?? {};
    this.template = compile(template);
    const { startedBy } = world;
    if (startedBy !== undefined) this.#log.push(asSaid(startedBy, startedBy.data ?? {}));
    const start: JourneyStart = {
      journeyId: 'JRN-0000000000000001',
      tenant: 'acme',
      template: { key: template.key, version: 1, hash: 'h' },
      subject: world.subject ?? { type: 'customer', id: 'C1' },
      entryKey: 'C1',
      entry: 1,
      input: world.input ?? {},
      requester: world.requester ?? null,
      trigger: startedBy === undefined ? null : { id: 'begin', eventId: startedBy.id },
      parent: null,
      startedAt: this.now,
    };
    const doer = { commandId: 'begin', kind: 'open', actor: 'system/test', role: 'system', source: 'system' } as const;
    const first = begin(this.template, start, doer, this.now);
    this.state = first.state;
    this.#take(first);
    this.#answerAll();
  }

  /** Waits until this instant, doing what is due on the way. */
  to(text: string): this {
    return this.until(monday + ms(text));
  }

  until(at: number): this {
    for (let due = nextDue(this.template, this.state); due !== null && due.at <= at; due = nextDue(this.template, this.state)) {
      this.now = Math.max(this.now, due.at);
      this.#take(wake(this.template, this.state, this.now));
      this.#answerAll();
    }
    this.now = at;
    return this;
  }

  /** A command by an admin; the code it is refused with, or null. */
  do<Verb extends JourneyVerb>(
    kind: Verb,
    fields: JourneyCommandFields[Verb] & Partial<Pick<JourneyCommand, 'actor' | 'role' | 'roles'>>,
  ): string | null {
    const answer = this.try(kind, fields);
    if (!answer.ok) return answer.code;
    this.#take(answer);
    this.#answerAll();
    return null;
  }

  /** Decides a command and does nothing. */
  try<Verb extends JourneyVerb>(kind: Verb, fields: JourneyCommandFields[Verb] & Partial<JourneyCommand>) {
    this.#commands += 1;
    const envelope = {
      commandId: `c${this.#commands}`,
      actor: 'user/ada',
      role: 'admin',
      source: 'api',
      reason: asContentId('why'),
    } as const;
    const order = { ...envelope, kind, ...fields } as unknown as JourneyCommand;
    const before = JSON.stringify(this.state);
    const answer = command(this.template, this.state, order, this.now);
    expect(JSON.stringify(this.state)).toBe(before);
    return answer;
  }

  /** An event reaches the log and, unless it came before anybody listened, the journey. */
  say(
    type: string,
    data: JsonObject = {},
    more: { readonly id?: string; readonly isUnheard?: boolean; readonly envelope?: JsonObject } = {},
  ): this {
    const event = { id: more.id ?? `e${this.#log.length + 1}`, type, at: this.now };
    if (!this.#log.some(({ id }) => id === event.id))
      this.#log.push(asSaid(event, data, more.envelope ?? { customerId: this.state.start.subject.id }));
    return more.isUnheard === true ? this : this.tell({ kind: 'event', event });
  }

  tell(said: Report): this {
    this.#take(report(this.template, this.state, said, this.now));
    this.#answerAll();
    return this;
  }

  /** The handoff of a step tells how it stands. */
  handoff(key: string, state: HandoffReport['state'], more: Partial<HandoffReport> = {}): this {
    const seq = (this.#handoffs.get(key) ?? 0) + 1;
    this.#handoffs.set(key, seq);
    return this.tell({
      kind: 'handoff',
      report: { handoff: `JRN-0000000000000001.${key}`, seq, state, owner: 'crm', dueAt: null, ...more },
    });
  }

  /** The first effect of a kind that waits for the test. */
  asked<Kind extends EffectKind>(kind: Kind): EffectOf<Kind> {
    const found = this.open.find((effect) => effect.kind === kind);
    if (found === undefined) throw new Error(`nobody asked for ${kind}`);
    return found as unknown as EffectOf<Kind>;
  }

  all<Kind extends EffectKind>(kind: Kind): readonly EffectOf<Kind>[] {
    return this.effects.filter((effect) => effect.kind === kind) as unknown as readonly EffectOf<Kind>[];
  }

  get view(): JourneyView {
    return view(this.template, this.state);
  }

  /** The newest visit of a step, or one of them. */
  at(step: string, visit?: number, item: string | null = null): VisitView | undefined {
    const all = Array.from(this.visits.values()).filter((one) => one.step === step && one.item === item);
    return all.find((one) => one.visit === (visit ?? Math.max(...all.map((other) => other.visit))));
  }

  /** State of the newest visit. */
  stateOf = (step: string): string => this.at(step)?.state ?? 'pending';

  /** Events of a type: how long after the start, and what they say. */
  emitted(type: string, step?: string): readonly (JsonObject & { readonly after: string })[] {
    return this.events
      .filter((event) => event.type === type && (step === undefined || event.data['step'] === step))
      .map(({ at, data }) => ({ ...data, after: asText(at - monday) }));
  }

  /** Steps in the order they were entered. */
  get trail(): readonly Json[] {
    return this.events.filter(({ type }) => type === 'journey.step.entered').map(({ data }) => data['step'] ?? null);
  }

  /** Forgets all questions and puts those again that the state still has. */
  restart(): this {
    this.#queue.length = 0;
    this.open.length = 0;
    this.#want(outstanding(this.template, this.state));
    this.#answerAll();
    return this;
  }

  #take(reaction: Reaction): void {
    const copy: JourneyState = JSON.parse(JSON.stringify(reaction.state));
    expect(copy).toStrictEqual(reaction.state);
    this.state = copy;
    for (const event of reaction.events) {
      const last = this.events.at(-1);
      expect(event.seq).toBe((last?.seq ?? 0) + 1);
      expect(event.at).toBeGreaterThanOrEqual(last?.at ?? 0);
      this.events.push(event);
    }
    for (const visit of reaction.visits) this.visits.set(`${visit.step}.${visit.visit}.${visit.item}`, visit);
    expect(visitsOf(this.template, this.state).every((visit) => this.visits.has(`${visit.step}.${visit.visit}.${visit.item}`))).toBe(true);
    this.#want(reaction.effects);
  }

  #want(effects: readonly Effect[]): void {
    this.effects.push(...effects);
    this.#queue.push(...effects);
  }

  #answerAll(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const answer = this.#world.silent?.includes(next.kind) === true ? undefined : this.#answer(next);
      if (answer === undefined) this.open.push(next);
      else this.#take(report(this.template, this.state, answer, this.now));
    }
  }

  #next(): Effect | undefined {
    const { pick } = this.#world;
    return this.#queue.splice(pick === undefined || this.#queue.length === 0 ? 0 : pick(this.#queue.length), 1)[0];
  }

  #scene(data: Readonly<Record<string, Json>>, eventId?: string): Readonly<Record<string, Json>> {
    const event = this.#log.find(({ id }) => id === eventId)?.envelope;
    const subject = { ...this.attributes, ...asObject(data['subject']) };
    return { ...asObject(this.#resolved(data)), subject, ...(event === undefined ? {} : { event }) };
  }

  #resolved(value: Json): Json {
    const { texts = {} } = this.#world;
    const text = JSON.stringify(value).replaceAll(/\{"\$ref":"([^"]+)"\}/g, (_, id: string) => JSON.stringify(texts[id] ?? null));
    const resolved: Json = JSON.parse(text);
    return resolved;
  }

  #answer(effect: Effect): Report | undefined {
    const { id } = effect;
    switch (effect.kind) {
      case 'guards':
        return { kind: 'guards', effect: id, choice: choose(guards, effect.guards, this.#scene(effect.data, effect.eventId)) };
      case 'values':
        return { kind: 'values', effect: id, values: mapped(effect.paths, this.#scene(effect.data, effect.eventId)) };
      case 'weigh': {
        const event = this.#log.find((one) => one.id === effect.eventId)?.envelope ?? {};
        const { verdicts, trace } = weigh(guards, effect.candidates, event, this.#scene(effect.data));
        const hidden = verdicts.map((verdict, index) => ({
          ...verdict,
          output: hide(verdict.output, effect.candidates[index]?.pii ?? []),
        }));
        return { kind: 'weighed', effect: id, verdicts: hidden, trace };
      }
      case 'people': {
        const { users = [], roles = [], expr } = effect.who;
        const named = expr === undefined ? null : guards.value(expr, this.#scene(effect.data, effect.eventId));
        if (named?.ok === false) return { kind: 'people', effect: id, people: [], fault: named.fault };
        const byName = [...users, ...(Array.isArray(named?.value) ? named.value.map(String) : [])];
        const ids = new Set([
          ...byName,
          ...Object.keys(this.people).filter((one) => roles.some((role) => this.people[one]?.includes(role))),
        ]);
        return { kind: 'people', effect: id, people: Array.from(ids, (one) => ({ id: one, roles: this.people[one] ?? [] })), fault: null };
      }
      case 'hash':
        return { kind: 'hash', effect: id, hash: `hash of ${canonical(effect.value)}` };
      case 'localTime':
        return { kind: 'instant', effect: id, at: nextTime(effect.local, effect.after) };
      case 'quiet':
        return { kind: 'instant', effect: id, at: quietEnd(effect.from, effect.to, effect.at) };
      case 'openTime':
        return {
          kind: 'instants',
          effect: id,
          at: effect.amountsMs.map((amount) => afterOpen(effect.from, amount, this.#world.openHours ?? 24)),
        };
      case 'lookBack': {
        const events = this.#log.filter(
          ({ id: one, type, at }) => at >= effect.since && effect.types.includes(type) && !effect.excluded.includes(one),
        );
        return { kind: 'found', effect: id, events: events.map(({ id: one, type, at }) => ({ id: one, type, at })) };
      }
      case 'action': {
        const results = this.#world.results ?? {};
        const name = effect.undoes === true ? `undo ${effect.step}` : effect.step;
        const own = results[`${name}.${effect.item}`] ?? results[name] ?? [{}];
        return asReport(id, this.#nextOf(`${name}.${effect.item}`, own) ?? {});
      }
      case 'touchpoint': {
        const outcome = this.#nextOf('touchpoint', this.#world.touchpoints ?? ['sent']) ?? 'sent';
        return outcome === 'wait' || effect.notBefore !== null ? undefined : { kind: 'done', effect: id, output: {}, outcome };
      }
      case 'openChild':
        return { kind: 'childStarted', effect: id, journey: `JRN-${effect.key}` };
      default:
        return undefined;
    }
  }

  #nextOf<Item>(name: string, list: readonly Item[]): Item | undefined {
    const spent = this.#spent.get(name) ?? 0;
    this.#spent.set(name, spent + 1);
    return list[Math.min(spent, list.length - 1)];
  }
}

function asReport(effect: string, result: Result): Report | undefined {
  if (result === 'wait') return undefined;
  const { $fail: error, retryable, unknown } = result as { $fail?: string; retryable?: boolean; unknown?: boolean };
  if (error === undefined) return { kind: 'done', effect, output: result };
  return { kind: 'failed', effect, error, retryable: retryable ?? true, ...(unknown === undefined ? {} : { unknown }) };
}

const asSaid = ({ id, type, at }: OccurredEvent, data: JsonObject, envelope: JsonObject = {}): Said => ({
  id,
  type,
  at,
  envelope: { id, type, ...envelope, data },
});
const asObject = (value: Json | undefined): JsonObject =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : {};
const hide = (output: JsonObject, pii: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(output).map(([name, value]) => [name, pii.includes(name) ? { $ref: `content-of-${name}` } : value]));

const midnight = (at: number): number => Math.floor(at / day) * day;
const timeOfDay = (text: string): number => Number(text.slice(0, 2)) * hour + Number(text.slice(3)) * minute;

function nextTime(local: string, after: number): number {
  const today = midnight(after) + timeOfDay(local);
  return today >= after ? today : today + day;
}

function quietEnd(from: string, to: string, at: number): number | null {
  const now = at - midnight(at);
  const [first, last] = [timeOfDay(from), timeOfDay(to)];
  const isQuiet = first < last ? now >= first && now < last : now >= first || now < last;
  return isQuiet ? nextTime(to, at) : null;
}

/** Every day is open from midnight for so many hours. */
function afterOpen(from: number, amount: number, hours: number): number {
  let [at, left] = [from, amount];
  while (left > 0) {
    const closes = midnight(at) + hours * hour;
    const passes = Math.min(left, Math.max(0, closes - at));
    left -= passes;
    at = left > 0 ? midnight(at) + day : at + passes;
  }
  return at;
}

function asText(after: number): string {
  const parts = [
    ['d', day],
    ['h', hour],
    ['m', minute],
    ['s', second],
  ] as const;
  let rest = after;
  const text = parts
    .map(([unit, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count > 0 ? `${count}${unit}` : '';
    })
    .join('');
  return `+${text}`;
}

/** A template that begins with the first of its steps; `done` and `gone` are its ends. */
export const template = (steps: Record<string, unknown>, changes: Record<string, unknown> = {}): JourneyTemplate =>
  ({
    key: 'sample',
    name: 'Sample',
    category: 'custom',
    subject: { type: 'customer', id: 'input.customerId' },
    start: Object.keys(steps)[0] ?? 'done',
    steps: { ...steps, done: { kind: 'end', outcome: 'done', result: 'won' }, gone: { kind: 'end', outcome: 'gone', result: 'lost' } },
    ...changes,
  }) as unknown as JourneyTemplate;

export const run = (steps: Record<string, unknown>, world: World = {}, changes: Record<string, unknown> = {}): Run =>
  new Run(template(steps, changes), world);

export const number = { schema: { type: 'number' } };
export const text = { schema: { type: 'string' } };
/** Goes on to a step. */
export const to = (step: string): { readonly transitions: readonly { readonly to: string }[] } => ({ transitions: [{ to: step }] });
