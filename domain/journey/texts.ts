/** Texts on their way in and out of a journey, which holds only their content ids. Source: journeys.md, section 1. */
import { contentRef, idPattern } from './action.js';
import { isList, isObject, own, pointer } from './json.js';
import type { Json } from './json.js';
import type { JsonSchema } from './json-schema.js';

/** Every content id in a value. */
export function contentIdsIn(value: Json): string[] {
  const id = contentRef(value);
  if (id !== null) return [id];
  if (isList(value)) return value.flatMap(contentIdsIn);
  return isObject(value) ? Object.values(value).flatMap(contentIdsIn) : [];
}

/** A value with its content ids replaced by what lies behind them. */
export function withContents(value: Json, contents: ReadonlyMap<string, Json>): Json {
  const id = contentRef(value);
  if (id !== null) return contents.get(id) ?? null;
  if (isList(value)) return value.map((item) => withContents(item, contents));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withContents(member, contents)]));
}

/** A value to be stored as content; what is no text is personal. */
export interface KeptText {
  readonly id: string;
  readonly text: Json;
}

export interface Kept {
  readonly value: Json;
  readonly texts: readonly KeptText[];
  /** Places that are declared as ids and are none. */
  readonly noIds: readonly string[];
}

/**
 * What of a value may travel through Temporal: numbers, truths, enums and ids as they are, every other text by the id of a content row.
 *
 * @param idOf the id of the text at a place, the same for every attempt
 * @param isPersonal members whose values are kept whatever they are
 */
export function withoutTexts(
  value: Json,
  schema: JsonSchema,
  idOf: (path: string) => string,
  isPersonal: (path: string) => boolean = () => false,
): Kept {
  const texts: KeptText[] = [];
  const noIds: string[] = [];
  const away = (text: Json, path: string): Json => {
    const id = idOf(path);
    texts.push({ id, text });
    return { $ref: id };
  };
  const keep = (
    at: Json,
    { enum: values, const: fixed, format, items, properties, additionalProperties: others }: JsonSchema,
    path: string,
  ): Json => {
    if (at !== null && isPersonal(path)) return away(at, path);
    if (isList(at)) return at.map((item, index) => keep(item, items ?? {}, path + pointer(index)));
    if (isObject(at)) {
      const rest = typeof others === 'object' ? others : {};
      return Object.fromEntries(
        Object.entries(at).map(([key, member]) => [key, keep(member, own(properties ?? {}, key) ?? rest, path + pointer(key))]),
      );
    }
    if (typeof at !== 'string' || values !== undefined || fixed !== undefined) return at;
    if (format === 'id' && !idPattern.test(at)) noIds.push(path);
    return format === 'id' || (format !== 'text' && idPattern.test(at)) ? at : away(at, path);
  };
  return { value: keep(value, schema, ''), texts, noIds };
}
