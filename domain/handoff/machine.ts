/**
 * One handoff from package to package, from its creation to its end: what it begins with, what people do, what it is told and answered, what the time brings.
 * None of it reads a clock or throws. Source: journeys.md, sections 8 and 9; scripts.md, section 3.
 */
import type { Fault } from '../journey/expression.js';
import type { Effect, HandoffStart, Person, Report } from '../journey/run/effect.js';
import type { Instant } from '../time.js';
import { gateDue, lookAgain, peopleFound, prepared, reviewEvidence, seekApproval, wakeApproval } from './approval.js';
import type { HandoffWord } from './command.js';
import { Draft, effectOf } from './draft.js';
import { cancel, complete, expire, park } from './ends.js';
import { isReleased, missingOf } from './ledger.js';
import type { Ask, HandoffLedger, HandoffStep, Timers } from './ledger.js';
import { accept, attempt, attemptFailed, offer } from './offer.js';
import { shift } from '../journey/gate/ladder.js';
import { retry } from './verbs.js';

/** Begins a handoff; to begin the same one twice is the same. */
export function open({ data, known, ...start }: HandoffStart, now: Instant): HandoffStep {
  const { from, to, mode } = start.rules;
  const ledger: HandoffLedger = {
    schema: 1,
    start,
    state: 'created',
    data,
    known: known ?? {},
    owner: from,
    assignee: null,
    candidates: null,
    gate: null,
    preparing: null,
    asks: [],
    asked: 0,
    attempts: 0,
    spent: 0,
    timers: {},
    parked: null,
    paused: null,
    outcome: null,
    reason: null,
    version: 0,
    reported: 0,
    createdAt: now,
    lastAt: now,
    endedAt: null,
  };
  const draft = new Draft(ledger, now);
  draft.emit('handoff.created', { from, to, mode, step: start.step, visit: start.visit });
  goOn(draft);
  return draft.step();
}

/** Leaves `created` and `awaiting_data` as far as the data lets it. */
function goOn(draft: Draft): void {
  const { state, data } = draft.ledger;
  const { mode, requiredData } = draft.rules;
  const missing = missingOf(requiredData, data);
  if (missing.length === 0) {
    if (state === 'awaiting_data') draft.emit('handoff.data.supplied');
    if (mode === 'approve') seekApproval(draft, 'open');
    else offer(draft);
  } else if (state === 'created') draft.move('awaiting_data', 'handoff.data.awaited', { missing });
}

/** What its journey tells it. A word that comes too late changes nothing. */
export function tell(ledger: HandoffLedger, word: HandoffWord, now: Instant): HandoffStep {
  const draft = new Draft(ledger, now);
  if (ledger.endedAt === null) heed(draft, word);
  return draft.step();
}

function heed(draft: Draft, word: HandoffWord): void {
  const { ledger, now } = draft;
  switch (word.kind) {
    case 'cancel':
      // What was accepted while nobody waits for more has come to its end.
      return isReleased(ledger) ? complete(draft, 'accepted', {}) : cancel(draft);
    case 'complete':
      return complete(draft, word.outcome, word.output);
    case 'retry':
      return retry(draft);
    case 'supply':
      draft.change({ data: { ...ledger.data, ...word.data }, ...(word.known === undefined ? {} : { known: word.known }) });
      if (ledger.state === 'awaiting_data' && ledger.paused === null) goOn(draft);
      else reviewEvidence(draft, ledger);
      return undefined;
    case 'pause':
      if (ledger.paused !== null) return undefined;
      draft.change({ paused: { at: now, frozen: word.freezeTasks !== false } });
      return draft.emit('handoff.paused');
    case 'resume':
      if (ledger.paused !== null) resume(draft, word.shiftMs);
      return undefined;
    case 'directory':
      return lookAgain(draft);
  }
}

/** Every instant to come moves by as much; what is overdue all the same happens now. */
function resume(draft: Draft, shiftMs: number): void {
  const { timers, gate } = draft.ledger;
  const moved: Timers = Object.fromEntries(Object.entries(timers).map(([name, at]: [string, Instant]) => [name, at + shiftMs]));
  draft.change({ paused: null, timers: moved, gate: gate === null ? null : shift(gate, shiftMs) });
  draft.emit('handoff.resumed', { shiftMs });
  draft.tell();
  if (draft.ledger.state === 'awaiting_data') goOn(draft);
  catchUp(draft);
}

