/** Erasures: asked by one admin, confirmed by another person, and the proof of what was done. Source: security.md, section 6. */
import { v7 } from 'uuid';
import { doerOf } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { told } from '../jobs/told.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso, isoOrNull } from '../tickets/view.js';
import type { ErasureQuery, ErasureView } from './schema.js';
import type { TenantTx } from '../../db/client.js';
import { recordAdminEvent } from '../../db/queries/admin-log.js';
import { decideErasure, erasureOf, findErasure, insertErasure, listErasures, lockStanding } from '../../db/queries/erasures.js';
import type { ErasureRecord } from '../../db/queries/erasures.js';
import { confirm, withdraw } from '../../domain/privacy/erasure.js';
import type { ErasureDecision } from '../../domain/privacy/erasure.js';

export type ErasureService = ReturnType<typeof createErasureService>;

/** The engine has this long, so that the transaction that waits for it ends in time. */
const startWithin = 2_000;

/** @throws Refusal `not_found` */
async function found(tx: TenantTx, { principal: { tenant } }: Reader, id: string, lock = false): Promise<ErasureRecord> {
  const record = await findErasure(tx, tenant, id, lock);
  if (record === undefined) throw new Refusal('not_found');
  return record;
}

export function createErasureService({ erasures, keys }: Pick<Deps, 'erasures' | 'keys'>, engine: Pick<TicketEngine, 'within'>) {
  /** Decides about a request and tells of it, in one transaction. */
  const decide = async (
    caller: Caller,
    id: string,
    judge: (record: ErasureRecord) => ErasureDecision,
    then: (record: ErasureRecord) => Promise<void> = () => Promise.resolve(),
  ): Promise<ErasureRecord> =>
    engine.within(caller, async (tx) => {
      const { tenant, actor } = caller.principal;
      await takeKey(tx, caller);
      const record = await found(tx, caller, id, true);
      const decision = judge(record);
      if (!decision.ok) throw new Refusal(decision.code);
      const { state } = decision;
      if (decision.isNew && (state === 'running' || state === 'withdrawn')) {
        await decideErasure(tx, tenant, id, state, actor);
        const type = state === 'running' ? 'erasure.confirmed' : 'erasure.withdrawn';
        await recordAdminEvent(tx, doerOf(caller), { subject: `customer/${record.customer}`, type, data: { erasure: id } });
      }
      const decided = await found(tx, caller, id);
      await then(decided);
      return decided;
    });

  return {
    /** Asks for it once: who asks again, before or after, is shown the first request. */
    async request(caller: Caller, customer: string): Promise<Answer> {
      const { tenant, actor } = caller.principal;
      const record = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const standing = await lockStanding(tx, tenant, customer);
        if (standing === undefined) throw new Refusal('not_found');
        const earlier = await erasureOf(tx, tenant, customer);
        if (earlier !== undefined) return earlier;
        const id = v7();
        await insertErasure(tx, tenant, { id, customer, by: actor });
        await recordAdminEvent(tx, doerOf(caller), { subject: `customer/${customer}`, type: 'erasure.requested', data: { erasure: id } });
        return found(tx, caller, id);
      });
      const status = record.state === 'done' ? 200 : 202;
      return { status, body: erasureView(record), headers: { location: `/v1/erasures/${record.id}` } };
    },

    /**
     * The second person agrees: from here on it runs, and is not stopped.
     *
     * The engine comes before the commit: what is confirmed runs. A workflow whose confirmation is never stored ends by itself.
     */
    async confirm(caller: Caller, id: string): Promise<Answer> {
      const { tenant, actor } = caller.principal;
      const record = await decide(
        caller,
        id,
        (request) => confirm(request, actor),
        async ({ state, customer }) => {
          if (state !== 'running') return;
          await told(caller, () => erasures.start({ tenant, customer, erasure: id }, Math.min(caller.deadline, Date.now() + startWithin)));
        },
      );
      return { status: record.state === 'done' ? 200 : 202, body: erasureView(record), headers: { location: `/v1/erasures/${id}` } };
    },

    async withdraw(caller: Caller, id: string): Promise<Answer> {
      return { status: 200, body: erasureView(await decide(caller, id, withdraw)) };
    },

    get: async (reader: Reader, id: string): Promise<ErasureView> =>
      erasureView(await engine.within(reader, (tx) => found(tx, reader, id))),

    async list(reader: Reader, query: ErasureQuery): Promise<Page<ErasureView>> {
      const { state, limit, cursor } = query;
      const binding = cursorBinding(reader.principal, 'erasures', query);
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor) };
      const rows = await engine.within(reader, (tx) => listErasures(tx, reader.principal.tenant, state, { limit, ...after }));
      return pageOf(rows, limit, erasureView, (last) => writeCursor(keys, binding, last));
    },
  };
}

const erasureView = (record: ErasureRecord): ErasureView => {
  const { id, customer, state, requestedBy, requestedAt, confirmedBy, withdrawnBy, rows, files, reportHash } = record;
  return {
    id,
    customer,
    state,
    requestedBy,
    requestedAt: iso(requestedAt),
    confirmedBy,
    confirmedAt: isoOrNull(record.confirmedAt),
    withdrawnBy,
    withdrawnAt: isoOrNull(record.withdrawnAt),
    erasedAt: isoOrNull(record.erasedAt),
    rows: { ...rows },
    files,
    reportHash,
  };
};
