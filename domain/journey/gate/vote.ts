/** One person's vote. Source: journeys.md, section 9; scripts.md, section 3. */
import { refused } from '../../decision.js';
import type { ContentId } from '../../ids.js';
import type { Instant } from '../../time.js';
import { handsOf, isUsed } from './delegation.js';
import { isAsked, isExcluded, seated } from './electorate.js';
import type { GateAnswer, GateFact, GateRules, GateState } from './gate.js';
import { closed, counted } from './tally.js';

export interface Voting {
  readonly by: string;
  /** Roles and team keys held now. */
  readonly roles: readonly string[];
  readonly decision: 'approve' | 'reject';
  readonly comment: ContentId | null;
  /** Whose vote it is; null: one's own, or the one that was delegated. */
  readonly onBehalfOf: string | null;
  readonly now: Instant;
}

/**
 * Takes a vote, and closes the vote if that makes the result certain. With `dynamic` the people are asked for first, and `withPeople` closes it.
 *
 * Refusals: `requester_excluded`, `approval_closed` with the outcome, `not_eligible`, `already_voted`, `comment_required`. The gate has to be awake: see `wakeGate`.
 */
export function vote(rules: GateRules, before: GateState, { by, roles, decision, comment, onBehalfOf, now }: Voting): GateAnswer {
  if (by === before.requester) return refused('requester_excluded');
  if (before.outcome !== null) return refused('approval_closed', { outcome: before.outcome });
  const gate = rules.eligible === 'dynamic' ? recognised(rules, before, by, roles) : before;
  const hands = handsOf(gate, by, now);
  const [owner = by] = hands ?? [];
  if (hands === null || (onBehalfOf !== null && !(hands.length === 1 ? [by] : hands.slice(0, -1)).includes(onBehalfOf))) {
    return refused('not_eligible');
  }
  if (isUsed(gate, hands)) return refused('already_voted');
  if (comment === null && needsComment(rules, decision)) return refused('comment_required');
  const given = { by, onBehalfOf: owner === by ? null : owner, decision, comment };
  const { round } = gate;
  const changed = { ...gate, votes: [...gate.votes, { n: (gate.votes.at(-1)?.n ?? 0) + 1, ...given, at: now, void: false, round }] };
  const facts: GateFact[] = [{ type: 'approval.voted', at: now, round, ...given }];
  const held = [...(owner === by ? roles : []), ...gate.eligible.flatMap((person) => (person.id === owner ? person.roles : []))];
  const isFinal = decision === 'reject' && (rules.reject === 'first' || held.some((role) => rules.veto?.includes(role) === true));
  if (isFinal) return closed(changed, facts, 'rejected', 'vote', now);
  if (rules.eligible !== 'dynamic') return counted(rules, changed, facts, now);
  // Who else may vote by now is not known yet, so neither is how many are needed.
  return { ok: true, gate: changed, facts, wanted: ['dynamic'], unsatisfiable: false };
}

/** The gate with the voter among its people or not, as the roles held now say. */
function recognised(rules: GateRules, gate: GateState, by: string, roles: readonly string[]): GateState {
  const person = { id: by, roles };
  const others = gate.eligible.filter(({ id }) => id !== by);
  const isEligible = !isExcluded(rules, gate, by) && isAsked(rules, gate, person);
  return { ...gate, eligible: isEligible ? [...others, ...seated(rules, gate, [person])] : others };
}

const needsComment = ({ requireComment = 'reject' }: GateRules, decision: 'approve' | 'reject'): boolean =>
  requireComment === 'always' || requireComment === decision;
