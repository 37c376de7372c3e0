/** The state of one run: how far it is, and what somebody wants of it. */
import { workflowInfo } from '@temporalio/workflow';
import type { TicketId } from '../../domain/ids.js';
import type { ReprojectionCounts, ReprojectionState } from '../../domain/sla/preview.js';
import type { ReprojectionPage, ReprojectionStatus } from '../../activities/contract.js';
import type { ReprojectionStart } from './start.js';
import type { Control } from '../job/messages.js';
import type { ReprojectionProgress } from './messages.js';

/** What a run hands to the next one. A change of its form raises `schema`. */
export interface ReprojectionCarry {
  readonly schema: 1;
  readonly state: ReprojectionState;
  readonly total: number;
  readonly counts: ReprojectionCounts;
  readonly pass: 1 | 2;
  readonly after: TicketId | null;
}

export interface ReprojectionInput extends ReprojectionStart {
  readonly carried?: ReprojectionCarry;
}

const fresh: ReprojectionCarry = { schema: 1, state: 'running', total: 0, counts: {}, pass: 1, after: null };

export class Batch {
  private readonly input: ReprojectionInput;
  private carried: ReprojectionCarry;
  /** What PostgreSQL has; null until it was asked. */
  private recorded: ReprojectionState | null;
  private pages = 0;

  constructor(input: ReprojectionInput) {
    this.input = input;
    this.carried = input.carried ?? fresh;
    this.recorded = input.carried?.state ?? null;
  }

  get state(): ReprojectionState {
    return this.carried.state;
  }

  get after(): TicketId | null {
    return this.carried.after;
  }

  /** Takes up what PostgreSQL has of it: a run that was terminated and started again goes on, one that had ended does not. */
  found({ state, total, counts }: ReprojectionStatus): void {
    this.carried = { ...this.carried, total, counts, state: isEnd(state) ? state : this.state };
    this.recorded = state;
  }

  /** What is over stays over; asking for the state it has changes nothing. */
  control(wish: Control): void {
    if (this.isOver()) return;
    this.carried = { ...this.carried, state: ({ pause: 'paused', resume: 'running', cancel: 'cancelled' } as const)[wish] };
  }

  /** Behind the last page comes the second pass, and behind that the end. @returns whether the first pass has just ended */
  turn({ last, isLast, counts }: ReprojectionPage): boolean {
    this.pages += 1;
    const { pass } = this.carried;
    if (!isLast) this.carried = { ...this.carried, counts, after: last };
    else if (pass === 1) this.carried = { ...this.carried, counts, after: null, pass: 2 };
    else this.carried = { ...this.carried, counts, state: this.state === 'cancelled' ? 'cancelled' : 'done' };
    return isLast && pass === 1;
  }

  /** PostgreSQL knows nothing of it: whoever started it took that back. */
  abandon(): void {
    this.carried = { ...this.carried, state: 'cancelled' };
    this.recorded = 'cancelled';
  }

  recordedAs(state: ReprojectionState): void {
    this.recorded = state;
  }

  isRecorded(): boolean {
    return this.recorded === this.state;
  }

  isOver(): boolean {
    return isEnd(this.state);
  }

  shouldContinue(): boolean {
    return workflowInfo().continueAsNewSuggested || this.pages >= this.input.pace.pagesPerRun;
  }

  progress(): ReprojectionProgress {
    const { state, total, counts, pass } = this.carried;
    return { revision: this.input.revision, state, total, counts, pass };
  }

  carry(): ReprojectionInput {
    return { ...this.input, carried: this.carried };
  }
}

const isEnd = (state: ReprojectionState): boolean => state === 'done' || state === 'cancelled';
