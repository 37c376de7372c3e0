/** What operators see of a batch in the Web UI: its state as a search attribute, and the counts. */
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { failedItems, searchAttributes } from '../names.js';
import type { BatchProgress } from './messages.js';

/** Numbers and enums only. */
export function show({ state, total, ok, failed, skipped, after, underWay, rate }: BatchProgress): void {
  const shown = workflowInfo().typedSearchAttributes;
  const changed: SearchAttributeUpdatePair[] = [];
  if (shown.get(searchAttributes.status) !== state) changed.push({ key: searchAttributes.status, value: state });
  if (failed > 0 && shown.get(searchAttributes.stage) !== failedItems) changed.push({ key: searchAttributes.stage, value: failedItems });
  if (changed.length > 0) upsertSearchAttributes(changed);
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
