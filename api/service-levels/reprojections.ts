/** Policies for open tickets: previewed, published as a job, and the job watched and controlled. Source: sla.md, section 5; api.md, section 2. */
import { v7 } from 'uuid';
import type { Caller, Reader } from '../caller.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { Job, JobSource } from '../jobs/job.js';
import type { JobItem, JobView } from '../jobs/schema.js';
import { told } from '../jobs/told.js';
import { authorise } from '../middleware/auth.js';
import { canonical } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso, isoOrNull } from '../tickets/view.js';
import { assertPolicies, calendarsOf } from './checks.js';
import { previewDraft } from './preview.js';
import type { PolicySetBody } from './schema.js';
import type { PolicySetPreview } from './reprojection-schema.js';
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
import type { ReprojectionOutcome } from '../../domain/sla/preview.js';
import { policiesOf } from '../../domain/sla/schema.js';

export type ReprojectionService = ReturnType<typeof createReprojectionService>;

/** A preview ends this long before its answer is due. */
const previewMargin = 1_500;
/** A transaction that waits for the engine holds a connection, and the tenant's policies: not for long. */
const startWithin = 2_000;

export function createReprojectionService(
  { keys, now, reprojections }: Pick<Deps, 'keys' | 'now' | 'reprojections'>,
  engine: Pick<TicketEngine, 'within'>,
) {
  const jobOf = (record: ReprojectionRecord): Job => ({
    view: jobView(record),
    async items(tx, reader, { outcome, after, limit }) {
      const filter = {
        limit,
        ...(outcome === undefined ? {} : { outcome: outcomesOf(outcome) }),
        ...(after === undefined ? {} : { after: after.id }),
      };
      return (await listReprojectionItems(tx, reader.principal, record.revision, filter)).map(itemView);
    },
    result: async () => ({
      revision: record.revision,
      outcomes: reprojectionOutcomes.map((outcome) => ({ result: resultOf(outcome), outcome, count: record.counts[outcome] ?? 0 })),
    }),
    assertMayControl: ({ principal }) => authorise(principal, 'config.write'),
    control: ({ principal: { tenant, actor }, commandId, deadline }, control) =>
      reprojections.control({ tenant, revision: record.revision, control, actor, commandId }, deadline),
  });

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

    /** As jobs among others. */
    jobs: {
      async list(tx, { principal: { tenant } }, { after, limit }) {
        const before = after === undefined ? {} : { before: { startedAt: after.position, id: after.id } };
        return (await listReprojections(tx, tenant, { limit, ...before })).map(jobOf);
      },
      async find(tx, { principal: { tenant } }, id) {
        const found = await findReprojectionJob(tx, tenant, id);
        return found === undefined ? undefined : jobOf(found);
      },
    } satisfies JobSource,
  };
}

/** What a preview is good for. */
const drafted = (tenant: TenantId, current: number, policies: readonly Policy[]): string => canonical({ tenant, current, policies });

const badToken = (code: string, message: string): Refusal =>
  new Refusal('invalid_request', { errors: [{ pointer: '/previewToken', code, message }] });

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

const resultOf = (outcome: ReprojectionOutcome): JobItem['result'] =>
  outcome === 'failed' ? 'failed' : outcome === 'closed' ? 'skipped' : 'ok';

/** What a filter asks for; a result stands for all that come to it. */
const outcomesOf = (asked: readonly string[]): readonly ReprojectionOutcome[] =>
  reprojectionOutcomes.filter((outcome) => asked.includes(outcome) || asked.includes(resultOf(outcome)));

const itemView = ({ ticket, outcome, code }: ReprojectionItem): JobItem & { readonly place: string } => ({
  ref: ticket,
  result: resultOf(outcome),
  code: code ?? outcome,
  place: ticket,
});
