import { condition, isCancellation, TemporalFailure } from '@temporalio/workflow';
import type { ProjectionResult } from '../../activities/contract.js';

/** What the projector works on: steps not yet in PostgreSQL, in version order. */
export interface Outbox<Step> {
  readonly pending: Step[];
  /** False while what is pending still waits for what belongs to it. */
  isReady(): boolean;
  /** Numbers what is pending anew, behind the highest version stored. */
  rebase(stored: number): void;
  /** Called once a step is in PostgreSQL, with what was answered. */
  projected(step: Step, result: ProjectionResult): void;
}

/** How steps of one kind go to PostgreSQL. */
export interface Way<Step> {
  /** Inside the workflow task. */
  readonly now: (steps: readonly Step[]) => Promise<ProjectionResult>;
  /** As an activity, under a summary. */
  readonly later: (summary: string) => (steps: readonly Step[]) => Promise<ProjectionResult>;
  /** Versions of the first and the last event of a step. */
  readonly span: (step: Step) => readonly [first: number, last: number];
}

/** Most versions one regular activity takes. */
const batchSize = 100;
/** Most commands whose projection shares one local activity. */
const localBatchSize = 10;

/** Brings accepted changes to PostgreSQL, one call at a time, in order: in the workflow task while that is quick, as an activity when not. */
export class Projector<Step> {
  private readonly outbox: Outbox<Step>;
  private readonly way: Way<Step>;
  private readonly subject: string;
  private version: number;
  private deferred = false;

  constructor(outbox: Outbox<Step>, way: Way<Step>, subject: string, projectedVersion: number) {
    this.outbox = outbox;
    this.way = way;
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

  private async project(): Promise<{ steps: Step[]; result: ProjectionResult }> {
    if (!this.deferred) {
      const steps = this.outbox.pending.slice(0, localBatchSize);
      try {
        return { steps, result: await this.way.now(steps) };
      } catch (error) {
        // A local activity fails with its cause as it is, not wrapped like a regular one's.
        if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
        this.deferred = true;
      }
    }
    const steps = this.outbox.pending.slice(0, batchSize);
    const result = await this.way.later(`project ${this.subject} ${this.range(steps)}`)(steps);
    return { steps, result };
  }

  private settle({ steps, result }: { steps: Step[]; result: ProjectionResult }): void {
    if (result.conflict) {
      this.outbox.rebase(result.stored);
      return;
    }
    this.outbox.pending.splice(0, steps.length);
    for (const step of steps) {
      [, this.version] = this.way.span(step);
      this.outbox.projected(step, result);
    }
    // Back to the quick way only when nothing waits: order is kept by never having two ways at once.
    if (this.outbox.pending.length === 0) this.deferred = false;
  }

  private range(steps: readonly Step[]): string {
    const [first] = steps;
    const last = steps.at(-1);
    return `v${first === undefined ? 0 : this.way.span(first)[0]}–v${last === undefined ? 0 : this.way.span(last)[1]}`;
  }
}
