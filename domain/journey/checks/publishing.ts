/** Against the version published before: J080, J081. */
import { canonicalForm } from '../author.js';
import { found } from '../diagnostic.js';
import type { Diagnostic } from '../diagnostic.js';
import { canonical, own, pointer } from '../json.js';
import { typesOf } from '../json-schema.js';
import type { JsonSchema } from '../json-schema.js';
import type { JourneyTemplate } from '../template.js';
import type { Case } from './case.js';

/** The version a draft would follow. */
export interface Previous {
  readonly template: JourneyTemplate;
  /** Null where nobody knows the number. */
  readonly version: number | null;
}

const nameOf = ({ version }: Previous): string => (version === null ? 'the version before' : `version ${version}`);

/** J080. */
export const unchanged = ({ template }: Case, previous: Previous): Diagnostic[] =>
  canonicalForm(template) === canonicalForm(previous.template) ? [found('J080', '', `nothing changed since ${nameOf(previous)}`)] : [];

/** What a template takes that declares nothing. */
const noFields: JsonSchema = { type: 'object', properties: {} };

/** J081. */
export function stricterInput({ template }: Case, previous: Previous): Diagnostic[] {
  const changes = stricter(previous.template.input ?? noFields, template.input ?? noFields, '/input', null);
  return changes.map(({ path, field, message }) => {
    const isFed = field !== null && (template.triggers ?? []).some(({ map = {} }) => Object.hasOwn(map, field));
    return found(
      'J081',
      path,
      `${message}; callers of ${nameOf(previous)} ${message.endsWith('required') ? 'do not send it' : 'may send something else'}`,
      {
        severity: isFed ? 'error' : 'warning',
      },
    );
  });
}

interface Change {
  readonly path: string;
  /** The field of the input that it is about; null: the input as a whole. */
  readonly field: string | null;
  readonly message: string;
}

/** Where a declaration lets through less than before. */
function stricter(before: JsonSchema, after: JsonSchema, path: string, field: string | null): Change[] {
  const name = field === null ? 'the input' : `\`${field}\``;
  const change = (at: string, message: string, about = field): Change => ({ path: at, field: about, message });
  const changes: Change[] = [];
  const types = typesOf(after);
  const gone = typesOf(before).filter((type) => !types.includes(type) && !(type === 'integer' && types.includes('number')));
  if (gone.length > 0) changes.push(change(`${path}/type`, `${name} may no longer be ${gone.join(' or ')}`));
  for (const one of (after.required ?? []).filter((key) => before.required?.includes(key) !== true)) {
    changes.push(change(`${path}/required`, `\`${field === null ? one : `${field}.${one}`}\` became required`, field ?? one));
  }
  changes.push(...fewerValues(before, after).map((message) => change(path, `${name} ${message}`)));
  if (before.additionalProperties !== false && after.additionalProperties === false) {
    changes.push(change(`${path}/additionalProperties`, `${name} takes no other fields any more`));
  }
  for (const [key, schema] of Object.entries(after.properties ?? {})) {
    const old = own(before.properties ?? {}, key);
    if (old !== undefined) changes.push(...stricter(old, schema, `${path}/properties${pointer(key)}`, field ?? key));
  }
  if (before.items !== undefined && after.items !== undefined) changes.push(...stricter(before.items, after.items, `${path}/items`, field));
  return changes;
}

const lower = ['minimum', 'minLength', 'minItems'] as const;
const upper = ['maximum', 'maxLength', 'maxItems'] as const;

/** The values a declaration lists, in their one spelling; null where it lists none. */
const listed = (schema: JsonSchema): readonly string[] | null =>
  (schema.const === undefined ? schema.enum : [schema.const])?.map(canonical) ?? null;

function fewerValues(before: JsonSchema, after: JsonSchema): string[] {
  const now = listed(after);
  const old = listed(before);
  const isNarrower = now !== null && (old === null || old.some((value) => !now.includes(value)));
  return [
    ...(isNarrower ? ['takes fewer values'] : []),
    ...lower.flatMap((bound) => ((after[bound] ?? -Infinity) > (before[bound] ?? -Infinity) ? [`has a higher ${bound}`] : [])),
    ...upper.flatMap((bound) => ((after[bound] ?? Infinity) < (before[bound] ?? Infinity) ? [`has a lower ${bound}`] : [])),
  ];
}
