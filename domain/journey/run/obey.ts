/** Which command does what, and what refuses every one of them. Source: journeys.md, sections 3 and 7. */
import { refused } from '../../decision.js';
import type { Refused } from '../../decision.js';
import { advance } from './advance.js';
import { take } from './answers.js';
import type { JourneyCode, JourneyCommand, JourneyVerb } from './command.js';
import type { Draft } from './draft.js';
import { endJourney } from './ending.js';
import { pause, resume } from './pausing.js';
import { completeWith, goTo, retry, skip } from './repair.js';
import { undoAll } from './undoing.js';
import { createHandoff } from './extras.js';
import { assign, attach, castVote, claim, delegateTo, unclaim, updateContext, voteOver } from './verbs.js';

/** Verbs whose reason is kept; the system gives a cause instead, and the Web UI's form cannot store a text. */
const reasoned: readonly JourneyVerb[] = ['completeWith', 'skip', 'goto', 'compensateAndEnd', 'cancel', 'pause'];
/** What may be done while a journey is paused. */
const whilePaused: readonly JourneyVerb[] = ['resume', 'cancel', 'compensateAndEnd', 'updateContext', 'attach'];
/** And where tasks are not frozen. */
const tasks: readonly JourneyVerb[] = ['vote', 'delegate', 'claim', 'unclaim', 'assign'];

/** Does what a command says, or tells why not. */
export function obey(draft: Draft, order: JourneyCommand): Refused<JourneyCode> | undefined {
  const { end, paused, version } = draft.state;
  const { kind } = order;
  if (order.expectedVersion !== undefined && order.expectedVersion !== version) return refused('version_mismatch', { current: version });
  // Whoever comes too late to vote is told how the vote ended, whether it was the last thing to happen or not.
  const isVote = order.kind === 'vote' || order.kind === 'delegate';
  if (end !== null) return (isVote ? voteOver(draft, order) : undefined) ?? refused('journey_ended', { outcome: end.outcome });
  if (paused === null && kind === 'resume') return refused('journey_not_paused');
  const mayNow = paused === null || whilePaused.includes(kind) || (!paused.freezeTasks && tasks.includes(kind));
  if (!mayNow) return refused('journey_paused');
  const mayDoWithout = order.role === 'system' || order.source === 'operator';
  if (reasoned.includes(kind) && order.reason === undefined && !mayDoWithout) return refused('reason_required');
  return done(draft, order);
}

function done(draft: Draft, order: JourneyCommand): Refused<JourneyCode> | undefined {
  switch (order.kind) {
    case 'advance':
      return advance(draft, order);
    case 'updateContext':
      return updateContext(draft, order);
    case 'attach':
      return attach(draft, order);
    case 'vote':
      return castVote(draft, order);
    case 'delegate':
      return delegateTo(draft, order);
    case 'claim':
      return claim(draft, order);
    case 'unclaim':
      return unclaim(draft, order);
    case 'assign':
      return assign(draft, order);
    case 'createHandoff':
      return createHandoff(draft, order);
    case 'retry':
      return retry(draft, order);
    case 'completeWith':
      return completeWith(draft, order);
    case 'skip':
      return skip(draft, order);
    case 'goto':
      return goTo(draft, order);
    case 'pause':
      pause(draft, order);
      return undefined;
    case 'resume':
      for (const fact of resume(draft, order)) take(draft, fact);
      return undefined;
    case 'compensateAndEnd':
      undoAll(draft);
      return undefined;
    case 'cancel':
      endJourney(draft, { status: 'cancelled', outcome: order.cause ?? 'cancelled', result: null, data: reasonOf(order) });
      return undefined;
  }
}

const reasonOf = ({ reason }: JourneyCommand): { readonly reason?: string } => (reason === undefined ? {} : { reason });
