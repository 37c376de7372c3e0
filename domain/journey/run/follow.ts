/** Where a word such as `onTimeout` leads. Source: journeys.md, section 2. */
import type { JsonObject } from '../json.js';
import type { Route } from '../step.js';
import type { Draft } from './draft.js';
import { park } from './incident.js';
import { complete } from './leave.js';
import { bodyOf, wayOf } from './plan.js';
import type { IncidentCode, Cause } from './state.js';
import type { Visit } from './visit.js';

interface Following {
  readonly cause: Cause;
  /** Outcome of a step that is left for another one. */
  readonly outcome: string;
  readonly incident: IncidentCode;
  readonly detail?: JsonObject;
  readonly isOutside?: boolean;
  readonly reason?: string | null;
  readonly output?: JsonObject;
}

/** Goes where a word leads; without a word to the incident. */
export function follow(draft: Draft, visit: Visit, word: Route | undefined, following: Following): void {
  const { cause, outcome, incident, detail = {}, isOutside = false, reason = null, output = {} } = following;
  const isVote = bodyOf(draft.plan, visit).kind === 'approval';
  const way = word === undefined ? ({ kind: 'incident' } as const) : wayOf(draft.plan, visit.step, word, isVote);
  if (way.kind === 'outcome') complete(draft, visit, { cause, outcome: way.outcome, reason, output });
  else if (way.kind === 'approve') complete(draft, visit, { cause, outcome: 'approved', reason, output });
  else if (way.kind === 'reject') complete(draft, visit, { cause, outcome: 'rejected', reason, output });
  else if (way.kind === 'step') complete(draft, visit, { cause, outcome, to: way.to, reason, output });
  else park(draft, visit, incident, detail, isOutside);
}
