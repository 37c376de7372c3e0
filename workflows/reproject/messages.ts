/** What can be said to a revision of the policies on its way to open tickets. The wire format: fields are only added, never renamed. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { ReprojectionCounts, ReprojectionState } from '../../domain/sla/preview.js';
import type { ByWhom, Control } from '../job/messages.js';

export interface ReprojectionProgress {
  readonly revision: number;
  readonly state: ReprojectionState;
  /** Open tickets under an older revision when it was published. */
  readonly total: number;
  /** Tickets by what came of them. */
  readonly counts: ReprojectionCounts;
  /** 1: every ticket once; 2: those that failed, and those that were being opened meanwhile. */
  readonly pass: 1 | 2;
}

const update = (name: string) => defineUpdate<ReprojectionProgress, [ByWhom]>(name);

/** Each is answered once the state it leads to is in PostgreSQL. */
export const updates = { pause: update('pause'), resume: update('resume'), cancel: update('cancel') } as const satisfies {
  readonly [Name in Control]: unknown;
};

/** What operators read beside the form in the Web UI. */
export const descriptions: { readonly [Name in Control | 'progress']: string } = {
  pause: 'Asks no more tickets until it is resumed; those being asked are finished. Example: {"actor":"user/<your id>"}',
  resume: 'Goes on where it was paused. Example: {"actor":"user/<your id>"}',
  cancel: 'Ends it for good. Tickets moved already stay on the new revision, the others on theirs. Example: {"actor":"user/<your id>"}',
  progress: 'State, pass, and how many tickets came to what.',
};

export const progress = defineQuery<ReprojectionProgress>('progress');
