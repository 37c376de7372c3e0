/**
 * Published revisions in the worker's memory. They never change, so what was loaded once is asked no more; only which is the newest has to be
 * looked up again.
 */
import type { Db, TenantTx } from '../db/client.js';
import { withTenant } from '../db/client.js';
import { findCalendarBody, latestCalendars } from '../db/queries/calendars.js';
import type { LatestCalendars } from '../db/queries/calendars.js';
import { findPolicySet } from '../db/queries/policy-sets.js';
import type { TeamId, TenantId } from '../domain/ids.js';
import type { Calendar } from '../domain/sla/calendar.js';
import { alwaysOpenCalendar } from '../domain/sla/calendar.js';
import { alwaysOpen } from '../domain/sla/policy.js';
import type { CalendarRef, Policy } from '../domain/sla/policy.js';
import { second } from '../domain/time.js';
import type { Instant } from '../domain/time.js';
import { neverAgain } from './failures.js';
import { recent } from './recent.js';

/** How long a newest revision counts as the newest. */
const freshFor = 5 * second;
/** Kept in memory at most: the least recently used goes first. */
const mostKept = { sets: 200, calendars: 1_000, tenants: 1_000 } as const;

export interface Revisions {
  /** @throws a failure that is not tried again when the revision was never published */
  readonly policySet: (tenant: TenantId, revision: number) => Promise<readonly Policy[]>;
  /** @throws as above */
  readonly calendar: (tenant: TenantId, ref: CalendarRef) => Promise<Calendar>;
  /** The newest revision of a calendar; up to 5 s old. @throws as above when there is no such calendar */
  readonly newest: (tenant: TenantId, id: string) => Promise<CalendarRef>;
  /** The calendar a team keeps; null: none. As old as that. */
  readonly ofTeam: (tenant: TenantId, team: TeamId) => Promise<string | null>;
}

export interface RevisionsDeps {
  readonly db: Db;
  readonly now: () => Instant;
  /** How long a statement may take, in milliseconds; the pool's own limit when absent. */
  readonly statementMs?: () => number;
}

export function createRevisions({ db, now, statementMs }: RevisionsDeps): Revisions {
  const sets = recent<readonly Policy[]>(mostKept.sets);
  const calendars = recent<Calendar>(mostKept.calendars);
  const latest = recent<LatestCalendars & { readonly asked: Instant }>(mostKept.tenants);
  const load = <T>(tenant: TenantId, question: (tx: TenantTx) => Promise<T>): Promise<T> =>
    withTenant(db, tenant, question, { statementMs: statementMs?.() });

  const fresh = (tenant: TenantId): Promise<LatestCalendars> => {
    const asked = now();
    return latest.get(
      tenant,
      async () => ({ ...(await load(tenant, (tx) => latestCalendars(tx, tenant))), asked }),
      (kept) => asked - kept.asked <= freshFor,
    );
  };

  return {
    policySet: (tenant, revision) =>
      sets.get(`${tenant}/${revision}`, async () => {
        const found = await load(tenant, (tx) => findPolicySet(tx, tenant, revision));
        if (found === undefined) throw neverAgain('sla.unknown_policy_set');
        return found.policies;
      }),

    async calendar(tenant, ref) {
      if (ref.id === alwaysOpen) return alwaysOpenCalendar;
      return calendars.get(`${tenant}/${ref.id}/${ref.revision}`, async () => {
        const found = await load(tenant, (tx) => findCalendarBody(tx, tenant, ref));
        if (found === undefined) throw neverAgain('sla.unknown_calendar');
        return found;
      });
    },

    async newest(tenant, id) {
      if (id === alwaysOpen) return { id, revision: 1 };
      const known = (await fresh(tenant)).revisions.get(id);
      if (known !== undefined) return { id, revision: known };
      // It may be younger than what is in memory.
      latest.forget(tenant);
      const revision = (await fresh(tenant)).revisions.get(id);
      if (revision === undefined) throw neverAgain('sla.unknown_calendar');
      return { id, revision };
    },

    ofTeam: async (tenant, team) => (await fresh(tenant)).teams.get(team) ?? null,
  };
}
