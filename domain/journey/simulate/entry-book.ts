/** What a run remembers of entries: what came of them, and what counts as the same one for a while. */
import type { Instant } from '../../time.js';
import { usualCapacity } from '../entry/consider.js';
import type { EntryNote, EntryPorts, EntryQuestion, EntrySight } from '../entry/enter.js';
import type { Performer } from './performer.js';
import type { Config } from './script.js';

type Dedupe = Parameters<EntryPorts['claim']>[1];

export class EntryBook {
  private readonly config: Config;
  private readonly claims = new Map<string, Instant>();
  /** What came of commands, by template, trigger and id. */
  private readonly notes = new Map<string, EntryNote>();

  constructor(config: Config) {
    this.config = config;
  }

  /** Until then the same is a repetition. */
  claim(template: string, dedupe: Dedupe, until: Instant): void {
    this.claims.set(claimKey(template, dedupe), until);
  }

  note(note: EntryNote): void {
    const { template, trigger, commandId, result } = note;
    // A call that was refused may be made again.
    if (result !== 'refused' || trigger !== null) this.notes.set(`${template.key} ${trigger ?? ''} ${commandId}`, note);
  }

  /** What an entry is decided by, next to its template. */
  sight({ template, entryKey, dedupe, trigger, commandId }: EntryQuestion, instances: readonly Performer[], now: Instant): EntrySight {
    const own = instances.filter(({ start }) => start.template.key === template && start.entryKey === entryKey);
    const ended = own.filter((instance) => instance.isOver());
    const taken = dedupe === null ? undefined : this.claims.get(claimKey(template, dedupe));
    return {
      mine: null,
      noted: this.notes.get(`${template} ${trigger ?? ''} ${commandId}`) ?? null,
      isRepeated: taken !== undefined && taken > now,
      open: own.find((instance) => !instance.isOver())?.id ?? null,
      ended: ended.length,
      lastEndedAt: ended.length === 0 ? null : Math.max(...ended.map((instance) => instance.view().endedAt ?? 0)),
      openInTenant: instances.filter((instance) => !instance.isOver()).length,
      capacity: this.config.maxConcurrentJourneys ?? usualCapacity,
      integrations: this.config.packageIntegrations ?? {},
    };
  }
}

const claimKey = (template: string, { trigger, key }: Dedupe): string => `${template} ${trigger} ${key}`;
