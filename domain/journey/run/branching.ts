/** Parallel blocks: branches begin together, and the join decides when it goes on. Source: journeys.md, section 2. */
import { neededBranches } from '../blocks.js';
import type { Draft } from './draft.js';
import { complete } from './leave.js';
import { authoredStep, bodyOf } from './plan.js';
import type { BodyOf, Plan } from './plan.js';
import type { BranchState, Visit, VisitKey } from './visit.js';

export function beginBranches(draft: Draft, visit: Visit, { branches }: BodyOf<'parallel'>): void {
  const { key: parent, event } = draft.put({ ...visit, branches: branches.map(() => 'open' as const) });
  for (const [branch, step] of branches.entries()) draft.moves.push({ do: 'enter', step, parent, branch, event });
}

/** How many branches the join of a visit needs. */
export function neededBy(plan: Plan, visit: Visit): number {
  const step = authoredStep(bodyOf(plan, visit));
  return step.kind === 'parallel' ? neededBranches(step) : 1;
}

/** A branch has come to its end. With enough of them the block is done, and the others are not waited for. */
export function branchEnded(draft: Draft, parent: VisitKey, branch: number, state: BranchState = 'done'): void {
  const block = draft.visit(parent);
  if (block?.branches === undefined || block.branches === null || block.phase !== 'work') return;
  const branches = block.branches.map((before, index) => (index === branch ? state : before));
  const next = draft.put({ ...block, branches });
  if (next.incident === null) joinIfReady(draft, next);
}

export function joinIfReady(draft: Draft, block: Visit): void {
  const { branches } = block;
  if (branches === null || branches.filter((one) => one === 'done').length < neededBy(draft.plan, block)) return;
  complete(draft, block, { cause: 'join', outcome: 'completed' });
}
