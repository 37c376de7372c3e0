/** What actions bring where a script does not say: what follows from their input, else an example of what they declare. */
import { isObject, own } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import type { ActionSpec } from '../scope.js';
import { exampleOf } from './example.js';

const given = (name: string, value: Json | undefined): JsonObject => (value === undefined ? {} : { [name]: value });

/** Of the actions that come with the product, what is certain. */
const certain: Readonly<Record<string, (input: JsonObject) => JsonObject>> = {
  'crm.qualify_lead@1': (input) => given('score', input['leadScore'] ?? input['qualificationScore']),
  'ticket.triage@1': ({ category, priority }) => ({ ...given('category', category), ...given('priority', priority) }),
};

/** @param action `name@major` */
export function usualResult(action: string, spec: ActionSpec | undefined, input: JsonObject): JsonObject {
  const example = exampleOf(spec?.output ?? {});
  return { ...(isObject(example) ? example : {}), ...own(certain, action)?.(input) };
}