/** Takes the answer to a wish. One that is not awaited changes nothing. */
export function report(ledger: HandoffLedger, answer: Report, now: Instant): HandoffStep {
  const draft = new Draft(ledger, now);
  if (isAnswer(answer)) {
    const ask = ledger.asks.find(({ id, to }) => id === answer.effect && answers[to].includes(answer.kind));
    if (ask !== undefined) take(draft, ask, answer);
  }
  return draft.step();
}

type Answer = Extract<Report, { readonly kind: 'people' | 'hash' | 'done' | 'failed' }>;
const isAnswer = (one: Report): one is Answer => ['people', 'hash', 'done', 'failed'].includes(one.kind);

const answers: Readonly<Record<Ask['to'], readonly Answer['kind'][]>> = {
  approvers: ['people'],
  rung: ['people'],
  electorate: ['people'],
  assignees: ['people'],
  hash: ['hash'],
  acceptance: ['done', 'failed'],
};

function take(draft: Draft, ask: Ask, answer: Answer): void {
  draft.change({ asks: draft.ledger.asks.filter((one) => one !== ask) });
  switch (answer.kind) {
    case 'people':
      return answer.fault === null ? found(draft, ask, answer.people) : notFound(draft, ask, answer.fault);
    case 'hash':
      return prepared(draft, { hash: answer.hash });
    case 'done':
      return accept(draft, answer.output);
    case 'failed':
      return attemptFailed(draft, answer);
  }
}

function found(draft: Draft, ask: Ask, people: readonly Person[]): void {
  if (ask.to === 'assignees') draft.change({ candidates: people.map(({ id }) => id) });
  else peopleFound(draft, ask.to === 'rung' ? ask.rung : ask.to === 'electorate' ? 'dynamic' : 'approvers', people);
}

/** An expression has no value: somebody has to see to it. A vote that is open waits for its people only. */
function notFound(draft: Draft, ask: Ask, { path, reason }: Fault): void {
  const question = ask.to === 'rung' || ask.to === 'electorate' ? ask : null;
  park(draft, 'failed', 'guard_error', draft.now, { error: path ?? reason, question });
}

/** When something happens by itself next; null: nothing does. */
export function nextDue(ledger: HandoffLedger): Instant | null {
  const { timers, paused, parked, endedAt } = ledger;
  if (endedAt !== null || paused !== null || parked !== null) return null;
  const due = Math.min(...Object.values(timers).map((at: Instant) => at), gateDue(ledger) ?? Infinity);
  return due === Infinity ? null : due;
}

/** Does what is due by `now`, in order of time. */
export function wake(ledger: HandoffLedger, now: Instant): HandoffStep {
  const draft = new Draft(ledger, now);
  catchUp(draft);
  return draft.step();
}

function catchUp(draft: Draft): void {
  for (let at = nextDue(draft.ledger); at !== null && at <= draft.now; at = nextDue(draft.ledger)) happen(draft, at);
}

/** What the time brings at this instant. */
function happen(draft: Draft, at: Instant): void {
  wakeApproval(draft, at);
  const { timers } = draft.ledger;
  const { acceptAt, totalAt, completeAt, claimUntil, retryAt } = timers;
  // However late it is: after the end of all attempts none begins.
  if (totalAt !== undefined && totalAt <= draft.now) park(draft, 'failed', 'handoff_timeout', totalAt);
  else if (retryAt === at) attempt(draft);
  else if (acceptAt === at || completeAt === at) expire(draft, 'handoff_timeout', draft.rules.onTimeout, at);
  else if (claimUntil === at) {
    const { claimUntil: _over, ...rest } = timers;
    draft.change({ assignee: null, timers: rest });
    draft.emit('handoff.assigned', { assignee: null }, at);
  }
}

/** What is still to be answered: to be asked again by whoever takes the handoff over. */
export const outstanding = (ledger: HandoffLedger): readonly Effect[] => ledger.asks.map((ask) => effectOf(ledger, ask));
