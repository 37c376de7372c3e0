/** Policies for open tickets: previewed, published as a job, and the job watched and controlled. Source: sla.md, section 5; api.md, section 2. */
import { v7 } from 'uuid';
import type { Caller, Reader } from '../caller.js';
import { CommandLost } from '../commands.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { canonical, takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso, isoOrNull } from '../tickets/view.js';
import { assertPolicies, calendarsOf } from './checks.js';
import { previewDraft } from './preview.js';
import type { PolicySetBody } from './schema.js';
import type { JobItem, JobItemsQuery, JobQuery, JobResult, JobView, PolicySetPreview } from './reprojection-schema.js';
import type { TenantTx } from '../../db/client.js';
import { currentPolicySet, findPolicyWorld } from '../../db/queries/policy-sets.js';
import {
  findReprojectionJob,
  insertReprojection,
  listReprojectionItems,
  listReprojections,
  revisionUnderWay,
} from '../../db/queries/reprojection.js';
import type { ReprojectionItem, ReprojectionRecord } from '../../db/queries/reprojection.js';
import type { TenantId } from '../../domain/ids.js';
import type { Policy } from '../../domain/sla/policy.js';
import { effects, reprojectionOutcomes } from '../../domain/sla/preview.js';
import { policiesOf } from '../../domain/sla/schema.js';
import type { Control } from '../../workflows/reproject/messages.js';

export type ReprojectionService = ReturnType<typeof createReprojectionService>;

/** A preview ends this long before its answer is due. */
const previewMargin = 1_500;
/** A transaction that waits for the engine holds a connection, and the tenant's policies: not for long. */
const startWithin = 2_000;

export function createReprojectionService(
  { keys, now, reprojections }: Pick<Deps, 'keys' | 'now' | 'reprojections'>,
  engine: Pick<TicketEngine, 'within'>,
) {
  return {
    /** What a draft would do to open tickets; its token publishes it. */
    async preview(reader: Reader, body: PolicySetBody): Promise<PolicySetPreview> {
      const { principal, deadline } = reader;
      const { tenant } = principal;
      const policies = policiesOf(body);
      // A transaction of its own: the calendars it locks are free again while tickets are looked at.
      const current = await engine.within(reader, async (tx) => {
        assertPolicies(policies, await findPolicyWorld(tx, tenant, calendarsOf(policies)), now());
        return (await currentPolicySet(tx, tenant))?.revision ?? 0;
      });
      const goesOn = (): boolean => Date.now() < deadline - previewMargin;
      const seen = await engine.within(reader, (tx) =>
        previewDraft(tx, principal, policies, { revision: current + 1, now: now(), goesOn }),
      );
      return {
        ...seen,
        current,
        effects: seen.effects.map(({ effect, count, tickets }) => ({ effect, count, tickets: [...tickets] })),
        previewToken: keys.sign('preview', drafted(tenant, current, policies)),
      };
    },

    /**
     * Lets a draft pass whose preview its author has seen.
     *
     * @param current the newest revision, which stays so until the transaction ends
     * @throws Refusal `invalid_request` when the token is missing, or made for another draft or before another revision; `still_in_use` while
     *   an earlier revision is on its way
     */
    async assertPreviewed(
      tx: TenantTx,
      { principal: { tenant } }: Caller,
      { current, policies, token }: { readonly current: number; readonly policies: readonly Policy[]; readonly token: string | undefined },
    ): Promise<void> {
      if (token === undefined) throw badToken('required', 'is required with reproject: preview the policies first');
      if (!keys.verify('preview', drafted(tenant, current, policies), token)) {
        throw badToken('stale', `was made for other policies, or before revision ${current}: preview them again`);
      }
      const revision = await revisionUnderWay(tx, tenant);
      if (revision === undefined) return;
      const detail = `Revision ${revision} is still being brought to open tickets. Wait for its job, or cancel it.`;
      throw new Refusal('still_in_use', { detail, members: { revision } });
    },

    /**
     * Starts the job of a revision that is stored in the same transaction.
     *
     * The engine comes before the commit: a job that is stored runs. A workflow whose revision is never stored ends by itself.
     *
     * @returns the id of the job
     */
    async begin(tx: TenantTx, caller: Caller, revision: number): Promise<string> {
      const { tenant, actor: by } = caller.principal;
      const id = v7();
      await insertReprojection(tx, tenant, { id, revision, by });
      await told(caller, () => reprojections.start(tenant, revision, Math.min(caller.deadline, Date.now() + startWithin)));
      return id;
    },

    /** Newest first. */
    async list(reader: Reader, { limit, cursor }: JobQuery): Promise<Page<JobView>> {
      const { tenant } = reader.principal;
      const binding = cursorBinding(reader.principal, 'jobs', {});
      const after = cursor === undefined ? {} : { after: Number(readCursor(keys, binding, cursor).id) };
      const rows = await engine.within(reader, (tx) => listReprojections(tx, tenant, { limit, ...after }));
      return pageOf(rows, limit, jobView, ({ revision }) => writeCursor(keys, binding, { position: '', id: String(revision) }));
    },

    get: async (reader: Reader, id: string): Promise<JobView> => jobView(await engine.within(reader, (tx) => find(tx, reader, id))),

    /** What came of each ticket, by number. */
    async items(reader: Reader, id: string, query: JobItemsQuery): Promise<Page<JobItem>> {
      const { limit, cursor, outcome } = query;
      const binding = cursorBinding(reader.principal, `jobs/${id}/items`, query);
      const filter = {
        limit,
        ...(outcome === undefined ? {} : { outcome }),
        ...(cursor === undefined ? {} : { after: readCursor(keys, binding, cursor).id }),
      };
      const rows = await engine.within(reader, async (tx) => {
        const { revision } = await find(tx, reader, id);
        return listReprojectionItems(tx, reader.principal, revision, filter);
      });
      return pageOf(rows, limit, itemView, ({ ticket }) => writeCursor(keys, binding, { position: '', id: ticket }));
    },

    /** How many tickets came to what, so far. */
    async result(reader: Reader, id: string): Promise<JobResult> {
      const { revision, counts } = await engine.within(reader, (tx) => find(tx, reader, id));
      return { revision, outcomes: reprojectionOutcomes.map((outcome) => ({ outcome, count: counts[outcome] ?? 0 })) };
    },

    /** One that has ended stays as it is. */
    async control(caller: Caller, id: string, control: Control): Promise<Answer> {
      const { tenant, actor } = caller.principal;
      const { revision, state } = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        return find(tx, caller, id);
      });
      if (state === 'running' || state === 'paused') {
        const request = { tenant, revision, control, actor, commandId: caller.commandId };
        await told(caller, () => reprojections.control(request, caller.deadline));
      }
      return { status: 200, body: jobView(await engine.within(caller, (tx) => find(tx, caller, id))) };
    },
  };
}

