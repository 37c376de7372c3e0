/** Which policy a ticket falls under: the first whose conditions all hold. Source: sla.md, section 5. */
import type { MatchCondition, MatchField, Policy } from './policy.js';
import { matchFields } from './policy.js';

/** What of a ticket conditions can ask about; null: not set. */
export interface MatchFacts {
  readonly product: string;
  readonly priority: string;
  readonly category: string | null;
  readonly channel: string;
  readonly customerTier: string | null;
  readonly tags: readonly string[];
}

/** How one policy fared. */
export interface PolicyVerdict {
  readonly policy: string;
  /** All its conditions hold; of several, the first in the set counts. */
  readonly matches: boolean;
  /** Conditions that do not hold, in the policy's order. */
  readonly failed: readonly MatchCondition[];
}

export interface PolicyMatch {
  readonly policy: Policy;
  /** The policies up to this one, in order, each with what kept it from matching. */
  readonly why: readonly PolicyVerdict[];
}

/** The policy that wins; null when none matches, which means no clocks. */
export function matchPolicy(policies: readonly Policy[], facts: MatchFacts): PolicyMatch | null {
  const index = policies.findIndex((policy) => failedConditions(policy, facts).length === 0);
  const policy = policies[index];
  return policy === undefined ? null : { policy, why: explainMatch(policies.slice(0, index + 1), facts) };
}

/** How each policy fared, in order, whether it wins or not. */
export const explainMatch = (policies: readonly Policy[], facts: MatchFacts): PolicyVerdict[] =>
  policies.map((policy) => {
    const failed = failedConditions(policy, facts);
    return { policy: policy.id, matches: failed.length === 0, failed };
  });

/** The fields some policy asks about, in their usual order: a ticket is matched again only when one of them changes. */
export function rematchFields(policies: readonly Policy[]): MatchField[] {
  const asked = new Set(policies.flatMap((policy) => policy.match.map(({ field }) => field)));
  return matchFields.filter((field) => asked.has(field));
}

/** Whether a move to another team can change a clock: some policy runs on the team's calendar. */
export const usesTeamCalendar = (policies: readonly Policy[]): boolean => policies.some(({ calendar }) => calendar.use === 'team');

const failedConditions = ({ match }: Policy, facts: MatchFacts): MatchCondition[] => match.filter((condition) => !holds(condition, facts));

/** An unset field is in no list, so it fails `in` and passes `not_in`. */
function holds({ field, op, values }: MatchCondition, facts: MatchFacts): boolean {
  const given = valuesOf(field, facts);
  switch (op) {
    case 'in':
    case 'any':
      return given.some((value) => values.includes(value));
    case 'not_in':
    case 'none':
      return !given.some((value) => values.includes(value));
    case 'all':
      return values.every((value) => given.includes(value));
  }
}

function valuesOf(field: MatchField, facts: MatchFacts): readonly string[] {
  switch (field) {
    case 'tags':
      return facts.tags;
    case 'customer_tier':
      return facts.customerTier === null ? [] : [facts.customerTier];
    case 'category':
      return facts.category === null ? [] : [facts.category];
    case 'product':
    case 'priority':
    case 'channel':
      return [facts[field]];
  }
}
