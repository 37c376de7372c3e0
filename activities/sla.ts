/** Finds the policy and the calendar a ticket falls under, and expands calendars. Source: sla.md, sections 1 and 5. */
import { withTenant } from '../db/client.js';
import { findMatchFacts } from '../db/queries/policy-sets.js';
import type { TenantId } from '../domain/ids.js';
import { expand } from '../domain/sla/calendar.js';
import type { Reach } from '../domain/sla/calendar.js';
import { neededMs } from '../domain/sla/ledger.js';
import { matchPolicy, rematchFields, usesTeamCalendar } from '../domain/sla/match.js';
import { planOf } from '../domain/sla/policy.js';
import type { CalendarChoice, CalendarRef, MatchField } from '../domain/sla/policy.js';
import { horizonMs } from '../domain/sla/windows.js';
import type { Windows } from '../domain/sla/windows.js';
import { day } from '../domain/time.js';
import type { PlanningActivities, PlanRequest } from './contract.js';
import { withoutText } from './failures.js';
import { createRevisions } from './revisions.js';
import type { RevisionsDeps } from './revisions.js';

export interface PlanningDeps extends RevisionsDeps {
  /** Added to a workflow's instants before a calendar sees them: a workflow on a server that skips time lives in the future of this host. */
  readonly offsetMs?: number;
  /** Version of the host's time-zone data. */
  readonly zoneData?: string;
}

/** Windows reach at least this far, so that they are asked for again at most once a month. */
const ahead = 35 * day;

/** Plans with what is in memory; asks the database for revisions it meets first, and for facts that only the database has. */
export function createPlanning(deps: PlanningDeps): PlanningActivities {
  const { db, statementMs, offsetMs = 0, zoneData = process.versions['tz'] ?? '' } = deps;
  const revisions = createRevisions(deps);

  const windowsOf = async (tenant: TenantId, ref: CalendarRef, reach: Omit<Reach, 'zoneData'>): Promise<Windows> => {
    const calendar = await revisions.calendar(tenant, ref);
    const shifted = { ...shiftedReach(reach, offsetMs), zoneData };
    const windows = expand(calendar, ref, shifted);
    if (windows !== 'horizon') return shiftedWindows(windows, -offsetMs);
    // A calendar whose newer revision opens less than its policies need: all of the five years are known, and no deadline lies within.
    const { needFrom = shifted.from } = shifted;
    const all = expand(calendar, ref, { from: Math.min(shifted.from, needFrom), until: needFrom + horizonMs, zoneData });
    if (all === 'horizon') throw new Error('an expansion that needs nothing always ends');
    return shiftedWindows(all, -offsetMs);
  };

  const calendarOf = async ({ tenant, facts: { team }, pinned }: PlanRequest, choice: CalendarChoice): Promise<CalendarRef> => {
    const ofTeam = choice.use === 'team' && team !== null ? await revisions.ofTeam(tenant, team) : null;
    const id = ofTeam ?? (choice.use === 'team' ? choice.fallback : choice.id);
    return pinned?.id === id ? pinned : revisions.newest(tenant, id);
  };

  /** The database is asked only what some policy asks. */
  const unknownToWorkflow = async ({ tenant, facts: { requester, tags } }: PlanRequest, asked: readonly MatchField[]) =>
    asked.includes('tags') || asked.includes('customer_tier')
      ? withTenant(db, tenant, (tx) => findMatchFacts(tx, tenant, { requester, tags }), { statementMs: statementMs?.() })
      : { tags: [], customerTier: null };

  return {
    planSla: (request) =>
      withoutText('planning.retry', async () => {
        const { tenant, set, facts, from, now } = request;
        const policies = set === 0 ? [] : await revisions.policySet(tenant, set);
        const rematchOn = rematchFields(policies);
        const result = { rematchOn, teamCalendar: usesTeamCalendar(policies) };
        const match = matchPolicy(policies, { ...facts, ...(await unknownToWorkflow(request, rematchOn)) });
        if (match === null) return { plan: null, windows: null, ...result };
        const calendar = await calendarOf(request, match.policy.calendar);
        const plan = planOf(match.policy, set, calendar);
        // From now on is furthest: what was consumed before only brings a deadline nearer.
        const needFrom = Math.max(from, now);
        const windows = await windowsOf(tenant, calendar, { from, until: needFrom + ahead, needMs: neededMs(plan), needFrom });
        return { plan, windows, ...result };
      }),

    expandCalendar: ({ tenant, calendar, ...reach }) => withoutText('planning.retry', () => windowsOf(tenant, calendar, reach)),
  };
}

const shiftedReach = ({ from, until, needMs = 0, needFrom = from }: Omit<Reach, 'zoneData'>, by: number): Omit<Reach, 'zoneData'> => ({
  from: from + by,
  until: until + by,
  needMs,
  needFrom: needFrom + by,
});

const shiftedWindows = (windows: Windows, by: number): Windows =>
  by === 0
    ? windows
    : {
        ...windows,
        from: windows.from + by,
        until: windows.until + by,
        windows: windows.windows.map(([open, close]) => [open + by, close + by] as const),
      };
