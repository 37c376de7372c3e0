/** How much a tenant lets its people, customers and services ask. Source: security.md, section 8. */
import { assertRevision, doerOf, telling } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { recordAdminEvent } from '../../db/queries/admin-log.js';
import { findLimits, replaceLimits } from '../../db/queries/request-limits.js';
import type { StoredLimits } from '../../db/queries/request-limits.js';
import { RequestLimitsView } from './schema.js';

interface Shown {
  readonly view: RequestLimitsView;
  readonly etag: string;
}

export type LimitService = ReturnType<typeof createLimitService>;

/** @param forget to be called when the limits have changed */
export const createLimitService = (engine: Pick<TicketEngine, 'within'>, forget: () => void) => ({
  get: async (reader: Reader): Promise<Shown> => shown(await engine.within(reader, (tx) => findLimits(tx, reader.principal.tenant))),

  async replace(caller: Caller, limits: RequestLimitsView): Promise<Answer> {
    const { tenant } = caller.principal;
    const replaced = engine.within(caller, async (tx) => {
      await takeKey(tx, caller);
      const { revision } = await findLimits(tx, tenant);
      assertRevision(caller, revision);
      const next = await replaceLimits(tx, tenant, revision, limits);
      // Somebody else was faster, between the look and the change.
      if (next === null) throw new Refusal('version_mismatch', { members: { current: revision + 1 } });
      await recordAdminEvent(tx, doerOf(caller), { subject: `tenant/${tenant}`, type: 'request_limits.replaced', data: { ...limits } });
      return next;
    });
    const { view, etag } = shown(await telling(forget, replaced));
    return { status: 200, body: view, headers: { etag } };
  },
});

const shown = ({ limits, revision }: StoredLimits): Shown => ({ view: RequestLimitsView.parse(limits), etag: `"${revision}"` });
