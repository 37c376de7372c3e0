/** Approval steps: the vote is a gate, the step around it opens it, wakes it and takes its result. Source: journeys.md, section 9. */
import type { GateStep } from '../gate/gate.js';
import { wakeGate, withPeople } from '../gate/ladder.js';
import { evidenceChanged, openGate, reopenGate } from '../gate/round.js';
import type { Draft } from './draft.js';
import type { ReportFields } from './effect.js';
import { evidenceOf, gateRules } from './effects.js';
import { follow } from './follow.js';
import { park } from './incident.js';
import { complete } from './leave.js';
import { requesterOf } from './names.js';
import { bodyOf } from './plan.js';
import { faultDetail } from './traces.js';
import type { AskOf, Visit } from './visit.js';
import { tellGate } from './voting.js';

/** Finds who may vote, and what on; then the vote opens, or a new round of it. */
export function beginApproval(draft: Draft, visit: Visit): void {
  const { evidence = [] } = gateRules(bodyOf(draft.plan, visit));
  const preparing = { people: null, hash: evidence.length === 0 ? '' : null };
  const { roles = [], users = [] } = gateRules(bodyOf(draft.plan, visit)).approvers;
  const task = visit.task ?? { people: users, roles, assignee: null };
  const asking = draft.ask({ ...visit, preparing, task }, { to: 'approvers' });
  if (evidence.length > 0) draft.ask(asking, { to: 'hash' });
}

export function approversFound(draft: Draft, visit: Visit, { people, fault }: ReportFields['people']): void {
  if (fault !== null)
    return park(draft, visit, 'guard_error', faultDetail(gateRules(bodyOf(draft.plan, visit)).approvers.expr ?? null, fault));
  if (visit.preparing !== null) openIfReady(draft, { ...visit, preparing: { ...visit.preparing, people } });
}

export function evidenceHashed(draft: Draft, visit: Visit, hash: string): void {
  if (visit.preparing !== null) openIfReady(draft, { ...visit, preparing: { ...visit.preparing, hash } });
}

function openIfReady(draft: Draft, visit: Visit): void {
  const { people = null, hash = null, isChanged = false } = visit.preparing ?? {};
  if (people === null || hash === null) {
    draft.put(visit);
    return;
  }
  // People whom the ladder of an earlier round asked for are not those of this one.
  const ready = draft.put({ ...visit, preparing: null, asks: visit.asks.filter(({ to }) => to !== 'wanted') });
  const rules = gateRules(bodyOf(draft.plan, visit));
  const round = { people, evidenceHash: hash === '' ? null : hash, now: draft.at };
  const { start, voters } = draft.state;
  const { gate } = visit;
  if (gate === null) return judged(draft, ready, openGate(rules, { ...round, requester: requesterOf(start), earlierVoters: voters }));
  judged(draft, ready, isChanged ? evidenceChanged(rules, gate, round) : reopenGate(rules, gate, round));
}

/** What is voted on may have changed. */
export function rehash(draft: Draft, visit: Visit): void {
  if (visit.gate === null || visit.gate.outcome !== null) return;
  if (Object.keys(evidenceOf(draft.plan, draft.state, visit, draft.at)).length === 0) return;
  if (visit.asks.some(({ to }) => to === 'rehash')) draft.put({ ...visit, isStale: true });
  else draft.ask(visit, { to: 'rehash' });
}

/** It has been read: where it is not the same, those who may vote on it are looked up anew, and the next round begins. */
export function rehashed(draft: Draft, visit: Visit, hash: string): void {
  const { gate, isStale } = visit;
  if (gate === null || gate.outcome !== null) return;
  if (isStale) draft.ask({ ...visit, isStale: false }, { to: 'rehash' });
  else if (gate.evidenceHash === hash) draft.put({ ...visit, preparing: null });
  else draft.ask({ ...visit, preparing: { people: null, hash, isChanged: true } }, { to: 'approvers' });
}

/** Whether it is being looked up who votes, or what on: nobody does meanwhile. */
export const isBeingRead = ({ preparing, asks }: Visit): boolean => preparing !== null || asks.some(({ to }) => to === 'rehash');

/** Asks again for the people of rungs that were reached before the step was parked. */
export function missAgain(draft: Draft, visit: Visit): void {
  const { escalation = [] } = gateRules(bodyOf(draft.plan, visit));
  const { escalations = [], joined = [] } = visit.gate ?? {};
  const missing = escalations.filter(({ rung }) => escalation[rung]?.action !== 'remind' && !joined.includes(rung));
  missing.reduce((asking, { rung }) => draft.ask(asking, { to: 'wanted', wanted: rung }), visit);
}

/** People that a rung brings, or all of an electorate that changes. */
export function peopleCame(draft: Draft, visit: Visit, { wanted }: AskOf<'wanted'>, { people, fault }: ReportFields['people']): void {
  const rules = gateRules(bodyOf(draft.plan, visit));
  if (fault !== null) return park(draft, visit, 'guard_error', faultDetail(null, fault));
  if (visit.gate !== null) judged(draft, visit, withPeople(rules, visit.gate, wanted, people, draft.at));
}

/** Roles have changed somewhere. */
export function lookAgain(draft: Draft, visit: Visit): void {
  const isDynamic = gateRules(bodyOf(draft.plan, visit)).eligible === 'dynamic' && visit.gate?.outcome === null;
  if (isDynamic && !visit.asks.some(({ to }) => to === 'wanted')) draft.ask(visit, { to: 'wanted', wanted: 'dynamic' });
}

export function gateDue(draft: Draft, visit: Visit): void {
  if (visit.gate !== null) judged(draft, visit, wakeGate(gateRules(bodyOf(draft.plan, visit)), visit.gate, draft.at));
}

/** Takes over what became of a vote: more people to find, its result, or that it cannot be won any more. */
export function judged(draft: Draft, visit: Visit, step: GateStep): void {
  let told = tellGate(draft, visit, step);
  for (const wanted of step.wanted) told = draft.ask(told, { to: 'wanted', wanted });
  if (step.unsatisfiable) {
    const { required, eligible } = step.gate;
    return park(draft, told, 'quorum_unsatisfiable', { required, eligible: eligible.length });
  }
  // While a paused journey lets people vote, what follows waits.
  if (draft.state.paused === null) decided(draft, told);
}

/** Leaves the step if its vote is over. */
export function decided(draft: Draft, visit: Visit): void {
  const { gate } = visit;
  if (gate === null || gate.outcome === null || gate.outcome === 'cancelled') return;
  const cause = gate.cause === 'timeout' ? 'timeout' : 'vote';
  if (gate.outcome !== 'timeout') return complete(draft, visit, { cause, outcome: gate.outcome });
  const { onTimeout } = gateRules(bodyOf(draft.plan, visit));
  follow(draft, visit, onTimeout, { cause, outcome: 'timeout', incident: 'approval_timeout', detail: { round: gate.round } });
}
