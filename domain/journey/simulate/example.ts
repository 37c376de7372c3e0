/** A value that a schema lets through, always the same one: what an action brings where a script does not say. Source: journeys-change.md, section 9. */
import type { Json, JsonObject } from '../json.js';
import { typesOf } from '../json-schema.js';
import type { JsonSchema } from '../json-schema.js';

export function exampleOf(schema: JsonSchema): Json {
  const { const: fixed, default: usual, enum: values = [], items = {} } = schema;
  const [listed] = values;
  const given = usual ?? fixed ?? listed;
  if (given !== undefined) return given;
  const types = typesOf(schema);
  // A schema that says nothing lets an empty object through, too.
  switch (types.includes('object') ? 'object' : types[0]) {
    case 'string':
      return 'example'.padEnd(schema.minLength ?? 0, '-').slice(0, schema.maxLength);
    case 'number':
    case 'integer':
      return numberWithin(schema);
    case 'boolean':
      return true;
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => exampleOf(items));
    case 'object':
      return membersOf(schema);
    default:
      return null;
  }
}

const numberWithin = ({ minimum, maximum }: JsonSchema): number => Math.ceil(minimum ?? Math.min(0, maximum ?? 0));

/** Every member that is declared, needed or not: a guard may read it. */
const membersOf = ({ properties = {} }: JsonSchema): JsonObject =>
  Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, exampleOf(schema)]));
