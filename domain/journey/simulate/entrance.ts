/** How journeys of a run begin: calls, triggers, steps that start others. Source: journeys.md, section 2. */
import type { Instant } from '../../time.js';
import { minute } from '../../time.js';
import { considerEntry } from '../entry/consider.js';
import type { Considered } from '../entry/consider.js';
import { watchCondition } from '../entry/condition.js';
import type { ConditionMemory } from '../entry/condition.js';
import { enter } from '../entry/enter.js';
import type {
  EntryNote,
  EntryOutcome,
  EntryPorts,
  EntryQuestion,
  EntryRequest,
  EntrySight,
  EntryTemplate,
  Opening,
} from '../entry/enter.js';
import { entryData, entryOf, subjectOfChild } from '../entry/entry.js';
import type { Asked, CompiledTrigger } from '../entry/entry.js';
import { subjectText } from '../entry/event.js';
import type { BusEvent } from '../entry/event.js';
import { earsOf } from '../entry/correlation.js';
import { subjectChanged } from '../entry/subject-changes.js';
import { recurrenceOf } from '../entry/schedule.js';
import { conditionsOn, triggersFor } from '../entry/triggers.js';
import type { GuardTrace } from '../expression.js';
import { isObject } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import type { EffectOf } from '../run/effect.js';
import type { JourneyStart } from '../run/state.js';
import { subjectTypes } from '../template.js';
import { EntryBook } from './entry-book.js';
import type { Performer } from './performer.js';
import type { Cast } from './ports.js';
import type { Config, StartCall, Subject } from './script.js';
import { nextTurn } from './turns.js';
import { bySystem } from './world.js';
import type { Doors, World } from './world.js';

const tenant = 'simulation';

/** Somebody asked to enter, and what came of it. */
export interface EntryAttempt {
  readonly at: Instant;
  readonly template: string;
  readonly trigger: string | null;
  readonly subject: { readonly type: string; readonly id: string } | null;
  readonly outcome: EntryOutcome;
  /** The trigger's own guard, where there is one. */
  readonly match: GuardTrace | null;
}

/** Whether a call would be let in, and what the guards on the way say. */
export interface WouldEnter {
  readonly outcome: Considered | Extract<EntryOutcome, { readonly kind: 'invalid' }>;
  readonly audience: GuardTrace | null;
  /** Condition triggers that watch subjects of this type. */
  readonly triggers: readonly { readonly id: string; readonly match: GuardTrace }[];
}

export class Entrance implements Doors {
  /** In order. */
  readonly attempts: EntryAttempt[] = [];
  private readonly cast: Cast;
  private worldOrNull: World | null = null;
  private readonly book: EntryBook;
  private readonly conditions = new Map<string, ConditionMemory>();
  /** Child → steps that wait for its end. */
  private readonly parents = new Map<string, { readonly parent: Performer; readonly effect: string }[]>();
  private readonly paused = new Set<string>();

  constructor(cast: Cast, config: Config) {
    this.cast = cast;
    this.book = new EntryBook(config);
  }

  /** The two know each other; the world comes second. */
  attend(world: World): void {
    this.worldOrNull = world;
    for (const template of this.cast.templates) {
      for (const trigger of template.compiled.triggers ?? []) this.schedule(template, trigger);
    }
  }

  /** A paused template takes no entries. */
  pause(key: string, isPaused: boolean): void {
    if (isPaused) this.paused.add(key);
    else this.paused.delete(key);
  }

  /** Somebody calls; null: he is let in, or was in already. */
  async call(template: EntryTemplate, { subject, input, by }: StartCall, commandId: string): Promise<string | null> {
    this.observe(subject);
    const asked: Asked = { trigger: null, event: null, subject: this.world.directory.subjectRoot(subject), input, commandId };
    const outcome = await this.enter({ template, asked, requester: by ?? null, parent: null });
    if (outcome.kind === 'refused') return outcome.reason;
    return outcome.kind === 'invalid' ? 'invalid_request' : null;
  }

  /** What is known of somebody changes without anybody being told: how things are at first is no change. */
  observe(subject: Subject): void {
    const { directory } = this.world;
    directory.note(subject);
    for (const { template, trigger } of this.conditionsOf(subject)) {
      const { verdict } = this.verdictOf(template, trigger, subject);
      const key = memoryKey(template, trigger, subject);
      const before = this.conditions.get(key);
      this.conditions.set(key, { isTrue: verdict === 'true', firedAt: before?.firedAt ?? null });
    }
  }

