/** Shapes that depend on more than one field: J001. */
import { found } from '../diagnostic.js';
import type { Diagnostic } from '../diagnostic.js';
import { pointer } from '../json.js';
import { guardsOf } from '../places.js';
import type { ConditionRow, Guard } from '../step.js';
import type { TriggerKind } from '../template.js';
import type { Case } from './case.js';

/** What a trigger of each kind cannot do without. */
const needed: Readonly<Record<TriggerKind, 'type' | 'when' | 'rrule' | null>> = {
  event: 'type',
  condition: 'when',
  schedule: 'rrule',
  journey: 'type',
  manual: null,
};

/** J001. */
export const incompleteParts = (scene: Case): Diagnostic[] => [
  ...triggers(scene),
  ...entry(scene),
  ...waits(scene),
  ...gates(scene),
  ...defaults(scene),
  ...rows(scene),
];

const triggers = ({ template, isLost }: Case): Diagnostic[] =>
  (template.triggers ?? []).flatMap((trigger, index) => {
    const field = needed[trigger.kind];
    if (field === null || trigger[field] !== undefined || isLost('/triggers')) return [];
    return [found('J001', pointer('triggers', index), `trigger \`${trigger.id}\` of kind ${trigger.kind} must have \`${field}\``)];
  });

const entry = ({ template: { entry: rules = {} } }: Case): Diagnostic[] =>
  rules.concurrency === 'one_per_key' && rules.key === undefined ? [found('J001', '/entry', '`one_per_key` must have `key`')] : [];

const causes = ['for', 'until', 'event', 'condition'] as const;

const waits = ({ bodies, isLost }: Case): Diagnostic[] =>
  bodies.flatMap(({ id, body, at }) => {
    if (body.kind !== 'wait' || isLost(at())) return [];
    const given = causes.filter((cause) => body[cause] !== undefined);
    return [
      ...(given.length === 1
        ? []
        : [found('J001', at(), `\`${id}\` must have exactly one of ${causes.join(', ')} (got ${given.join(', ') || 'none'})`)]),
      ...(body.offset === undefined || body.until !== undefined
        ? []
        : [found('J001', at('offset'), `\`offset\` of \`${id}\` goes with \`until\` only`)]),
    ];
  });

const gates = ({ bodies, isLost }: Case): Diagnostic[] =>
  bodies.flatMap(({ id, body, at }) =>
    body.kind === 'handoff' && body.mode === 'approve' && body.approval === undefined && !isLost(at())
      ? [found('J001', at(), `\`${id}\` of mode approve must have \`approval\``)]
      : [],
  );

const defaults = ({ template }: Case): Diagnostic[] =>
  Object.entries(template.steps).flatMap(([id, { transitions = [] }]) =>
    transitions.flatMap((transition, index) =>
      transition.default === true && (transition.when !== undefined || transition.outcome !== undefined)
        ? [found('J001', pointer('steps', id, 'transitions', index), `a default of \`${id}\` must have neither \`when\` nor \`outcome\``)]
        : [],
    ),
  );

const rows = ({ template }: Case): Diagnostic[] =>
  guardsOf(template).flatMap(({ guard, path }) =>
    typeof guard === 'string'
      ? []
      : guard.flatMap((row, index) => {
          const lack = lackOf(row);
          return lack === null ? [] : [found('J001', path + pointer(index), `\`${row.operator}\` must have ${lack}`)];
        }),
  );

/** What a row misses to be read; null: nothing. */
function lackOf({ operator, value }: ConditionRow): string | null {
  if (operator === 'exists' || operator === 'not_exists') return null;
  const isMany = operator === 'in' || operator === 'not_in';
  if (value !== undefined && isMany === (typeof value === 'object' && value !== null)) return null;
  return isMany ? 'a list as `value`' : 'a single `value`';
}

/** Whether a guard can be read at all. */
export const isReadable = (guard: Guard): boolean => typeof guard === 'string' || guard.every((row) => lackOf(row) === null);
