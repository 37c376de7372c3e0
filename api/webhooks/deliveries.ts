/** What was sent to endpoints: looked at, tried out, and sent again. Source: api-surfaces.md, section 2. */
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 } from 'uuid';
import { doerOf } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { forbidden } from '../forbidden.js';
import type { Job, JobSource } from '../jobs/job.js';
import type { JobView } from '../jobs/schema.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso, isoOrNull } from '../tickets/view.js';
import { lockedEndpoint } from './endpoints.js';
import type { DeliveryDetail, DeliveryQuery, DeliveryView, ReplayRange } from './schema.js';
import { deliveryDetail, deliveryView } from './view.js';
import { withTenant } from '../../db/client.js';
import type { TenantTx } from '../../db/client.js';
import { recordAdminEvent } from '../../db/queries/admin-log.js';
import {
  controlReplay,
  findDelivery,
  findReplay,
  insertReplay,
  insertTest,
  listAttempts,
  listDeliveries,
  listReplayItems,
  listReplays,
  replayOne,
} from '../../db/queries/webhook-deliveries.js';
import type { DeliveryRecord, ReplayItem, ReplayRecord } from '../../db/queries/webhook-deliveries.js';
import { findEndpoint } from '../../db/queries/webhook-endpoints.js';
import { permit } from '../../domain/access/permit.js';
import type { TenantId } from '../../domain/ids.js';
import { testType } from '../../domain/webhook/schedule.js';
import type { DeliveryState } from '../../domain/webhook/schedule.js';

export type DeliveryService = ReturnType<typeof createDeliveryService>;

/** Between two looks at a test that has not been answered. */
const lookEvery = 100;
/** A test is given up on so long before its request has to be answered. */
const reserve = 500;

const detailOf = async (tx: TenantTx, tenant: TenantId, id: string): Promise<DeliveryDetail> => {
  const found = await findDelivery(tx, tenant, id);
  if (found === undefined) throw new Refusal('not_found');
  return deliveryDetail(found, await listAttempts(tx, tenant, id));
};

/** @throws Refusal `endpoint_disabled`: nothing is sent where nothing is to be sent */
const assertActive = async (tx: TenantTx, tenant: TenantId, endpoint: string): Promise<void> => {
  const { state } = await lockedEndpoint(tx, tenant, endpoint);
  if (state === 'disabled') throw new Refusal('endpoint_disabled');
};

export function createDeliveryService(
  { db, keys, webhooks, now }: Pick<Deps, 'db' | 'keys' | 'webhooks' | 'now'>,
  engine: Pick<TicketEngine, 'within'>,
) {
  return {
    /** Newest first. */
    async list(reader: Reader, endpoint: string, query: DeliveryQuery): Promise<Page<DeliveryView>> {
      const { limit, cursor, state, type, from, until } = query;
      const { tenant } = reader.principal;
      const binding = cursorBinding(reader.principal, `webhook-endpoints/${endpoint}/deliveries`, query);
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor).id };
      const filter = {
        ...(state === undefined ? {} : { states: state.flatMap(statesOf) }),
        ...(type === undefined ? {} : { types: type }),
        ...(from === undefined ? {} : { from }),
        ...(until === undefined ? {} : { until }),
      };
      const rows = await engine.within(reader, async (tx) => {
        if ((await findEndpoint(tx, tenant, endpoint)) === undefined) throw new Refusal('not_found');
        return listDeliveries(tx, tenant, endpoint, filter, { limit, ...after });
      });
      return pageOf<DeliveryRecord, DeliveryView>(rows, limit, deliveryView, ({ position }) =>
        writeCursor(keys, binding, { position: '', id: position }),
      );
    },

    get: (reader: Reader, id: string): Promise<DeliveryDetail> => engine.within(reader, (tx) => detailOf(tx, reader.principal.tenant, id)),

    /**
     * Sends an event that means nothing, once and in nobody's turn, the way every event goes; also while the endpoint is disabled.
     *
     * @returns what came of it; 202 when nothing has come of it in time
     */
    async test(caller: Caller, endpoint: string): Promise<Answer> {
      const { tenant } = caller.principal;
      const id = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        await lockedEndpoint(tx, tenant, endpoint);
        const event = await recordAdminEvent(tx, doerOf(caller), { subject: `webhook_endpoint/${endpoint}`, type: testType });
        return insertTest(tx, tenant, endpoint, event);
      });
      const look = (): Promise<DeliveryDetail> => withTenant(db, tenant, (tx) => detailOf(tx, tenant, id));
      const until = Math.min(now() + webhooks.testMs, caller.deadline - reserve);
      let seen = await look();
      while (seen.settledAt === null && !caller.async && now() + lookEvery < until) {
        await sleep(lookEvery);
        seen = await look();
      }
      return { status: seen.settledAt === null ? 202 : 200, body: seen, headers: { location: `/v1/webhook-deliveries/${id}` } };
    },

    /** Its attempts begin anew, under the same event id; those that were to come are not waited for. */
    async replay(caller: Caller, id: string): Promise<Answer> {
      const { tenant } = caller.principal;
      const body = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const found = await findDelivery(tx, tenant, id);
        if (found === undefined) throw new Refusal('not_found');
        await assertActive(tx, tenant, found.endpointId);
        await replayOne(tx, tenant, id);
        await recordAdminEvent(tx, doerOf(caller), {
          subject: `webhook_endpoint/${found.endpointId}`,
          type: 'webhook_endpoint.replayed',
          data: { delivery: id, event: found.eventId },
        });
        return detailOf(tx, tenant, id);
      });
      return { status: 202, body, headers: { location: `/v1/webhook-deliveries/${id}` } };
    },

    /** All that was, or would have been, sent in a time. */
    async replayRange(caller: Caller, endpoint: string, { from, until, types }: ReplayRange): Promise<Answer> {
      const { tenant, actor } = caller.principal;
      const id = v7();
      const job = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        await assertActive(tx, tenant, endpoint);
        await insertReplay(tx, tenant, { id, endpointId: endpoint, from, until, types: types ?? null, startedBy: actor });
        await recordAdminEvent(tx, doerOf(caller), {
          subject: `webhook_endpoint/${endpoint}`,
          type: 'webhook_endpoint.replayed',
          data: { job: id, from, until, types: types ?? null },
        });
        return findReplay(tx, tenant, id);
      });
      if (job === undefined) throw new Error('a replay just stored is not there');
      return { status: 202, body: jobView(job), headers: { location: `/v1/jobs/${id}` } };
    },

    /** Replays as jobs among others, for those who may manage endpoints. */
    jobs: {
      async list(tx, { principal }, { after, limit }) {
        if (permit(principal, 'admin.manage') !== 'allowed') return [];
        const before = after === undefined ? {} : { before: { startedAt: after.position, id: after.id } };
        return (await listReplays(tx, principal.tenant, { limit, ...before })).map((replay) => jobOf(db, replay));
      },
      async find(tx, { principal }, id) {
        if (permit(principal, 'admin.manage') !== 'allowed') return undefined;
        const found = await findReplay(tx, principal.tenant, id);
        return found === undefined ? undefined : jobOf(db, found);
      },
    } satisfies JobSource,
  };
}

