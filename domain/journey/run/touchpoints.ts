/** Messages of a journey to its subject: quiet hours hold them, whatever becomes of them the journey goes on. Source: journeys.md, section 2. */
import type { Instant } from '../../time.js';
import type { Draft } from './draft.js';
import { effectOf, quietHours } from './effects.js';
import { complete } from './leave.js';
import { bodyOf } from './plan.js';
import type { Visit } from './visit.js';

export function beginTouchpoint(draft: Draft, visit: Visit): void {
  if (quietHours(draft.plan, bodyOf(draft.plan, visit)) === null) draft.ask(visit, { to: 'touchpoint', notBefore: null });
  else draft.ask(visit, { to: 'quiet' });
}

/** @param until when the quiet hours are over; null: it is not quiet */
export function quietKnown(draft: Draft, visit: Visit, until: Instant | null): void {
  const body = bodyOf(draft.plan, visit);
  const goesOn = body.kind === 'touchpoint' && body.advance !== false;
  if (until === null || !goesOn) {
    draft.ask(visit, { to: 'touchpoint', notBefore: until });
    return;
  }
  const asked = visit.asked + 1;
  const effect = effectOf(draft.plan, draft.state, visit, {
    to: 'touchpoint',
    id: `${visit.key}/touchpoint.${asked}`,
    at: draft.at,
    notBefore: until,
  });
  if (effect.kind === 'touchpoint') draft.set({ held: [...draft.state.held, effect] });
  draft.want(effect);
  complete(draft, { ...visit, asked }, { cause: 'action', outcome: 'held' });
}
