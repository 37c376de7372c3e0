/** The status of a journey. Source: journeys.md, section 1. */
import type { JourneyState } from './journey.js';
import type { JourneyStatus } from './state.js';

/** While it is open: paused before incident before active. */
export function statusOf({ end, paused, visits, undoing }: JourneyState): JourneyStatus {
  if (end !== null) return end.status;
  if (paused !== null) return 'paused';
  const isParked = visits.some(({ incident }) => incident !== null) || (undoing !== null && undoing.error !== null);
  return isParked ? 'incident' : 'active';
}
