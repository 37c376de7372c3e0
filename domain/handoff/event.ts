/** What a handoff tells the event log. Source: journeys.md, sections 8 and 11. */
import type { JsonObject } from '../journey/json.js';
import type { Instant } from '../time.js';

export const handoffEventTypes = [
  'handoff.created',
  'handoff.offered',
  'handoff.accepted',
  'handoff.started',
  'handoff.completed',
  'handoff.rejected',
  'handoff.returned',
  'handoff.expired',
  'handoff.failed',
  'handoff.cancelled',
  'handoff.data.awaited',
  'handoff.data.supplied',
  'handoff.assigned',
  'handoff.retried',
  'handoff.paused',
  'handoff.resumed',
  'handoff.rebased',
  'approval.opened',
  'approval.voted',
  'approval.delegated',
  'approval.escalated',
  'approval.changed',
  'approval.stale',
  'approval.closed',
] as const;
export type HandoffEventType = (typeof handoffEventTypes)[number];

export interface HandoffEvent {
  readonly type: HandoffEventType;
  /** Gapless within the handoff. */
  readonly seq: number;
  readonly at: Instant;
  readonly data: JsonObject;
}
