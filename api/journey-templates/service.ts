/** Templates of journeys: drafts that change, versions that do not. Source: journeys-change.md, section 2. */
import { accountable } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { assertPublishable, headingOf, judge, notAvailable, validationView } from './checks.js';
import { draw } from './drawing.js';
import type {
  DiagramQuery,
  EntriesQuery,
  EntryView,
  PublishBody,
  TemplateDiagram,
  TemplateDocument,
  TemplatesQuery,
  TemplateSummary,
  TemplateValidation,
  TemplateView,
  VersionView,
} from './schema.js';
import { entryView, summaryView, templateView, versionView } from './view.js';
import type { TenantTx } from '../../db/client.js';
import { recordAudit } from '../../db/queries/audit.js';
import { listEntries } from '../../db/queries/journey-entry-lists.js';
import { stepFigures } from '../../db/queries/journey-figures.js';
import {
  countOpen,
  findTemplate,
  findVersion,
  insertDraft,
  insertVersion,
  listTemplates,
  listVersions,
  lockTemplate,
  markVersion,
  replaceDraft,
} from '../../db/queries/journey-templates.js';
import type { DraftFields, TemplateRecord, VersionRecord } from '../../db/queries/journey-templates.js';
import type { TenantId } from '../../domain/ids.js';
import { isObject, plainJson } from '../../domain/journey/json.js';
import { readTemplate } from '../../domain/journey/reading.js';
import { templateShape } from '../../domain/journey/schema.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';

export type TemplateService = ReturnType<typeof createTemplateService>;

/** The reply to a change of a template, which is at that revision. */
const written = (status: 200 | 201, { key, revision }: TemplateRecord, body: unknown): Answer => ({
  status,
  body,
  headers: { etag: `"${revision}"`, ...(status === 201 ? { location: `/v1/journey-templates/${key}` } : {}) },
});