  /** What is known of somebody changes, and conditions look again. */
  async noteSubject(subject: Subject): Promise<void> {
    const { directory, now } = this.world;
    directory.note(subject);
    this.tellOfChange(subject);
    for (const { template, trigger } of this.conditionsOf(subject)) {
      const trace = this.verdictOf(template, trigger, subject);
      const key = memoryKey(template, trigger, subject);
      const { fires, after } = watchCondition(trigger, this.conditions.get(key) ?? null, trace.verdict, now);
      this.conditions.set(key, after);
      if (fires) await this.fire(template, trigger, null, subject);
      else this.remember(template, trigger, subject, { kind: 'none' }, trace);
    }
  }

  /** Journeys under way that read attributes of the subject look again. */
  private tellOfChange({ type, id, attributes }: Subject): void {
    const { world } = this;
    if (!world.instances.some(({ template }) => earsOf(template.compiled).has(subjectChanged))) return;
    const known = subjectTypes.find((one) => one === type) ?? 'custom';
    const data = { changed: Object.keys(attributes) };
    const change: BusEvent = {
      id: world.name('changed'),
      type: subjectChanged,
      source: 'usher',
      at: world.now,
      subject: subjectText({ type: known, id }),
      data,
    };
    world.hearOf(change, () => undefined);
  }

  /** An event of the outside: who waits for it, then what it starts. @returns what was refused, unless something began */
  async happen(event: BusEvent): Promise<string | null> {
    const consumers = new Set<string>();
    this.world.hearOf(event, ({ start }) => consumers.add(`${start.template.key} ${start.subject.type}/${start.subject.id}`));
    const outcomes: EntryOutcome[] = [];
    for (const { template, trigger } of this.triggersFor(event)) {
      const asked = this.askedBy(trigger, event, null);
      const entered = entryOf(template.compiled, asked);
      // What a journey of the template has waited for starts no other for the same subject.
      if (entered.ok && consumers.has(`${template.key} ${subjectText(entered.entrant.subject)}`)) continue;
      outcomes.push(await this.enter({ template, asked, requester: null, parent: null }));
    }
    if (outcomes.some(({ kind }) => kind === 'started')) return null;
    const refusal = outcomes.find((outcome) => outcome.kind === 'refused');
    return refusal?.kind === 'refused' ? refusal.reason : null;
  }

  async enterChild(parent: Performer, { id: effect, key, input: given }: EffectOf<'openChild'>): Promise<void> {
    const { world } = this;
    const template = this.cast.child(key);
    if (template === null) return world.report(parent, { kind: 'failed', effect, error: 'unknown_template', retryable: false });
    const behind = world.shown(given);
    const { subject, requester } = parent.start;
    const input = isObject(behind) ? behind : {};
    const asked: Asked = { trigger: null, event: null, subject: null, input, commandId: `${parent.id}/${effect}` };
    const whom = subjectOfChild(template.compiled, asked, subject);
    const known = whom === null ? null : world.directory.subjectRoot(whom);
    const outcome = await this.enter({
      template,
      asked: { ...asked, subject: known },
      requester,
      parent: { journeyId: parent.id, effect },
    });
    switch (outcome.kind) {
      case 'started':
      case 'existing':
      case 'signalled':
        this.parents.set(outcome.journeyId, [...(this.parents.get(outcome.journeyId) ?? []), { parent, effect }]);
        world.report(parent, {
          kind: 'childStarted',
          effect,
          journey: outcome.journeyId,
          ...(outcome.kind === 'started' ? {} : { joined: true }),
        });
        return this.tellParents(outcome.journeyId);
      case 'refused':
        return world.report(parent, { kind: 'failed', effect, error: outcome.reason, retryable: false });
      case 'invalid':
      case 'none':
        return world.report(parent, { kind: 'failed', effect, error: 'input_invalid', retryable: false });
    }
  }

