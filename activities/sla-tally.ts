/** What the clocks of tickets did, for the metrics of a worker. */
import type { TicketStep } from '../domain/ticket/step.js';
import { second } from '../domain/time.js';

export interface SlaTally {
  /** How much later than due a breach was recorded or a rung fired, in seconds. */
  readonly late: (seconds: number) => void;
  readonly breached: (clock: string, policy: string) => void;
  readonly warned: (clock: string, policy: string) => void;
}

/** Tells of steps that were recorded now. What was overdue before the desk knew of it, or while it stood still, is nobody's lateness. */
export function tell(tally: SlaTally, steps: readonly TicketStep[]): void {
  for (const { events, sla } of steps) {
    for (const { type, data } of events) {
      const { kind, policy, cause, lateMs } = data;
      if (type === 'sla.warned') tally.warned(String(kind), String(policy));
      if (type !== 'sla.breached') continue;
      tally.breached(String(kind), String(policy));
      if (cause === 'deadline') tally.late(Number(lateMs) / second);
    }
    for (const { clock, dueAt, lateMs } of sla?.rungs ?? []) {
      const learnedAt = sla?.clocks.find((one) => one.clock === clock)?.learned.at ?? dueAt;
      if (dueAt >= learnedAt) tally.late(lateMs / second);
    }
  }
}