/** What the table says for what a caller asks. */
const statesOf = (state: DeliveryView['state']): DeliveryState[] => (state === 'pending' ? ['waiting', 'pending'] : [state]);

const results = { succeeded: 'ok', failed: 'failed', dropped: 'skipped' } as const;

const itemOf = ({ id, position, state, reason }: ReplayItem) => ({
  ref: id,
  result: state === 'waiting' || state === 'pending' ? ('skipped' as const) : results[state],
  code: reason ?? state,
  place: position,
});

function jobOf(db: Deps['db'], replay: ReplayRecord): Job {
  const { id } = replay;
  return {
    view: jobView(replay),
    async items(tx, { principal }, { outcome, after, limit }) {
      const states = (['succeeded', 'failed', 'dropped'] as const).filter((state) => outcome?.includes(results[state]) ?? true);
      const rows = await listReplayItems(tx, principal.tenant, id, { states, limit, ...(after === undefined ? {} : { after: after.id }) });
      return rows.map(itemOf);
    },
    result() {
      const { ok, failed, skipped } = jobView(replay);
      const counts = [
        { result: 'ok' as const, outcome: 'succeeded', count: ok },
        { result: 'failed' as const, outcome: 'failed', count: failed },
        { result: 'skipped' as const, outcome: 'dropped', count: skipped },
      ];
      return Promise.resolve({ outcomes: counts.filter(({ count }) => count > 0) });
    },
    assertMayControl({ principal }) {
      if (permit(principal, 'admin.manage') !== 'allowed') throw forbidden('admin.manage');
    },
    control: ({ principal: { tenant } }, control) =>
      withTenant(db, tenant, (tx) =>
        controlReplay(tx, tenant, id, ({ pause: 'paused', resume: 'running', cancel: 'cancelled' } as const)[control]),
      ),
  };
}

/** Over when every delivery was opened again and has come to an end; what a later replay took over counts there. */
function jobView({ id, endpointId, state, total, ok, failed, open, startedAt, settledAt }: ReplayRecord): JobView {
  const isOver = (state === 'done' || state === 'cancelled') && open === 0;
  return {
    id,
    kind: 'webhook_replay',
    subject: `webhook_endpoint/${endpointId}`,
    state: state === 'done' && !isOver ? 'running' : state,
    total: Math.max(total, ok + failed + open),
    ok,
    failed,
    skipped: isOver ? Math.max(total - ok - failed, 0) : 0,
    startedAt: iso(startedAt),
    endedAt: isOver ? (isoOrNull(settledAt) ?? iso(startedAt)) : null,
  };
}
