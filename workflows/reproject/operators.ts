/** What operators see of it in the Web UI: its state as a search attribute, and the counts. */
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { reprojectionOutcomes } from '../../domain/sla/preview.js';
import { searchAttributes } from '../names.js';
import type { ReprojectionProgress } from './messages.js';

/** Numbers and enums only. */
export function show({ revision, state, total, counts, pass }: ReprojectionProgress): void {
  if (workflowInfo().typedSearchAttributes.get(searchAttributes.status) !== state) {
    upsertSearchAttributes([{ key: searchAttributes.status, value: state }]);
  }
  const asked = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const outcomes = reprojectionOutcomes.flatMap((outcome) => (counts[outcome] === undefined ? [] : [`- ${outcome}: ${counts[outcome]}`]));
  setCurrentDetails([`- **${state}**, revision ${revision}`, `- ${asked} of ${total} tickets, pass ${pass}`, ...outcomes].join('\n'));
}
