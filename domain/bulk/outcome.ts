/** What became of each instance of a batch, and that it adds up. Source: journeys-change.md, section 6. */

export const bulkOutcomes = ['ok', 'failed', 'skipped'] as const;
export type BulkOutcome = (typeof bulkOutcomes)[number];

/** `previewed`: nobody has started it; it is no job yet. */
export type BulkState = 'previewed' | 'running' | 'paused' | 'done' | 'cancelled';

/** Why a verb does not concern an instance as it stands: nothing went wrong there, so such a refusal is `skipped` and not `failed`. */
export const skipCodes = [
  'journey_ended',
  'journey_paused',
  'journey_not_paused',
  'no_incident',
  'not_skippable',
  'unknown_step',
  'unknown_outcome',
  'step_not_open',
  'approval_closed',
  'already_voted',
  'requester_excluded',
  'not_eligible',
  'handoff.illegal_move',
  'handoff.not_ready',
  'reason_required',
  'comment_required',
  'ambiguous',
  'forbidden',
  'cancelled',
] as const;
export type SkipCode = (typeof skipCodes)[number];

/** How an instance that was asked has settled. */
export interface Settled {
  readonly outcome: BulkOutcome;
  /** Why; of what went well `done`. */
  readonly code: string;
}

export const done: Settled = { outcome: 'ok', code: 'done' };
/** It was asked often enough; whether it has done it, nobody knows. */
export const noAnswer: Settled = { outcome: 'failed', code: 'no_answer' };

/** An instance said no. */
export const refusedWith = (code: string): Settled => ({ outcome: isSkip(code) ? 'skipped' : 'failed', code });

const isSkip = (code: string): code is SkipCode => skipCodes.some((known) => known === code);

/** `ok`, `failed` and `skipped` add up to `total` once the batch has ended, always. */
export interface BulkTotals {
  /** Fixed by the preview. */
  readonly total: number;
  readonly ok: number;
  readonly failed: number;
  readonly skipped: number;
}
