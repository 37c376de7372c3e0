/** The wire shapes of journeys and their steps. */
import { z } from 'zod';
import { Lines, OneLine } from '../../domain/configuration/schema.js';
import { stepKinds } from '../../domain/journey/step.js';
import { incidentCodes, journeyStatuses, visitStates } from '../../domain/journey/run/state.js';
import { commaList, Moment, PageQuery, pageSchema, storable, Uuid } from '../contract.js';
import { diagramFormats, drawing, mermaid } from '../journey-templates/schema.js';
import { Reason } from '../tickets/schema.js';

export const JourneyId = z
  .string()
  .regex(/^JRN-[0-9A-HJKMNP-TV-Z]{16}$/)
  .meta({ id: 'JourneyId', examples: ['JRN-3V7K9M2Q3V7K9M2Q'] });
export const StepId = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/);
/** Outcomes, codes, items: what the workflow's validators accept. */
export const Name = z.string().regex(/^[A-Za-z0-9_.:$-]{1,128}$/, 'must be up to 128 letters, digits, _ . : $ and -');
/** People, and items of lists. */
export const Id = z.string().regex(/^[A-Za-z0-9_.:-]{1,128}$/, 'must be up to 128 letters, digits, _ . : and -');
export const Values = z.record(z.string().min(1).max(128), z.unknown());
export const Comment = Lines(10_000);

export const JourneyParams = z.object({ journeyId: z.string() });
export const StepParams = z.object({ journeyId: z.string(), step: StepId });

// Reads

export const JourneysQuery = z.strictObject({
  template: z.exactOptional(commaList(StepId)).describe('keys'),
  status: z.exactOptional(commaList(z.enum(journeyStatuses))),
  stage: z.exactOptional(commaList(storable.min(1).max(64))),
  result: z.exactOptional(commaList(z.enum(['won', 'lost']))),
  subject: z.exactOptional(commaList(storable.min(3).max(200))).describe('`<type>/<id>`'),
  ...PageQuery,
});
export type JourneysQuery = z.output<typeof JourneysQuery>;

const Incident = z.strictObject({
  step: z.string().nullable(),
  visit: z.int().nullable(),
  item: z.string().nullable(),
  code: z.enum([...incidentCodes, 'unknown']),
  detail: z.unknown(),
  openedAt: Moment,
});

const journey = {
  id: JourneyId,
  name: z.string().describe('of the template'),
  templateKey: z.string(),
  version: z.int().describe('of the template; the instance stays on it'),
  status: z.enum(journeyStatuses),
  result: z.enum(['won', 'lost']).nullable(),
  outcome: z.string().nullable(),
  stage: z.string().nullable(),
  progress: z.int(),
  currentStep: z.string().nullable(),
  openSteps: z.array(z.string()),
  subject: z.strictObject({ type: z.string(), id: z.string() }),
  context: Values.describe('the variables; a text that was erased is null'),
  incidents: z.array(Incident).describe('those that nobody has resolved'),
  awaitsApproval: z.boolean(),
  dueAt: Moment.nullable().describe('the nearest instant at which somebody is late or something happens by itself'),
  requester: z.string().nullable().describe('who started it; null: nobody did'),
  trigger: z.strictObject({ id: z.string(), event: z.string().nullable() }).nullable(),
  parent: z.string().nullable().describe('the journey that started it'),
  modified: z.boolean().describe('somebody sent it elsewhere by hand'),
  seq: z.int().describe('number of its last event; the ETag'),
  startedAt: Moment,
  lastActivity: Moment,
  endedAt: Moment.nullable(),
};
export const JourneyView = z.strictObject(journey).meta({ id: 'Journey' });
export type JourneyView = z.output<typeof JourneyView>;
export const JourneyPage = pageSchema('JourneyPage', JourneyView);
/** After a command. */
export const ChangedJourney = z
  .strictObject({ ...journey, code: z.exactOptional(z.literal('already_recorded')).describe('it had happened before; nothing changed') })
  .meta({ id: 'ChangedJourney' });
export type ChangedJourney = z.output<typeof ChangedJourney>;
export const AcceptedJourney = z.strictObject({ id: z.string(), commandId: z.string() }).meta({ id: 'AcceptedJourney' });

