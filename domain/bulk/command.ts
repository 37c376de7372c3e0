/** What can be asked of many journeys, or of many handoffs, at once. Source: journeys-change.md, section 6; journeys.md, sections 7 to 9. */
import type { Permission } from '../access/permit.js';
import type { HandoffCommandFields, HandoffVerb } from '../handoff/command.js';
import type { JsonObject } from '../journey/json.js';
import type { JourneyCommandFields, JourneyVerb } from '../journey/run/command.js';

/** Less what is told in words: a reason and a comment stay in PostgreSQL, and reach each instance as a content row of its own. */
export interface JourneyBulkFields {
  readonly retry: AtStep & { readonly input?: JsonObject };
  readonly complete_with: AtStep & { readonly outcome: string; readonly output?: JsonObject };
  readonly skip: AtStep;
  readonly cancel: Nothing;
  readonly compensate_and_end: Nothing;
  readonly pause: { readonly deadlines?: 'shift' | 'keep'; readonly freezeTasks?: boolean };
  readonly resume: { readonly deadlines?: 'shift' | 'keep' };
  readonly vote: AtStep & { readonly decision: 'approve' | 'reject'; readonly onBehalfOf?: string };
}

export interface HandoffBulkFields {
  readonly approve: { readonly onBehalfOf?: string };
  /** `reason` is a code such as `no_capacity`, for those that are offered. */
  readonly reject: { readonly reason?: string; readonly onBehalfOf?: string };
  readonly retry: Nothing;
  readonly reassign: { readonly to: string };
  readonly cancel: Nothing;
}

/** Which step of each journey; absent: the one that is parked, or that is voted on. */
interface AtStep {
  readonly step?: string;
}
type Nothing = Readonly<Record<string, never>>;

export type JourneyBulkVerb = keyof JourneyBulkFields;
export type HandoffBulkVerb = keyof HandoffBulkFields;

export const journeyBulkVerbs = [
  'retry',
  'complete_with',
  'skip',
  'cancel',
  'compensate_and_end',
  'pause',
  'resume',
  'vote',
] as const satisfies readonly JourneyBulkVerb[];
export const handoffBulkVerbs = ['approve', 'reject', 'retry', 'reassign', 'cancel'] as const satisfies readonly HandoffBulkVerb[];

export type JourneyBulk = {
  readonly [Verb in JourneyBulkVerb]: { readonly target: 'journeys'; readonly verb: Verb; readonly args: JourneyBulkFields[Verb] };
}[JourneyBulkVerb];
export type HandoffBulk = {
  readonly [Verb in HandoffBulkVerb]: { readonly target: 'handoffs'; readonly verb: Verb; readonly args: HandoffBulkFields[Verb] };
}[HandoffBulkVerb];
export type BulkCommand = JourneyBulk | HandoffBulk;
export type BulkTarget = BulkCommand['target'];

/** Verbs that nobody may use without saying why; the others may. Source: journeys.md, section 7. */
export const needsReason: readonly JourneyBulkVerb[] = ['complete_with', 'skip', 'cancel', 'compensate_and_end', 'pause'];

/** As of the single verbs. Source: security.md, section 2. */
export function permissionFor(command: BulkCommand): Permission {
  if (command.target === 'journeys') return command.verb === 'vote' ? 'approval.vote' : 'journey.repair';
  switch (command.verb) {
    case 'approve':
    case 'reject':
      return 'handoff.decide';
    case 'retry':
      return 'journey.repair';
    case 'reassign':
      return 'handoff.handle';
    case 'cancel':
      return 'handoff.create';
  }
}

/** Which visit of a step of the instance is meant. */
export interface Place {
  readonly step: string;
  readonly visit: number;
  /** Of a `forEach`; null elsewhere. */
  readonly item: string | null;
}

/** The command for one instance as its workflow knows it, less envelope and texts. */
export type BulkOrder =
  | { readonly [Verb in JourneyVerb]: { readonly target: 'journeys'; readonly verb: Verb; readonly fields: JourneyCommandFields[Verb] } }[
      'retry' | 'completeWith' | 'skip' | 'cancel' | 'compensateAndEnd' | 'pause' | 'resume' | 'vote']
  | {
      readonly [Verb in HandoffVerb]: {
        readonly target: 'handoffs';
        readonly verb: Verb;
        readonly fields: HandoffCommandFields[Verb] & object;
      };
    }['approve' | 'reject' | 'retry' | 'assign' | 'cancel'];

/**
 * The command for one instance.
 *
 * @param place null for what concerns the instance as a whole
 * @returns null when the verb needs a step and none is given: nothing can be asked
 */
export function orderFor(command: BulkCommand, place: Place | null): BulkOrder | null {
  return command.target === 'handoffs' ? handoffOrder(command) : journeyOrder(command, place);
}

function journeyOrder({ target, verb, args }: JourneyBulk, place: Place | null): BulkOrder | null {
  const at = place === null ? null : { step: place.step, visit: place.visit, ...(place.item === null ? {} : { item: place.item }) };
  switch (verb) {
    case 'retry':
      return at && { target, verb, fields: { ...args, ...at } };
    case 'complete_with':
      return at && { target, verb: 'completeWith', fields: { ...args, ...at } };
    case 'skip':
      return at && { target, verb, fields: at };
    case 'vote':
      return at && { target, verb, fields: { ...args, ...at } };
    case 'cancel':
      return { target, verb, fields: {} };
    case 'compensate_and_end':
      return { target, verb: 'compensateAndEnd', fields: {} };
    case 'pause':
      return { target, verb, fields: args };
    case 'resume':
      return { target, verb, fields: args };
  }
}

function handoffOrder({ target, verb, args }: HandoffBulk): BulkOrder {
  switch (verb) {
    case 'approve':
      return { target, verb, fields: args };
    case 'reject':
      return { target, verb, fields: args };
    case 'reassign':
      return { target, verb: 'assign', fields: args };
    case 'retry':
      return { target, verb, fields: {} };
    case 'cancel':
      return { target, verb, fields: {} };
  }
}
