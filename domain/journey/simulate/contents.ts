/** Texts and personal values of a run, which journeys know by their id alone. */
import { asContentId } from '../../ids.js';
import type { ContentId } from '../../ids.js';
import { isObject, pointer } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import type { JsonSchema } from '../json-schema.js';
import { withContents, withoutTexts } from '../texts.js';
import type { KeptText } from '../texts.js';

export class Contents {
  private readonly values = new Map<string, Json>();

  keep(value: Json): ContentId {
    const id = `content-${this.values.size + 1}`;
    this.values.set(id, value);
    return asContentId(id);
  }

  keepAll(texts: readonly KeptText[]): void {
    for (const { id, text } of texts) this.values.set(id, text);
  }

  /** Values as a journey may hold them. */
  without(values: JsonObject, schema: JsonSchema, personal: readonly string[]): JsonObject {
    const places = new Set(personal.map((name) => pointer(name)));
    const { value, texts } = withoutTexts(
      values,
      schema,
      (path) => `content-${this.values.size + 1}${path}`,
      (path) => places.has(path),
    );
    this.keepAll(texts);
    return isObject(value) ? value : {};
  }

  /** Values as their readers see them. */
  behind(value: Json): Json {
    return withContents(value, this.values);
  }

  allBehind(values: Readonly<Record<string, Json>>): JsonObject {
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, this.behind(value)]));
  }
}
