/** Policy sets of service levels: checked, published as revisions, explained; and who is told when nobody else can be. */
import { accountable } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso } from '../tickets/view.js';
import { assertPolicies, calendarsOf, policyErrors } from './checks.js';
import { explain } from './explain.js';
import type { ReprojectionService } from './reprojections.js';
import { PolicySetBody } from './schema.js';
import type {
  ExplainMatch,
  ExplainView,
  PolicySetQuery,
  PolicySetSummary,
  PolicySetView,
  PublishedPolicySet,
  PublishPolicySet,
  SlaSettings,
  Validation,
} from './schema.js';
import { recordAudit } from '../../db/queries/audit.js';
import { findProduct, findTenantSettings, replaceTenantSettings } from '../../db/queries/configuration.js';
import type { TenantSettings } from '../../db/queries/configuration.js';
import { findTeam } from '../../db/queries/directory.js';
import {
  currentPolicySet,
  findPolicySet,
  findPolicyWorld,
  insertPolicySet,
  listPolicySets,
  lockPolicySets,
} from '../../db/queries/policy-sets.js';
import type { PolicySetRecord } from '../../db/queries/policy-sets.js';
import { seesProduct } from '../../domain/access/principal.js';
import { asAgentId, asProductKey } from '../../domain/ids.js';
import { policiesOf } from '../../domain/sla/schema.js';
import { fromIso } from '../../domain/time.js';

export type PolicyService = ReturnType<typeof createPolicyService>;

