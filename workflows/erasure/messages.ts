/** What can be asked of the erasure of a person. The wire format: fields are only added, never renamed. */
import { defineQuery } from '@temporalio/workflow';
import type { ErasureStage } from '../../domain/privacy/erasure.js';

export interface ErasureProgress {
  /** `abandoned`: it was never confirmed; `over`: the person was erased before. */
  readonly state: 'marking' | 'running' | 'done' | 'over' | 'abandoned';
  /** A pass that finds nothing is the last. */
  readonly pass: number;
  readonly stage: ErasureStage;
  /** Tickets closed, journeys cancelled and rows erased so far. */
  readonly changed: number;
}

export const progress = defineQuery<ErasureProgress>('progress');
