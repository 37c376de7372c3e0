/** Where a jump lands among parallel blocks. Source: journeys.md, section 7. */
import { blocksOf } from '../blocks.js';
import type { Block } from '../blocks.js';
import type { Draft } from './draft.js';
import type { Plan } from './plan.js';
import type { Visit, VisitKey } from './visit.js';

export interface Place {
  readonly parent: VisitKey | null;
  readonly branch: number | null;
  /** Blocks that the jump leads out of. */
  readonly left: readonly VisitKey[];
}

const blocks = new WeakMap<Plan, readonly Block[]>();

function blocksIn(plan: Plan): readonly Block[] {
  const known = blocks.get(plan) ?? blocksOf(plan.graph, plan.template.start);
  blocks.set(plan, known);
  return known;
}

const isInside = ({ branches, outside }: Block, branch: number, step: string): boolean =>
  branches[branch]?.steps.has(step) === true && !outside.has(step);

/** The nearest branch around a visit that has the step too, else the journey itself; null: the step stands in a block that has not begun. */
export function placeFor(draft: Draft, visit: Visit, step: string): Place | null {
  const all = blocksIn(draft.plan);
  const around = all.filter((block) => block.branches.some((_, branch) => isInside(block, branch, step)));
  const left: VisitKey[] = [];
  let { parent, branch } = visit;
  for (let block = draft.visit(parent ?? ''); block !== undefined && branch !== null; block = draft.visit(parent ?? '')) {
    const { step: id, key } = block;
    const here = branch;
    const form = all.find((one) => one.id === id);
    if (form !== undefined && isInside(form, here, step)) break;
    left.push(key);
    ({ parent, branch } = block);
  }
  const depth = depthOf(draft, parent);
  return around.length === depth ? { parent, branch, left } : null;
}

/** Blocks around the steps of a branch, this one's included. */
function depthOf(draft: Draft, parent: VisitKey | null): number {
  let depth = 0;
  for (let block = draft.visit(parent ?? ''); block !== undefined; block = draft.visit(block.parent ?? '')) depth += 1;
  return depth;
}
