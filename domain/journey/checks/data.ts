/** What flows where: J023 and J027 of mappings, J056, and values that do not fit their own declaration. */
import { closest } from '../closest.js';
import { found } from '../diagnostic.js';
import type { Diagnostic } from '../diagnostic.js';
import { own, pointer } from '../json.js';
import type { Json } from '../json.js';
import { typesOf, valueFaults } from '../json-schema.js';
import { itemRoot, parsePath, pathOf } from '../path.js';
import type { JourneyTemplate, Variable } from '../template.js';
import { typesFor } from './case.js';
import type { Case } from './case.js';
import { pathsOf } from './paths.js';

/** J023 of mappings, matches and other paths, and of variables that nobody declares. */
export function unknownPaths(scene: Case): Diagnostic[] {
  const { template, bodies, isLost } = scene;
  const variables = Object.keys(template.context ?? {});
  const undeclared = (name: string, path: string): Diagnostic[] => {
    if (Object.hasOwn(template.context ?? {}, name) || isLost(pointer('context', name))) return [];
    const near = closest(name, variables);
    const advice = near === null ? '' : `; closest is \`${near}\``;
    return [found('J023', path, `\`${name}\` is not a variable of the context${advice}`)];
  };
  return [
    ...pathsOf(scene).flatMap(({ path, text, isItem, isShort, into }) => {
      if (isLost(path)) return [];
      const segments = parsePath(text, [itemRoot]) ?? (isShort ? ['input', text] : null);
      const target = into === null ? [] : undeclared(into, path);
      if (segments === null)
        return [
          ...target,
          found('J023', path, `\`${text}\` is not a path`, {
            fix: 'Begin with input, context, steps, subject, event, journey or now.',
          }),
        ];
      const isKnown = typesFor(scene, isItem)(segments).kind !== 'unknown';
      return isKnown ? target : [...target, found('J023', path, `\`${pathOf(segments)}\` is not declared`)];
    }),
    ...bodies.flatMap(({ body, at }) =>
      (body.catch ?? []).flatMap(({ as }, index) => (as === undefined ? [] : undeclared(as, at('catch', index, 'as')))),
    ),
  ];
}

/** J027. */
export function unsafeMappings(scene: Case): Diagnostic[] {
  const { template, bodies } = scene;
  const variable = (name: string): Variable | undefined => own(template.context ?? {}, name);
  const constant = (name: string, path: string): Diagnostic[] => {
    const declared = variable(name);
    if (declared === undefined || !isConstant(declared)) return [];
    return [found('J027', path, `\`${name}\` is a constant and may not be overwritten`)];
  };
  return [
    ...pathsOf(scene).flatMap(({ path, text, into }) => {
      if (into === null) return [];
      const source = personal(text, template);
      const leak = source !== null && variable(into)?.pii !== true;
      return [...constant(into, path), ...(leak ? [found('J027', path, `\`${source}\` is pii but is mapped into \`${into}\``)] : [])];
    }),
    ...bodies.flatMap(({ body, at }) => [
      ...(body.catch ?? []).flatMap(({ as }, index) => (as === undefined ? [] : constant(as, at('catch', index, 'as')))),
      ...(body.kind === 'manual'
        ? Object.keys(body.form?.properties ?? {}).flatMap((name) => constant(name, at('form', 'properties', name)))
        : []),
    ]),
    ...Object.keys(template.input?.properties ?? {}).flatMap((name) => constant(name, pointer('input', 'properties', name))),
  ];
}

/** `const: true` beside a default marks the default, unless truth is what the variable holds. */
const isConstant = ({ const: value, schema }: Variable): boolean =>
  value !== undefined && (value !== false || typesOf(schema).includes('boolean'));

/** The personal variable a path reads: by its own name, or as the input or form field that fills it. */
function personal(text: string, { context = {} }: JourneyTemplate): string | null {
  const [root, first, second, third] = parsePath(text) ?? [];
  const name = root === 'steps' && second === 'output' ? third : root === 'context' || root === 'input' ? first : undefined;
  return name !== undefined && own(context, String(name))?.pii === true ? String(name) : null;
}

/** J056. */
export function undeclaredData({ template: { context = {} }, bodies, isLost }: Case): Diagnostic[] {
  return bodies.flatMap(({ body, at }) =>
    body.kind !== 'handoff'
      ? []
      : (body.requiredData ?? []).flatMap((name, index) =>
          Object.hasOwn(context, name) || isLost(pointer('context', name))
            ? []
            : [found('J056', at('requiredData', index), `\`${name}\` is not part of the context${nearest(name, Object.keys(context))}`)],
        ),
  );
}

const nearest = (name: string, known: readonly string[]): string => {
  const near = closest(name, known);
  return near === null ? '' : `; closest is \`${near}\``;
};

/** J001 of defaults and constants that their own declaration refuses. */
export const wrongValues = ({ template: { context = {} } }: Case): Diagnostic[] =>
  Object.entries(context).flatMap(([name, { schema, default: initial, const: fixed }]) => {
    const isMark = typeof fixed === 'boolean' && !typesOf(schema).includes('boolean');
    const values: readonly (readonly [string, Json | undefined])[] = [
      ['default', initial],
      ['const', isMark ? undefined : fixed],
    ];
    return values.flatMap(([field, value]) =>
      value === undefined
        ? []
        : valueFaults(schema, value).map(({ path, rule }) =>
            found('J001', pointer('context', name, field) + path, `\`${name}.${field}\` ${rule}`),
          ),
    );
  });
