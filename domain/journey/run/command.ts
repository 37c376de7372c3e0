/**
 * What callers and operators ask of a journey: the verb of the API in camelCase is the Update's name and the `kind` here. Fields only grow; texts travel as
 * the id of a content row that exists already. Source: journeys.md, sections 3, 7, 8 and 9.
 */
import type { Actor, Origin, Role, Source } from '../../actor.js';
import type { ContentId } from '../../ids.js';
import type { Instant } from '../../time.js';
import type { Json, JsonObject } from '../json.js';

export interface JourneyEnvelope extends Omit<Origin, 'reason'> {
  /** The same id again gets the first answer. */
  readonly commandId: string;
  readonly actor: Actor;
  readonly role: Role;
  readonly source: Source;
  /** Role and team keys of the actor, where a person's right to a step depends on them. */
  readonly roles?: readonly string[];
  readonly expectedVersion?: number;
  readonly receivedAt?: Instant;
  /** The content row of the reason; all repair verbs but `retry` need one. */
  readonly reason?: ContentId;
}

/** A parked step: the newest visit, unless `visit` says which. */
interface AtStep {
  readonly step: string;
  readonly visit?: number;
  /** Of a `forEach`; the only one that fits, where it is absent. */
  readonly item?: string;
}

/** The verb says it all. */
type Nothing = object;

export interface JourneyCommandFields {
  readonly advance: { readonly outcome?: string; readonly expectStep?: string; readonly item?: string; readonly output?: JsonObject };
  readonly updateContext: { readonly patch: JsonObject };
  readonly pause: { readonly deadlines?: 'shift' | 'keep'; readonly freezeTasks?: boolean };
  /** As the pause said, unless it is said anew here. */
  readonly resume: { readonly deadlines?: 'shift' | 'keep' };
  readonly cancel: { readonly cause?: string };
  readonly retry: AtStep & { readonly input?: JsonObject };
  readonly completeWith: AtStep & { readonly outcome: string; readonly output?: JsonObject };
  readonly skip: AtStep;
  /** `step` is the parked one, `to` the one to go on at. */
  readonly goto: AtStep & { readonly to: string; readonly context?: JsonObject };
  readonly compensateAndEnd: Nothing;
  readonly vote: AtStep & { readonly decision: 'approve' | 'reject'; readonly comment?: ContentId; readonly onBehalfOf?: string };
  readonly delegate: AtStep & { readonly to: string; readonly toRoles?: readonly string[]; readonly until?: Instant };
  readonly claim: AtStep;
  readonly unclaim: AtStep;
  readonly assign: AtStep & { readonly to: string };
  readonly createHandoff: {
    readonly step?: string;
    readonly from: string;
    readonly to: string;
    readonly mode: 'automatic' | 'accept' | 'approve';
    readonly data?: JsonObject;
    readonly requiredData?: readonly string[];
    /** Further fields of the step's compiled rules. */
    readonly rules?: Json;
  };
  /** A second start of the same entry with `onDuplicate: signal`: fills only what is empty. */
  readonly attach: { readonly input: JsonObject; readonly eventId?: string };
}

export type JourneyVerb = keyof JourneyCommandFields;
export type JourneyCommandOf<Verb extends JourneyVerb> = JourneyEnvelope & { readonly kind: Verb } & JourneyCommandFields[Verb];
export type JourneyCommand = { readonly [Verb in JourneyVerb]: JourneyCommandOf<Verb> }[JourneyVerb];

export const journeyCodes = [
  'invalid_request',
  'forbidden',
  'version_mismatch',
  'reason_required',
  'journey_ended',
  'journey_paused',
  'journey_not_paused',
  'step_mismatch',
  'step_not_open',
  'ambiguous',
  'nothing_to_advance',
  'outcome_required',
  'unknown_outcome',
  'output_invalid',
  'unknown_variable',
  'context_invalid',
  'context_too_large',
  'unknown_step',
  'no_incident',
  'not_skippable',
  'too_many_open_steps',
  'requester_excluded',
  'not_eligible',
  'already_voted',
  'approval_closed',
  'comment_required',
  'delegation_invalid',
  'not_claimed',
  'already_claimed',
  'handoff_invalid',
] as const;
export type JourneyCode = (typeof journeyCodes)[number];
