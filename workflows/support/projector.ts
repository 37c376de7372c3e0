import { condition, isCancellation, TemporalFailure } from '@temporalio/workflow';
import type { ProjectionResult } from '../../activities/contract.js';
import type { TicketStep } from '../../domain/ticket/step.js';
import { projectLater, projectNow } from '../proxies.js';

/** What the projector works on: steps not yet in PostgreSQL, in version order. */
export interface Outbox {
  readonly pending: TicketStep[];
  /** False while what is pending still waits for what belongs to it. */
  isReady(): boolean;
  /** Numbers what is pending anew, behind the highest version stored. */
  rebase(stored: number): void;
  /** Called once a step is in PostgreSQL. */
  projected(step: TicketStep): void;
}

/** Most versions one regular activity takes. */
const batchSize = 100;
/** Most commands whose projection shares one local activity. */
const localBatchSize = 10;

/** Brings accepted changes to PostgreSQL, one call at a time, in order: in the workflow task while that is quick, as an activity when not. */
export class Projector {
  private readonly outbox: Outbox;
  private readonly subject: string;
  private version: number;
  private deferred = false;

  constructor(outbox: Outbox, subject: string, projectedVersion: number) {
    this.outbox = outbox;
    this.subject = subject;
    this.version = projectedVersion;
  }

  /** Runs until its scope is cancelled. */
  async run(): Promise<void> {
    for (;;) {
      await condition(() => this.outbox.pending.length > 0 && this.outbox.isReady());
      this.settle(await this.project());
    }
  }

  /**
   * Waits until a version is in PostgreSQL, or is known to come later.
   *
   * @returns false when it comes later
   */
  async upTo(version: number): Promise<boolean> {
    await condition(() => this.version >= version || this.deferred);
    return this.has(version);
  }

  has(version: number): boolean {
    return this.version >= version;
  }

  /** The version PostgreSQL has. */
  stored(): number {
    return this.version;
  }

  isIdle(): boolean {
    return this.outbox.pending.length === 0;
  }

  private async project(): Promise<{ steps: TicketStep[]; result: ProjectionResult }> {
    if (!this.deferred) {
      const steps = this.outbox.pending.slice(0, localBatchSize);
      try {
        return { steps, result: await projectNow(steps) };
      } catch (error) {
        // A local activity fails with its cause as it is, not wrapped like a regular one's.
        if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
        this.deferred = true;
      }
    }
    const steps = this.outbox.pending.slice(0, batchSize);
    const result = await projectLater(`project ${this.subject} ${range(steps)}`)(steps);
    return { steps, result };
  }

  private settle({ steps, result }: { steps: TicketStep[]; result: ProjectionResult }): void {
    if (result.conflict) {
      this.outbox.rebase(result.stored);
      return;
    }
    this.outbox.pending.splice(0, steps.length);
    for (const step of steps) {
      this.version = step.ticket.version;
      this.outbox.projected(step);
    }
    // Back to the quick way only when nothing waits: order is kept by never having two ways at once.
    if (this.outbox.pending.length === 0) this.deferred = false;
  }
}

const range = (steps: readonly TicketStep[]): string => {
  const versions = steps.flatMap((step) => step.events.map((event) => event.version));
  return `v${versions[0] ?? 0}–v${versions.at(-1) ?? 0}`;
};
