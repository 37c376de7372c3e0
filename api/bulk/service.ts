/** One verb for many journeys or handoffs: previewed, started as a job, and the job watched and controlled. Source: journeys-change.md, section 6. */
import { v7 } from 'uuid';
import { accountable } from '../administration.js';
import type { Caller } from '../caller.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { Job, JobSource } from '../jobs/job.js';
import type { JobView } from '../jobs/schema.js';
import { told } from '../jobs/told.js';
import { authorise } from '../middleware/auth.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { forbidden } from '../forbidden.js';
import { unknownReference } from '../tickets/refusals.js';
import { iso, isoOrNull } from '../tickets/view.js';
import { handoffAsked, journeyAsked } from './asked.js';
import type { Asked } from './asked.js';
import type { BulkPreview, HandoffBulkBody, JourneyBulkBody, StartBulkBody } from './schema.js';
import type { TenantTx } from '../../db/client.js';
import { recordAudit } from '../../db/queries/audit.js';
import { findBatch, listBatches, lockPreview, startBatch, storePreview } from '../../db/queries/bulk.js';
import type { BulkRecord, PreviewRecord } from '../../db/queries/bulk.js';
import { findHandoffFacts, findJourneyFacts } from '../../db/queries/bulk-facts.js';
import type { FoundJourney, HandoffFilter, JourneyFilter } from '../../db/queries/bulk-facts.js';
import { countBulkItems, listBulkItems } from '../../db/queries/bulk-items.js';
import { findAssignment } from '../../db/queries/directory.js';
import { findRoles } from '../../db/queries/journey-scope.js';
import { findCompiled } from '../../db/queries/journey-questions.js';
import { permit } from '../../domain/access/permit.js';
import { permissionFor } from '../../domain/bulk/command.js';
import type { BulkTarget, JourneyBulk } from '../../domain/bulk/command.js';
import { forecastHandoff, forecastJourney } from '../../domain/bulk/forecast.js';
import { bulkOutcomes } from '../../domain/bulk/outcome.js';
import { mostItems, partsOf, previewMs, previewText, summaryOf, tokenOf } from '../../domain/bulk/preview.js';
import type { Foreseen } from '../../domain/bulk/preview.js';
import { uuidPattern } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import type { CompiledTemplate } from '../../domain/journey/compile.js';
import { plainJson, isObject } from '../../domain/journey/json.js';
import type { JsonObject } from '../../domain/journey/json.js';

export type BulkService = ReturnType<typeof createBulkService>;

/** A transaction that waits for the engine holds a connection: not for long. */
const startWithin = 2_000;