export function createTemplateService({ keys, now }: Pick<Deps, 'keys' | 'now'>, engine: Pick<TicketEngine, 'within'>) {
  /** Changes a version that is there. */
  const onVersion = async (
    caller: Caller,
    key: string,
    version: number,
    work: (tx: TenantTx, present: VersionRecord, open: number) => Promise<void>,
  ): Promise<Answer> => {
    const { tenant } = caller.principal;
    const view = await engine.within(caller, async (tx) => {
      await takeKey(tx, caller);
      await lockTemplate(tx, tenant, key);
      const present = await findVersion(tx, tenant, key, version);
      if (present === undefined) throw new Refusal('not_found');
      const open = await countOpen(tx, tenant, key, version);
      await work(tx, present, open);
      return versionView(key, (await findVersion(tx, tenant, key, version)) ?? present, open);
    });
    return { status: 200, body: view };
  };

  const mark = async (
    tx: TenantTx,
    caller: Caller,
    { key, version, status }: { readonly key: string; readonly version: number; readonly status: 'deprecated' | 'archived' },
  ): Promise<void> => {
    await markVersion(tx, caller.principal.tenant, { key, version, status, at: new Date(now()) });
    await recordAudit(tx, accountable(caller), { action: `template.${status}`, subject: `template/${key}`, changes: { version } });
  };

  return {
    /** By key. */
    async list(reader: Reader, query: TemplatesQuery): Promise<Page<TemplateSummary>> {
      const { limit, cursor, ...filter } = query;
      const binding = cursorBinding(reader.principal, 'journey-templates', query);
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor).id };
      const rows = await engine.within(reader, (tx) => listTemplates(tx, reader.principal.tenant, filter, { limit, ...after }));
      return pageOf(rows, limit, summaryView, ({ key }) => writeCursor(keys, binding, { position: '', id: key }));
    },

    async get(reader: Reader, key: string): Promise<{ view: TemplateView; etag: string }> {
      const { tenant } = reader.principal;
      return engine.within(reader, async (tx) => {
        const present = await found(tx, tenant, key);
        const versions = await listVersions(tx, tenant, key);
        // What was published changes the answer too, and not the draft's revision.
        return { view: templateView(present, versions), etag: `"${present.revision}"` };
      });
    },

    async version(reader: Reader, key: string, version: number): Promise<VersionView> {
      const { tenant } = reader.principal;
      return engine.within(reader, async (tx) => {
        const present = await findVersion(tx, tenant, key, version);
        if (present === undefined) throw new Refusal('not_found');
        return versionView(key, present, await countOpen(tx, tenant, key, version));
      });
    },

    validate: (reader: Reader, document: TemplateDocument): Promise<TemplateValidation> =>
      engine.within(reader, async (tx) => validationView(await judge(tx, reader.principal.tenant, document))),

    /** A draft may be wrong in every way; only its key has to be one. */
    async create(caller: Caller, document: TemplateDocument): Promise<Answer> {
      const { tenant } = caller.principal;
      const { key, ...draft } = draftOf(caller, document);
      const made = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        if (!(await insertDraft(tx, tenant, key, draft))) throw new Refusal('template_taken');
        await recordAudit(tx, accountable(caller), { action: 'template.created', subject: `template/${key}` });
        return judged(tx, tenant, key);
      });
      return written(201, made.present, made.view);
    },

    async edit(caller: Caller, address: string, document: TemplateDocument): Promise<Answer> {
      const { tenant } = caller.principal;
      const { key, ...draft } = draftOf(caller, document);
      if (key !== address) throw otherKey(document, address);
      const edited = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const present = await lockTemplate(tx, tenant, key);
        if (present === undefined) throw new Refusal('not_found');
        if (caller.expected === null) throw new Refusal('version_required');
        assertRevision(caller, present);
        await replaceDraft(tx, tenant, key, draft);
        const changes = { revision: present.revision + 1 };
        await recordAudit(tx, accountable(caller), { action: 'template.edited', subject: `template/${key}`, changes });
        return judged(tx, tenant, key);
      });
      return written(200, edited.present, edited.view);
    },

    /** Makes the draft a version. Running instances stay on theirs. */
    async publish(caller: Caller, key: string, { mode = 'new_only' }: Partial<PublishBody>): Promise<Answer> {
      const { tenant, actor, id } = caller.principal;
      if (mode !== 'new_only') throw notAvailable(['/mode'], `${mode} is not available yet; new_only is`);
      const view = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const present = await lockTemplate(tx, tenant, key);
        if (present === undefined) throw new Refusal('not_found');
        assertRevision(caller, present);
        const previous = present.latest === 0 ? undefined : await findVersion(tx, tenant, key, present.latest);
        const template = assertPublishable(await judge(tx, tenant, present.document, previous), previous);
        if (present.editors.includes(id)) {
          const detail = 'Whoever edited the draft does not publish it: another admin has to.';
          throw new Refusal('forbidden', { members: { permission: 'template.publish' }, detail });
        }
        const version = present.latest + 1;
        await insertVersion(tx, tenant, { template, version, mode, by: actor });
        await recordAudit(tx, accountable(caller), {
          action: 'template.published',
          subject: `template/${key}`,
          changes: { version, mode },
        });
        const stored = await findVersion(tx, tenant, key, version);
        if (stored === undefined) throw new Error('a version just stored is not there');
        return versionView(key, stored, 0);
      });
      return { status: 201, body: view, headers: { location: `/v1/journey-templates/${key}/versions/${view.version}` } };
    },

    /** From then on the version takes no entries; what runs goes on. */
    deprecate: (caller: Caller, key: string, version: number): Promise<Answer> =>
      onVersion(caller, key, version, async (tx, { status }) => {
        if (status === 'published') await mark(tx, caller, { key, version, status: 'deprecated' });
      }),

    /** Only what takes no entries and runs nowhere. */
    archive: (caller: Caller, key: string, version: number): Promise<Answer> =>
      onVersion(caller, key, version, async (tx, { status }, open) => {
        if (status === 'published')
          throw new Refusal('still_in_use', { detail: 'It takes entries. Deprecate it first.', members: { open } });
        if (open > 0) throw new Refusal('still_in_use', { detail: `${open} instances have not ended.`, members: { open } });
        if (status === 'deprecated') await mark(tx, caller, { key, version, status: 'archived' });
      }),

    /** Who entered and who was refused, newest first. */
    async entries(reader: Reader, key: string, query: EntriesQuery): Promise<Page<EntryView>> {
      const { limit, cursor, ...filter } = query;
      const { tenant } = reader.principal;
      const binding = cursorBinding(reader.principal, `journey-templates/${key}/entries`, query);
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor) };
      const rows = await engine.within(reader, async (tx) => {
        await found(tx, tenant, key);
        return listEntries(tx, tenant, key, filter, { limit, ...after });
      });
      return pageOf(rows, limit, entryView, ({ position, id }) => writeCursor(keys, binding, { position, id }));
    },

    async diagram(reader: Reader, key: string, { format, version: asked, overlay = false }: DiagramQuery): Promise<TemplateDiagram> {
      const { tenant } = reader.principal;
      return engine.within(reader, async (tx) => {
        const present = await found(tx, tenant, key);
        const wanted = asked ?? (present.latest === 0 ? 'draft' : present.latest);
        if (wanted === 'draft') return { key, version: null, ...draw(readable(present), format) };
        const version = await findVersion(tx, tenant, key, wanted);
        if (version === undefined) throw new Refusal('not_found');
        const figures = overlay ? { figures: await stepFigures(tx, tenant, key, wanted) } : {};
        return { key, version: wanted, ...draw(version.document, format), ...figures };
      });
    },
  };
}

const otherKey = (document: TemplateDocument, address: string): Refusal => {
  const place = document['key'] === undefined ? '/id' : '/key';
  return new Refusal('template_invalid', {
    errors: [{ pointer: place, code: 'J003', message: `must be \`${address}\`, as in the address` }],
  });
};

/** @throws Refusal `not_found` */
async function found(tx: TenantTx, tenant: TenantId, key: string): Promise<TemplateRecord> {
  const present = await findTemplate(tx, tenant, key);
  if (present === undefined) throw new Refusal('not_found');
  return present;
}

/** The template with its draft as it is now, and everything that is wrong with it. */
async function judged(tx: TenantTx, tenant: TenantId, key: string) {
  const present = await found(tx, tenant, key);
  const view = templateView(present, await listVersions(tx, tenant, key));
  return { present, view: { ...view, ...validationView(await judge(tx, tenant, present.document)) } };
}

/** @throws Refusal `version_mismatch` when the caller has read another revision of the draft */
function assertRevision({ expected }: Caller, { revision }: TemplateRecord): void {
  if (expected !== null && expected !== revision) throw new Refusal('version_mismatch', { members: { current: revision } });
}

function draftOf({ principal: { actor, id } }: Caller, given: TemplateDocument): DraftFields & { readonly key: string } {
  const { value: document } = plainJson(given);
  if (!isObject(document)) throw new Error('the schema lets objects pass alone');
  return { ...headingOf(document), document, by: actor, editor: id };
}

/** A draft that can be drawn, whatever else is wrong with it. */
function readable({ document }: TemplateRecord): JourneyTemplate {
  const { template, problems } = readTemplate(document, templateShape);
  if (template !== null) return template;
  throw new Refusal('template_invalid', { errors: problems.map(({ path, code, message }) => ({ pointer: path, code, message })) });
}
