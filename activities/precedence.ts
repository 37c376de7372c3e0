/** What somebody waits for goes before what a clock does by itself: a thousand deadlines of one moment must not hold up those who work. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { PlanningActivities, ProjectionActivities } from './contract.js';

/** What is done for a deadline waits no longer than this in all, however much is asked for meanwhile. In milliseconds. */
const patience = 100;
/** A command that does not come back to be recorded is not waited for any longer. In milliseconds. */
const forgottenAfter = 250;
/** What a workflow needs after the record to give its answer, in milliseconds: a burst of other work would double it. */
const answersWithin = 10;

/** Who is waited for, in one process. */
export class Precedence {
  private readonly waiting = new Map<string, NodeJS.Timeout>();
  private over = new AbortController();

  /** Somebody waits for what this key stands for, until a moment after `recorded`. */
  begin(key: string): void {
    this.waitFor(key, forgottenAfter);
  }

  recorded(key: string): void {
    this.waitFor(key, answersWithin);
  }

  /** Comes back when nobody waits for anything, or when it has taken too long. */
  async giveWay(): Promise<void> {
    if (this.waiting.size === 0) return;
    await sleep(patience, undefined, { signal: this.over.signal, ref: false }).catch(() => undefined);
  }

  private waitFor(key: string, ms: number): void {
    clearTimeout(this.waiting.get(key));
    const timer = setTimeout(() => this.end(key), ms);
    timer.unref();
    this.waiting.set(key, timer);
  }

  private end(key: string): void {
    this.waiting.delete(key);
    if (this.waiting.size > 0) return;
    this.over.abort();
    this.over = new AbortController();
  }
}

/** A run is waited for from when it takes up a command until that is recorded and answered. */
const key = (): string => Context.current().info.workflowExecution?.runId ?? '';

/** Commands go before records of what clocks did; `begin` may have said earlier that one is under way. */
export function inOrder<Desk extends ProjectionActivities & PlanningActivities>(desk: Desk, precedence: Precedence): Desk {
  return {
    ...desk,
    planSla(request) {
      precedence.begin(key());
      return desk.planSla(request);
    },
    async project(steps) {
      if (steps.every(({ kind }) => kind === 'sla')) {
        await precedence.giveWay();
        return desk.project(steps);
      }
      precedence.begin(key());
      try {
        return await desk.project(steps);
      } finally {
        precedence.recorded(key());
      }
    },
  };
}
