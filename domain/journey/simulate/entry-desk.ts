/** Lets in or does not: production's rules of entry over what a simulated run has. Source: journeys.md, section 2. */
import type { Instant } from '../../time.js';
import { considerEntry } from '../entry/consider.js';
import type { Considered } from '../entry/consider.js';
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
import { entryData, entryOf } from '../entry/entry.js';
import type { Asked, CompiledTrigger } from '../entry/entry.js';
import { subjectText } from '../entry/event.js';
import type { GuardTrace } from '../expression.js';
import type { Json, JsonObject } from '../json.js';
import { EntryBook } from './entry-book.js';
import type { Cast } from './ports.js';
import type { Config } from './script.js';
import { bySystem } from './world.js';
import type { World } from './world.js';

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

/** Whether a call would be let in, and what the guard of its template says. */
export interface Consideration {
  readonly outcome: Considered | Extract<EntryOutcome, { readonly kind: 'invalid' }>;
  readonly audience: GuardTrace | null;
}

export class EntryDesk {
  /** In order. */
  readonly attempts: EntryAttempt[] = [];
  private readonly cast: Cast;
  private readonly world: World;
  private readonly book: EntryBook;
  private readonly paused = new Set<string>();

  constructor(cast: Cast, config: Config, world: World) {
    this.cast = cast;
    this.book = new EntryBook(config);
    this.world = world;
  }

  /** A paused template takes no entries. */
  pause(key: string, isPaused: boolean): void {
    if (isPaused) this.paused.add(key);
    else this.paused.delete(key);
  }

  /** Whether somebody who asks now would be let in; nobody is. */
  consider(template: EntryTemplate, asked: Asked): Consideration {
    const { world } = this;
    const { compiled } = template;
    const entered = entryOf(compiled, asked);
    if (!entered.ok) return { outcome: { kind: 'invalid', faults: entered.faults }, audience: null };
    const { entrant } = entered;
    const {
      mine: _mine,
      noted: _noted,
      integrations: _integrations,
      ...sight
    } = this.look({ template: template.key, entryKey: entrant.entryKey, trigger: null, commandId: asked.commandId, dedupe: null });
    const facts = { ...sight, now: world.now, isEnabled: this.isOpen(template) };
    const data = entryData(compiled, asked, entrant.input, world.now);
    const { audience } = compiled.entry ?? {};
    return {
      outcome: considerEntry(compiled, null, facts, data, world.ports.engine),
      audience: audience === undefined ? null : world.ports.engine.evaluate(audience, data),
    };
  }

  async enter({ template, asked, ...rest }: Omit<EntryRequest, 'tenant' | 'actor'>): Promise<EntryOutcome> {
    const { world } = this;
    const known = withSubject(template, asked, world);
    const request: EntryRequest = {
      tenant,
      actor: rest.requester === null ? bySystem.actor : `user/${rest.requester}`,
      template: { ...template, isOpen: this.isOpen(template) },
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

  /** Keeps what came of an attempt, also of one that asked for nothing. */
  remember(
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

  private isOpen({ key, isOpen }: EntryTemplate): boolean {
    return isOpen && !this.paused.has(key);
  }
}

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
