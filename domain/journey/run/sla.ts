/** What a step promises about its time. Source: scripts.md, section 3. */
import type { Instant } from '../../time.js';
import type { Draft } from './draft.js';
import { follow } from './follow.js';
import { bodyOf } from './plan.js';
import type { IncidentCode } from './state.js';
import type { Visit } from './visit.js';

/** The open time of the calendar has been worked out. */
export function openTimeKnown(draft: Draft, visit: Visit, [warnAt, breachAt]: readonly Instant[]): void {
  const timers = { ...(warnAt === undefined ? {} : { warnAt }), ...(breachAt === undefined ? {} : { breachAt }) };
  draft.put({ ...visit, timers: { ...visit.timers, ...timers } });
}

export function warned(draft: Draft, visit: Visit): void {
  const { warnAt: _, ...timers } = visit.timers;
  const next = draft.put({ ...visit, timers });
  draft.recordOf(next, 'journey.step.warned', { breachAt: timers.breachAt ?? null });
}

export function breached(draft: Draft, visit: Visit): void {
  const { breachAt: _, warnAt: __, ...timers } = visit.timers;
  const next = draft.put({ ...visit, timers });
  draft.recordOf(next, 'journey.step.breached');
  const word = bodyOf(draft.plan, visit).sla?.onBreach;
  if (word === undefined || next.incident !== null) return;
  follow(draft, next, word, {
    cause: 'timeout',
    outcome: 'timeout',
    incident: codeOf(draft, visit),
    detail: { cause: 'sla' },
    isOutside: true,
  });
}

/** A step that is too slow has no incident of its own. */
function codeOf(draft: Draft, visit: Visit): IncidentCode {
  const { kind } = bodyOf(draft.plan, visit);
  if (kind === 'approval') return 'approval_timeout';
  return kind === 'handoff' ? 'handoff_timeout' : 'action_timeout';
}
