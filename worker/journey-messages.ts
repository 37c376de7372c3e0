/** Gives journeys what entries and events bring, by Update and Signal. */
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/common';
import type { JourneyMessages } from '../activities/journey-entry-ports.js';
import { asTenantId } from '../domain/ids.js';
import { handoffWorkflowId } from '../workflows/handoff/start.js';
import { journeyStartOptions, journeyWorkflowId, journeyWorkflowType } from '../workflows/journey/start.js';
import { tell } from '../workflows/handoff/messages.js';
import { directory, event, follow, open, updates } from '../workflows/journey/messages.js';
import { refusalIn, refusedOr } from './ticket-commands.js';

export interface JourneyMessageOptions {
  readonly client: Client;
  readonly queueSuffix: string;
  /** Commands and events of one run before it continues as new. */
  readonly continueAfter: number;
}

/** One message waits this long for its answer; sent again later, it gets the first one. */
const answerWithin = 10_000;

export function createJourneyMessages({ client, queueSuffix, continueAfter }: JourneyMessageOptions): JourneyMessages {
  const within = <T>(call: () => Promise<T>): Promise<T> => client.withDeadline(Date.now() + answerWithin, call);
  const handleOf = (journeyId: string) => client.workflow.getHandle(journeyWorkflowId(journeyId));
  return {
    async open({ journeyId, tenant, template, entryKey, startedAt: _its, ...fields }) {
      const facts = { journeyId, tenant: asTenantId(tenant), template, entryKey };
      const startWorkflowOperation = new WithStartWorkflowOperation(
        journeyWorkflowType,
        journeyStartOptions(facts, { queueSuffix, continueAfter }),
      );
      try {
        const { entry } = await within(() =>
          client.workflow.executeUpdateWithStart(open, {
            startWorkflowOperation,
            args: [{ ...fields, role: 'system', source: 'system' }],
            updateId: fields.commandId,
          }),
        );
        return entry;
      } catch (error) {
        if (isOver(error)) return 'over';
        throw refusedOr(error);
      }
    },
    async attach(journeyId, { commandId, actor, input, eventId }) {
      const args = { commandId, actor, role: 'system', source: 'system', input, ...(eventId === null ? {} : { eventId }) } as const;
      try {
        await within(() => handleOf(journeyId).executeUpdate(updates.attach, { args: [args], updateId: commandId }));
        return 'attached';
      } catch (error) {
        if (isOver(error)) return 'over';
        throw refusedOr(error);
      }
    },
    tell: (journeyId, occurred) => told(() => handleOf(journeyId).signal(event, occurred)),
    lookAgain: ({ journeyId, handoffId }, eventId) =>
      told(() =>
        handoffId === null
          ? handleOf(journeyId).signal(directory, { event: eventId })
          : client.workflow
              .getHandle(handoffWorkflowId(handoffId))
              .signal(tell, { id: `directory/${eventId}`, word: { kind: 'directory' } }),
      ),
    follow: (journeyId, follower) => told(() => handleOf(journeyId).signal(follow, follower)),
  };

  async function told(signal: () => Promise<void>): Promise<'told' | 'gone'> {
    try {
      await within(signal);
      return 'told';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return 'gone';
      throw error;
    }
  }
}

const isOver = (error: unknown): boolean =>
  error instanceof WorkflowExecutionAlreadyStartedError || error instanceof WorkflowNotFoundError || refusalIn(error) === 'journey_ended';
