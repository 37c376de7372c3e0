/** Votes given into other hands. Source: journeys.md, section 9; scripts.md, section 3. */
import { refused } from '../../decision.js';
import type { Instant } from '../../time.js';
import { isAsked, isExcluded } from './electorate.js';
import type { Delegation, GateAnswer, GateRules, GateState } from './gate.js';
import { ownerOf, unchanged } from './tally.js';

export interface Delegating {
  readonly by: string;
  readonly to: string;
  /** Roles and team keys of the delegate. */
  readonly toRoles: readonly string[];
  /** Null: as long as the vote is open. */
  readonly until: Instant | null;
  readonly now: Instant;
}

/** A vote goes through at most so many hands. */
const longestChain = 3;

type Hands = Pick<GateState, 'eligible' | 'delegations'>;

/** From the person whose vote it is to the one who may give it, one name for those who vote for themselves; null: may give none. */
export function handsOf({ eligible, delegations }: Hands, person: string, now: Instant): readonly string[] | null {
  const hands = [person];
  for (let last = person; !eligible.some(({ id }) => id === last);) {
    const link = delegations.find(({ to, until }) => to === last && (until === null || now < until));
    if (link === undefined || hands.length > longestChain) return null;
    last = link.from;
    hands.unshift(last);
  }
  return hands;
}

/** The person whose vote is used up, if somebody's is; whoever gave one has none left. */
export const isUsed = ({ votes }: Pick<GateState, 'votes'>, hands: readonly string[]): boolean => {
  const [owner] = hands;
  return votes.some((vote) => !vote.void && (vote.by === hands.at(-1) || ownerOf(vote) === owner));
};

/**
 * Gives one's vote into another's hands, until then or until the vote is over. The delegator may still vote until the delegate has; a later delegation takes
 * the place of the earlier.
 *
 * Refusals: `requester_excluded`, `approval_closed`, `not_eligible`, `already_voted`, and `delegation_invalid` with a `reason`: `already_eligible`, `cycle`,
 * `chain`, `excluded` or `until`.
 */
export function delegate(rules: GateRules, gate: GateState, { by, to, toRoles, until, now }: Delegating): GateAnswer {
  if (by === gate.requester) return refused('requester_excluded');
  if (gate.outcome !== null) return refused('approval_closed', { outcome: gate.outcome });
  const hands = handsOf(gate, by, now);
  if (hands === null) return refused('not_eligible');
  if (isUsed(gate, hands)) return refused('already_voted');
  if (until !== null && until <= now) return invalid('until');
  if (isExcluded(rules, gate, to)) return invalid('excluded');
  if (hands.includes(to)) return invalid('cycle');
  const others = without(gate.delegations, by);
  const isNamed = rules.eligible === 'dynamic' && isAsked(rules, gate, { id: to, roles: toRoles });
  // Whoever holds a vote here, be it another's, could not give a second one.
  if (isNamed || handsOf({ ...gate, delegations: others }, to, now) !== null) return invalid('already_eligible');
  if (hands.length > longestChain) return invalid('chain');
  const delegations = [...without(others, to), { from: by, to, at: now, until }];
  return { ...unchanged({ ...gate, delegations }), facts: [{ type: 'approval.delegated', at: now, from: by, to, until }] };
}

const invalid = (reason: string): GateAnswer => refused('delegation_invalid', { reason });

/** Delegations less the one from a person and all that rest on it. */
function without(delegations: readonly Delegation[], from: string): readonly Delegation[] {
  const link = delegations.find((one) => one.from === from);
  return link === undefined
    ? delegations
    : without(
        delegations.filter((one) => one !== link),
        link.to,
      );
}
