/** What can be said to a handoff's workflow. The wire format: fields are only added, never renamed. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { HandoffCommandFields, HandoffEnvelope, HandoffVerb, HandoffWord } from '../../domain/handoff/command.js';
import type { EffectId } from '../../domain/journey/run/effect.js';
import type { HandoffView } from '../../domain/journey/run/record.js';

/** One JSON object per verb. `commandId` absent: the Update's own id; `role` and `source` absent: an operator in the Web UI. */
export type HandoffArgs<Verb extends HandoffVerb> = HandoffCommandFields[Verb] &
  Partial<Omit<HandoffEnvelope, 'actor'>> &
  Pick<HandoffEnvelope, 'actor'>;

export interface HandoffAnswer {
  /** Version after the command. */
  readonly version: number;
  readonly view: HandoffView;
  /** Whether PostgreSQL has it already. */
  readonly projected: boolean;
  /** The version PostgreSQL has. */
  readonly stored: number;
}

const update = <Verb extends HandoffVerb>(verb: Verb) => defineUpdate<HandoffAnswer, [HandoffArgs<Verb>]>(verb);

/** One Update per verb. */
export const updates = {
  accept: update('accept'),
  reject: update('reject'),
  return: update('return'),
  complete: update('complete'),
  cancel: update('cancel'),
  retry: update('retry'),
  approve: update('approve'),
  vote: update('vote'),
  delegate: update('delegate'),
  claim: update('claim'),
  unclaim: update('unclaim'),
  assign: update('assign'),
} as const satisfies { readonly [Verb in HandoffVerb]: unknown };

const byHand = (fields: string): string => `Example: {"actor":"user/<your id>"${fields}}`;

/** What operators read beside the form in the Web UI; a comment needs its content row first. */
export const descriptions: { readonly [Verb in HandoffVerb]: string } = {
  accept: `Takes it over for the receiving package. ${byHand('')}`,
  reject: `Refuses the offer, with a reason; at an open gate a vote against, which needs a comment. ${byHand(',"reason":"no_capacity"')}`,
  return: `Gives it back to the sender, with a reason. ${byHand(',"reason":"no_access"')}`,
  complete: `The work is done. ${byHand(',"outcome":"completed","output":{}')}`,
  cancel: `Ends it; the journey opens no other by itself. ${byHand('')}`,
  retry: `Offers it again after it failed or expired. ${byHand('')}`,
  approve: `A vote for it at the open gate. ${byHand('')}`,
  vote: `Votes at the open gate; a no needs a comment. ${byHand(',"decision":"approve"')}`,
  delegate: `Gives one's vote to somebody else. ${byHand(',"to":"<person id>"')}`,
  claim: `Takes the work for oneself. ${byHand('')}`,
  unclaim: `Gives the work back to the package. ${byHand('')}`,
  assign: `Gives the work to somebody. ${byHand(',"to":"<person id>"')}`,
};

/** What a journey tells its handoff. */
export interface Told {
  /** Names what is told, once for ever. */
  readonly id: EffectId;
  readonly word: HandoffWord;
}

export const tell = defineSignal<[Told]>('tell');
export const tellDescription =
  'What its journey has to say: more data, a pause, an event that completes it. Sent by journeys; not meant for the form.';

/** The handoff as its workflow knows it; for operators and debugging, never for lists. */
export const state = defineQuery<HandoffView>('state');