async function find(tx: TenantTx, { principal: { tenant } }: Reader, id: string): Promise<ReprojectionRecord> {
  const found = await findReprojectionJob(tx, tenant, id);
  if (found === undefined) throw new Refusal('not_found');
  return found;
}

/** What a preview is good for. */
const drafted = (tenant: TenantId, current: number, policies: readonly Policy[]): string => canonical({ tenant, current, policies });

const badToken = (code: string, message: string): Refusal =>
  new Refusal('invalid_request', { errors: [{ pointer: '/previewToken', code, message }] });

/** @throws Refusal for whatever kept the engine from answering */
async function told(caller: Caller, call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof CommandLost)) throw error;
    if (error.kind === 'unavailable') throw new Refusal('engine_unavailable');
    if (error.kind === 'busy') throw new Refusal('engine_busy');
    throw new Refusal('command_unconfirmed', { members: { idempotencyKey: caller.key } });
  }
}

function jobView({ id, revision, state, total, counts, startedAt, endedAt }: ReprojectionRecord): JobView {
  const { closed = 0, failed = 0 } = counts;
  const ok = effects.reduce((sum, effect) => sum + (counts[effect] ?? 0), 0);
  const settled = ok + closed + failed;
  // Tickets closed before their turn came are not asked any more, tickets being opened meanwhile are.
  const all = state === 'done' ? settled : Math.max(total, settled);
  const left = state === 'cancelled' ? all - settled : 0;
  return {
    id,
    kind: 'sla_reprojection',
    subject: `sla/policy-sets/${revision}`,
    state,
    total: all,
    ok,
    failed,
    skipped: closed + left,
    startedAt: iso(startedAt),
    endedAt: isoOrNull(endedAt),
  };
}

function itemView({ ticket, outcome, code }: ReprojectionItem): JobItem {
  const result = outcome === 'failed' ? 'failed' : outcome === 'closed' ? 'skipped' : 'ok';
  return { ref: ticket, result, code: code ?? outcome };
}
