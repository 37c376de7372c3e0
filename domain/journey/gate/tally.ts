/** Counts the votes, and closes a vote as soon as its result is certain. Source: journeys.md, section 9. */
import type { Instant } from '../../time.js';
import { groupsOf, requiredOf } from './electorate.js';
import type { GateFact, GateOutcome, GateCause, GateRules, GateState, GateStep, Vote } from './gate.js';

/** Whose vote it is, whoever gave it. */
export const ownerOf = ({ by, onBehalfOf }: Vote): string => onBehalfOf ?? by;

/** How it stands. `unsatisfiable`: too few could say yes even if nobody says no. */
type Standing = 'open' | 'approved' | 'rejected' | 'unsatisfiable';

/** Counts the votes of those who are eligible now. */
function standing(rules: GateRules, gate: GateState): Standing {
  const valid = gate.votes.filter((vote) => !vote.void);
  const groups = groupsOf(rules, gate).map(({ members, needed }) => {
    const votes = valid.filter((vote) => members.includes(ownerOf(vote)));
    const yes = votes.filter(({ decision }) => decision === 'approve').length;
    return { needed, yes, size: members.length, no: votes.length - yes };
  });
  if (groups.every(({ yes, needed }) => yes >= needed)) return 'approved';
  if (groups.some(({ size, needed }) => size < needed)) return 'unsatisfiable';
  return groups.some(({ size, no, needed }) => size - no < needed) ? 'rejected' : 'open';
}

/** What became of an open vote, with its number of needed votes brought up to date and its end if the result is certain. */
export function counted(rules: GateRules, changed: GateState, facts: readonly GateFact[], now: Instant): GateStep {
  const gate = { ...changed, required: requiredOf(groupsOf(rules, changed)) };
  const result = standing(rules, gate);
  if (result === 'approved' || result === 'rejected') return closed(gate, facts, result, 'vote', now);
  return { ok: true, gate, facts, wanted: [], unsatisfiable: result === 'unsatisfiable' };
}

/** The end of a vote. */
export const closed = (gate: GateState, facts: readonly GateFact[], outcome: GateOutcome, cause: GateCause, at: Instant): GateStep => ({
  ok: true,
  gate: { ...gate, outcome, cause, closedAt: at },
  facts: [...facts, { type: 'approval.closed', at, outcome, cause }],
  wanted: [],
  unsatisfiable: false,
});

/** Nothing has changed. */
export const unchanged = (gate: GateState): GateStep => ({ ok: true, gate, facts: [], wanted: [], unsatisfiable: false });
