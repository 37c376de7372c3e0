/** What can be said to a journey's workflow. The wire format: fields are only added, never renamed. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Members } from '../../domain/decision.js';
import type { HandoffReport, OccurredEvent, ReportFields } from '../../domain/journey/run/effect.js';
import type { JourneyCommandFields, JourneyEnvelope, JourneyVerb } from '../../domain/journey/run/command.js';
import type { JourneyView } from '../../domain/journey/run/record.js';
import type { JourneyStart } from '../../domain/journey/run/state.js';
import type { OpenJourneyFields } from '../../domain/journey/shape.js';

/** A step that started a journey, or waits for one: where its end is told. */
export type Parent = NonNullable<JourneyStart['parent']>;

/** `commandId` absent: the Update's own id; `role` and `source` absent: an operator in the Web UI. */
type Sender = Partial<Omit<JourneyEnvelope, 'actor'>> & Pick<JourneyEnvelope, 'actor'>;
/** One JSON object per verb. */
export type JourneyArgs<Verb extends JourneyVerb> = JourneyCommandFields[Verb] & Sender;

/** How a command ended that was accepted. */
export interface JourneyAnswer {
  /** Version after the command. */
  readonly version: number;
  readonly view: JourneyView;
  /** What the rules say of it besides: `already_recorded`, the version a retry runs, the handoff that was made. */
  readonly said: Members;
  /** Whether PostgreSQL has it already. */
  readonly projected: boolean;
  /** The version PostgreSQL has. */
  readonly stored: number;
}

export interface OpenJourneyAnswer extends JourneyAnswer {
  /** `existing`: somebody else started it before. */
  readonly entry: 'started' | 'existing';
}

const update = <Verb extends JourneyVerb>(verb: Verb) => defineUpdate<JourneyAnswer, [JourneyArgs<Verb>]>(verb);

/** Sent together with the start. */
export const open = defineUpdate<OpenJourneyAnswer, [OpenJourneyFields & Sender]>('open');

/** One Update per verb. */
export const updates = {
  advance: update('advance'),
  updateContext: update('updateContext'),
  pause: update('pause'),
  resume: update('resume'),
  cancel: update('cancel'),
  retry: update('retry'),
  completeWith: update('completeWith'),
  skip: update('skip'),
  goto: update('goto'),
  compensateAndEnd: update('compensateAndEnd'),
  vote: update('vote'),
  delegate: update('delegate'),
  claim: update('claim'),
  unclaim: update('unclaim'),
  assign: update('assign'),
  createHandoff: update('createHandoff'),
  attach: update('attach'),
} as const satisfies { readonly [Verb in JourneyVerb]: unknown };

const byHand = (fields: string): string => `Example: {"actor":"user/<your id>"${fields}}`;
const why = ',"reason":"<content id>"';

/** What operators read beside the form in the Web UI; a verb that needs a reason or a comment needs its content row first. */
export const descriptions: { readonly [Verb in JourneyVerb]: string } & { readonly open: string } = {
  open: 'Begins the journey. Sent together with the start; not meant for the form.',
  advance: `Completes an open step with one of its outcomes. ${byHand(',"expectStep":"<step>","outcome":"<outcome>","output":{}')}`,
  updateContext: `Changes variables; null clears one. ${byHand(',"patch":{"score":60}')}`,
  pause: `Nothing new begins until it is resumed; deadlines shift, or keep. ${byHand(`,"deadlines":"shift"${why}`)}`,
  resume: `Goes on where it was paused; deadlines shift, or keep, as the pause said unless it is said here. ${byHand(',"deadlines":"shift"')}`,
  cancel: `Ends the journey with everything that is open. ${byHand(why)}`,
  retry: `Tries a parked step again, with new attempts. ${byHand(',"step":"<step>"')}`,
  completeWith: `Completes a parked step by hand. ${byHand(`,"step":"<step>","outcome":"<outcome>","output":{}${why}`)}`,
  skip: `Skips a parked step, where the template lets it. ${byHand(`,"step":"<step>"${why}`)}`,
  goto: `Leaves a parked step for another one. ${byHand(`,"step":"<step>","to":"<step>"${why}`)}`,
  compensateAndEnd: `Undoes completed steps, the last first, then ends. ${byHand(why)}`,
  vote: `Votes in an open approval; a no needs a comment. ${byHand(',"step":"<step>","decision":"approve"')}`,
  delegate: `Gives one's vote and tasks to somebody else. ${byHand(',"step":"<step>","to":"<person id>"')}`,
  claim: `Takes a task for oneself. ${byHand(',"step":"<step>"')}`,
  unclaim: `Gives a task back. ${byHand(',"step":"<step>"')}`,
  assign: `Gives a task to somebody. ${byHand(',"step":"<step>","to":"<person id>"')}`,
  createHandoff: `Hands something over apart from the template's steps. ${byHand(',"from":"crm","to":"field-ops","mode":"accept","data":{}')}`,
  attach: `Fills variables that are empty, as a second start of the same entry does. ${byHand(',"input":{}')}`,
};

/** Something happened that the journey may wait for; its data stay in the log. */
export const event = defineSignal<[OccurredEvent]>('event');
/** A handoff tells what became of it. */
export const handoff = defineSignal<[HandoffReport]>('handoff');
/** A child journey is over. */
export const childEnded = defineSignal<[ReportFields['childEnded']]>('childEnded');
/** Roles have changed; votes whose electorate is dynamic look again. */
export const directory = defineSignal<[{ readonly event: string }]>('directory');

/** A step of another journey waits for the end of this one. */
export const follow = defineSignal<[Parent]>('follow');

export const signalDescriptions = {
  event:
    'An event of the log that concerns the journey: its id, type and instant (epoch ms). Example: {"id":"<event id>","type":"crm:lead_converted","at":1767225600000}',
  handoff: 'How a handoff of this journey goes. Sent by its workflow; not meant for the form.',
  directory: 'Roles have changed: open votes with a dynamic electorate look again. Example: {"event":"<event id>"}',
  follow: 'A step of another journey waits for the end of this one. Not meant for the form.',
  childEnded: 'A journey that a step of this one started is over. Sent by its workflow; not meant for the form.',
} as const;

/** The journey as its workflow knows it; for operators and debugging, never for lists. */
export const state = defineQuery<JourneyView | null>('state');
