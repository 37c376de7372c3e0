/** What a step does first, by its kind. Source: journeys.md, section 2. */
import { beginApproval } from './approvals.js';
import { beginAttempts } from './attempting.js';
import { beginBranches } from './branching.js';
import type { Draft } from './draft.js';
import { beginHandoff } from './handoffs.js';
import { park } from './incident.js';
import { beginItems } from './items.js';
import type { Beginner } from './items.js';
import { complete } from './leave.js';
import { bodyOf } from './plan.js';
import { beginTask } from './tasks.js';
import { beginTouchpoint } from './touchpoints.js';
import type { Visit } from './visit.js';
import { beginWait } from './waits.js';

/** @param beginItem enters the step of one item */
export function beginWork(draft: Draft, visit: Visit, beginItem: Beginner): void {
  const body = bodyOf(draft.plan, visit);
  switch (body.kind) {
    case 'automated':
      if (body.action === undefined) complete(draft, visit, { cause: 'action', outcome: 'completed' });
      else beginAttempts(draft, visit);
      return;
    case 'manual':
      return beginTask(draft, visit, body);
    case 'approval':
      return beginApproval(draft, visit);
    case 'handoff':
      return beginHandoff(draft, visit);
    case 'wait':
      return beginWait(draft, visit, body);
    case 'decision':
      return complete(draft, visit, { cause: 'entry', outcome: 'completed' });
    case 'end':
      return complete(draft, visit, { cause: 'entry', outcome: body.outcome });
    case 'parallel':
      return beginBranches(draft, visit, body);
    case 'forEach':
      return beginItems(draft, visit, body, beginItem);
    case 'journey':
      return beginAttempts(draft, { ...visit, child: { journey: null, held: null } });
    case 'touchpoint':
      return beginTouchpoint(draft, visit);
    case 'experiment':
      // Validation publishes none.
      return park(draft, visit, 'no_transition_matched', { kind: body.kind });
  }
}