const task = {
  assignee: z.string().nullable(),
  claimedUntil: Moment.nullable(),
  people: z.array(z.string()).describe('ids of those who may do it'),
  roles: z.array(z.string()).describe('roles and team keys whose members may do it too; with `people` empty: anybody'),
  outcomes: z.array(z.string()),
};
export const StepsQuery = z.strictObject(PageQuery);
export type StepsQuery = z.output<typeof StepsQuery>;
export const StepView = z
  .strictObject({
    step: z.string(),
    name: z.string(),
    kind: z.enum(stepKinds).nullable(),
    visit: z.int(),
    item: z.string().nullable(),
    state: z.enum(visitStates),
    stage: z.string().nullable(),
    enteredAt: Moment,
    endedAt: Moment.nullable(),
    outcome: z.string().nullable(),
    cause: z.string().nullable().describe('what completed it'),
    dueAt: Moment.nullable(),
    attempts: z.int(),
    incident: z.strictObject({ code: z.string(), detail: z.unknown() }).nullable(),
    output: Values.nullable(),
    lateResult: z.unknown().describe('the answer of an attempt that came after its time; it changed nothing'),
    task: z.strictObject(task).nullable(),
    actions: z
      .array(z.strictObject({ action: z.string(), state: z.string(), attempts: z.int(), error: z.string().nullable() }))
      .describe('what it asked of the world outside'),
  })
  .meta({ id: 'JourneyStep' });
export type StepView = z.output<typeof StepView>;
export const StepPage = pageSchema('JourneyStepPage', StepView);

export const HistoryView = z
  .strictObject({
    subject: z.string().describe('journey/<id> or handoff/<id>'),
    seq: z.int().describe('gapless within its subject'),
    type: z.string(),
    at: Moment,
    actor: z.string(),
    actorName: z.string().nullable(),
    role: z.string(),
    via: z.string().describe('where the command came from'),
    commandId: z.string(),
    data: Values,
    text: z.string().nullable().describe('the reason or comment that came with the command'),
  })
  .meta({ id: 'JourneyEvent' });
export type HistoryView = z.output<typeof HistoryView>;
export const HistoryPage = pageSchema('JourneyEventPage', HistoryView);

export const StateQuery = z.strictObject({
  seq: z.exactOptional(z.coerce.number().int().min(1).max(2_147_483_647)).describe('number of an event; the last one when left out'),
});
export const StateView = z
  .strictObject({
    id: JourneyId,
    seq: z.int(),
    at: Moment.describe('of that event'),
    status: z.enum(journeyStatuses),
    result: z.enum(['won', 'lost']).nullable(),
    outcome: z.string().nullable(),
    stage: z.string().nullable(),
    openSteps: z.array(z.string()),
    steps: z
      .array(
        z.strictObject({
          step: z.string(),
          visit: z.int(),
          item: z.string().nullable(),
          state: z.enum(visitStates),
          outcome: z.string().nullable(),
        }),
      )
      .describe('every visit there had been, in the order they were entered'),
  })
  .meta({ id: 'JourneyState' });
export type StateView = z.output<typeof StateView>;

export const JourneyDiagramQuery = z.strictObject({ format: z.enum(diagramFormats).default('mermaid') });
export const JourneyDiagram = z
  .discriminatedUnion('format', [z.strictObject({ id: z.string(), ...mermaid }), z.strictObject({ id: z.string(), ...drawing })])
  .meta({ id: 'JourneyDiagram' });
export type JourneyDiagram = z.output<typeof JourneyDiagram>;

export const TasksQuery = z.strictObject({
  mine: z.exactOptional(z.stringbool({ truthy: ['true'], falsy: ['false'] })).describe('true: what I have, and what I may take'),
  template: z.exactOptional(commaList(StepId)),
  step: z.exactOptional(commaList(StepId)),
  journey: z.exactOptional(commaList(JourneyId)),
  ...PageQuery,
});
export type TasksQuery = z.output<typeof TasksQuery>;
export const TaskView = z
  .strictObject({
    id: z.string().describe('`<journey>.<step>.<visit>`'),
    journey: JourneyId,
    journeyName: z.string(),
    templateKey: z.string(),
    version: z.int(),
    subject: z.strictObject({ type: z.string(), id: z.string() }),
    step: z.string(),
    name: z.string(),
    visit: z.int(),
    item: z.string().nullable(),
    stage: z.string().nullable(),
    since: Moment,
    dueAt: Moment.nullable(),
    form: z.unknown().describe('JSON Schema of the output; null: none'),
    ...task,
  })
  .meta({ id: 'JourneyTask' });
