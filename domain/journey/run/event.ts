/** What a journey tells the event log: one event for each change. Source: journeys.md, section 11. */
import type { Actor, Origin, Role, Source } from '../../actor.js';
import type { Instant } from '../../time.js';
import type { JsonObject } from '../json.js';

export const journeyEventTypes = [
  'journey.started',
  'journey.ended',
  'journey.paused',
  'journey.resumed',
  'journey.stage.changed',
  'journey.goal.reached',
  'journey.timer.scheduled',
  'journey.task.assigned',
  'journey.incident.opened',
  'journey.incident.resolved',
  'journey.step.entered',
  'journey.step.completed',
  'journey.step.skipped',
  'journey.step.failed',
  'journey.step.warned',
  'journey.step.breached',
  'journey.step.late_result',
  'journey.step.compensated',
  'journey.modified',
  'journey.context.changed',
  'journey.rebased',
  'approval.opened',
  'approval.voted',
  'approval.delegated',
  'approval.escalated',
  'approval.changed',
  'approval.stale',
  'approval.closed',
] as const;
export type JourneyEventType = (typeof journeyEventTypes)[number];

export interface JourneyEvent {
  readonly type: JourneyEventType;
  /** Gapless within the journey. */
  readonly seq: number;
  readonly at: Instant;
  /** `step`, `visit`, `outcome`, `reason`, … : ids, enums, numbers, instants. */
  readonly data: JsonObject;
}

/** Who caused what a reaction records. */
export interface Doer extends Origin {
  readonly commandId: string;
  readonly kind: string;
  readonly actor: Actor;
  readonly role: Role;
  readonly source: Source;
}
