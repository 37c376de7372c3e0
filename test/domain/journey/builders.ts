/** A valid template that a test changes in the one thing it is about, and what it is judged by. */
import { createGuards } from '../../../domain/journey/guard.js';
import { templateShape } from '../../../domain/journey/schema.js';
import type { ActionSpec } from '../../../domain/journey/scope.js';
import type { Step } from '../../../domain/journey/step.js';
import { validate } from '../../../domain/journey/validate.js';
import type { Surroundings } from '../../../domain/journey/validate.js';

export const done: Step = { kind: 'end', outcome: 'done', result: 'won' };
export const lost: Step = { kind: 'end', outcome: 'gone', result: 'lost' };

/** Goes from its first step to wherever that leads; the `done` it can go to is there unless a test has its own. */
export const aTemplate = (steps: Record<string, unknown> = {}, changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  key: 'sample',
  name: 'Sample',
  category: 'custom',
  subject: { type: 'customer', id: 'input.customerId' },
  input: { type: 'object', properties: { customerId: { type: 'string' } } },
  start: Object.keys(steps)[0] ?? 'done',
  steps: { ...steps, done },
  ...changes,
});

export const guards = createGuards();

const actions = new Map<string, ActionSpec>([
  [
    'crm.qualify@1',
    {
      input: {},
      output: {
        type: 'object',
        properties: { score: { type: 'number' }, ok: { type: 'boolean' } },
      },
    },
  ],
  ['crm.qualify@2', {}],
  [
    'crm.convert@1',
    {
      input: {
        type: 'object',
        properties: { leadId: { type: 'string' }, score: { type: 'number' } },
        required: ['leadId'],
        additionalProperties: false,
      },
    },
  ],
  ['billing.charge@1', { effect: 'once' }],
  ['billing.refund@1', { effect: 'idempotent' }],
]);

/** Everything that is known around a template in these tests. */
export const surroundings = (changes: Partial<Surroundings> = {}): Surroundings => ({
  shape: templateShape,
  guards,
  actions,
  isZone: (zone) => ['UTC', 'Europe/Berlin'].includes(zone),
  calendars: new Set(['office']),
  roles: new Set(['admin', 'sales', 'team_lead']),
  ...changes,
});

/** What is said of a template: code, place and message of each finding, errors first. */
export function findings(template: unknown, changes: Partial<Surroundings> = {}): (readonly [string, string, string])[] {
  const { errors, warnings } = validate(template, surroundings(changes));
  return [...errors, ...warnings].map(({ code, path, message }) => [code, path, message]);
}

/** Goes on to the end. */
export const on = { transitions: [{ to: 'done' }] };
export const manual = { kind: 'manual', assign: { roles: ['sales'] }, ...on };
export const vote = {
  kind: 'approval',
  approvers: { roles: ['admin'] },
  quorum: 'any',
  within: 'P1D',
  onTimeout: 'incident',
  ...on,
};
export const handoff = {
  kind: 'handoff',
  from: 'crm',
  to: 'field-ops',
  mode: 'automatic',
  ...on,
};
export const call = { kind: 'automated', action: 'crm.qualify@1', ...on };
export const wait = { kind: 'wait', for: 'P1D', ...on };

export const number = { schema: { type: 'number' } };
export const score = { context: { score: number } };
/** Loops are meant. */
export const limits = { limits: { maxVisitsPerStep: 9 } };

/** So many steps in a row. */
export const chain = (count: number, step: object): Record<string, unknown> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`s${n}`, { ...step, transitions: [{ to: n === count - 1 ? 'done' : `s${n + 1}` }] }]),
  );

export const decide = (...transitions: unknown[]): Record<string, unknown> =>
  aTemplate({ choose: { kind: 'decision', transitions } }, score);
export const when = (guard: unknown): Record<string, unknown> => aTemplate({ one: { ...wait, when: guard } }, score);
/** Two branches, joined. */
export const block = (changes: Record<string, unknown>, more: Record<string, unknown> = {}): Record<string, unknown> =>
  aTemplate({
    split: { kind: 'parallel', branches: ['left', 'right'], ...on, ...changes },
    left: { ...wait, transitions: [{ to: '$join' }] },
    right: { ...wait, transitions: [{ to: '$join' }] },
    ...more,
  });

export const input = (
  properties: Record<string, unknown>,
  required: string[] = [],
  more: Record<string, unknown> = {},
): Record<string, unknown> =>
  aTemplate(
    {},
    {
      input: {
        type: 'object',
        properties: { customerId: { type: 'string' }, ...properties },
        required,
      },
      ...more,
    },
  );
/** After a version 7. */
export const previous = (template: unknown): Partial<Surroundings> => ({
  previous: { template, version: 7 },
});

/** The smallest template that earns a code, and what is said of it. */
export type Fault = [
  code: string,
  what: string,
  template: unknown,
  path: string,
  message: RegExp | string,
  changes?: Partial<Surroundings>,
];
