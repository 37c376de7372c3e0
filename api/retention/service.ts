/** How long the tenant keeps things, and what its daily sweep let go of. */
import { accountable } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso, isoOrNull } from '../tickets/view.js';
import type { RetentionView, SweepQuery, SweepView } from './schema.js';
import { recordAudit } from '../../db/queries/audit.js';
import { findRetention, listSweeps, replaceRetention } from '../../db/queries/retention.js';
import type { RetentionSettings, SweepRecord } from '../../db/queries/retention.js';

interface Shown {
  readonly view: RetentionView;
  readonly etag: string;
}

export type RetentionService = ReturnType<typeof createRetentionService>;

export const createRetentionService = ({ keys }: Pick<Deps, 'keys'>, engine: Pick<TicketEngine, 'within'>) => ({
  get: async (reader: Reader): Promise<Shown> => shown(await engine.within(reader, (tx) => findRetention(tx, reader.principal.tenant))),

  async replace(caller: Caller, settings: RetentionView): Promise<Answer> {
    const { expected, principal } = caller;
    const { tenant } = principal;
    if (expected === null) throw new Refusal('version_required');
    const stored = await engine.within(caller, async (tx) => {
      await takeKey(tx, caller);
      const next = expected === 'never' ? null : await replaceRetention(tx, tenant, expected, settings);
      if (next === null) throw new Refusal('version_mismatch', { members: { current: (await findRetention(tx, tenant)).revision } });
      await recordAudit(tx, accountable(caller), { action: 'retention.replaced', subject: `tenant/${tenant}`, changes: { ...settings } });
      return next;
    });
    const { view, etag } = shown(stored);
    return { status: 200, body: view, headers: { etag } };
  },

  async sweeps(reader: Reader, { limit, cursor }: SweepQuery): Promise<Page<SweepView>> {
    const binding = cursorBinding(reader.principal, 'retention/sweeps', {});
    const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor).id };
    const rows = await engine.within(reader, (tx) => listSweeps(tx, reader.principal.tenant, { limit, ...after }));
    return pageOf(rows, limit, sweepView, ({ day }) => writeCursor(keys, binding, { position: '', id: day }));
  },
});

const shown = ({ revision, ...view }: RetentionSettings): Shown => ({ view, etag: `"${revision}"` });

const sweepView = ({ day, startedAt, endedAt, counts }: SweepRecord): SweepView => ({
  day,
  startedAt: iso(startedAt),
  endedAt: isoOrNull(endedAt),
  counts: { ...counts },
});
