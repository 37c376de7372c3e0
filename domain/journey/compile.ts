/** The compiled form of a template: what an instance carries in its history. Source: journeys.md, sections 1 and 2. */
import { minute } from '../time.js';
import { guardText } from './condition-rows.js';
import { durationMs } from './duration.js';
import { isList, isObject, plainJson, pointer } from './json.js';
import type { Json } from './json.js';
import { durationsOf, guardsOf } from './places.js';
import type { JourneyTemplate } from './template.js';

/** Guards are expressions and durations milliseconds; names, labels and texts for readers are gone. */
export interface CompiledTemplate extends Omit<JourneyTemplate<string, number>, 'name' | 'description' | 'schemaVersion'> {
  /** How the form is to be read; a change of its meaning raises the number. */
  readonly irVersion: 1;
}

/** Compiles a template that `validate` finds no error in. */
export function compile(template: JourneyTemplate): CompiledTemplate {
  const values = new Map<string, Json>([
    ...durationsOf(template).map(({ path, text }) => [path, msOf(text)] as const),
    ...guardsOf(template).map(({ path, guard, root }) => [path, guardText(guard, root)] as const),
  ]);
  const copy = (value: Json, path: string): Json => {
    const instead = values.get(path);
    if (instead !== undefined) return instead;
    if (isList(value)) return value.map((item, index) => copy(item, `${path}/${index}`));
    if (!isObject(value)) return value;
    const members = Object.entries(value).map(([key, member]) => [key, member, path + pointer(key)] as const);
    return Object.fromEntries(members.flatMap(([key, member, at]) => (isForReaders(key, at) ? [] : [[key, copy(member, at)] as const])));
  };
  return compiledForm({ irVersion: 1, members: copy(plainJson(template).value, '') });
}

/** A number is minutes; what is no duration stays as it is, for its size alone. */
const msOf = (text: string | number): Json => (typeof text === 'number' ? text * minute : (durationMs(text) ?? text));

const forReaders = [
  /^\/(?:name|description|schemaVersion)$/,
  /^\/(?:stages|triggers)\/\d+\/name$/,
  /^\/steps\/[^/]+\/(?:name|transitions\/\d+\/label)$/,
  /^\/steps\/[^/]+(?:\/do)?\/requires\/\d+\/message$/,
  /^\/(?:input|context\/[^/]+\/schema|steps\/[^/]+(?:\/do)?\/(?:form|requires\/\d+\/schema))(?:\/properties\/[^/]+|\/items|\/additionalProperties)*\/(?:title|description)$/,
];
const words: readonly string[] = ['name', 'description', 'schemaVersion', 'label', 'message', 'title'];
const isForReaders = (key: string, path: string): boolean => words.includes(key) && forReaders.some((pattern) => pattern.test(path));

/** The places list every guard and every duration of the types, so that only compiled ones are left. */
const compiledForm = ({ irVersion, members }: { readonly irVersion: 1; readonly members: Json }): CompiledTemplate =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  ({ irVersion, ...(members as object) }) as CompiledTemplate;

/** Bytes of the compiled form as JSON in UTF-8; a pair of surrogates has four. */
export function compiledBytes(template: JourneyTemplate): number {
  const text = JSON.stringify(compile(template));
  let bytes = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    const isSurrogate = unit >= 0xd800 && unit < 0xe000;
    bytes += unit < 0x80 ? 1 : unit < 0x800 || isSurrogate ? 2 : 3;
  }
  return bytes;
}
