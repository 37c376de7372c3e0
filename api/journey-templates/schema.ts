/** The wire shapes of journey templates. A template itself is checked by the validator, which says more than a schema could. */
import { z } from 'zod';
import { publishModes, versionStatuses } from '../../db/queries/journey-templates.js';
import { rules } from '../../domain/journey/diagnostic.js';
import { entryReasons } from '../../domain/journey/entry/consider.js';
import { categories } from '../../domain/journey/template.js';
import { stepKinds } from '../../domain/journey/step.js';
import { commaList, Moment, PageQuery, pageSchema, storable } from '../contract.js';

/** As an author writes it, in today's form or in the one with a list of steps. */
export const TemplateDocument = z.looseObject({}).meta({
  id: 'JourneyTemplateDocument',
  description: 'a template; `POST /v1/journey-templates/validate` names everything that is wrong with it',
});
export type TemplateDocument = z.output<typeof TemplateDocument>;

const Key = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/);
const VersionNumber = z.coerce.number().int().min(1).max(2_147_483_647);
export const TemplateParams = z.object({ key: Key });
export const VersionParams = z.object({ key: Key, version: VersionNumber });

const Diagnostic = z
  .strictObject({
    code: z.enum(Object.keys(rules)),
    severity: z.enum(['error', 'warning']),
    path: z.string().describe('JSON pointer into the template as it was sent'),
    stepId: z.exactOptional(z.string()),
    message: z.string(),
    why: z.string(),
    fix: z.string(),
  })
  .meta({ id: 'JourneyDiagnostic' });
const findings = { isValid: z.boolean(), errors: z.array(Diagnostic), warnings: z.array(Diagnostic) };
export const TemplateValidation = z.strictObject(findings).meta({ id: 'JourneyTemplateValidation' });
export type TemplateValidation = z.output<typeof TemplateValidation>;

const Status = z.enum(['draft', ...versionStatuses]);
export const TemplatesQuery = z.strictObject({
  category: z.exactOptional(commaList(z.enum(categories))),
  status: z.exactOptional(commaList(Status)).describe('of the newest version; draft: none was published yet'),
  ...PageQuery,
});
export type TemplatesQuery = z.output<typeof TemplatesQuery>;

const summary = {
  key: z.string(),
  name: z.string(),
  category: z.enum(categories),
  status: Status,
  latest: z.int().nullable().describe('number of the newest version'),
  builtIn: z.boolean().describe('it comes with the product'),
  paused: z.boolean().describe('it takes no entries'),
  revision: z.int().describe('of the draft'),
  createdAt: Moment,
  updatedAt: Moment,
};
export const TemplateSummary = z
  .strictObject({ ...summary, openJourneys: z.int().describe('instances that have not ended, of all versions') })
  .meta({ id: 'JourneyTemplateSummary' });
export type TemplateSummary = z.output<typeof TemplateSummary>;
export const TemplatePage = pageSchema('JourneyTemplatePage', TemplateSummary);

const version = {
  version: z.int(),
  name: z.string(),
  status: z.enum(versionStatuses),
  mode: z.enum(publishModes),
  contentHash: z.string().describe('SHA-256 of the canonical form'),
  publishedAt: Moment,
  publishedBy: z.string().describe('actor'),
  deprecatedAt: Moment.nullable(),
  archivedAt: Moment.nullable(),
};
const VersionSummary = z.strictObject(version).meta({ id: 'JourneyTemplateVersionSummary' });
export const VersionView = z
  .strictObject({ key: z.string(), ...version, openJourneys: z.int(), template: TemplateDocument })
  .meta({ id: 'JourneyTemplateVersion' });
export type VersionView = z.output<typeof VersionView>;

