/**
 * The older form of templates, turned into today's: `id`, a list of steps in `order`, `type`, rows of conditions, the package names of handoffs.
 * Source: journeys.md, section 3, the seed form.
 */
import { isList, isObject, own, pointer, segmentsOf } from './json.js';
import type { Json, JsonObject } from './json.js';

export interface Converted {
  readonly value: Json;
  /** The place in what the author sent, for a place in the converted value. */
  readonly back: (path: string) => string;
  /** Places of steps whose id stands earlier in the list, and places that are no steps. */
  readonly repeated: readonly string[];
  readonly unusable: readonly string[];
}

/** A value in today's form comes back as it is, but for rows and names that both forms allow. */
export function fromSeedForm(value: Json): Converted {
  if (!isObject(value)) return { value, back: (path) => path, repeated: [], unusable: [] };
  const { steps } = value;
  if (isList(steps)) return fromList(value, steps);
  const named = isObject(steps)
    ? { steps: Object.fromEntries(Object.entries(steps).map(([id, step]) => [id, isObject(step) ? stepOf(step) : step])) }
    : {};
  return { value: { ...value, ...triggersOf(value), ...named }, back: (path) => path, repeated: [], unusable: [] };
}

interface Place {
  readonly index: number;
  readonly step: JsonObject;
  readonly id: string;
}

function fromList(value: JsonObject, steps: readonly Json[]): Converted {
  const repeated: string[] = [];
  const unusable: string[] = [];
  const places: Place[] = [];
  for (const [index, step] of steps.entries()) {
    const id = isObject(step) ? own(step, 'id') : undefined;
    if (!isObject(step) || typeof id !== 'string') unusable.push(pointer('steps', index));
    else if (places.some((place) => place.id === id)) repeated.push(pointer('steps', index, 'id'));
    else places.push({ index, step, id });
  }
  const chain = places.toSorted((one, other) => orderOf(one) - orderOf(other));
  const end = ['end', 'journey_end', 'the_end'].find((id) => !chain.some((place) => place.id === id)) ?? 'end';
  const linked = chain.map(({ id, step }, index) => {
    const { id: _, order: __, ...rest } = step;
    const transitions = [{ to: chain[index + 1]?.id ?? end }];
    return [id, { transitions, ...renamed(stepOf(rest), { type: 'kind' }) }] as const;
  });
  const { id: key = null, steps: _, ...rest } = value;
  const subject = subjectOf(value);
  return {
    value: {
      ...(key === null ? {} : { key }),
      subject: { type: subject.type, id: `input.${subject.field}` },
      input: { type: 'object', properties: { [subject.field]: { type: 'string' } } },
      stages: stagesOf(chain),
      start: chain[0]?.id ?? end,
      ...rest,
      ...triggersOf(value, { [subject.field]: 'subject.id' }),
      steps: { ...Object.fromEntries(linked), [end]: { kind: 'end', outcome: 'completed', result: 'won' } },
    },
    back: backWith(new Map(chain.map(({ id, index }) => [id, index]))),
    repeated,
    unusable,
  };
}

/** A step without an order keeps its place in the list. */
const orderOf = ({ step, index }: Place): number => (typeof step['order'] === 'number' ? step['order'] : index + 1);

/** Whom a template is about, told by its category. */
function subjectOf({ category }: JsonObject): { readonly type: string; readonly field: string } {
  if (category === 'acquisition') return { type: 'lead', field: 'leadId' };
  return category === 'support' ? { type: 'ticket', field: 'ticketId' } : { type: 'customer', field: 'customerId' };
}

function stagesOf(chain: readonly Place[]): Json {
  const ids = chain.map(({ step }) => step['stage']).filter((stage) => typeof stage === 'string');
  return [...new Set(ids)].map((id, index) => ({ id, name: id, order: index + 1 }));
}

const renamed = (object: JsonObject, names: Readonly<Record<string, string>>): JsonObject =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [own(names, key) ?? key, value]));

const modes: Readonly<Record<string, string>> = { automatic: 'automatic', manual: 'accept', approval: 'approve' };

/** Names of handoffs and rows, in either form of template. */
function stepOf(step: JsonObject): JsonObject {
  const { handoffType, ...rest } = step;
  const mode = typeof handoffType === 'string' ? { mode: own(modes, handoffType) ?? handoffType } : {};
  return { ...renamed(rest, { fromPackage: 'from', toPackage: 'to', conditions: 'when' }), ...mode };
}

const triggerKinds: Readonly<Record<string, string>> = {
  conditional: 'condition',
  condition: 'condition',
  manual: 'manual',
  schedule: 'schedule',
};

/** Triggers that say `type` for their kind and `conditions` for their guard. */
function triggersOf({ triggers }: JsonObject, map: JsonObject | null = null): JsonObject {
  if (!isList(triggers)) return {};
  return {
    triggers: triggers.map((trigger) => {
      if (!isObject(trigger)) return trigger;
      const { type = null, ...rest } = renamed(trigger, { conditions: 'when' });
      const kind = typeof type === 'string' && rest['kind'] === undefined ? own(triggerKinds, type) : undefined;
      if (kind === undefined) return type === null ? rest : { type, ...rest };
      return { ...(map !== null && kind === 'condition' ? { map } : {}), kind, ...rest };
    }),
  };
}

/** From the place in the converted value to that in the list. */
const backWith =
  (indexes: ReadonlyMap<string, number>) =>
  (path: string): string => {
    const [first, second = '', third = '', ...rest] = segmentsOf(path);
    if (first === 'key') return '/id';
    if (first === 'triggers' && third === 'kind') return pointer(first, second, 'type', ...rest);
    if (first === 'triggers' && third === 'when') return pointer(first, second, 'conditions', ...rest);
    const index = first === 'steps' ? indexes.get(second) : undefined;
    if (index === undefined) return path;
    return pointer('steps', index, ...(third === '' ? [] : [third === 'kind' ? 'type' : third]), ...rest);
  };