export function createPolicyService(
  { keys, now }: Pick<Deps, 'keys' | 'now'>,
  engine: Pick<TicketEngine, 'within'>,
  reprojections: Pick<ReprojectionService, 'assertPreviewed' | 'begin'>,
) {
  return {
    /** Newest first. */
    async list(reader: Reader, { limit, cursor }: PolicySetQuery): Promise<Page<PolicySetSummary>> {
      const { tenant } = reader.principal;
      const binding = cursorBinding(reader.principal, 'sla-policy-sets', {});
      const after = cursor === undefined ? {} : { after: Number(readCursor(keys, binding, cursor).id) };
      const rows = await engine.within(reader, (tx) => listPolicySets(tx, tenant, { limit, ...after }));
      return pageOf(rows, limit, summaryView, ({ revision }) => writeCursor(keys, binding, { position: '', id: String(revision) }));
    },

    current: async (reader: Reader) => shown(await engine.within(reader, (tx) => currentPolicySet(tx, reader.principal.tenant))),

    get: async (reader: Reader, revision: number) =>
      shown(await engine.within(reader, (tx) => findPolicySet(tx, reader.principal.tenant, revision))),

    async validate(reader: Reader, body: PolicySetBody): Promise<Validation> {
      const policies = policiesOf(body);
      const world = await engine.within(reader, (tx) => findPolicyWorld(tx, reader.principal.tenant, calendarsOf(policies)));
      const errors = policyErrors(policies, world, now());
      return { isValid: errors.length === 0, errors };
    },

    /** Publishes the next revision, for tickets opened from now on; what is open keeps its own, or follows by a job. */
    async publish(caller: Caller, { policies: bodies, mode, previewToken: token }: PublishPolicySet): Promise<Answer> {
      const { expected, principal } = caller;
      const { tenant, actor: by } = principal;
      const policies = policiesOf({ policies: bodies });
      const published = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const current = await lockPolicySets(tx, tenant);
        if (expected !== null && expected !== current) throw new Refusal('version_mismatch', { members: { current } });
        // The calendars stay as they are found here until the set that names them is stored.
        assertPolicies(policies, await findPolicyWorld(tx, tenant, calendarsOf(policies)), now());
        if (mode === 'reproject') await reprojections.assertPreviewed(tx, caller, { current, policies, token });
        const revision = current + 1;
        await insertPolicySet(tx, tenant, { revision, policies, mode, by });
        const changes = { revision, mode };
        await recordAudit(tx, accountable(caller), { action: 'policy_set.published', subject: `policy_set/${revision}`, changes });
        const stored = await findPolicySet(tx, tenant, revision);
        return { stored, ...(mode === 'reproject' ? { job: await reprojections.begin(tx, caller, revision) } : {}) };
      });
      const { stored, ...job } = published;
      const { view, etag } = shown(stored);
      const body: PublishedPolicySet = { ...view, ...job };
      return { status: 201, body, headers: { location: `/v1/sla/policy-sets/${view.revision}`, etag } };
    },

    /** Under which policy a ticket like this would fall if it were opened at that instant. */
    async explain(reader: Reader, asked: ExplainMatch): Promise<ExplainView> {
      const { principal } = reader;
      const product = asProductKey(asked.product);
      return engine.within(reader, async (tx) => {
        const found = seesProduct(principal, product) ? await findProduct(tx, principal.tenant, product) : undefined;
        if (found === undefined) throw unknown('/product');
        const team = asked.team === undefined ? null : await findTeam(tx, principal.tenant, asked.team);
        if (team === undefined) throw unknown('/team');
        const at = asked.at === undefined ? now() : fromIso(asked.at);
        return explain(tx, principal.tenant, { ...asked, team: team?.id ?? null, at });
      });
    },

    async settings(reader: Reader): Promise<{ view: SlaSettings; etag: string }> {
      return settingsView(await engine.within(reader, (tx) => findTenantSettings(tx, reader.principal.tenant)));
    },

    /** The last one to be told cannot go while a rung relies on it. */
    async replaceSettings(caller: Caller, { fallbackRecipient }: SlaSettings): Promise<Answer> {
      const { expected, principal } = caller;
      const { tenant } = principal;
      if (expected === null) throw new Refusal('version_required');
      const stored = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        // Nobody publishes a set meanwhile that counts on the present recipient.
        await lockPolicySets(tx, tenant);
        const { policies = [] } = (await currentPolicySet(tx, tenant)) ?? {};
        const world = await findPolicyWorld(tx, tenant, calendarsOf(policies));
        if (fallbackRecipient !== null && !world.users.has(fallbackRecipient)) throw unknown('/fallbackRecipient');
        const unheard = policyErrors(policies, { ...world, fallbackRecipient: fallbackRecipient !== null }, now());
        const errors = unheard.filter(({ code }) => code === 'names_nobody');
        if (errors.length > 0) throw new Refusal('still_in_use', { errors });
        const id = fallbackRecipient === null ? null : asAgentId(fallbackRecipient);
        const next = expected === 'never' ? null : await replaceTenantSettings(tx, tenant, expected, { fallbackRecipient: id });
        if (next !== null) {
          const changes = { revision: next.revision };
          await recordAudit(tx, accountable(caller), { action: 'sla_settings.replaced', subject: `tenant/${tenant}`, changes });
          return next;
        }
        throw new Refusal('version_mismatch', { members: { current: (await findTenantSettings(tx, tenant)).revision } });
      });
      const { view, etag } = settingsView(stored);
      return { status: 200, body: view, headers: { etag } };
    },
  };
}

const unknown = (pointer: string): Refusal => new Refusal('unknown_reference', { members: { pointer } });

const shown = (found: PolicySetRecord | undefined): { view: PolicySetView; etag: string } => {
  if (found === undefined) throw new Refusal('not_found');
  return { view: policySetView(found), etag: `"${found.revision}"` };
};

const policySetView = ({ revision, mode, policies, createdAt, createdBy }: PolicySetRecord): PolicySetView => ({
  revision,
  mode,
  ...PolicySetBody.parse({ policies }),
  createdAt: iso(createdAt),
  createdBy,
});

const summaryView = ({ revision, mode, policies, createdAt, createdBy }: PolicySetRecord): PolicySetSummary => ({
  revision,
  mode,
  policies: policies.map(({ id }) => id),
  createdAt: iso(createdAt),
  createdBy,
});

const settingsView = ({ fallbackRecipient, revision }: TenantSettings): { view: SlaSettings; etag: string } => ({
  view: { fallbackRecipient },
  etag: `"${revision}"`,
});
