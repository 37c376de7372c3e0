/** What operators see of a batch in the Web UI: its state as a search attribute, and the counts. */
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { searchAttributes } from '../names.js';
import type { BatchProgress } from './messages.js';

/** Numbers and enums only. */
export function show({ state, total, ok, failed, skipped, after, underWay, rate }: BatchProgress): void {
  if (workflowInfo().typedSearchAttributes.get(searchAttributes.status) !== state) {
    upsertSearchAttributes([{ key: searchAttributes.status, value: state }]);
  }
  setCurrentDetails(
    [
      `- **${state}**, ${rate} a second`,
      `- begun up to ${after} of ${total}, ${underWay} under way`,
      `- ok: ${ok}`,
      `- failed: ${failed}`,
      `- skipped: ${skipped}`,
    ].join('\n'),
  );
}
