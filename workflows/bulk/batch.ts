/** The state of one run: how far it is, and what somebody wants of it. */
import type { BatchStatus } from '../../activities/contract.js';
import type { BulkStart } from './start.js';
import type { Control } from '../job/messages.js';
import type { Turns } from './pace.js';
import type { Waiting } from './window.js';

/** What a run hands to the next one. A change of its form raises `schema`. */
export interface BatchCarry {
  readonly schema: 1;
  readonly status: BatchStatus;
  /** The turn up to which instances were begun. */
  readonly after: number;
  /** Instances that were asked and have not answered. */
  readonly waiting: readonly Waiting[];
  readonly turns: Turns;
}

export interface BatchInput extends BulkStart {
  readonly carried?: BatchCarry;
}

const unknown: BatchStatus = { state: 'running', rate: 1, total: 0, ok: 0, failed: 0, skipped: 0, ended: false };

export class Batch {
  status: BatchStatus;
  after: number;
  private readonly input: BatchInput;
  private wanted: BatchStatus['state'];
  /** What PostgreSQL has; null until it was asked. */
  private recorded: BatchStatus['state'] | null;

  constructor(input: BatchInput) {
    this.input = input;
    this.status = input.carried?.status ?? unknown;
    this.after = input.carried?.after ?? 0;
    this.wanted = this.status.state;
    this.recorded = input.carried?.status.state ?? null;
  }

  /** As it is meant to be; PostgreSQL follows. */
  get state(): BatchStatus['state'] {
    return this.wanted;
  }

  /** Takes over what PostgreSQL has of it: a run that was terminated and started again goes on, one that was cancelled or has ended does not. */
  found(status: BatchStatus): void {
    this.status = status;
    this.recorded = status.state;
    if (status.ended || status.state === 'cancelled') this.wanted = status.state;
  }

  /** A batch that is cancelled stays so; asking for the state it has changes nothing. */
  control(wish: Control): void {
    if (this.state === 'running' || this.state === 'paused') {
      this.wanted = ({ pause: 'paused', resume: 'running', cancel: 'cancelled' } as const)[wish];
    }
  }

  /** PostgreSQL knows nothing of it: whoever started it took that back. */
  abandon(): void {
    this.wanted = 'cancelled';
    this.recorded = 'cancelled';
    this.status = { ...this.status, state: 'cancelled', ended: true };
  }

  isRecorded(): boolean {
    return this.recorded === this.wanted;
  }

  carry(waiting: readonly Waiting[], turns: Turns): BatchInput {
    const { status, after } = this;
    return { ...this.input, carried: { schema: 1, status, after, waiting, turns } };
  }
}
