/** What people and operators do with a handoff. Source: journeys.md, sections 8 and 9; scripts.md, section 3. */
import type { Actor } from '../actor.js';
import { refused } from '../decision.js';
import type { Refused } from '../decision.js';
import { delegate } from '../journey/gate/delegation.js';
import type { GateAnswer, GateRules, GateState } from '../journey/gate/gate.js';
import { vote } from '../journey/gate/vote.js';
import type { HandoffState } from '../journey/run/effect.js';
import type { Instant } from '../time.js';
import { answered, seekApproval } from './approval.js';
import type { HandoffCode } from './codes.js';
import type { HandoffCommand, HandoffCommandOf, HandoffVerb } from './command.js';
import { Draft, gateRules } from './draft.js';
import { cancel, complete, giveBack, reject } from './ends.js';
import type { HandoffAnswer, HandoffLedger } from './ledger.js';
import { accept, offer } from './offer.js';

type Refusal = Refused<HandoffCode> | null;

/** State → what can be done there. Claims go on in `in_progress`; a vote that is over says so itself. */
export const allowed: Readonly<Record<HandoffState, readonly HandoffVerb[]>> = {
  created: ['cancel'],
  awaiting_data: ['cancel'],
  awaiting_approval: ['approve', 'reject', 'vote', 'delegate', 'cancel'],
  offered: ['accept', 'reject', 'assign', 'cancel'],
  accepted: ['claim', 'unclaim', 'assign', 'complete', 'return', 'cancel'],
  in_progress: ['claim', 'unclaim', 'assign', 'complete', 'return', 'cancel'],
  failed: ['retry', 'cancel'],
  expired: ['retry', 'cancel'],
  completed: [],
  rejected: [],
  returned: [],
  cancelled: [],
};

/** The person behind an actor, as votes and claims know people. */
export const personOf = (actor: Actor): string => actor.slice(actor.indexOf('/') + 1);

/**
 * Decides one command.
 *
 * Refusals: the codes of `handoffStatus`. Whatever was due before `now` has to have happened: see `wake`.
 */
export function command(ledger: HandoffLedger, order: HandoffCommand, now: Instant): HandoffAnswer {
  const { expectedVersion } = order;
  if (expectedVersion !== undefined && expectedVersion !== ledger.version) return refused('version_mismatch', { version: ledger.version });
  const draft = new Draft(ledger, now);
  return mayBegin(ledger, order) ?? carryOut(draft, order) ?? draft.step();
}

/** Verbs of a vote; they know for themselves that it is over. */
const votes: readonly HandoffVerb[] = ['approve', 'vote', 'delegate'];
/** Verbs of the receiver's people. */
const works: readonly HandoffVerb[] = ['accept', 'reject', 'return', 'complete', 'claim', 'unclaim'];

function mayBegin(ledger: HandoffLedger, { kind, role, roles, actor }: HandoffCommand): Refusal {
  const { state, gate, paused, parked, endedAt } = ledger;
  const isLateVote = votes.includes(kind) && gate !== null && gate.outcome !== null;
  const can = endedAt === null ? allowed[state] : [];
  if (kind === 'retry' && parked === null) return refused('no_incident', { state });
  if (!isLateVote && !can.includes(kind)) return refused('handoff.illegal_move', { state, verb: kind, allowed: can });
  // People may go on in a pause that lets them; to try again is to begin something.
  if (paused !== null && kind !== 'cancel' && (paused.frozen || kind === 'retry')) return refused('journey_paused');
  const isWork = works.includes(kind) && state !== 'awaiting_approval';
  return isWork && role === 'agent' && roles !== undefined && !isNamed(ledger, personOf(actor), roles) ? refused('not_eligible') : null;
}

/** Whether the step names this person as a receiver; one that names nobody leaves it to the package. */
function isNamed({ start, assignee, candidates }: HandoffLedger, person: string, held: readonly string[]): boolean {
  const { users = [], roles = [], expr } = start.rules.assign ?? {};
  if (users.length === 0 && roles.length === 0 && expr === undefined) return true;
  const named = [...users, ...(candidates ?? []), assignee];
  return named.includes(person) || roles.some((role) => held.includes(role));
}

