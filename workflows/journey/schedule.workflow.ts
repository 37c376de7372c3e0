/** What a Schedule of a template starts: it tells that the time has come, and is over. */
import { workflowInfo } from '@temporalio/workflow';
import { fireSchedule } from '../proxies.js';
import type { JourneyScheduleStart } from './schedule-start.js';

export async function journeyScheduleWorkflow(start: JourneyScheduleStart): Promise<void> {
  const at = workflowInfo().startTime.getTime();
  await fireSchedule(`${start.template} · ${start.trigger}`)({ ...start, at });
}
