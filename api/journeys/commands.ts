/** Sends commands to the workflows of journeys and handoffs. Source: temporal.md, section 6.2. */
import { WithStartWorkflowOperation, WorkflowUpdateStage } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { HandoffVerb } from '../../domain/handoff/command.js';
import type { JourneyEnvelope, JourneyVerb } from '../../domain/journey/run/command.js';
import type { OpenJourneyFields } from '../../domain/journey/shape.js';
import { updates as handoffUpdates } from '../../workflows/handoff/messages.js';
import type { HandoffAnswer, HandoffArgs } from '../../workflows/handoff/messages.js';
import type { journeyWorkflow } from '../../workflows/journey/journey.workflow.js';
import { open, updates } from '../../workflows/journey/messages.js';
import type { JourneyAnswer, JourneyArgs, OpenJourneyAnswer } from '../../workflows/journey/messages.js';
import { handoffWorkflowId } from '../../workflows/handoff/start.js';
import { journeyStartOptions, journeyWorkflowId, journeyWorkflowType } from '../../workflows/journey/start.js';
import type { JourneyRun } from '../../workflows/journey/start.js';
import { attempting } from '../commands.js';
import type { CommandSettings } from '../commands.js';

/** A command's id is the Update's too: sent again, it gets the first answer. */
interface Named {
  readonly commandId: string;
}

/** How the API talks to journeys and handoffs. Every call ends by its deadline (epoch milliseconds). */
export interface JourneyCommands {
  /** Starts a journey's workflow, or finds it, and sends `open`. @throws CommandRefused, CommandLost: `over` when it has ended */
  open(start: JourneyOpening, deadline: number): Promise<OpenJourneyAnswer>;
  /** Sends a command and waits for its answer. @throws CommandRefused, CommandLost */
  send<Verb extends JourneyVerb>(id: string, verb: Verb, args: JourneyArgs<Verb> & Named, deadline: number): Promise<JourneyAnswer>;
  /** Sends a command and waits only until it is accepted. Throws as `send` does. */
  accept<Verb extends JourneyVerb>(id: string, verb: Verb, args: JourneyArgs<Verb> & Named, deadline: number): Promise<void>;
  /** The same to a handoff. */
  sendToHandoff<Verb extends HandoffVerb>(
    id: string,
    verb: Verb,
    args: HandoffArgs<Verb> & Named,
    deadline: number,
  ): Promise<HandoffAnswer>;
  acceptByHandoff<Verb extends HandoffVerb>(id: string, verb: Verb, args: HandoffArgs<Verb> & Named, deadline: number): Promise<void>;
}

/** What a journey is opened with, and by whom. */
export type JourneyOpening = Pick<JourneyRun, 'journeyId' | 'tenant' | 'template' | 'entryKey'> & {
  readonly args: OpenJourneyFields & Pick<JourneyEnvelope, 'actor' | 'role' | 'source'> & Named;
};

/** The real thing. */
export function createJourneyCommands(client: Client, { queueSuffix, continueAfter }: CommandSettings): JourneyCommands {
  const attempt = attempting(client);
  const execute = <Answer>(workflowId: string, name: string, args: Named, deadline: number): Promise<Answer> =>
    attempt(deadline, () =>
      client.workflow.getHandle(workflowId).executeUpdate<Answer, [Named]>(name, { args: [args], updateId: args.commandId }),
    );
  const begin = (workflowId: string, name: string, args: Named, deadline: number): Promise<void> =>
    attempt(deadline, async () => {
      const handle = client.workflow.getHandle(workflowId);
      await handle.startUpdate(name, { args: [args], updateId: args.commandId, waitForStage: WorkflowUpdateStage.ACCEPTED });
    });
  return {
    open: ({ args, ...facts }, deadline) =>
      attempt(deadline, () =>
        client.workflow.executeUpdateWithStart(open, {
          startWorkflowOperation: new WithStartWorkflowOperation<typeof journeyWorkflow>(
            journeyWorkflowType,
            journeyStartOptions(facts, { queueSuffix, continueAfter }),
          ),
          args: [args],
          updateId: args.commandId,
        }),
      ),
    send: (id, verb, args, deadline) => execute(journeyWorkflowId(id), updates[verb].name, args, deadline),
    accept: (id, verb, args, deadline) => begin(journeyWorkflowId(id), updates[verb].name, args, deadline),
    sendToHandoff: (id, verb, args, deadline) => execute(handoffWorkflowId(id), handoffUpdates[verb].name, args, deadline),
    acceptByHandoff: (id, verb, args, deadline) => begin(handoffWorkflowId(id), handoffUpdates[verb].name, args, deadline),
  };
}