  /** Asks whether somebody who calls now would be let in; nobody is. */
  wouldEnter(subject: JourneyStart['subject'], input: JsonObject = {}): WouldEnter {
    const { world } = this;
    const [template] = this.cast.templates;
    if (template === undefined) throw new Error('a cast has at least the template of the script');
    const { compiled } = template;
    const root = world.directory.subjectRoot(subject);
    const asked: Asked = { trigger: null, event: null, subject: root, input, commandId: world.name('asked') };
    const triggers = this.conditionsOf(subject).map(({ trigger }) => ({
      id: trigger.id,
      match: this.verdictOf(template, trigger, subject),
    }));
    const entered = entryOf(compiled, asked);
    if (!entered.ok) return { outcome: { kind: 'invalid', faults: entered.faults }, audience: null, triggers };
    const { entrant } = entered;
    const {
      mine: _mine,
      noted: _noted,
      integrations: _integrations,
      ...sight
    } = this.look({ template: template.key, entryKey: entrant.entryKey, trigger: null, commandId: asked.commandId, dedupe: null });
    const facts = { ...sight, now: world.now, isEnabled: template.isOpen && !this.paused.has(template.key) };
    const data = entryData(compiled, asked, entrant.input, world.now);
    const { audience } = compiled.entry ?? {};
    return {
      outcome: considerEntry(compiled, null, facts, data, world.ports.engine),
      audience: audience === undefined ? null : world.ports.engine.evaluate(audience, data),
      triggers,
    };
  }

  /** Steps that wait for it, and triggers that follow. */
  ended(instance: Performer): void {
    const { world } = this;
    world.later(() => this.tellParents(instance.id));
    const { start } = instance;
    const { outcome, result } = instance.view();
    const event: BusEvent = {
      id: `${instance.id}/ended`,
      type: 'journey.ended',
      source: 'usher',
      at: world.now,
      ofJourney: instance.id,
      entityId: `${start.subject.type}/${start.subject.id}`,
      data: { template: start.template.key, outcome, result },
    };
    for (const { template, trigger } of this.triggersFor(event)) {
      world.agenda.add(world.now + (trigger.delay ?? 0), () => this.fire(template, trigger, { ...event, at: world.now }, start.subject));
    }
  }

  private tellParents(journeyId: string): void {
    const child = this.world.instances.find(({ id }) => id === journeyId);
    if (child === undefined || !child.isOver()) return;
    const { outcome, result } = child.view();
    for (const { parent, effect } of this.parents.get(journeyId) ?? []) {
      this.world.report(parent, { kind: 'childEnded', effect, outcome: outcome ?? '', result });
    }
    this.parents.delete(journeyId);
  }

  private get world(): World {
    if (this.worldOrNull === null) throw new Error('there is no world yet');
    return this.worldOrNull;
  }

  private triggersFor(event: BusEvent): { readonly template: EntryTemplate; readonly trigger: CompiledTrigger }[] {
    return this.cast.templates.flatMap((template) => triggersFor([template.compiled], event).map(({ trigger }) => ({ template, trigger })));
  }

  private conditionsOf({ type }: JourneyStart['subject']): { readonly template: EntryTemplate; readonly trigger: CompiledTrigger }[] {
    const known = subjectTypes.find((one) => one === type);
    if (known === undefined) return [];
    return this.cast.templates.flatMap((template) =>
      conditionsOn([template.compiled], known).map(({ trigger }) => ({ template, trigger })),
    );
  }

  private verdictOf({ compiled }: EntryTemplate, trigger: CompiledTrigger, subject: JourneyStart['subject']): GuardTrace {
    const { ports, now } = this.world;
    const data = entryData(compiled, this.askedBy(trigger, null, subject), {}, now);
    return ports.engine.evaluate(trigger.when ?? 'true', data);
  }

  private askedBy(trigger: CompiledTrigger, event: BusEvent | null, subject: JourneyStart['subject'] | null): Asked {
    const root = subject === null ? null : this.world.directory.subjectRoot(subject);
    return { trigger, event, subject: root, input: {}, commandId: this.world.name(`trigger-${trigger.id}`) };
  }

  private async fire(
    template: EntryTemplate,
    trigger: CompiledTrigger,
    event: BusEvent | null,
    subject: JourneyStart['subject'] | null,
  ): Promise<void> {
    await this.enter({ template, asked: this.askedBy(trigger, event, subject), requester: null, parent: null });
  }

  private async enter({ template, asked, ...rest }: Omit<EntryRequest, 'tenant' | 'actor'>): Promise<EntryOutcome> {
    const { world } = this;
    const known = withSubject(template, asked, world);
    const request: EntryRequest = {
      tenant,
      actor: rest.requester === null ? bySystem.actor : `user/${rest.requester}`,
      template: { ...template, isOpen: template.isOpen && !this.paused.has(template.key) },
      asked: known,
      ...rest,
    };
    const outcome = await enter(this.ports(), request);
    const { trigger } = asked;
    const data = entryData(template.compiled, known, known.input, world.now);
    const match = trigger?.when === undefined ? null : world.ports.engine.evaluate(trigger.when, data);
    const entered = entryOf(template.compiled, known);
    this.remember(template, trigger, entered.ok ? entered.entrant.subject : known.subject, outcome, match);
    return outcome;
  }