export function createBulkService({ keys, now, batches }: Pick<Deps, 'keys' | 'now' | 'batches'>, engine: Pick<TicketEngine, 'within'>) {
  /** What the filter finds, each with what would become of it. */
  const foresee = async (
    caller: Caller,
    { command, words, filter }: Asked,
    look: (tx: TenantTx) => Promise<readonly Foreseen[]>,
  ): Promise<Answer> => {
    const { principal } = caller;
    const { tenant, actor: by, role } = principal;
    authorise(principal, permissionFor(command));
    const id = v7();
    const preview = { id, command, filter: jsonOf(filter), by, expiresAt: now() + previewMs };
    const summary = await engine.within(caller, async (tx) => {
      await takeKey(tx, caller);
      const items = await look(tx);
      if (items.length > mostItems) throw tooMany();
      const roles = await findRoles(tx, principal);
      await storePreview(tx, tenant, { ...preview, words, actor: by, role, roles }, items);
      return summaryOf(items);
    });
    const body: BulkPreview = {
      verb: command.verb,
      total: summary.total,
      wouldApply: summary.wouldApply,
      wouldSkip: [...summary.wouldSkip],
      sample: [...summary.sample],
      previewToken: tokenOf(id, keys.sign('bulk', signed(tenant, preview))),
      expiresAt: iso(new Date(preview.expiresAt)),
    };
    return { status: 200, body };
  };

  const jobOf = (record: BulkRecord): Job => {
    const { id, command } = record;
    return {
      view: jobView(record),
      async items(tx, { principal }, { outcome, after, limit }) {
        const filter = {
          limit,
          ...(outcome === undefined ? {} : { outcome: bulkOutcomes.filter((one) => outcome.includes(one)) }),
          ...(after === undefined ? {} : { after: Number(after.id) }),
        };
        const rows = await listBulkItems(tx, principal, { id, target: command.target }, filter);
        return rows.map(({ n, ref, outcome: result, code }) => ({ ref, result, code, place: String(n) }));
      },
      async result(tx, { principal: { tenant } }) {
        const counts = await countBulkItems(tx, tenant, id);
        return { verb: command.verb, outcomes: counts.map(({ outcome: result, code: outcome, count }) => ({ result, outcome, count })) };
      },
      // Whoever may begin it may end it, and whoever may repair journeys any.
      assertMayControl({ principal }) {
        const isOwn = record.by === principal.actor && permit(principal, permissionFor(command)) === 'allowed';
        if (!isOwn && permit(principal, 'journey.repair') !== 'allowed') throw forbidden('journey.repair');
      },
      control: ({ principal: { tenant, actor }, commandId, deadline }, control) =>
        batches.control({ tenant, batch: id, control, actor, commandId }, deadline),
    };
  };

  return {
    previewJourneys(caller: Caller, body: JourneyBulkBody): Promise<Answer> {
      const asked = journeyAsked(body);
      const filter: JourneyFilter = asked.filter;
      return foresee(caller, asked, async (tx) => {
        const found = await findJourneyFacts(tx, caller.principal, filter, mostItems);
        const templates = await templatesOf(tx, caller.principal.tenant, asked.command, found);
        return found.map((journey) => ({
          ref: journey.id,
          forecast: forecastJourney(asked.command, journey, templates.get(nameOf(journey)), caller.principal),
        }));
      });
    },

    previewHandoffs(caller: Caller, body: HandoffBulkBody): Promise<Answer> {
      const asked = handoffAsked(body);
      const filter: HandoffFilter = asked.filter;
      return foresee(caller, asked, async (tx) => {
        const { principal } = caller;
        const { command } = asked;
        if (command.verb === 'reassign') {
          const { agent } = await findAssignment(tx, principal.tenant, { agent: command.args.to, team: null });
          if (agent === null || !agent.active) throw unknownReference('/args/to');
        }
        const found = await findHandoffFacts(tx, principal, filter, mostItems);
        return found.map((handoff) => ({ ref: handoff.id, forecast: forecastHandoff(command, handoff, principal) }));
      });
    },

    /**
     * Makes a job of a preview; the same token again finds the job.
     *
     * The engine comes before the commit: a job that is stored runs. A workflow whose job is never stored ends by itself.
     *
     * @throws Refusal `preview_stale` when there is no such preview of the caller's, or it is too old; `forbidden`
     */
    async start(caller: Caller, target: BulkTarget, { previewToken, rate }: StartBulkBody): Promise<Answer> {
      const { principal } = caller;
      const { tenant, actor } = principal;
      const parts = previewToken === undefined ? null : partsOf(previewToken);
      const job = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const found = parts === null || !uuidPattern.test(parts.id) ? undefined : await lockPreview(tx, tenant, parts.id);
        const isTheirs = found !== undefined && found.by === actor && found.command.target === target;
        if (!isTheirs || parts === null || !keys.verify('bulk', signed(tenant, found), parts.signature)) throw new Refusal('preview_stale');
        authorise(principal, permissionFor(found.command));
        if (found.state === 'previewed') {
          if (found.expiresAt <= now()) throw new Refusal('preview_stale');
          await startBatch(tx, tenant, found.id, rate);
          const { verb } = found.command;
          await recordAudit(tx, accountable(caller), { action: 'job.start', subject: `job/${found.id}`, changes: { target, verb, rate } });
          await told(caller, () => batches.start(tenant, found.id, Math.min(caller.deadline, Date.now() + startWithin)));
        }
        const started = await findBatch(tx, tenant, found.id);
        if (started === undefined) throw new Error('a batch that was started is there');
        return started;
      });
      return { status: 202, body: jobView(job), headers: { location: `/v1/jobs/${job.id}` } };
    },

    /** As jobs among others. */
    jobs: {
      async list(tx, { principal: { tenant } }, { after, limit }) {
        const before = after === undefined ? {} : { before: { startedAt: after.position, id: after.id } };
        return (await listBatches(tx, tenant, { limit, ...before })).map(jobOf);
      },
      async find(tx, { principal: { tenant } }, id) {
        const found = await findBatch(tx, tenant, id);
        return found === undefined ? undefined : jobOf(found);
      },
    } satisfies JobSource,
  };
}

/** What a token is good for. */
const signed = (tenant: TenantId, { id, command, filter, by, expiresAt }: Omit<PreviewRecord, 'state'>): string =>
  previewText({ tenant, by, id, target: command.target, verb: command.verb, args: jsonOf(command.args), filter, expiresAt });

const tooMany = (): Refusal => {
  const message = `finds more than ${mostItems}: name more conditions`;
  return new Refusal('invalid_request', { errors: [{ pointer: '/filter', code: 'too_big', message }] });
};

const nameOf = ({ template: { key, version } }: FoundJourney): string => `${key}@${version}`;

/** What the templates say, where the verb depends on it. */
async function templatesOf(
  tx: TenantTx,
  tenant: TenantId,
  { verb }: JourneyBulk,
  found: readonly FoundJourney[],
): Promise<ReadonlyMap<string, CompiledTemplate>> {
  const templates = new Map<string, CompiledTemplate>();
  if (verb !== 'retry' && verb !== 'skip' && verb !== 'complete_with') return templates;
  for (const [name, { template }] of new Map(found.map((journey) => [nameOf(journey), journey]))) {
    const version = await findCompiled(tx, tenant, template);
    if (version !== undefined) templates.set(name, version.compiled);
  }
  return templates;
}

/** What was parsed from JSON is JSON. */
function jsonOf(value: unknown): JsonObject {
  const { value: plain } = plainJson(value);
  return isObject(plain) ? plain : {};
}

const jobView = ({ id, command: { target, verb }, state, total, ok, failed, skipped, startedAt, endedAt }: BulkRecord): JobView => ({
  id,
  kind: target === 'journeys' ? 'journeys_bulk' : 'handoffs_bulk',
  subject: `${target}/${verb}`,
  state,
  total,
  ok,
  failed,
  skipped,
  startedAt: iso(startedAt),
  endedAt: isoOrNull(endedAt),
});
