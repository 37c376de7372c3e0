/** Texts on their way into a journey: stored first, so that only their ids travel on. Source: architecture.md, "Who owns what". */
import type { Caller } from '../caller.js';
import { Refusal } from '../errors.js';
import { authorOf, contentIdOf } from '../tickets/engine.js';
import type { ContentRow } from '../../db/queries/content.js';
import { asContentId } from '../../domain/ids.js';
import type { ContentId } from '../../domain/ids.js';
import { isObject, plainJson } from '../../domain/journey/json.js';
import type { Json, JsonObject } from '../../domain/journey/json.js';
import type { JsonSchema } from '../../domain/journey/json-schema.js';
import { contentIdsIn, withoutTexts } from '../../domain/journey/texts.js';

export interface Given {
  /** What of it may travel. */
  readonly value: JsonObject;
  readonly texts: readonly ContentRow[];
}

export interface GivenAs {
  /** Names the value within its request. */
  readonly name: string;
  /** JSON pointer of the value in the body. */
  readonly pointer: string;
  readonly schema?: JsonSchema;
  /** Members, by pointer, that are kept whatever they are. */
  readonly isPersonal?: (path: string) => boolean;
}

/**
 * Takes the texts and the personal values out of what a caller sent.
 *
 * @throws Refusal `invalid_request` when it refers to a text that is stored already: whose that is, nobody has asked
 */
export function takeTexts(caller: Caller, journeyId: string, sent: unknown, { name, pointer, schema = {}, isPersonal }: GivenAs): Given {
  const { value } = plainJson(sent);
  const plain = isObject(value) ? value : {};
  if (contentIdsIn(plain).length > 0) {
    throw new Refusal('invalid_request', { errors: [{ pointer, code: 'invalid', message: 'must hold values, no references' }] });
  }
  const kept = withoutTexts(plain, schema, (path) => contentIdOf(caller, `${name}${path}`), isPersonal);
  if (kept.noIds.length > 0) {
    const message = 'must be an id: up to 128 letters, digits, _ . : and -';
    throw new Refusal('invalid_request', { errors: kept.noIds.map((path) => ({ pointer: pointer + path, code: 'invalid', message })) });
  }
  const texts = kept.texts.map(({ id, text }) => textRow(caller, journeyId, { id: asContentId(id), kind: 'variable', text }));
  return { value: isObject(kept.value) ? kept.value : {}, texts };
}

/** One text a command brings, under the same id for each repetition of the request. */
export function oneText(
  caller: Caller,
  journeyId: string,
  kind: 'reason' | 'comment',
  text: string | undefined,
): { readonly id: ContentId | undefined; readonly texts: readonly ContentRow[] } {
  if (text === undefined) return { id: undefined, texts: [] };
  const id = contentIdOf(caller, kind);
  return { id, texts: [textRow(caller, journeyId, { id, kind, text })] };
}

const textRow = (
  caller: Caller,
  journeyId: string,
  { id, kind, text }: { readonly id: ContentId; readonly kind: 'reason' | 'comment' | 'variable'; readonly text: Json },
): ContentRow => ({
  id,
  kind,
  visibility: 'internal',
  ...authorOf(caller),
  ...(typeof text === 'string' ? { body: text } : { data: { value: text } }),
  journeyId,
  commandId: caller.commandId,
});
