/** Brings what journeys and handoffs decided to PostgreSQL, each reaction once, whatever repeats. Source: temporal.md, 6.3; reliability.md, Reset. */
import { projectHandoff } from '../db/queries/handoff-projection.js';
import type { ProjectionOptions } from '../db/queries/journey-log.js';
import { projectJourney } from '../db/queries/journey-projection.js';
import type { JourneyProjectionActivities } from './contract.js';
import { withoutText } from './failures.js';

export type JourneyProjectionDeps = ProjectionOptions;

export const createJourneyProjection = (deps: JourneyProjectionDeps): JourneyProjectionActivities => ({
  projectJourney: (records) => withoutText('projection.retry', () => projectJourney(deps, records)),
  projectHandoff: (records) => withoutText('projection.retry', () => projectHandoff(deps, records)),
});