function carryOut(draft: Draft, order: HandoffCommand): Refusal {
  const { state, assignee, timers } = draft.ledger;
  switch (order.kind) {
    case 'accept':
      return did(accept(draft, null));
    case 'reject':
      return state === 'awaiting_approval' ? decide(draft, { ...order, kind: 'vote', decision: 'reject' }) : refuse(draft, order);
    case 'return':
      return takeBack(draft, order);
    case 'complete':
      return heldByOther(draft, order) ?? finish(draft, order);
    case 'cancel':
      return did(cancel(draft, order));
    case 'retry':
      return did(retry(draft));
    case 'approve':
      return decide(draft, { ...order, kind: 'vote', decision: 'approve' });
    case 'vote':
      return decide(draft, order);
    case 'delegate':
      return handOver(draft, order);
    case 'claim':
      return heldByOther(draft, order) ?? did(claim(draft, personOf(order.actor)));
    case 'unclaim':
      if (assignee === null) return refused('not_claimed');
      return heldByOther(draft, order) ?? did(assign(draft, null));
    case 'assign':
      return assignee === order.to && timers.claimUntil === undefined ? null : did(assign(draft, order.to));
  }
}

/** It was done, so nothing is refused. */
const did = (_done: void): null => null;

function refuse(draft: Draft, order: HandoffCommandOf<'reject'>): Refusal {
  return order.reason === undefined ? refused('reason_required') : did(reject(draft, order.reason, order));
}

function takeBack(draft: Draft, order: HandoffCommandOf<'return'>): Refusal {
  if (order.reason === undefined) return refused('reason_required');
  return heldByOther(draft, order) ?? did(giveBack(draft, order.reason, order));
}

function decide(draft: Draft, order: HandoffCommandOf<'vote'>): Refusal {
  const { actor, roles = [], decision, comment = null, onBehalfOf = null } = order;
  const voting = { by: personOf(actor), roles, decision, comment, onBehalfOf, now: draft.now };
  return atGate(draft, (rules, gate) => vote(rules, gate, voting));
}

function handOver(draft: Draft, { actor, to, toRoles = [], until }: HandoffCommandOf<'delegate'>): Refusal {
  const delegating = { by: personOf(actor), to, toRoles, until: until ?? null, now: draft.now };
  return atGate(draft, (rules, gate) => delegate(rules, gate, delegating));
}

/** Nobody votes while it is looked up who may, or what on. */
function atGate(draft: Draft, act: (rules: GateRules, gate: GateState) => GateAnswer): Refusal {
  const { gate, preparing } = draft.ledger;
  return gate === null || preparing !== null ? refused('handoff.not_ready') : answered(draft, act(gateRules(draft.ledger), gate));
}

function finish(draft: Draft, { outcome, output = {} }: HandoffCommandOf<'complete'>): Refusal {
  const { rules, ledger } = draft;
  const { outcomes } = ledger.start;
  const named = outcome ?? rules.completeAs ?? 'completed';
  if (outcome !== undefined && outcomes !== undefined && !outcomes.includes(outcome))
    return refused('unknown_outcome', { allowed: outcomes });
  return did(complete(draft, named, output));
}

/** A claim is exclusive; who leads the others may reach over it. */
function heldByOther({ ledger }: Draft, { actor, role }: HandoffCommand): Refusal {
  const { assignee } = ledger;
  return role === 'agent' && assignee !== null && assignee !== personOf(actor) ? refused('already_claimed', { assignee }) : null;
}

/** Takes it for oneself: the receiver is at it. */
function claim(draft: Draft, person: string): void {
  const { ledger, rules, now } = draft;
  const { claimUntil: _before, ...rest } = ledger.timers;
  const timers = rules.claimFor === undefined ? rest : { ...rest, claimUntil: now + rules.claimFor };
  draft.change({ assignee: person, timers });
  if (ledger.state === 'accepted') draft.move('in_progress', 'handoff.started', { assignee: person });
  else draft.emit('handoff.assigned', { assignee: person });
}

/** Gives it to somebody, or to nobody; whoever is given it keeps it. */
function assign(draft: Draft, assignee: string | null): void {
  const { claimUntil: _before, ...timers } = draft.ledger.timers;
  draft.change({ assignee, timers });
  draft.emit('handoff.assigned', { assignee });
}

/** Tries it again where it stopped, if it did: at the gate with a new round, or with the same one if only people could not be found; else with a new offer. */
export function retry(draft: Draft): void {
  const { parked } = draft.ledger;
  if (parked === null) return;
  const { leg, question } = parked;
  draft.change({ parked: null });
  if (leg === 'offer') {
    draft.emit('handoff.retried');
    offer(draft);
  } else if (question === null) seekApproval(draft, 'again');
  else {
    draft.change({ state: 'awaiting_approval' });
    draft.emit('handoff.retried');
    draft.tell();
    draft.ask(question);
  }
}
