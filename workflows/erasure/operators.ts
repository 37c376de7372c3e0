/** What operators see of an erasure in the Web UI: its state as a search attribute, and how far it is. */
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { searchAttributes } from '../names.js';
import type { ErasureProgress } from './messages.js';

/** Numbers and enums only. */
export function show({ state, pass, stage, changed }: ErasureProgress): void {
  const status = state === 'marking' ? 'running' : state;
  if (workflowInfo().typedSearchAttributes.get(searchAttributes.status) !== status) {
    upsertSearchAttributes([{ key: searchAttributes.status, value: status }]);
  }
  setCurrentDetails([`- **${state}**, pass ${pass}`, `- stage: ${stage}`, `- closed, cancelled or erased: ${changed}`].join('\n'));
}