const template = {
  ...summary,
  draft: z.strictObject({
    contentHash: z.string(),
    isPublished: z.boolean().describe('the newest version says the same'),
    updatedBy: z.string().describe('actor'),
    template: TemplateDocument,
  }),
  versions: z.array(VersionSummary).describe('newest first'),
};
export const TemplateView = z.strictObject(template).meta({ id: 'JourneyTemplate' });
export type TemplateView = z.output<typeof TemplateView>;
/** After a change of the draft. */
export const DraftView = z.strictObject({ ...template, ...findings }).meta({ id: 'JourneyTemplateDraft' });
export type DraftView = z.output<typeof DraftView>;

export const PublishBody = z
  .strictObject({
    mode: z.enum(publishModes).default('new_only').describe('what becomes of running instances; `new_only`: they stay on their version'),
    previewToken: z.exactOptional(storable.min(1).max(200)),
  })
  .meta({ id: 'PublishJourneyTemplate' });
export type PublishBody = z.output<typeof PublishBody>;

const entryResults = ['started', 'existing', 'signalled', 'refused'] as const;
export const EntriesQuery = z.strictObject({
  result: z.exactOptional(commaList(z.enum(entryResults))),
  reason: z.exactOptional(commaList(z.enum(entryReasons))),
  ...PageQuery,
});
export type EntriesQuery = z.output<typeof EntriesQuery>;
export const EntryView = z
  .strictObject({
    id: z.string(),
    at: Moment,
    result: z.enum(entryResults),
    reason: z.string().nullable().describe('why it was refused, or joined an instance that was there'),
    trigger: z.string().nullable().describe('null: a call'),
    event: z.string().nullable(),
    subject: z.strictObject({ type: z.string(), id: z.string() }).nullable(),
    version: z.int().nullable(),
    journey: z.string().nullable(),
    actor: z.string(),
    detail: z.unknown().describe('which guard decided, with the paths it read; no values'),
  })
  .meta({ id: 'JourneyEntry' });
export type EntryView = z.output<typeof EntryView>;
export const EntryPage = pageSchema('JourneyEntryPage', EntryView);

export const diagramFormats = ['mermaid', 'json'] as const;
const Flag = z.stringbool({ truthy: ['true'], falsy: ['false'] });
export const DiagramQuery = z.strictObject({
  format: z.enum(diagramFormats).default('mermaid'),
  version: z
    .exactOptional(z.union([z.literal('draft'), VersionNumber]))
    .describe('the newest when left out, or the draft when there is none'),
  overlay: z.exactOptional(Flag).describe('true: with what instances of the version did in each step'),
});
export type DiagramQuery = z.output<typeof DiagramQuery>;

export const mermaid = {
  format: z.literal('mermaid'),
  flowchart: z.string(),
  states: z.string().describe('state diagram'),
};
export const drawing = {
  format: z.literal('json'),
  nodes: z.array(
    z.strictObject({
      id: z.string(),
      kind: z.enum(stepKinds),
      name: z.string(),
      stage: z.string().nullable(),
      x: z.int().describe('column within the row'),
      y: z.int().describe('row: steps from the start'),
      state: z.exactOptional(z.string()).describe('of an instance: where its newest visit is'),
    }),
  ),
  edges: z.array(z.strictObject({ from: z.string(), to: z.string().nullable().describe('null: the end of a branch'), kind: z.string() })),
};
const Figures = z
  .array(
    z.strictObject({
      step: z.string(),
      entered: z.int(),
      open: z.int(),
      incidents: z.int(),
      conversion: z.number().nullable().describe('completed ÷ ended'),
      medianDwellS: z.number().nullable(),
    }),
  )
  .describe('what instances of the version did, by step');
const place = { key: z.string(), version: z.int().nullable().describe('null: the draft'), figures: z.exactOptional(Figures) };
export const TemplateDiagram = z
  .discriminatedUnion('format', [z.strictObject({ ...place, ...mermaid }), z.strictObject({ ...place, ...drawing })])
  .meta({ id: 'JourneyTemplateDiagram' });
export type TemplateDiagram = z.output<typeof TemplateDiagram>;
