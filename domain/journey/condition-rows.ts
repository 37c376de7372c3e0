/** Rows of a condition builder, written as an expression. Source: journeys.md, section 3, the seed form. */
import { isList } from './json.js';
import type { Json } from './json.js';
import { namesOf, pathOf, roots } from './path.js';
import type { ConditionRow, Guard } from './step.js';

/** Where a bare field name is looked up: in triggers the subject, in steps the context. */
export type RowRoot = 'subject' | 'context';

/** The expression of a guard; rows are joined by AND. */
export const guardText = (guard: Guard, root: RowRoot): string =>
  typeof guard === 'string' ? guard : guard.map((row) => rowText(row, root)).join(' && ');

function rowText({ field, operator, value = null }: ConditionRow, root: RowRoot): string {
  const path = fieldText(field, root);
  const literal = literalText(value);
  switch (operator) {
    case 'equals':
      return `${path} == ${literal}`;
    case 'not_equals':
      return `${path} != ${literal}`;
    case 'greater_than':
      return `${path} > ${literal}`;
    case 'greater_than_or_equal':
      return `${path} >= ${literal}`;
    case 'less_than':
      return `${path} < ${literal}`;
    case 'less_than_or_equal':
      return `${path} <= ${literal}`;
    case 'in':
      return `${path} in ${literal}`;
    case 'not_in':
      return `!(${path} in ${literal})`;
    case 'contains':
      return `${path}.contains(${literal})`;
    case 'starts_with':
      return `${path}.startsWith(${literal})`;
    case 'ends_with':
      return `${path}.endsWith(${literal})`;
    case 'exists':
      return `has(${path})`;
    case 'not_exists':
      return `!has(${path})`;
  }
}

/** A field that begins with no root is looked up in the one that rows of this place mean. */
function fieldText(field: string, root: RowRoot): string {
  const segments = namesOf(field);
  const first = segments[0];
  return pathOf(typeof first === 'string' && roots.includes(first) && segments.length > 1 ? segments : [root, ...segments]);
}

/** Numbers keep a decimal point, as they are doubles. */
function literalText(value: Json): string {
  if (isList(value)) return `[${value.map(literalText).join(', ')}]`;
  if (typeof value === 'number' && Number.isInteger(value)) return value.toFixed(1);
  return JSON.stringify(value);
}
