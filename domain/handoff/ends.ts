/** How a handoff ends, and how it is parked until somebody tries it again. Source: journeys.md, section 8. */
import type { GateStep } from '../journey/gate/gate.js';
import { closeGate } from '../journey/gate/round.js';
import type { ContentId } from '../ids.js';
import type { JsonObject } from '../journey/json.js';
import type { Route } from '../journey/step.js';
import type { Instant } from '../time.js';
import type { Draft } from './draft.js';
import type { HandoffEventType } from './event.js';
import type { Parked, Question } from './ledger.js';

/** Tells the log what happened at the gate, and keeps how it stands. */
export function keepGate(draft: Draft, { gate, facts }: GateStep): void {
  draft.change({ gate });
  for (const { type, at, ...data } of facts) draft.emit(type, data, at);
}

/** Nothing of what was under way is wanted any more. */
function stop(draft: Draft): void {
  draft.forget(() => true);
  const { gate } = draft.ledger;
  if (gate !== null) keepGate(draft, closeGate(gate, 'cancelled', draft.now));
  draft.change({ timers: {}, preparing: null, parked: null });
}

/** Whatever comes later finds it over. */
function end(draft: Draft, outcome: string | null, reason: string | null, at: Instant): void {
  stop(draft);
  draft.change({ outcome, reason, endedAt: at });
}

interface Remark {
  readonly comment?: ContentId;
}
const remark = (comment: ContentId | undefined): JsonObject => (comment === undefined ? {} : { comment });

/** Refused: by the gate, at the offer, or by the receiver's activity. */
export function reject(draft: Draft, reason: string, { comment, at = draft.now }: Remark & { readonly at?: Instant } = {}): void {
  end(draft, 'rejected', reason, at);
  draft.move('rejected', 'handoff.rejected', { reason, ...remark(comment) }, { outcome: 'rejected', reason }, at);
}

/** Given back: the sender owns it again. */
export function giveBack(draft: Draft, reason: string, { comment }: Remark): void {
  end(draft, 'returned', reason, draft.now);
  const owner = draft.rules.from;
  draft.change({ owner, assignee: null });
  draft.move('returned', 'handoff.returned', { reason, owner, ...remark(comment) }, { outcome: 'returned', reason });
}

export function complete(draft: Draft, outcome: string, output: JsonObject): void {
  end(draft, outcome, null, draft.now);
  draft.move('completed', 'handoff.completed', { outcome }, { outcome, output });
}

export function cancel(draft: Draft, { comment }: Remark = {}): void {
  end(draft, null, null, draft.now);
  draft.move('cancelled', 'handoff.cancelled', remark(comment));
}

/** Too late: the journey goes on where the word says, or it waits for somebody to try it again. */
export function expire(draft: Draft, incident: Parked['incident'], route: Route | undefined, at: Instant): void {
  if (route === undefined || route === 'incident') {
    park(draft, 'expired', incident, at);
    return;
  }
  end(draft, null, null, at);
  draft.move('expired', 'handoff.expired', { route }, { incident, route }, at);
}

/** Waits for somebody to try it again; a vote that can go on stays open. */
export function park(
  draft: Draft,
  state: 'failed' | 'expired',
  incident: Parked['incident'],
  at: Instant,
  { error, question = null }: { readonly error?: string; readonly question?: Question | null } = {},
): void {
  const leg = draft.ledger.state === 'awaiting_approval' ? 'approval' : 'offer';
  draft.forget(() => true);
  draft.change({ timers: {}, preparing: null, parked: { incident, leg, question } });
  const told = { incident, ...(error === undefined ? {} : { error }) };
  const type: HandoffEventType = state === 'failed' ? 'handoff.failed' : 'handoff.expired';
  draft.move(state, type, told, told, at);
}
