/** Templates as callers read them. */
import { iso, isoOrNull } from '../tickets/view.js';
import type { EntryView, TemplateSummary, TemplateView, VersionView } from './schema.js';
import type { EntryRecord } from '../../db/queries/journey-entry-lists.js';
import type {
  TemplateRecord,
  TemplateSummary as SummaryRecord,
  VersionRecord,
  VersionSummary,
} from '../../db/queries/journey-templates.js';
import { plainJson } from '../../domain/journey/json.js';

const heading = (row: Omit<SummaryRecord, 'status' | 'open' | 'hash'>, status: SummaryRecord['status']) => ({
  key: row.key,
  name: row.name,
  category: row.category,
  status: status ?? ('draft' as const),
  latest: row.latest === 0 ? null : row.latest,
  builtIn: row.builtIn,
  paused: row.pausedAt !== null,
  revision: row.revision,
  createdAt: iso(row.createdAt),
  updatedAt: iso(row.updatedAt),
});

export const summaryView = (row: SummaryRecord): TemplateSummary => ({ ...heading(row, row.status), openJourneys: row.open });

const version = (row: VersionSummary) => ({
  version: row.version,
  name: row.name,
  status: row.status,
  mode: row.mode,
  contentHash: row.hash,
  publishedAt: iso(row.publishedAt),
  publishedBy: row.publishedBy,
  deprecatedAt: isoOrNull(row.deprecatedAt),
  archivedAt: isoOrNull(row.archivedAt),
});

export const versionView = (key: string, row: VersionRecord, openJourneys: number): VersionView => ({
  key,
  ...version(row),
  openJourneys,
  template: documentView(row.document),
});

/** @param versions newest first */
export const templateView = (row: TemplateRecord, versions: readonly VersionSummary[]): TemplateView => ({
  ...heading(row, versions[0]?.status ?? null),
  draft: {
    contentHash: row.hash,
    isPublished: versions[0]?.hash === row.hash,
    updatedBy: row.updatedBy,
    template: documentView(row.document),
  },
  versions: versions.map(version),
});

/** What was stored came in as an object. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const documentView = (document: unknown): Record<string, unknown> => plainJson(document).value as Record<string, unknown>;

export const entryView = (row: EntryRecord): EntryView => ({
  id: row.id,
  at: iso(row.at),
  result: row.result,
  reason: row.reason,
  trigger: row.triggerId,
  event: row.eventId,
  subject: row.subjectType === null || row.subjectId === null ? null : { type: row.subjectType, id: row.subjectId },
  version: row.templateVersion,
  journey: row.journeyId,
  actor: row.actor,
  detail: row.detail ?? null,
});
