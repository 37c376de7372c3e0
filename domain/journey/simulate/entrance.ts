/** How journeys of a run begin: calls, triggers, steps that start others. Source: journeys.md, section 2. */
import type { Instant } from '../../time.js';
import { minute } from '../../time.js';
import { earsOf } from '../entry/correlation.js';
import type { EntryOutcome, EntryTemplate } from '../entry/enter.js';
import { entryOf, subjectOfChild } from '../entry/entry.js';
import type { Asked, CompiledTrigger } from '../entry/entry.js';
import { subjectText } from '../entry/event.js';
import type { BusEvent } from '../entry/event.js';
import { recurrenceOf } from '../entry/schedule.js';
import { subjectChanged } from '../entry/subject-changes.js';
import { triggersFor } from '../entry/triggers.js';
import type { GuardTrace } from '../expression.js';
import { isObject } from '../json.js';
import type { JsonObject } from '../json.js';
import type { EffectOf } from '../run/effect.js';
import type { JourneyStart } from '../run/state.js';
import { subjectTypes } from '../template.js';
import { askedBy } from './asked.js';
import { ConditionWatch } from './condition-watch.js';
import { EntryDesk } from './entry-desk.js';
import type { Consideration } from './entry-desk.js';
import type { Performer } from './performer.js';
import type { Cast } from './ports.js';
import type { Config, StartCall, Subject } from './script.js';
import { nextTurn } from './turns.js';
import type { Doors, World } from './world.js';

/** Whether a call would be let in, and what the guards on the way say. */
export interface WouldEnter extends Consideration {
  /** Condition triggers that watch subjects of this type. */
  readonly triggers: readonly { readonly id: string; readonly match: GuardTrace }[];
}

export class Entrance implements Doors {
  private readonly cast: Cast;
  private readonly config: Config;
  private within: { readonly world: World; readonly desk: EntryDesk; readonly conditions: ConditionWatch } | null = null;
  /** Child → steps that wait for its end. */
  private readonly parents = new Map<string, { readonly parent: Performer; readonly effect: string }[]>();

  constructor(cast: Cast, config: Config) {
    this.cast = cast;
    this.config = config;
  }

  /** The two know each other; the world comes second. */
  attend(world: World): void {
    const { cast, config } = this;
    this.within = { world, desk: new EntryDesk(cast, config, world), conditions: new ConditionWatch(cast, world) };
    for (const template of cast.templates) {
      for (const trigger of template.compiled.triggers ?? []) this.schedule(template, trigger);
    }
  }

  get desk(): EntryDesk {
    return this.inside.desk;
  }

  /** Somebody calls; null: he is let in, or was in already. */
  async call(template: EntryTemplate, { subject, input, by }: StartCall, commandId: string): Promise<string | null> {
    this.observe(subject);
    const asked: Asked = { trigger: null, event: null, subject: this.world.directory.subjectRoot(subject), input, commandId };
    const outcome = await this.desk.enter({ template, asked, requester: by ?? null, parent: null });
    if (outcome.kind === 'refused') return outcome.reason;
    return outcome.kind === 'invalid' ? 'invalid_request' : null;
  }

  /** What is known of somebody changes without anybody being told. */
  observe(subject: Subject): void {
    const { world, conditions } = this.inside;
    world.directory.note(subject);
    conditions.begin(subject);
  }

  /** What is known of somebody changes, and conditions look again. */
  async noteSubject(subject: Subject): Promise<void> {
    const { world, desk, conditions } = this.inside;
    world.directory.note(subject);
    this.tellOfChange(subject);
    for (const watching of conditions.on(subject)) {
      const { template, trigger } = watching;
      const { fires, trace } = conditions.look(watching, subject);
      if (fires) await this.fire(template, trigger, null, subject);
      else desk.remember(template, trigger, subject, { kind: 'none' }, trace);
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
      const asked = askedBy(this.world, trigger, event, null);
      const entered = entryOf(template.compiled, asked);
      // What a journey of the template has waited for starts no other for the same subject.
      if (entered.ok && consumers.has(`${template.key} ${subjectText(entered.entrant.subject)}`)) continue;
      outcomes.push(await this.desk.enter({ template, asked, requester: null, parent: null }));
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
    const outcome = await this.desk.enter({
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
    const { world, desk, conditions } = this.inside;
    const [template] = this.cast.templates;
    if (template === undefined) throw new Error('a cast has at least the template of the script');
    const root = world.directory.subjectRoot(subject);
    const asked: Asked = { trigger: null, event: null, subject: root, input, commandId: world.name('asked') };
    const triggers = conditions.on(subject).map((watching) => ({
      id: watching.trigger.id,
      match: conditions.verdict(watching, subject),
    }));
    return { ...desk.consider(template, asked), triggers };
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

  private get inside(): NonNullable<Entrance['within']> {
    if (this.within === null) throw new Error('there is no world yet');
    return this.within;
  }

  private get world(): World {
    return this.inside.world;
  }

  private triggersFor(event: BusEvent): { readonly template: EntryTemplate; readonly trigger: CompiledTrigger }[] {
    return this.cast.templates.flatMap((template) => triggersFor([template.compiled], event).map(({ trigger }) => ({ template, trigger })));
  }

  private async fire(
    template: EntryTemplate,
    trigger: CompiledTrigger,
    event: BusEvent | null,
    subject: JourneyStart['subject'] | null,
  ): Promise<void> {
    await this.desk.enter({ template, asked: askedBy(this.world, trigger, event, subject), requester: null, parent: null });
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
