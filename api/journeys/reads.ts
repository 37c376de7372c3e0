/** Journeys and tasks, read. */
import type { Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { draw } from '../journey-templates/drawing.js';
import type { JourneyEngine } from './engine.js';
import { stateAfter } from './past.js';
import type {
  HistoryView,
  JourneyDiagram,
  JourneysQuery,
  JourneyView,
  StateView,
  StepsQuery,
  StepView,
  TasksQuery,
  TaskView,
} from './schema.js';
import { historyView, journeyView, stepView, taskView, textsOf } from './view.js';
import type { TenantTx } from '../../db/client.js';
import { findTexts } from '../../db/queries/journey-questions.js';
import {
  findJourney,
  findRunTemplate,
  listCalledOff,
  listJourneyEvents,
  listJourneys,
  listJourneyLog,
  listTasks,
  listVisits,
  newestVisits,
} from '../../db/queries/journeys.js';
import type { JourneyFacts, JourneyRecord, Position } from '../../db/queries/journeys.js';
import type { TenantId } from '../../domain/ids.js';

export type JourneyReads = ReturnType<typeof createJourneyReads>;

/** A journey as it is stored now, with its texts. */
async function viewJourneys(tx: TenantTx, tenant: TenantId, rows: readonly JourneyRecord[]): Promise<JourneyView[]> {
  const contents = await findTexts(tx, tenant, textsOf(rows.map(({ context }) => context)));
  return rows.map((row) => journeyView(row, contents));
}

export function createJourneyReads({ keys }: Pick<Deps, 'keys'>, engine: Pick<JourneyEngine, 'within'>) {
  const page = (reader: Reader, list: string, query: { readonly cursor?: string }) => {
    const binding = cursorBinding(reader.principal, list, query);
    return {
      after: query.cursor === undefined ? {} : { after: readCursor(keys, binding, query.cursor) },
      next: ({ position, id }: Position): string => writeCursor(keys, binding, { position, id }),
    };
  };

  return {
    /** Newest first. */
    async list(reader: Reader, query: JourneysQuery): Promise<Page<JourneyView>> {
      const { limit, cursor: _, ...filter } = query;
      const { after, next } = page(reader, 'journeys', query);
      return engine.within(reader, async (tx) => {
        const rows = await listJourneys(tx, reader.principal, filter, { limit, ...after });
        const views = new Map((await viewJourneys(tx, reader.principal.tenant, rows)).map((view) => [view.id, view]));
        return pageOf(rows, limit, (row) => views.get(row.id) ?? journeyView(row, new Map()), next);
      });
    },

    get: (reader: Reader, row: JourneyFacts): Promise<{ view: JourneyView; etag: string }> =>
      engine.within(reader, async (tx) => {
        const [view = journeyView(row, new Map())] = await viewJourneys(tx, reader.principal.tenant, [row]);
        return { view, etag: `"${row.version}"` };
      }),

    /** Every visit of every step, in the order they were entered. */
    async steps(reader: Reader, { id, templateKey, templateVersion }: JourneyFacts, query: StepsQuery): Promise<Page<StepView>> {
      const { tenant } = reader.principal;
      const { after, next } = page(reader, `journeys/${id}/steps`, query);
      return engine.within(reader, async (tx) => {
        const rows = await listVisits(tx, tenant, id, { limit: query.limit, ...after });
        const template = (await findRunTemplate(tx, tenant, templateKey, templateVersion))?.document ?? null;
        const contents = await findTexts(
          tx,
          tenant,
          textsOf(rows.flatMap(({ output, lateResult }) => [output ?? {}, lateResult?.output ?? {}])),
        );
        return pageOf(rows, query.limit, (row) => stepView(row, template, contents), next);
      });
    },

    /** What happened in the journey and its handoffs, oldest first. */
    async history(reader: Reader, { id }: JourneyFacts, query: StepsQuery): Promise<Page<HistoryView>> {
      const { after, next } = page(reader, `journeys/${id}/history`, query);
      const rows = await engine.within(reader, (tx) =>
        listJourneyEvents(tx, reader.principal.tenant, id, { limit: query.limit, ...after }),
      );
      return pageOf(rows, query.limit, historyView, next);
    },

    /** How it stood after one of its events. */
    async state(reader: Reader, { id, version }: JourneyFacts, seq = version): Promise<StateView> {
      const { tenant } = reader.principal;
      const state = await engine.within(reader, async (tx) =>
        stateAfter(id, await listJourneyLog(tx, tenant, id, seq), await listCalledOff(tx, tenant, id)),
      );
      if (state?.seq !== seq) throw new Refusal('not_found', { detail: `The journey has ${version} events.` });
      return state;
    },

    /** The template with the steps coloured by where the journey is. */
    diagram: (
      reader: Reader,
      { id, templateKey, templateVersion }: JourneyFacts,
      format: JourneyDiagram['format'],
    ): Promise<JourneyDiagram> =>
      engine.within(reader, async (tx) => {
        const { tenant } = reader.principal;
        const template = await findRunTemplate(tx, tenant, templateKey, templateVersion);
        if (template === undefined) throw new Refusal('not_found');
        const overlay = Object.fromEntries((await newestVisits(tx, tenant, id)).map(({ step, state }) => [step, state]));
        return { id, ...draw(template.document, format, overlay) };
      }),

    /** Open steps that people do, oldest first. */
    async tasks(reader: Reader, query: TasksQuery): Promise<Page<TaskView>> {
      const { limit, cursor: _, ...filter } = query;
      const { after, next } = page(reader, 'tasks', query);
      const rows = await engine.within(reader, (tx) => listTasks(tx, reader.principal, filter, { limit, ...after }));
      return pageOf(rows, limit, taskView, next);
    },

    /** The journey as the reader sees it now; undefined: not at all. */
    find: (reader: Reader, id: string): Promise<{ view: JourneyView; etag: string } | undefined> =>
      engine.within(reader, async (tx) => {
        const row = await findJourney(tx, reader.principal, id);
        if (row === undefined) return undefined;
        const [view = journeyView(row, new Map())] = await viewJourneys(tx, reader.principal.tenant, [row]);
        return { view, etag: `"${row.version}"` };
      }),
  };
}
