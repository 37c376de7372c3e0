/** How a handoff's workflow starts. */
import { handoffIdOf } from '../../domain/handoff/ledger.js';
import type { TenantId } from '../../domain/ids.js';
import type { HandoffStart } from '../../domain/journey/run/effect.js';
import type { JourneyStart } from '../../domain/journey/run/state.js';
import { searchAttributes } from '../names.js';
import { priorityKeys } from '../start.js';
import type { StartOptions } from '../start.js';

/** The id of a handoff, `<journey>.<step>.<visit>`, as that of its workflow, `handoff/<journey>/<step>/<visit>`. */
export const handoffWorkflowId = (handoffId: string): string => `handoff/${handoffId.replaceAll('.', '/')}`;

/** Name of a handoff's workflow, as the Web UI shows it. */
export const handoffWorkflowType = 'handoffWorkflow';

/** What a handoff's workflow starts with. */
export interface HandoffRun {
  readonly start: HandoffStart;
  readonly tenant: TenantId;
  /** Of the journey, for what its template says of people and times. */
  readonly template: JourneyStart['template'];
  readonly subject: JourneyStart['subject'];
  readonly outboundQueue: string;
  readonly continueAfter: number;
}

export interface HandoffStartOptions extends Omit<StartOptions<HandoffRun>, 'taskQueue' | 'workflowIdConflictPolicy'> {
  parentClosePolicy: 'ABANDON';
}

/** How every handoff starts, as the child of its journey and on the same queue. */
export const handoffStartOptions = (run: HandoffRun): HandoffStartOptions => {
  const { start, tenant, template } = run;
  const { journeyId, step, visit, rules } = start;
  return {
    workflowId: handoffWorkflowId(handoffIdOf(start)),
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    // The server takes it for an end when the journey continues as new, so the journey itself asks its handoffs to end when it is over.
    parentClosePolicy: 'ABANDON',
    typedSearchAttributes: [
      { key: searchAttributes.tenant, value: tenant },
      { key: searchAttributes.template, value: `${template.key}@${template.version}` },
      { key: searchAttributes.handoffTo, value: rules.to },
      { key: searchAttributes.status, value: 'created' },
    ],
    staticSummary: `${rules.from} → ${rules.to} · ${step} ${visit} · ${journeyId}`,
    priority: { priorityKey: priorityKeys.medium, fairnessKey: tenant },
    args: [run],
  };
};
