/** A world for entries, in memory: journeys, dedupe keys and notes, as the database and the workflows keep them. */
import type { EntryNote, EntryPorts, EntryRequest, EntryTemplate, Opening } from '../../../../domain/journey/entry/enter.js';
import { enter } from '../../../../domain/journey/entry/enter.js';
import type { EntryOutcome } from '../../../../domain/journey/entry/enter.js';
import type { Asked } from '../../../../domain/journey/entry/entry.js';
import type { PackageIntegrations } from '../../../../domain/journey/entry/triggers.js';
import type { CompiledTemplate } from '../../../../domain/journey/compile.js';
import type { JsonObject } from '../../../../domain/journey/json.js';
import type { KeptText } from '../../../../domain/journey/texts.js';
import { guards, noon, sha256 } from './scene.js';

interface Lived extends Opening {
  endedAt: number | null;
  readonly attached: JsonObject[];
}

export class World {
  readonly journeys: Lived[] = [];
  readonly notes: EntryNote[] = [];
  readonly texts: KeptText[] = [];
  readonly keys = new Map<string, { readonly eventId: string; readonly until: number }>();
  capacity = 500;
  integrations: PackageIntegrations = {};
  now = noon;
  isOpen = true;
  /** What the database has not seen yet. */
  hidden = new Set<string>();
  /** What fails next time. */
  failing: keyof EntryPorts | null = null;

  readonly ports: EntryPorts = {
    engine: guards,
    now: () => this.now,
    digest: sha256,
    textId: (commandId, path) => `${commandId}${path}`,
    look: ({ template, trigger, entryKey, commandId, dedupe }) => {
      const seen = this.journeys.filter(({ journeyId }) => !this.hidden.has(journeyId));
      const mine = seen.filter((one) => one.template.key === template && one.entryKey === entryKey);
      const ended = mine.flatMap(({ endedAt }) => endedAt ?? []);
      const known = dedupe === null ? undefined : this.keys.get(`${template}/${dedupe.trigger}/${dedupe.key}`);
      return this.#unless('look', {
        mine: mine.find((one) => one.commandId === commandId)?.journeyId ?? null,
        noted:
          this.notes.find(
            (note) => note.commandId === commandId && note.trigger === trigger && (trigger !== null || note.result !== 'refused'),
          ) ?? null,
        open: mine.find(({ endedAt }) => endedAt === null)?.journeyId ?? null,
        ended: ended.length,
        lastEndedAt: ended.length === 0 ? null : Math.max(...ended),
        openInTenant: seen.filter(({ endedAt }) => endedAt === null).length,
        isRepeated: known !== undefined && known.eventId !== dedupe?.eventId && known.until > this.now,
        capacity: this.capacity,
        integrations: this.integrations,
      });
    },
    claim: (template, { trigger, key, eventId }, until) => {
      const name = `${template}/${trigger}/${key}`;
      const known = this.keys.get(name);
      const isFree = known === undefined || known.eventId === eventId || known.until <= this.now;
      if (isFree) this.keys.set(name, { eventId, until });
      return this.#unless('claim', isFree);
    },
    keep: (_journeyId, _commandId, texts) => {
      this.texts.push(...texts);
      return this.#unless('keep', undefined);
    },
    open: (start) => {
      const found = this.journeys.find(({ journeyId }) => journeyId === start.journeyId);
      if (found === undefined) this.journeys.push({ ...start, endedAt: null, attached: [] });
      const answer = found === undefined || found.commandId === start.commandId ? 'started' : 'existing';
      return this.#unless('open', found !== undefined && found.endedAt !== null ? 'over' : answer);
    },
    attach: (journeyId, { input }) => {
      const found = this.journeys.find((one) => one.journeyId === journeyId);
      if (found === undefined || found.endedAt !== null) return this.#unless('attach', 'over');
      found.attached.push(input);
      return this.#unless('attach', 'attached');
    },
    note: (note) => {
      this.notes.push(note);
      return this.#unless('note', undefined);
    },
  };

  #unless<Value>(port: keyof EntryPorts, value: Value): Promise<Value> {
    if (this.failing !== port) return Promise.resolve(value);
    this.failing = null;
    return Promise.reject(new Error(port));
  }

  enter(compiled: CompiledTemplate, asked: Asked, changes: Partial<EntryRequest> = {}): Promise<EntryOutcome> {
    const template: EntryTemplate = { key: compiled.key, version: 1, hash: 'h', compiled, isOpen: this.isOpen };
    return enter(this.ports, { tenant: 't', template, asked, actor: 'system/trigger', requester: null, parent: null, ...changes });
  }

  end(journeyId = this.journeys.at(-1)?.journeyId): void {
    for (const journey of this.journeys) if (journey.journeyId === journeyId) journey.endedAt = this.now;
  }

  results(): (readonly [string, string | null])[] {
    return this.notes.map(({ result, reason }) => [result, reason]);
  }
}
