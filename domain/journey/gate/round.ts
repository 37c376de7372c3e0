/** How a vote begins, begins anew and is called off. Source: journeys.md, section 9; scripts.md, section 3. */
import type { Instant } from '../../time.js';
import type { Person } from '../run/effect.js';
import { seated } from './electorate.js';
import type { GateFact, GateRules, GateState, GateStep } from './gate.js';
import { closed, counted, unchanged } from './tally.js';

/** What a round begins with: those it is open to, and what they judge by. */
export interface Round {
  /** As looked up for `approvers`; those excluded are left out here. */
  readonly people: readonly Person[];
  readonly evidenceHash: string | null;
  readonly now: Instant;
}

export interface Opening extends Round {
  /** Never eligible; null: nobody asked. */
  readonly requester: string | null;
  /** Not eligible with four eyes. */
  readonly earlierVoters: readonly string[];
}

/** Void votes a record keeps in sight; all of them stay in the event log. */
const keptVoid = 200;

/** Opens a vote; `unsatisfiable` if there are too few people from the first. */
export const openGate = (rules: GateRules, { requester, earlierVoters, ...round }: Opening): GateStep =>
  begun(rules, { requester, earlierVoters, round: 1, votes: [], delegations: [] }, round, []);

/** Opens a vote again that is over, or that nobody can win: votes are void, ladder and time begin anew. */
export const reopenGate = (rules: GateRules, gate: GateState, round: Round): GateStep => nextRound(rules, gate, round, []);

/** What is voted on has changed: the round is stale and the next one begins. The same evidence, or a vote that is over: nothing. */
export const evidenceChanged = (rules: GateRules, gate: GateState, round: Round): GateStep =>
  gate.outcome !== null || gate.evidenceHash === round.evidenceHash
    ? unchanged(gate)
    : nextRound(rules, gate, round, [{ type: 'approval.stale', at: round.now, round: gate.round }]);

/** Calls a vote off; one that is over stays as it is. */
export const closeGate = (gate: GateState, outcome: 'cancelled', now: Instant): GateStep =>
  gate.outcome === null ? closed(gate, [], outcome, 'cancelled', now) : unchanged(gate);

/** Who has given a vote, for themselves or another: with four eyes they may not vote later in the journey. */
export const votersOf = ({ votes }: Pick<GateState, 'votes'>): readonly string[] => [...new Set(votes.map(({ by }) => by))];

function nextRound(rules: GateRules, gate: GateState, round: Round, facts: readonly GateFact[]): GateStep {
  const votes = gate.votes.map((vote) => ({ ...vote, void: true })).slice(-keptVoid);
  // A delegate who is among the people by now votes for himself.
  const eligible = new Set(round.people.map(({ id }) => id));
  const delegations = gate.delegations.filter(({ to }) => !eligible.has(to));
  const { requester, earlierVoters } = gate;
  return begun(rules, { requester, earlierVoters, round: gate.round + 1, votes, delegations }, round, facts);
}

function begun(
  rules: GateRules,
  kept: Pick<GateState, 'requester' | 'earlierVoters' | 'round' | 'votes' | 'delegations'>,
  { people, evidenceHash, now }: Round,
  before: readonly GateFact[],
): GateStep {
  const eligible = seated(rules, kept, people);
  const dueAt = rules.within === undefined ? null : now + rules.within;
  const step = counted(
    rules,
    {
      ...kept,
      openedAt: now,
      countsFrom: now,
      eligible,
      joined: [],
      required: 0,
      escalations: [],
      evidenceHash,
      dueAt,
      outcome: null,
      cause: null,
      closedAt: null,
    },
    before,
    now,
  );
  const { round, required } = step.gate;
  const opened: GateFact = {
    type: 'approval.opened',
    at: now,
    round,
    required,
    eligible: eligible.map(({ id }) => id),
    dueAt,
    evidenceHash,
  };
  return { ...step, facts: [...step.facts, opened] };
}
