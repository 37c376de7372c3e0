/**
 * The older form of templates, turned into today's: `id`, a list of steps in `order`, `type`, rows of conditions, the package names of handoffs.
 * Source: journeys.md, section 3, the seed form.
 */
import { isList, isObject, memberAt, own, pointer, segmentsOf } from './json.js';
import type { Json, JsonObject } from './json.js';

export interface Converted {
  readonly value: Json;
  /** The place in what the author sent, for a place in the converted value. */
  readonly back: (path: string) => string;
  /** Steps whose id stands earlier in the list. */
  readonly repeated: readonly { readonly path: string; readonly id: string }[];
  /** Ids that no object can have for a key. */
  readonly reserved: readonly string[];
  /** Places that are no steps. */
  readonly unusable: readonly string[];
}

const faultless = { repeated: [], reserved: [], unusable: [] } as const;

/** A value in today's form comes back as it is, but for rows and names that both forms allow. */
export function fromSeedForm(value: Json): Converted {
  if (!isObject(value)) return { value, back: (path) => path, ...faultless };
  const { steps } = value;
  if (isList(steps)) return fromList(value, steps);
  const named = isObject(steps)
    ? { steps: Object.fromEntries(Object.entries(steps).map(([id, step]) => [id, isObject(step) ? stepOf(step) : step])) }
    : {};
  return { value: { ...value, ...triggersOf(value), ...named }, back: backTo(value, { stepAt: (id) => id, stages: [] }), ...faultless };
}

interface Place {
  readonly index: number;
  readonly step: JsonObject;
  readonly id: string;
}

function fromList(value: JsonObject, steps: readonly Json[]): Converted {
  const repeated: { readonly path: string; readonly id: string }[] = [];
  const reserved: string[] = [];
  const unusable: string[] = [];
  const places = new Map<string, Place>();
  for (const [index, step] of steps.entries()) {
    const id = isObject(step) ? own(step, 'id') : undefined;
    if (!isObject(step) || typeof id !== 'string') unusable.push(pointer('steps', index));
    else if (id === '__proto__') reserved.push(pointer('steps', index, 'id'));
    else if (places.has(id)) repeated.push({ path: pointer('steps', index, 'id'), id });
    else places.set(id, { index, step, id });
  }
  const chain = Array.from(places.values()).toSorted((one, other) => orderOf(one) - orderOf(other));
  const end = freeName(places);
  const stages = stagesOf(chain);
  const linked = chain.map(({ id, step }, index) => {
    const { id: _, order: __, ...rest } = step;
    const ways = isEnd(step) ? {} : { transitions: [{ to: chain[index + 1]?.id ?? end }] };
    return [id, { ...ways, ...renamed(stepOf(rest), { type: 'kind' }) }] as const;
  });
  const ends = endsItself(chain) ? {} : { [end]: { kind: 'end', outcome: 'completed', result: 'won' } };
  const { id: key = null, steps: _, ...rest } = value;
  const subject = subjectOf(value);
  return {
    value: {
      ...(key === null ? {} : { key }),
      subject: { type: subject.type, id: `input.${subject.field}` },
      input: { type: 'object', properties: { [subject.field]: { type: 'string' } } },
      stages: Array.from(stages, ([id, { order }]) => ({ id, name: id, order })),
      start: chain[0]?.id ?? end,
      ...rest,
      ...triggersOf(value, { [subject.field]: 'subject.id' }),
      steps: { ...Object.fromEntries(linked), ...ends },
    },
    back: backTo(value, { stepAt: (id) => places.get(id)?.index ?? null, stages: Array.from(stages.values(), ({ path }) => path) }),
    repeated,
    reserved,
    unusable,
  };
}

const isEnd = ({ kind = null, type = null }: JsonObject): boolean => kind === 'end' || (kind === null && type === 'end');

/** Whether the list has ends of its own, and nothing is linked past them. */
function endsItself(chain: readonly Place[]): boolean {
  const last = chain.at(-1);
  return last !== undefined && chain.some(({ step }) => isEnd(step)) && (isEnd(last.step) || Object.hasOwn(last.step, 'transitions'));
}

/** `end`, unless a step is called so. */
function freeName(places: ReadonlyMap<string, Place>): string {
  let name = 'end';
  for (let n = 2; places.has(name); n += 1) name = `end_${n}`;
  return name;
}

/** A step without an order keeps its place in the list. */
const orderOf = ({ step, index }: Place): number => (typeof step['order'] === 'number' ? step['order'] : index + 1);

/** Whom a template is about, told by its category. */
function subjectOf({ category }: JsonObject): { readonly type: string; readonly field: string } {
  if (category === 'acquisition') return { type: 'lead', field: 'leadId' };
  return category === 'support' ? { type: 'ticket', field: 'ticketId' } : { type: 'customer', field: 'customerId' };
}

/** The stages that steps name, each with its first place. */
function stagesOf(chain: readonly Place[]): ReadonlyMap<string, { readonly path: string; readonly order: number }> {
  const stages = new Map<string, { readonly path: string; readonly order: number }>();
  for (const { step, index } of chain) {
    const { stage = null } = step;
    if (typeof stage === 'string' && !stages.has(stage))
      stages.set(stage, { path: pointer('steps', index, 'stage'), order: stages.size + 1 });
  }
  return stages;
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

/** Older names of fields that both forms allow. */
const stepNames: Readonly<Record<string, string>> = { from: 'fromPackage', to: 'toPackage', mode: 'handoffType', when: 'conditions' };
const triggerNames: Readonly<Record<string, string>> = { when: 'conditions' };

/** Where the parts of the converted value stand that the author wrote elsewhere, or not at all. */
interface Origins {
  /** Null: the author wrote no such step. */
  readonly stepAt: (id: string) => string | number | null;
  /** Where the stages were found, in order. */
  readonly stages: readonly string[];
}

/** From a place in the converted value to the one in what the author sent; what was added is told of the nearest place that the author wrote. */
function backTo(sent: JsonObject, { stepAt, stages }: Origins): Converted['back'] {
  const isSeedForm = isList(sent['steps']);
  const older = isSeedForm ? { kind: 'type' } : {};
  const names: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    steps: { ...stepNames, ...older },
    triggers: { ...triggerNames, ...older },
  };
  return (path) => {
    const [first = '', second, third, ...rest] = segmentsOf(path);
    if (first === 'key' && isSeedForm) return '/id';
    if (second === undefined) return path;
    if (isSeedForm && !Object.hasOwn(sent, first)) return (first === 'stages' ? stages[Number(second)] : undefined) ?? '';
    const place = first === 'steps' ? stepAt(second) : second;
    if (place === null) return pointer(first);
    if (third === undefined) return pointer(first, place);
    const part = memberAt(sent[first], isList(sent[first]) ? Number(place) : place);
    const name = writtenAs(part, third, own(names, first) ?? {});
    const isAdded = isSeedForm && rest.length > 0 && isObject(part) && !Object.hasOwn(part, name);
    return isAdded ? pointer(first, place) : pointer(first, place, name, ...rest);
  };
}

/** The name a field was written with: the older one where only that is there. */
function writtenAs(object: Json | undefined, name: string, names: Readonly<Record<string, string>>): string {
  const older = own(names, name);
  return older !== undefined && isObject(object) && !Object.hasOwn(object, name) && Object.hasOwn(object, older) ? older : name;
}
