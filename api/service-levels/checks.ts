/** Faults of calendars and policies as a caller gets to read them, and as refusals. */
import { Refusal } from '../errors.js';
import type { FieldError } from '../errors.js';
import type { PolicySetRecord, PolicyWorld } from '../../db/queries/policy-sets.js';
import { alwaysOpenCalendar, calendarProblems, calendarRules, elapsedS } from '../../domain/sla/calendar.js';
import type { Calendar } from '../../domain/sla/calendar.js';
import { alwaysOpen } from '../../domain/sla/policy.js';
import type { Policy } from '../../domain/sla/policy.js';
import { policyProblems, policyRules } from '../../domain/sla/validate.js';
import { horizonMs } from '../../domain/sla/windows.js';
import type { Instant } from '../../domain/time.js';

/** @param at pointer to the calendar in the body */
export const calendarErrors = (calendar: Calendar, at = ''): FieldError[] =>
  calendarProblems(calendar).map(({ field, rule }) => ({ pointer: `${at}${field}`, code: rule, message: calendarRules[rule] }));

/** @throws Refusal `calendar_invalid` with every fault */
export function assertCalendar(calendar: Calendar, at = ''): void {
  const errors = calendarErrors(calendar, at);
  if (errors.length > 0) throw new Refusal('calendar_invalid', { errors });
}

/** Every fault of a policy set, as things stand at an instant. */
export const policyErrors = (policies: readonly Policy[], world: PolicyWorld, now: Instant): FieldError[] =>
  policyProblems(policies, { ...world, reaches: reachOf(world, now) }).map(({ field, rule }) => ({
    pointer: field,
    code: rule,
    message: policyRules[rule],
  }));

/** @throws Refusal `policy_invalid` with every fault; `sla_horizon_exceeded` when that is all that is wrong */
export function assertPolicies(policies: readonly Policy[], world: PolicyWorld, now: Instant): void {
  const errors = policyErrors(policies, world, now);
  if (errors.length === 0) return;
  throw new Refusal(errors.every(({ code }) => code === 'sla_horizon_exceeded') ? 'sla_horizon_exceeded' : 'policy_invalid', { errors });
}

/**
 * A revision of a calendar under which a target of the present policies could never be met is refused, as a policy with such a target would be.
 *
 * @throws Refusal `sla_horizon_exceeded`
 */
export function assertStillReached(set: PolicySetRecord | undefined, id: string, body: Calendar, now: Instant): void {
  if (set === undefined) return;
  // What else policies name was there when they were published, and is not the calendar's fault.
  const reaches = reachOf({ calendars: new Map([[id, { body }]]) }, now);
  const beyond = policyProblems(set.policies, { ...nobody, calendars: new Map([[id, { retired: false }]]), reaches }).filter(
    ({ rule }) => rule === 'sla_horizon_exceeded',
  );
  if (beyond.length === 0) return;
  const errors = beyond.map(({ field, rule }) => ({
    pointer: '/weekly',
    code: rule,
    message: `leaves ${field} of policy set ${set.revision} more than five years away`,
  }));
  throw new Refusal('sla_horizon_exceeded', { errors });
}

const nobody = { users: new Map<string, string>(), teams: new Map<string, number>(), products: new Set<string>(), fallbackRecipient: true };

/** Each calendar is walked once, however many targets run on it. */
function reachOf(
  { calendars }: { readonly calendars: ReadonlyMap<string, { readonly body: Calendar }> },
  now: Instant,
): (calendar: string, openS: number) => boolean {
  const open = new Map<string, number>();
  return (id, openS) => {
    const body = id === alwaysOpen ? alwaysOpenCalendar : calendars.get(id)?.body;
    if (body === undefined) return false;
    const most = open.get(id) ?? elapsedS(body, now, now + horizonMs);
    open.set(id, most);
    return openS <= most;
  };
}

/** Ids of the calendars that policies name. */
export const calendarsOf = (policies: readonly Policy[]): string[] => [
  ...new Set(policies.map(({ calendar }) => (calendar.use === 'policy' ? calendar.id : calendar.fallback))),
];
