/** Asks journeys and handoffs what a batch wants of them, by Update. */
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InstanceCommand, Instances } from '../activities/bulk-ports.js';
import { second } from '../domain/time.js';
import { updates as handoffUpdates } from '../workflows/handoff/messages.js';
import { updates as journeyUpdates } from '../workflows/journey/messages.js';
import { handoffWorkflowId } from '../workflows/handoff/start.js';
import { journeyWorkflowId } from '../workflows/journey/start.js';
import { passedOver } from '../workflows/names.js';
import { refusalIn, refusedOr } from './ticket-commands.js';

/** One question waits this long for its answer; asked again later, it gets the first one. */
const answerWithin = 20 * second;
/** Before a run that took the place of another is asked, in milliseconds. */
const pause = 150;

export function createInstances({ client }: { readonly client: Client }): Instances {
  return {
    async ask(command, signal) {
      const { workflowId, update, args } = messageOf(command);
      const deadline = Date.now() + answerWithin;
      const handle = client.workflow.getHandle(workflowId);
      for (;;) {
        try {
          await client.withAbortSignal(signal, () =>
            client.withDeadline(deadline, () => handle.executeUpdate(update, { args: [args], updateId: command.commandId })),
          );
          return 'done';
        } catch (error) {
          if (error instanceof WorkflowNotFoundError) return 'gone';
          // The run continued as new, or ended, under the question: the next one takes it, or is gone.
          const isPassedOver = passedOver.includes(refusalIn(error) ?? '');
          if (!isPassedOver || Date.now() + pause > deadline) throw refusedOr(error);
        }
        await sleep(pause, undefined, { signal });
      }
    },
  };
}

/** The command as its workflow takes it. */
function messageOf({ ref, order, commandId, actor, role, roles, reason, comment }: InstanceCommand) {
  const envelope = { commandId, actor, role, roles, source: 'api' } as const;
  const spoken = comment === undefined ? {} : { comment };
  if (order.target === 'handoffs') {
    const args = { ...envelope, ...order.fields, ...spoken };
    return { workflowId: handoffWorkflowId(ref), update: handoffUpdates[order.verb].name, args };
  }
  const args = { ...envelope, ...order.fields, ...spoken, ...(reason === undefined ? {} : { reason }) };
  return { workflowId: journeyWorkflowId(ref), update: journeyUpdates[order.verb].name, args };
}
