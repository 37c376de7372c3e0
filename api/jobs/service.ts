/** Jobs of every kind, listed, watched and controlled. Source: api.md, section 2. */
import { accountable } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import type { Job, JobSource } from './job.js';
import type { JobItem, JobItemsQuery, JobQuery, JobResult, JobView } from './schema.js';
import { told } from './told.js';
import type { TenantTx } from '../../db/client.js';
import { recordAudit } from '../../db/queries/audit.js';
import type { Control } from '../../workflows/job/messages.js';

export type JobService = ReturnType<typeof createJobService>;

export function createJobService({ keys }: Pick<Deps, 'keys'>, engine: Pick<TicketEngine, 'within'>, sources: readonly JobSource[]) {
  const find = async (tx: TenantTx, reader: Reader, id: string): Promise<Job> => {
    for (const source of sources) {
      const found = await source.find(tx, reader, id);
      if (found !== undefined) return found;
    }
    throw new Refusal('not_found');
  };

  return {
    /** Newest first. */
    async list(reader: Reader, { limit, cursor }: JobQuery): Promise<Page<JobView>> {
      const binding = cursorBinding(reader.principal, 'jobs', {});
      const page = { limit, ...(cursor === undefined ? {} : { after: readCursor(keys, binding, cursor) }) };
      const jobs = await engine.within(reader, async (tx) => {
        const found: Job[] = [];
        for (const source of sources) found.push(...(await source.list(tx, reader, page)));
        return found;
      });
      const views = jobs.map(({ view }) => view).toSorted(newestFirst);
      return pageOf(
        views,
        limit,
        (view) => view,
        ({ startedAt, id }) => writeCursor(keys, binding, { position: startedAt, id }),
      );
    },

    get: (reader: Reader, id: string): Promise<JobView> => engine.within(reader, async (tx) => (await find(tx, reader, id)).view),

    /** What came of each item, in the order of their turns. */
    async items(reader: Reader, id: string, query: JobItemsQuery): Promise<Page<JobItem>> {
      const { limit, cursor, outcome } = query;
      const binding = cursorBinding(reader.principal, `jobs/${id}/items`, query);
      const filter = {
        limit,
        ...(outcome === undefined ? {} : { outcome }),
        ...(cursor === undefined ? {} : { after: readCursor(keys, binding, cursor) }),
      };
      const rows = await engine.within(reader, async (tx) => (await find(tx, reader, id)).items(tx, reader, filter));
      return pageOf(
        rows,
        limit,
        ({ ref, result, code }) => ({ ref, result, code }),
        ({ place }) => writeCursor(keys, binding, { position: '', id: place }),
      );
    },

    result: (reader: Reader, id: string): Promise<JobResult> =>
      engine.within(reader, async (tx) => (await find(tx, reader, id)).result(tx, reader)),

    /** One that has ended stays as it is. */
    async control(caller: Caller, id: string, control: Control): Promise<Answer> {
      const job = await engine.within(caller, async (tx) => {
        const found = await find(tx, caller, id);
        found.assertMayControl(caller);
        await takeKey(tx, caller);
        if (isOpen(found)) await recordAudit(tx, accountable(caller), { action: `job.${control}`, subject: `job/${id}` });
        return found;
      });
      if (isOpen(job)) await told(caller, () => job.control(caller, control));
      const body = await engine.within(caller, async (tx) => (await find(tx, caller, id)).view);
      return { status: 200, body };
    },
  };
}

const isOpen = ({ view: { state } }: Job): boolean => state === 'running' || state === 'paused';

const newestFirst = (one: JobView, other: JobView): number =>
  one.startedAt === other.startedAt ? (one.id < other.id ? 1 : -1) : one.startedAt < other.startedAt ? 1 : -1;
