/** Answers of packages on their way into a journey. */
import type { JsonObject } from '../../domain/journey/json.js';
import type { JsonSchema } from '../../domain/journey/json-schema.js';

export { contentIdsIn, withContents, withoutTexts } from '../../domain/journey/texts.js';
export type { Kept } from '../../domain/journey/texts.js';

/** The declared members of an answer: what a package says besides is nobody's business. */
export const declaredOf = (answer: JsonObject, { properties }: JsonSchema): JsonObject =>
  properties === undefined ? answer : Object.fromEntries(Object.entries(answer).filter(([key]) => Object.hasOwn(properties, key)));