export type TaskView = z.output<typeof TaskView>;
export const TaskPage = pageSchema('JourneyTaskPage', TaskView);

// Writes

const AdvanceFields = z.strictObject({
  outcome: z.exactOptional(Name),
  expectStep: z.exactOptional(StepId).describe('refused unless this step is open'),
  item: z.exactOptional(Id).describe('of a list'),
  output: z.exactOptional(Values).describe('what the form of the step asks for'),
});
export const AdvanceBody = z
  .union([AdvanceFields, Name.transform((outcome) => ({ outcome }))])
  .describe('an outcome alone may be sent as a JSON string')
  .meta({ id: 'AdvanceJourney' });
export type AdvanceBody = z.output<typeof AdvanceFields>;

export const ContextPatch = Values.describe('merge patch: declared variables; null clears one').meta({ id: 'JourneyContextPatch' });

/** Whether the reason is there is not a question of form: without one the caller may not. */
const reason = { reason: z.exactOptional(Reason) };
export const PauseBody = z
  .strictObject({
    deadlines: z.exactOptional(z.enum(['shift', 'keep'])).describe('shift, the default: every due instant moves by the pause'),
    freezeTasks: z.exactOptional(z.boolean()).describe('true, the default: tasks wait too'),
    ...reason,
  })
  .meta({ id: 'PauseJourney' });
export type PauseBody = z.output<typeof PauseBody>;
export const ResumeBody = z
  .strictObject({
    deadlines: z
      .exactOptional(z.enum(['shift', 'keep']))
      .describe('shift moves every due instant by the pause, keep leaves them; as the pause said when left out'),
    ...reason,
  })
  .meta({ id: 'ResumeJourney' });
export type ResumeBody = z.output<typeof ResumeBody>;
export const RepairBody = z.strictObject(reason).meta({ id: 'RepairJourney' });
export type RepairBody = z.output<typeof RepairBody>;

const at = {
  visit: z.exactOptional(z.int().min(1).max(100_000)).describe('the newest when left out'),
  item: z.exactOptional(Id).describe('of a list'),
};
export const RetryBody = z.strictObject({ input: z.exactOptional(Values), ...at, ...reason }).meta({ id: 'RetryStep' });
export type RetryBody = z.output<typeof RetryBody>;
export const CompleteWithBody = z
  .strictObject({ outcome: Name, output: z.exactOptional(Values), ...at, ...reason })
  .meta({ id: 'CompleteStepWith' });
export type CompleteWithBody = z.output<typeof CompleteWithBody>;
export const SkipBody = z.strictObject({ ...at, ...reason }).meta({ id: 'SkipStep' });
export type SkipBody = z.output<typeof SkipBody>;
export const GotoBody = z
  .strictObject({ to: StepId.describe('where to go on'), context: z.exactOptional(Values), ...at, ...reason })
  .meta({ id: 'GotoStep' });
export type GotoBody = z.output<typeof GotoBody>;

export const TaskBody = z.strictObject(at).meta({ id: 'ClaimTask' });
export type TaskBody = z.output<typeof TaskBody>;
export const AssignTaskBody = z.strictObject({ to: Uuid.describe('a user'), ...at }).meta({ id: 'AssignTask' });
export type AssignTaskBody = z.output<typeof AssignTaskBody>;
export const CompleteTaskBody = z
  .strictObject({ outcome: z.exactOptional(Name), output: z.exactOptional(Values), item: z.exactOptional(Id) })
  .meta({ id: 'CompleteTask' });
export type CompleteTaskBody = z.output<typeof CompleteTaskBody>;

export const Package = OneLine(64).regex(/^[a-z][a-z0-9-]*$/, 'must be a package key');
