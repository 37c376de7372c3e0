/** What happens to a vote by itself: reminders, more people, the deadline. Source: journeys.md, section 9. */
import type { Instant } from '../../time.js';
import type { Person } from '../run/effect.js';
import { seated } from './electorate.js';
import type { GateFact, GateRules, GateState, GateStep, Wanted } from './gate.js';
import { closed, counted, unchanged } from './tally.js';

interface DueRung {
  readonly index: number;
  readonly at: Instant;
  readonly action: 'remind' | 'add' | 'replace';
}

/** Rungs that are still to come before the deadline, soonest first. */
const rungsAhead = ({ escalation = [] }: GateRules, { countsFrom, escalations, dueAt }: GateState): readonly DueRung[] =>
  escalation
    .map(({ after, action }, index) => ({ index, at: countsFrom + after, action }))
    .filter(({ index, at }) => !escalations.some(({ rung }) => rung === index) && (dueAt === null || at <= dueAt))
    .toSorted((one, other) => one.at - other.at);

/** When something happens by itself next; null: nothing does, or the vote is over. */
export function nextGateDue(rules: GateRules, gate: GateState): Instant | null {
  if (gate.outcome !== null) return null;
  const [rung] = rungsAhead(rules, gate);
  return rung?.at ?? gate.dueAt;
}

/**
 * Does what is due by `now`, each at its true instant: the rungs in order, then the deadline.
 *
 * The deadline approves or rejects where `onTimeout` says so; else the outcome is `timeout`, and what follows is the caller's matter.
 */
export function wakeGate(rules: GateRules, gate: GateState, now: Instant): GateStep {
  if (gate.outcome !== null) return unchanged(gate);
  const reached = rungsAhead(rules, gate).filter(({ at }) => at <= now);
  const facts = reached.map(({ index, at, action }): GateFact => ({ type: 'approval.escalated', at, rung: index, action }));
  const escalations = [...gate.escalations, ...reached.map(({ index, at }) => ({ rung: index, at }))];
  const awake = { ...gate, escalations };
  if (gate.dueAt !== null && gate.dueAt <= now) {
    const outcome = rules.onTimeout === 'approve' ? 'approved' : rules.onTimeout === 'reject' ? 'rejected' : 'timeout';
    return closed(awake, facts, outcome, 'timeout', gate.dueAt);
  }
  const wanted = reached.flatMap(({ index, action }) => (action === 'remind' ? [] : [index]));
  return reached.length === 0 ? unchanged(gate) : { ...unchanged(awake), facts, wanted };
}

/**
 * Brings the people that were asked for: those of a rung join or take over, those of `dynamic` are all there are. `required` is counted anew.
 *
 * A vote that somebody gave stands as long as the person whose vote it is may vote.
 */
export function withPeople(rules: GateRules, gate: GateState, wanted: Wanted, people: readonly Person[], now: Instant): GateStep {
  if (gate.outcome !== null) return unchanged(gate);
  const action = wanted === 'dynamic' ? 'replace' : rules.escalation?.[wanted]?.action;
  // Answers can overtake each other: whoever was taken over from stays away.
  const isOvertaken =
    wanted !== 'dynamic' && gate.joined.some((index) => index > wanted && rules.escalation?.[index]?.action === 'replace');
  if (action === undefined || action === 'remind' || isOvertaken) return unchanged(gate);
  const eligible = seated(rules, gate, action === 'add' ? [...gate.eligible, ...people] : people);
  const joined = wanted === 'dynamic' ? gate.joined : [...new Set([...gate.joined, wanted])].toSorted((one, other) => one - other);
  const step = counted(rules, { ...gate, eligible, joined }, [], now);
  const ids = eligible.map(({ id }) => id);
  const before = gate.eligible.map(({ id }) => id);
  const isSame = step.gate.required === gate.required && ids.length === before.length && ids.every((id) => before.includes(id));
  if (isSame) return step;
  const changed: GateFact = { type: 'approval.changed', at: now, required: step.gate.required, eligible: ids };
  return { ...step, facts: [changed, ...step.facts] };
}

/** A vote whose time stood still for so long. */
export const shift = (gate: GateState, ms: number): GateState =>
  gate.outcome === null ? { ...gate, countsFrom: gate.countsFrom + ms, dueAt: gate.dueAt === null ? null : gate.dueAt + ms } : gate;
