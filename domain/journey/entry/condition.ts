/** When a condition trigger fires: on the change from false to true. Source: journeys.md, section 2. */
import type { Instant } from '../../time.js';
import type { GuardTrace } from '../expression.js';
import type { CompiledTrigger } from './entry.js';

/** What is remembered of one trigger and one subject. */
export interface ConditionMemory {
  readonly isTrue: boolean;
  readonly firedAt: Instant | null;
}

/**
 * Notes how the condition stands now. What cannot be told counts as false.
 *
 * @param before null: nobody looked yet, which counts as false
 * @returns a change within the cooldown is used up without firing
 */
export function watchCondition(
  { cooldown = 0 }: Pick<CompiledTrigger, 'cooldown'>,
  before: ConditionMemory | null,
  verdict: GuardTrace['verdict'],
  now: Instant,
): { readonly fires: boolean; readonly after: ConditionMemory } {
  const isTrue = verdict === 'true';
  const firedAt = before?.firedAt ?? null;
  const isRested = firedAt === null || now >= firedAt + cooldown;
  const fires = isTrue && before?.isTrue !== true && isRested;
  return { fires, after: { isTrue, firedAt: fires ? now : firedAt } };
}
