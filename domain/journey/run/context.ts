/** The variables of a journey: which there are, who may change them, how much they may hold. Source: journeys.md, sections 1 and 3. */
import { refused } from '../../decision.js';
import type { Refused } from '../../decision.js';
import { isObject, own, pointer } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import { typesOf, valueFaults } from '../json-schema.js';
import type { Mapping } from '../step.js';
import type { Variable } from '../template.js';
import { isReference } from './data.js';
import type { Plan } from './plan.js';

/** Bytes of all variables as JSON in UTF-8, and of what one step leaves behind. */
export const mostBytes = 16 * 1_024;

export const variable = ({ template }: Plan, name: string): Variable | undefined => own(template.context ?? {}, name);

/** `const: true` beside a default marks the default, unless truth is what the variable holds. */
function fixedValue({ const: fixed, default: initial, schema }: Variable): Json | undefined {
  const isMark = typeof fixed === 'boolean' && !typesOf(schema).includes('boolean');
  return isMark ? (fixed ? initial : undefined) : fixed;
}

const isFixed = (plan: Plan, name: string): boolean => {
  const declared = variable(plan, name);
  return declared !== undefined && fixedValue(declared) !== undefined;
};

/** Constants, defaults, and input fields that have a variable's name. */
export function initialContext(plan: Plan, input: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(plan.template.context ?? {}).flatMap(([name, declared]) => {
      const value = fixedValue(declared) ?? own(input, name) ?? declared.default;
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

/** Members of an object that fill a variable of their name. */
export const filling = (plan: Plan, values: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(values).filter(([name]) => variable(plan, name) !== undefined && !isFixed(plan, name)));

/** Targets of a mapping, or members of an object, that are personal. */
export const personal = (plan: Plan, names: readonly string[]): readonly string[] =>
  names.filter((name) => variable(plan, name)?.pii === true);

/** Members of a step's output that end up in a personal variable. */
export function personalOutput(plan: Plan, step: string, output: Mapping): readonly string[] {
  return Object.entries(output).flatMap(([name, path]) => {
    const member = path.startsWith(`steps.${step}.output.`) ? path.slice(`steps.${step}.output.`.length).split(/[.[]/)[0] : undefined;
    return member !== undefined && variable(plan, name)?.pii === true ? [member] : [];
  });
}

export type ContextFault = {
  readonly code: 'unknown_variable' | 'context_invalid' | 'context_too_large';
  readonly paths: readonly string[];
};

/**
 * Variables with some of them changed; null clears one.
 *
 * @param strict for what callers send: a personal value has to be a reference, and a constant is a fault instead of being left alone
 */
export function changed(
  plan: Plan,
  context: JsonObject,
  changes: JsonObject,
  strict: boolean,
): { readonly ok: true; readonly context: JsonObject; readonly names: readonly string[] } | ({ readonly ok: false } & ContextFault) {
  const entries = Object.entries(changes);
  const unknown = entries.flatMap(([name]) => (variable(plan, name) === undefined ? [pointer(name)] : []));
  if (unknown.length > 0) return { ok: false, code: 'unknown_variable', paths: unknown };
  const wrong = entries.flatMap(([name, value]) => faultsOf(plan, name, value, strict));
  if (wrong.length > 0) return { ok: false, code: 'context_invalid', paths: wrong };
  const open = entries.filter(([name, value]) => !isFixed(plan, name) && !isSame(own(context, name), value));
  const cleared = open.flatMap(([name, value]) => (value === null && !allowsNull(plan, name) ? [name] : []));
  const all = Object.entries({ ...context, ...Object.fromEntries(open) }).filter(([name]) => !cleared.includes(name));
  const next = Object.fromEntries(all);
  if (bytesOf(next) > mostBytes) return { ok: false, code: 'context_too_large', paths: entries.map(([name]) => pointer(name)) };
  return { ok: true, context: next, names: open.map(([name]) => name) };
}

function faultsOf(plan: Plan, name: string, value: Json, strict: boolean): readonly string[] {
  const declared = variable(plan, name);
  if (declared === undefined) return [];
  if (isFixed(plan, name)) return strict ? [`${pointer(name)} is a constant`] : [];
  if (value === null || isReference(value)) return [];
  if (declared.pii === true && strict) return [`${pointer(name)} must be a reference to a text`];
  // A personal value is a text elsewhere; what it may look like is checked there.
  if (declared.pii === true) return [];
  return valueFaults(declared.schema, value, pointer(name)).map(({ path, rule }) => `${path} ${rule}`);
}

const allowsNull = (plan: Plan, name: string): boolean => {
  const declared = variable(plan, name);
  return declared !== undefined && typesOf(declared.schema).includes('null') && declared.schema.type !== undefined;
};

const isSame = (one: Json | undefined, other: Json): boolean => one !== undefined && JSON.stringify(one) === JSON.stringify(other);

/** The fault as a refusal. */
export const contextRefused = ({ code, paths }: ContextFault): Refused<ContextFault['code']> => refused(code, { paths });

/** What a merge patch makes of the variables it names; a reference is replaced as a whole. Source: RFC 7396. */
export const merged = (context: JsonObject, patch: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(patch).map(([name, value]) => [name, mergeOne(own(context, name), value)]));

function mergeOne(before: Json | undefined, patch: Json): Json {
  if (!isObject(patch) || isReference(patch)) return patch;
  const base = isObject(before) && !isReference(before) ? before : {};
  const members = Object.entries(patch).map(([key, value]) => [key, value === null ? null : mergeOne(own(base, key), value)] as const);
  const rest = Object.entries(base).filter(([key]) => !Object.hasOwn(patch, key));
  return Object.fromEntries([...rest, ...members.filter(([, value]) => value !== null)]);
}

/** Bytes of a value as JSON in UTF-8; a pair of surrogates has four. */
export function bytesOf(value: Json): number {
  const text = JSON.stringify(value);
  let bytes = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    const isSurrogate = unit >= 0xd800 && unit < 0xe000;
    bytes += unit < 0x80 ? 1 : unit < 0x800 || isSurrogate ? 2 : 3;
  }
  return bytes;
}