  private remember(
    template: EntryTemplate,
    trigger: CompiledTrigger | null,
    subject: Json | { readonly type: string; readonly id: string },
    outcome: EntryOutcome,
    match: GuardTrace | null,
  ): void {
    this.attempts.push({
      at: this.world.now,
      template: template.key,
      trigger: trigger?.id ?? null,
      subject: subjectIn(subject),
      outcome,
      match,
    });
  }

  private ports(): EntryPorts {
    const { world } = this;
    return {
      engine: world.ports.engine,
      digest: world.ports.digest,
      now: () => world.now,
      textId: (commandId, path) => `${commandId}${path}`,
      look: (question) => Promise.resolve(this.look(question)),
      claim: (template, dedupe, until) => {
        this.book.claim(template, dedupe, until);
        return Promise.resolve(true);
      },
      keep: (_journeyId, _commandId, texts) => {
        world.contents.keepAll(texts);
        return Promise.resolve();
      },
      open: (start) => this.open(start),
      attach: async (journeyId, { commandId, actor, input, eventId }) => {
        const instance = world.instances.find(({ id }) => id === journeyId);
        if (instance === undefined || instance.isOver()) return 'over';
        const order = { kind: 'attach', commandId, actor, role: 'system', source: 'system', input } as const;
        await world.order(instance, eventId === null ? order : { ...order, eventId });
        return 'attached';
      },
      note: (note) => {
        this.note(note);
        return Promise.resolve();
      },
    };
  }

  private look(question: EntryQuestion): EntrySight {
    const { instances, now } = this.world;
    return this.book.sight(question, instances, now);
  }

  private async open({ commandId, actor, ...start }: Opening): Promise<'started'> {
    const { world } = this;
    const template = [...this.cast.templates, this.cast.child(start.template.key)].find((one) => one?.key === start.template.key);
    if (template === undefined || template === null) throw new Error(`there is no template ${start.template.key}`);
    await world.begin(template, start, { commandId, kind: 'open', actor, role: 'system', source: 'system' });
    return 'started';
  }

  /** What did not begin is told under the template; what was attached to an instance changes that instance. */
  private note(note: EntryNote): void {
    const { template, trigger, eventId, entrant, result, reason, journeyId, at } = note;
    this.book.note(note);
    if (result === 'started') return;
    const subject = entrant === null ? null : subjectText(entrant.subject);
    const data: JsonObject = { template: template.key, version: template.version, trigger, eventId, subject, reason, journey: journeyId };
    const { world } = this;
    if (result === 'signalled') world.note({ at, journey: null, type: 'entry.attached', data });
    else world.tell({ at, journey: null, type: 'journey.entry.refused', data });
  }

  /** Wakes at the next turn of a schedule, and after it at the one after that. */
  private schedule(template: EntryTemplate, trigger: CompiledTrigger): void {
    if (trigger.kind !== 'schedule' || trigger.rrule === undefined) return;
    const { world } = this;
    const rule = recurrenceOf(trigger.rrule, trigger.zone ?? 'UTC');
    const wakeAfter = (after: Instant): void => {
      const at = nextTurn(rule, after, world.ports);
      world.agenda.add(at, async () => {
        await this.fire(template, trigger, null, null);
        wakeAfter(at + minute);
      });
    };
    wakeAfter(world.now);
  }
}

const memoryKey = (template: EntryTemplate, trigger: CompiledTrigger, { type, id }: Subject): string =>
  `${template.key} ${trigger.id} ${type}/${id}`;

function subjectIn(value: Json | { readonly type: string; readonly id: string }): { readonly type: string; readonly id: string } | null {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('id' in value)) return null;
  const { type, id } = value;
  return typeof type === 'string' && typeof id === 'string' ? { type, id } : null;
}

/** Guards of an entry see what is known of whoever enters, whoever said so. */
function withSubject({ compiled }: EntryTemplate, asked: Asked, { directory }: World): Asked {
  if (asked.subject !== null) return asked;
  const entered = entryOf(compiled, asked);
  return entered.ok ? { ...asked, subject: directory.subjectRoot(entered.entrant.subject) } : asked;
}
