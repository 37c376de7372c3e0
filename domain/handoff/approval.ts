/** The gate before an offer: its rounds, its votes, and what its end leads to. Source: journeys.md, sections 8 and 9. */
import type { Refused } from '../decision.js';
import type { GateAnswer, GateCode, GateStep, Wanted } from '../journey/gate/gate.js';
import { nextGateDue, wakeGate, withPeople } from '../journey/gate/ladder.js';
import { evidenceChanged, openGate, reopenGate } from '../journey/gate/round.js';
import { canonical } from '../journey/json.js';
import type { Person } from '../journey/run/effect.js';
import type { Instant } from '../time.js';
import { evidenceOf, gateRules } from './draft.js';
import type { Draft } from './draft.js';
import { expire, keepGate, park, reject } from './ends.js';
import type { HandoffLedger, Preparing, Question } from './ledger.js';
import { offer } from './offer.js';

/** Goes to the gate, where people and evidence of the first round are looked up. */
export function seekApproval(draft: Draft, why: 'open' | 'again'): void {
  draft.change({ state: 'awaiting_approval' });
  prepare(draft, why);
  if (why === 'again') draft.emit('handoff.retried');
  draft.tell();
}

/** Without evidence there is nothing to hash. */
const noEvidence = '';
const hasEvidence = (ledger: HandoffLedger): boolean => (gateRules(ledger).evidence ?? []).length > 0;

function prepare(draft: Draft, why: Preparing['why']): void {
  const hash = hasEvidence(draft.ledger) ? null : noEvidence;
  draft.forget(({ to }) => to === 'approvers' || to === 'hash');
  draft.change({ preparing: { why, people: null, hash } });
  draft.ask({ to: 'approvers' });
  if (hash === null) draft.ask({ to: 'hash' });
}

/** More is known than before: what is voted on is read again, with those who may vote, if it is not the same. */
export function reviewEvidence(draft: Draft, before: HandoffLedger): void {
  const { state, preparing } = draft.ledger;
  if (state !== 'awaiting_approval' || !hasEvidence(draft.ledger)) return;
  const isSame = canonical(evidenceOf(before)) === canonical(evidenceOf(draft.ledger));
  if (!isSame) prepare(draft, preparing?.why ?? 'changed');
}

/** Roles have changed somewhere; those who may vote at a dynamic gate are looked up anew. A gate that is held looks after its next vote. */
export function lookAgain(draft: Draft): void {
  const { gate, paused, parked, asks } = draft.ledger;
  const isOpen = gate?.outcome === null && paused === null && parked === null;
  if (!isOpen || gateRules(draft.ledger).eligible !== 'dynamic') return;
  if (!asks.some(({ to }) => to === 'electorate')) draft.ask({ to: 'electorate' });
}

/** Takes what was looked up; once all of it is there the round begins, or goes on if nothing changed. */
export function prepared(draft: Draft, found: { readonly people: readonly Person[] } | { readonly hash: string }): void {
  const { preparing, gate, start } = draft.ledger;
  const now: Preparing = { why: 'open', people: null, hash: null, ...preparing, ...found };
  draft.change({ preparing: now });
  if (now.people === null || now.hash === null) return;
  draft.change({ preparing: null });
  const rules = gateRules(draft.ledger);
  const round = { people: now.people, evidenceHash: now.hash === noEvidence ? null : now.hash, now: draft.now };
  const { requester, earlierVoters } = start;
  if (gate === null) follow(draft, openGate(rules, { ...round, requester, earlierVoters }));
  else follow(draft, now.why === 'changed' ? evidenceChanged(rules, gate, round) : reopenGate(rules, gate, round));
}

/** Keeps what happened at the gate, and goes where that leads. */
function follow(draft: Draft, step: GateStep): void {
  const before = draft.ledger.gate;
  keepGate(draft, step);
  // People whom the ladder of an earlier round asked for are not those of this one.
  if (before !== null && before.round !== step.gate.round) draft.forget(({ to }) => to === 'rung' || to === 'electorate');
  const { outcome, cause, closedAt } = step.gate;
  const at = closedAt ?? draft.now;
  if (outcome !== null) draft.forget(({ to }) => to !== 'acceptance');
  if (outcome !== null) draft.change({ preparing: null });
  if (outcome === 'approved') offer(draft);
  else if (outcome === 'rejected') reject(draft, cause === 'timeout' ? 'approval_timeout' : 'approval_rejected', { at });
  else if (outcome === 'timeout') expire(draft, 'approval_timeout', gateRules(draft.ledger).onTimeout, at);
  else if (step.unsatisfiable) park(draft, 'failed', 'quorum_unsatisfiable', draft.now);
  else {
    for (const wanted of step.wanted) draft.ask(questionOf(wanted));
    if (before?.dueAt !== step.gate.dueAt) draft.tell();
  }
}

const questionOf = (wanted: Wanted): Question => (wanted === 'dynamic' ? { to: 'electorate' } : { to: 'rung', rung: wanted });

/** People were found: those a round begins with, those of a rung, or all there are by now. */
export function peopleFound(draft: Draft, wanted: Wanted | 'approvers', people: readonly Person[]): void {
  const { gate } = draft.ledger;
  if (wanted === 'approvers' || gate === null) prepared(draft, { people });
  else follow(draft, withPeople(gateRules(draft.ledger), gate, wanted, people, draft.now));
}

/** What the gate says to a vote or a delegation. */
export function answered(draft: Draft, answer: GateAnswer): Refused<GateCode> | null {
  if (!answer.ok) return answer;
  follow(draft, answer);
  return null;
}

export const gateDue = (ledger: HandoffLedger): Instant | null =>
  ledger.gate === null ? null : nextGateDue(gateRules(ledger), ledger.gate);

/** What is due at the gate at this instant, if it is open. */
export function wakeApproval(draft: Draft, at: Instant): void {
  const { gate, state } = draft.ledger;
  if (state === 'awaiting_approval' && gate !== null) follow(draft, wakeGate(gateRules(draft.ledger), gate, at));
}
