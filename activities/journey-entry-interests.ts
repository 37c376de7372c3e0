/** What a tenant's templates want to hear of, always as they are published now. Compiled forms are kept, since versions never change. */
import type { Db } from '../db/client.js';
import { withTenant } from '../db/client.js';
import { liveVersions } from '../db/queries/event-relay.js';
import type { LiveVersion } from '../db/queries/event-relay.js';
import { directoryChanges } from '../domain/access/directory-changes.js';
import type { TenantId } from '../domain/ids.js';
import type { CompiledTemplate } from '../domain/journey/compile.js';
import { earsOf } from '../domain/journey/entry/correlation.js';
import type { Ear } from '../domain/journey/entry/correlation.js';
import type { EntryTemplate } from '../domain/journey/entry/enter.js';
import { subjectChanged } from '../domain/journey/entry/subject-changes.js';
import type { SubjectType } from '../domain/journey/template.js';
import type { Templates } from './journey-templates.js';
import { recent } from './recent.js';

/** A version with what it listens to. */
export interface Listener {
  readonly key: string;
  readonly version: number;
  readonly compiled: CompiledTemplate;
  readonly ears: ReadonlyMap<string, readonly Ear[]>;
}

export interface Interests {
  /** Every version that instances may run on. */
  readonly listeners: readonly Listener[];
  /** Of each template the version that entries take. */
  readonly published: readonly EntryTemplate[];
  /** Whether some template has a use for events of a type. */
  readonly hears: (type: string) => boolean;
}

export interface InterestDeps {
  readonly db: Db;
  readonly templates: Templates;
}

/** The type of those that come back to us after a delay, and of those that a schedule sends. */
export const dueAgain = 'usher.due';
export const scheduled = 'usher.scheduled';

const own: readonly string[] = [dueAgain, scheduled, ...directoryChanges];

/** Tenants kept in memory. */
const mostTenants = 1_000;

/** @param live what the tenant has published, where that was just read; else it is read now */
export type InterestsOf = (tenant: TenantId, live?: readonly LiveVersion[]) => Promise<Interests>;

export function createInterests({ db, templates }: InterestDeps): InterestsOf {
  const kept = recent<{ readonly stamp: string; readonly interests: Interests }>(mostTenants);
  const read = async (tenant: TenantId): Promise<readonly LiveVersion[]> =>
    (await withTenant(db, tenant, (tx) => liveVersions(tx, [tenant]))).get(tenant) ?? [];
  return async (tenant, live) => {
    const versions = live ?? (await read(tenant));
    const stamp = JSON.stringify(versions);
    const load = async () => ({ stamp, interests: await gather(tenant, versions, templates) });
    return (await kept.get(tenant, load, (known) => known.stamp === stamp)).interests;
  };
}

async function gather(tenant: TenantId, versions: readonly LiveVersion[], templates: Templates): Promise<Interests> {
  const loaded = await Promise.all(
    versions.map(async (live) => {
      const compiled = await templates.load(tenant, live);
      return { live, compiled, ears: earsOf(compiled) };
    }),
  );
  const listeners = loaded.map(({ live: { key, version }, compiled, ears }): Listener => ({ key, version, compiled, ears }));
  const published = loaded.flatMap(({ live: { key, version, hash, isNewest, isPaused }, compiled }): EntryTemplate[] =>
    isNewest ? [{ key, version, hash, compiled, isOpen: !isPaused }] : [],
  );
  const types = new Set([
    ...own,
    ...listeners.flatMap(({ ears }) => [...ears.keys()]),
    ...published.flatMap(({ compiled }) => triggerTypes(compiled)),
  ]);
  const watched = new Set<SubjectType>(
    published.flatMap(({ compiled: { subject, triggers = [] } }) =>
      triggers.some(({ kind }) => kind === 'condition') ? [subject.type] : [],
    ),
  );
  const changes = (type: string): boolean =>
    type === subjectChanged ? watched.size > 0 : type.startsWith('ticket.') && watched.has('ticket');
  return { listeners, published, hears: (type) => types.has(type) || changes(type) };
}

const triggerTypes = ({ triggers = [] }: CompiledTemplate): string[] =>
  triggers.flatMap(({ kind, type }) => (kind === 'journey' ? ['journey.ended'] : kind === 'event' && type !== undefined ? [type] : []));
