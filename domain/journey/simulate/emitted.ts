/** Types of events a run can tell of. Source: journeys.md, section 11. */
import { handoffEventTypes } from '../../handoff/event.js';
import { journeyEventTypes } from '../run/event.js';

/** The listed types, and what this version tells besides. */
export const emittedTypes = [
  ...new Set([
    ...journeyEventTypes,
    ...handoffEventTypes,
    'journey.entry.refused',
    'journey.migrated',
    'journey.modified',
    'journey.experiment.assigned',
    'journey.drain.overdue',
  ] as const),
];
