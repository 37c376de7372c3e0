/** What a schedule starts that makes journeys of a template. */
import type { TenantId } from '../../domain/ids.js';

/** What a schedule of a template starts with each time. */
export interface JourneyScheduleStart {
  readonly tenant: TenantId;
  readonly template: string;
  readonly trigger: string;
}

/** All schedules of a stack's journeys begin so; what begins so and is wanted no more is deleted. */
export const journeySchedulePrefix = (queueSuffix: string): string => `journey-schedule${queueSuffix}/`;

export const journeyScheduleId = ({ tenant, template, trigger }: JourneyScheduleStart, queueSuffix: string): string =>
  `${journeySchedulePrefix(queueSuffix)}${tenant}/${template}/${trigger}`;

/** Name of the workflow that a schedule starts, as the Web UI shows it. */
export const journeyScheduleWorkflowType = 'journeyScheduleWorkflow';
