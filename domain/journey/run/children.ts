/** Journeys that a step starts. Source: journeys.md, section 2. */
import type { Draft } from './draft.js';
import type { ReportFields } from './effect.js';
import { complete } from './leave.js';
import type { Child, Visit } from './visit.js';

/** It has begun: the limits of the attempts to begin it are none of its own. */
export function childStarted(draft: Draft, visit: Visit, { journey, joined }: ReportFields['childStarted']): void {
  const effort = visit.effort === null ? null : { ...visit.effort, totalAt: null };
  draft.put({ ...visit, effort, child: { journey, held: null, ...(joined === true ? { isJoined: joined } : {}) } });
}

export function childEnded(draft: Draft, visit: Visit, ended: NonNullable<Child['held']>): void {
  const { journey = null } = visit.child ?? {};
  if (visit.incident !== null) {
    draft.put({ ...visit, child: { ...visit.child, journey, held: ended } });
    return;
  }
  const { outcome, result } = ended;
  // It is over: there is nothing to call off.
  complete(draft, { ...visit, child: null }, { cause: 'child', outcome, output: { outcome, result } });
}
