/** What can be said to a batch. The wire format: fields are only added, never renamed. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { BatchStatus } from '../../activities/contract.js';
import type { ByWhom, Control } from '../job/messages.js';

export interface BatchProgress extends BatchStatus {
  /** The turn up to which instances were begun in this round. */
  readonly after: number;
  /** Instances on their way, the silent ones among them. */
  readonly underWay: number;
}

const update = (name: string) => defineUpdate<BatchProgress, [ByWhom]>(name);

/** Each is answered once the state it leads to is in PostgreSQL. */
export const updates = { pause: update('pause'), resume: update('resume'), cancel: update('cancel') } as const satisfies {
  readonly [Name in Control]: unknown;
};

/** What operators read beside the form in the Web UI. */
export const descriptions: { readonly [Name in Control | 'progress']: string } = {
  pause: 'Asks no more instances until it is resumed; those being asked are finished. Example: {"actor":"user/<your id>"}',
  resume: 'Goes on where it was paused. Example: {"actor":"user/<your id>"}',
  cancel: 'Ends it for good: those being asked are finished, the others are left out. Example: {"actor":"user/<your id>"}',
  progress: 'State, and how many instances came to what as of the last page.',
};

export const progress = defineQuery<BatchProgress>('progress');
