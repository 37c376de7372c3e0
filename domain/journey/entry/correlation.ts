/** Which open journeys an event concerns. Source: journeys.md, section 11. */
import type { CompiledTemplate } from '../compile.js';
import type { GuardEngine } from '../expression.js';
import { canonical, isObject, own } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import type { CompleteOn, Match } from '../step.js';
import { concerns as isAbout, valueAt, weigh } from '../run/weigh.js';
import type { Instant } from '../../time.js';
import { envelopeIds, eventRoot, subjectsOf } from './event.js';
import type { BusEvent, SubjectRef } from './event.js';
import { changesOf, readsSubject } from './subject-changes.js';

/** Something in a template that waits for a type of event. */
export interface Ear {
  /** `step`: while it is open; `exit`: at any time; `goal`: even after the end, inside its window. */
  readonly kind: 'step' | 'exit' | 'goal';
  readonly step: string | null;
  readonly match: Match | null;
  readonly when: string | null;
}

/** Everything a template listens to, by event type; what reads attributes of the subject listens to their changes. */
export function earsOf({ subject, exits = [], goals = [], steps }: CompiledTemplate): ReadonlyMap<string, readonly Ear[]> {
  const ears = new Map<string, Ear[]>();
  const hear = (
    type: string | undefined,
    ear: Pick<Ear, 'kind' | 'step'>,
    rules: { readonly match?: Match; readonly when?: string },
  ): void => {
    if (type === undefined) return;
    ears.set(type, [...(ears.get(type) ?? []), { ...ear, match: rules.match ?? null, when: rules.when ?? null }]);
  };
  const watch = (ear: Pick<Ear, 'kind' | 'step'>, when: string | undefined): void => {
    if (readsSubject(when)) for (const type of changesOf(subject.type)) hear(type, ear, { when });
  };
  for (const exit of exits) {
    hear(exit.on, { kind: 'exit', step: null }, exit);
    if (exit.on === undefined) watch({ kind: 'exit', step: null }, exit.when);
  }
  for (const goal of goals) hear(goal.event, { kind: 'goal', step: null }, goal);
  for (const [id, step] of Object.entries(steps)) {
    const bodies = step.kind === 'forEach' ? [step, step.do] : [step];
    for (const body of bodies) {
      const lists: readonly (readonly CompleteOn<string>[] | undefined)[] = [
        ...('completeOn' in body ? [body.completeOn] : []),
        ...(body.kind === 'wait' ? [body.event] : []),
      ];
      for (const event of lists.flatMap((events) => events ?? [])) hear(event.type, { kind: 'step', step: id }, event);
      if (body.kind === 'wait') watch({ kind: 'step', step: id }, body.condition);
    }
  }
  return ears;
}

/** What is known of an instance without asking it. */
export interface Instance {
  readonly journeyId: string;
  readonly subject: SubjectRef;
  readonly input: JsonObject;
  /** Texts stand as `{"$ref"}`. */
  readonly context: JsonObject;
  /** Ids of open steps. */
  readonly openSteps: readonly string[];
}

/**
 * Whether an event is to be delivered to an instance whose template has ears for it; the instance weighs it itself.
 *
 * It names the journey or, naming none, its subject; or what an ear declares to be equal is equal. What lies in a text may be equal.
 */
export function concerns(event: BusEvent, ears: readonly Ear[], instance: Instance): boolean {
  if (event.journeyId !== undefined && event.journeyId !== instance.journeyId) return false;
  const root = eventRoot(event);
  return ears.some(({ match }) => (match === null ? isAbout(root, instance.journeyId, instance.subject) : matches(root, match, instance)));
}

/** Every pair of a match is equal, or cannot be seen from here. */
function matches(event: JsonObject, match: Match, instance: Instance): boolean {
  const scene = sceneOf(event, instance);
  const pairs = Object.entries(match);
  // No pairs match nothing.
  return (
    pairs.length > 0 &&
    pairs.every(([theirs, ours]) => {
      const [one, other] = [valueAt(theirs, scene), valueAt(ours, scene)];
      if (one === undefined || other === undefined) return false;
      return isReference(other) || canonical(one) === canonical(other);
    })
  );
}

const isReference = (value: Json): boolean => isObject(value) && own(value, '$ref') !== undefined;

/** What expressions may read of an instance and an event. */
export const sceneOf = (event: JsonObject, { journeyId, subject, input, context }: Instance): JsonObject => ({
  event,
  input,
  context,
  subject: { ...subject },
  journey: { id: journeyId },
});

/**
 * Whether an open wait, `completeOn` or exit of an instance takes an event, so that it starts no other instance for the same subject.
 * A guard that has no value here takes nothing.
 */
export function consumes(event: BusEvent, ears: readonly Ear[], instance: Instance, engine: GuardEngine, now: Instant): boolean {
  if (event.journeyId !== undefined && event.journeyId !== instance.journeyId) return false;
  const open = ears.filter(({ kind, step }) => kind === 'exit' || (step !== null && instance.openSteps.includes(step)));
  const candidates = open.map(({ match, when }, index) => ({ ref: String(index), match, when, output: {} }));
  const root = eventRoot(event);
  return weigh(engine, candidates, root, { ...sceneOf(root, instance), now }).verdicts.some(({ taken }) => taken);
}

/** What of an event SQL looks for among open journeys, before `concerns` decides. */
export interface Search {
  readonly journeyId: string | null;
  /** Ids of subjects, whatever their type. */
  readonly subjects: readonly string[];
  /** Any of these lies in the context or the input of the journey, in members of these names. */
  readonly pairs: readonly { readonly root: 'context' | 'input'; readonly name: string; readonly value: Json }[];
  /** Some match cannot be looked for: every open journey of the templates is to be asked. */
  readonly all: boolean;
}

/** Finds no journey less than `concerns` does. */
export function searchFor(event: BusEvent, ears: readonly Ear[]): Search {
  const root = eventRoot(event);
  const subjects = [...envelopeIds.map((name) => event[name]), ...subjectsOf(event).map(({ id }) => id), ...dataIds(event.data)];
  const wanted = ears.flatMap(({ match }) => (match === null ? [] : [pairOf(match, root)]));
  return {
    journeyId: event.journeyId ?? null,
    subjects: [...new Set(subjects.filter((id) => id !== undefined))],
    pairs: wanted.flatMap((pair) => (pair === 'none' || pair === 'all' ? [] : [pair])),
    all: wanted.includes('all'),
  };
}

/** A pair of a match that can be looked for; `none`: the event lacks a member, so it cannot match. */
function pairOf(match: Match, event: JsonObject): Search['pairs'][number] | 'none' | 'all' {
  const sides = Object.entries(match).map(([theirs, ours]) => ({
    value: valueAt(theirs, { event }),
    member: /^(context|input)[.](\w+)$/.exec(ours),
  }));
  const known = sides.flatMap(({ value, member }) => (value === undefined ? [] : [{ value, member }]));
  if (known.length === 0 || known.length < sides.length) return 'none';
  const [pair] = known.flatMap(({ value, member }) => {
    const [, root, name = ''] = member ?? [];
    return root === 'context' || root === 'input' ? [{ root, name, value } as const] : [];
  });
  return pair ?? 'all';
}

/** Orders and subjects of the author's own are named by a member of the data. */
const dataIds = (data: JsonObject): string[] =>
  ['orderId', 'customId'].flatMap((name) => {
    const id = own(data, name);
    return typeof id === 'string' ? [id] : [];
  });
