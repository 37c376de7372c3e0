/** Which policy a ticket would fall under, and how its deadlines come about. Source: api.md, section 5. */
import { dueView } from './calendars.js';
import type { ExplainMatch, ExplainView } from './schema.js';
import type { TenantTx } from '../../db/client.js';
import { findCalendar, latestCalendars } from '../../db/queries/calendars.js';
import { currentPolicySet } from '../../db/queries/policy-sets.js';
import type { TeamId, TenantId } from '../../domain/ids.js';
import { alwaysOpenCalendar, dueAt, expand } from '../../domain/sla/calendar.js';
import type { Calendar } from '../../domain/sla/calendar.js';
import { explainMatch, matchPolicy } from '../../domain/sla/match.js';
import { alwaysOpen, clockKinds } from '../../domain/sla/policy.js';
import type { CalendarRef, Policy } from '../../domain/sla/policy.js';
import type { Priority } from '../../domain/ticket/status.js';
import { second, toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** Stretches of open time one clock shows. */
const mostStretches = 100;

type Asked = Omit<ExplainMatch, 'team' | 'at'> & { readonly team: TeamId | null; readonly at: Instant };

/** Reads the newest policies and calendars; nothing is kept. */
export async function explain(tx: TenantTx, tenant: TenantId, asked: Asked): Promise<ExplainView> {
  const { revision: set = 0, policies = [] } = (await currentPolicySet(tx, tenant)) ?? {};
  const { product, priority, category = null, channel = '', customerTier = null, tags = [], at } = asked;
  const facts = { product, priority, category, channel, customerTier, tags };
  const judged = explainMatch(policies, facts).map(({ policy, matches, failed }) => ({
    policy,
    matches,
    failed: failed.map(({ field, op, values }) => ({ field, op, values: [...values] })),
  }));
  const match = matchPolicy(policies, facts);
  if (match === null) return { set, policy: null, calendar: null, policies: judged, clocks: [] };
  const { policy } = match;
  // Clocks start on whole seconds.
  const start = at - (((at % second) + second) % second);
  const { ref, body } = await calendarFor(tx, tenant, policy, asked.team);
  return { set, policy: policy.id, calendar: ref, policies: judged, clocks: clocksOf(policy, body, priority, start) };
}

async function calendarFor(
  tx: TenantTx,
  tenant: TenantId,
  { calendar }: Policy,
  team: TeamId | null,
): Promise<{ ref: CalendarRef; body: Calendar }> {
  const ofTeam = calendar.use === 'team' && team !== null ? (await latestCalendars(tx, tenant)).teams.get(team) : undefined;
  const id = ofTeam ?? (calendar.use === 'team' ? calendar.fallback : calendar.id);
  if (id === alwaysOpen) return { ref: { id, revision: 1 }, body: alwaysOpenCalendar };
  const found = await findCalendar(tx, tenant, id);
  if (found === undefined) throw new Error('a calendar that policies name is never removed');
  return { ref: { id, revision: found.revision }, body: found.body };
}

const clocksOf = ({ targets }: Policy, calendar: Calendar, priority: Priority, at: Instant): ExplainView['clocks'] =>
  clockKinds.flatMap((kind) => {
    const budgetS = targets[kind]?.[priority];
    if (budgetS === undefined) return [];
    const due = dueAt(calendar, at, budgetS);
    const walk = due.ok ? walkOf(calendar, at, due.at, budgetS) : [];
    return [{ kind, startAt: toIso(at), budgetS, ...dueView(due), walk }];
  });

/** The open stretches from the start to the deadline. */
function walkOf(calendar: Calendar, from: Instant, until: Instant, budgetS: number): ExplainView['clocks'][number]['walk'] {
  const expanded = expand(calendar, { id: '', revision: 0 }, { from, until, zoneData: '' });
  if (expanded === 'horizon') throw new Error('an expansion that needs nothing always ends');
  let leftS = budgetS;
  return expanded.windows.slice(0, mostStretches).map(([open, close]) => {
    const openS = Math.floor((close - open) / second);
    leftS -= openS;
    return { from: toIso(open), until: toIso(close), openS, leftS };
  });
}
