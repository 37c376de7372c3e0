/**
 * What people and operators ask of a handoff: the verb of the API in camelCase is the Update's name and the `kind` here. Fields only grow; texts travel as
 * the id of a content row that exists already. Source: journeys.md, sections 3, 8 and 9.
 */
import type { ContentId } from '../ids.js';
import type { JsonObject } from '../journey/json.js';
import type { JourneyEnvelope } from '../journey/run/command.js';
import type { EffectOf } from '../journey/run/effect.js';
import type { Instant } from '../time.js';

/** `roles`: what the actor holds; where it is known, an agent needs one of those that the step names. */
export type HandoffEnvelope = Omit<JourneyEnvelope, 'reason'>;

/** No fields of its own. */
type Plain = unknown;

interface Said {
  readonly comment?: ContentId;
}
interface Given extends Said {
  readonly onBehalfOf?: string;
}

export interface HandoffCommandFields {
  readonly accept: Plain;
  /** At an open gate a vote, which needs a `comment`; at an offer a refusal, which needs a `reason` such as `no_capacity`. */
  readonly reject: Given & { readonly reason?: string };
  /** Needs a `reason` such as `no_access`. */
  readonly return: Said & { readonly reason?: string };
  readonly complete: { readonly outcome?: string; readonly output?: JsonObject };
  readonly cancel: Said;
  /** Of a handoff that failed or expired. */
  readonly retry: Plain;
  readonly approve: Given;
  readonly vote: Given & { readonly decision: 'approve' | 'reject' };
  readonly delegate: { readonly to: string; readonly toRoles?: readonly string[]; readonly until?: Instant };
  readonly claim: Plain;
  readonly unclaim: Plain;
  readonly assign: { readonly to: string };
}

export type HandoffVerb = keyof HandoffCommandFields;
export type HandoffCommandOf<Verb extends HandoffVerb> = HandoffEnvelope & { readonly kind: Verb } & HandoffCommandFields[Verb];
export type HandoffCommand = { readonly [Verb in HandoffVerb]: HandoffCommandOf<Verb> }[HandoffVerb];

/** In the order of the record: the union of the type above, to be walked. */
export const handoffVerbs = [
  'accept',
  'reject',
  'return',
  'complete',
  'cancel',
  'retry',
  'approve',
  'vote',
  'delegate',
  'claim',
  'unclaim',
  'assign',
] as const satisfies readonly HandoffVerb[];

/** What its journey tells a handoff. It is never refused: what does not apply any more changes nothing. */
export type HandoffWord = EffectOf<'tellHandoff'>['word'];
