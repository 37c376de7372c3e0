/** Names and sizes: J003, J004, J005. */
import { found } from '../diagnostic.js';
import type { Diagnostic } from '../diagnostic.js';
import { pointer } from '../json.js';
import type { JsonSchema } from '../json-schema.js';
import { roots } from '../path.js';
import type { JourneyTemplate } from '../template.js';
import type { Case } from './case.js';

const idPattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const prototypeNames: readonly string[] = ['__proto__', 'prototype', ...Object.getOwnPropertyNames(Object.prototype)];

interface Named {
  readonly what: string;
  readonly id: string;
  readonly path: string;
}

const listed = (what: string, field: string, items: readonly { readonly id: string }[]): Named[] =>
  items.map(({ id }, index) => ({ what, id, path: `${field}${pointer(index, 'id')}` }));
const keyed = (what: string, field: string, record: object): Named[] =>
  Object.keys(record).map((id) => ({ what, id, path: `${field}${pointer(id)}` }));

/** Every id of a template, with lists of those that must differ. */
function namesOf({ template, bodies }: Case): readonly (readonly Named[])[] {
  const { key, steps, context = {}, stages = [], triggers = [], exits = [], goals = [] } = template;
  return [
    [{ what: 'template key', id: key, path: '/key' }],
    keyed('step id', '/steps', steps),
    keyed('variable', '/context', context),
    listed('stage id', '/stages', stages),
    listed('trigger id', '/triggers', triggers),
    listed('exit id', '/exits', exits),
    listed('goal id', '/goals', goals),
    ...bodies.map(({ body, at }) => (body.kind === 'experiment' ? listed('variant id', at('variants'), body.variants) : [])),
  ];
}

/** J003. */
export const wrongIds = (scene: Case): Diagnostic[] => [
  ...namesOf(scene)
    .flat()
    .flatMap(({ what, id, path }) => {
      if (prototypeNames.includes(id)) return [found('J003', path, `${what} \`${id}\` is a name that objects keep for themselves`)];
      if (roots.includes(id))
        return [found('J003', path, `${what} \`${id}\` is a name that paths begin with`, { fix: 'Choose another name.' })];
      return idPattern.test(id)
        ? []
        : [found('J003', path, `${what} \`${id}\` may hold letters, digits, \`_\`, \`-\` (max 64) and begins with a letter`)];
    }),
  ...schemasOf(scene).flatMap(([path, schema]) => wrongFields(schema, path)),
];

/** Declarations whose field names become paths. */
function schemasOf({ template, bodies }: Case): (readonly [string, JsonSchema])[] {
  const { input, context = {} } = template;
  return [
    ...(input === undefined ? [] : [['/input', input] as const]),
    ...Object.entries(context).map(([name, { schema }]) => [pointer('context', name, 'schema'), schema] as const),
    ...bodies.flatMap(({ body, at }) => (body.kind === 'manual' && body.form !== undefined ? [[at('form'), body.form] as const] : [])),
  ];
}

function wrongFields({ properties = {}, items, additionalProperties }: JsonSchema, path: string): Diagnostic[] {
  const more = typeof additionalProperties === 'object' ? wrongFields(additionalProperties, `${path}/additionalProperties`) : [];
  return [
    ...Object.entries(properties).flatMap(([name, schema]) => {
      const at = path + pointer('properties', name);
      const own = prototypeNames.includes(name) ? [found('J003', at, `field \`${name}\` is a name that objects keep for themselves`)] : [];
      return [...own, ...wrongFields(schema, at)];
    }),
    ...(items === undefined ? [] : wrongFields(items, `${path}/items`)),
    ...more,
  ];
}

/** J004, in lists; where ids are keys, JSON itself lets only one through. */
export const repeatedIds = (scene: Case): Diagnostic[] =>
  namesOf(scene).flatMap((names) => {
    const seen = new Set<string>();
    return names.flatMap(({ what, id, path }) => {
      if (seen.has(id)) return [found('J004', path, `two ${plural(what)} are \`${id}\``)];
      seen.add(id);
      return [];
    });
  });

const plural = (what: string): string => what.replace(/ id$/, ' ids');

const most = { steps: 500, bytes: 64 * 1024 } as const;

/** J005 of steps. */
export function tooManySteps({ steps }: JourneyTemplate): Diagnostic[] {
  const count = Object.keys(steps).length;
  return count > most.steps ? [found('J005', '/steps', `the template has ${count} steps; the limit is ${most.steps}`)] : [];
}

/** J005 of the compiled form. */
export const oversize = ({ bytes }: Pick<Case, 'bytes'>): Diagnostic[] =>
  bytes > most.bytes ? [found('J005', '', `compiled template is ${Math.ceil(bytes / 1024)} KiB; the limit is 64 KiB`)] : [];

/** So far over the limit that nothing else is worth the time. */
export const isHuge = (bytes: number): boolean => bytes > 4 * most.bytes;
