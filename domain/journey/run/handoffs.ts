/** Handoff steps: the handoff runs apart and tells what becomes of it. Source: journeys.md, section 8. */
import type { JsonObject } from '../json.js';
import { own } from '../json.js';
import { doneOutcome } from '../outcomes.js';
import { awaited } from './candidates.js';
import type { Draft } from './draft.js';
import type { EffectOf, HandoffReport, HandoffState } from './effect.js';
import { sceneOf } from './effects.js';
import { follow } from './follow.js';
import { unpark } from './incident.js';
import { knownOf, readsOf } from './known.js';
import { complete } from './leave.js';
import { publicId } from './names.js';
import { authoredStep, bodyOf } from './plan.js';
import type { BodyOf } from './plan.js';
import type { Visit } from './visit.js';

/** Opens the handoff; one that has come to nothing is tried again. */
export function beginHandoff(draft: Draft, visit: Visit): void {
  if (visit.handoff !== null) {
    tell(draft, visit, 'retry', { kind: 'retry' });
    return;
  }
  const opening = draft.ask({ ...visit, handoff: { state: null, seq: 0, dueAt: null, attempts: 0, held: null } }, { to: 'handoff' });
  if (awaited(draft.plan, visit).length > 0) draft.ask(opening, { to: 'lookBack' });
}

type Word = EffectOf<'tellHandoff'>['word'];

export function tell(draft: Draft, visit: Visit, name: string, word: Word): void {
  const asked = visit.asked + 1;
  draft.put({ ...visit, asked });
  draft.want({ kind: 'tellHandoff', id: `${visit.key}/${name}.${asked}`, handoff: publicId(draft.state.start.journeyId, visit.key), word });
}

/** Where a handoff still works with what the journey knows: before its offer, and parked, when it is to be tried again. */
export const isSupplied = (state: HandoffState | null): boolean =>
  state === null || ['created', 'awaiting_data', 'awaiting_approval', 'failed', 'expired'].includes(state);

/** Variables have changed: what a handoff still lacks may be there, and what is voted on may be something else. */
export function supply(draft: Draft, visit: Visit): void {
  const body = bodyOf(draft.plan, visit);
  const { handoff } = visit;
  if (handoff === null || !isSupplied(handoff.state) || body.kind !== 'handoff') return;
  const data = dataFor(draft, body);
  const known = knownOf(readsOf(body), sceneOf(draft.state, visit, draft.at), visit.found);
  if (Object.keys(data).length === 0 && known === null) return;
  tell(draft, visit, 'supply', { kind: 'supply', data, ...(known === null ? {} : { known }) });
}

function dataFor(draft: Draft, { requiredData = [] }: BodyOf<'handoff'>): JsonObject {
  return Object.fromEntries(
    requiredData.flatMap((name) => {
      const value = own(draft.state.context, name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

/** A handoff tells how it stands; what is older than what is known is no news. */
export function handoffTold(draft: Draft, visit: Visit, report: HandoffReport): void {
  const { handoff } = visit;
  if (handoff === null || report.seq <= handoff.seq) return;
  const { state, seq, dueAt, attempts = handoff.attempts, voters = [] } = report;
  if (voters.length > 0) draft.set({ voters: [...new Set([...draft.state.voters, ...voters])] });
  const asks = visit.asks.filter(({ to }) => to !== 'handoff');
  const told = draft.put({ ...visit, asks, handoff: { state, seq, dueAt, attempts, held: null } });
  if (told.phase !== 'work') return;
  const { incident } = told;
  const isStuck = state === 'expired' || state === 'failed';
  if (incident !== null && (incident.isOutside || isStuck)) {
    draft.put({ ...told, handoff: { state, seq, dueAt, attempts, held: report } });
    return;
  }
  const open = incident === null ? told : unpark(draft, told, 'handoff');
  judge(draft, open, report);
}

/** What a report means for the step. */
export function judge(draft: Draft, visit: Visit, report: HandoffReport): void {
  const body = bodyOf(draft.plan, visit);
  if (body.kind !== 'handoff') return;
  const { state, output = {}, reason = null } = report;
  const done = doneBy(body);
  switch (state) {
    case 'accepted':
    case 'in_progress':
      if (body.waitFor === 'accept') complete(draft, visit, { cause: 'handoff', outcome: report.outcome ?? done, output, fills: true });
      return;
    case 'completed':
      return complete(draft, visit, { cause: 'handoff', outcome: report.outcome ?? done, output, fills: true });
    case 'rejected':
    case 'returned':
      if (body.onReturn === undefined) return complete(draft, visit, { cause: 'handoff', outcome: state, reason, output });
      return follow(draft, visit, body.onReturn, { cause: 'handoff', outcome: state, incident: 'handoff_timeout', reason, output });
    case 'cancelled':
      return complete(draft, visit, { cause: 'handoff', outcome: state, reason });
    case 'expired':
    case 'failed': {
      const code = report.incident ?? 'handoff_timeout';
      const word = state === 'failed' ? undefined : code === 'approval_timeout' ? body.approval?.onTimeout : body.onTimeout;
      return follow(draft, visit, word, { cause: 'timeout', outcome: 'timeout', incident: code, detail: { state }, reason });
    }
    default:
  }
}

/** What it is called when it is done. */
function doneBy(body: BodyOf<'handoff'>): string {
  const step = authoredStep(body);
  return step.kind === 'handoff' ? doneOutcome(step) : 'completed';
}
