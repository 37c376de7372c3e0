/** The older form of templates, read as today's. Source: journeys.md, sections 3 and 4. */
import { describe, expect, test } from 'vitest';
import { compile } from '../../../domain/journey/compile.js';
import { guardText } from '../../../domain/journey/condition-rows.js';
import type { JsonObject } from '../../../domain/journey/json.js';
import { fromSeedForm } from '../../../domain/journey/seed-form.js';
import type { ConditionRow, Operator } from '../../../domain/journey/step.js';
import { validate } from '../../../domain/journey/validate.js';
import { aTemplate, findings, guards, handoff, surroundings } from './builders.js';

const step = (id: string, order: number, type: string, changes: Record<string, unknown> = {}) => ({
  id,
  name: id,
  stage: 'active_service',
  order,
  type,
  estimatedDuration: 15,
  ...changes,
});

/** As the older documentation shows it, to the letter. */
const upsell = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  id: 'custom_upsell',
  name: 'Service Upsell Journey',
  description: 'Upsell existing customers to higher service tiers',
  category: 'retention',
  steps: [
    {
      id: 'analyze_usage',
      name: 'Analyze Usage Patterns',
      stage: 'active_service',
      order: 1,
      type: 'automated',
      estimatedDuration: 30,
    },
    {
      id: 'generate_recommendation',
      name: 'Generate Upsell Recommendation',
      stage: 'active_service',
      order: 2,
      type: 'automated',
      estimatedDuration: 15,
    },
    {
      id: 'contact_customer',
      name: 'Contact Customer',
      stage: 'active_service',
      order: 3,
      type: 'manual',
      estimatedDuration: 45,
    },
  ],
  triggers: [
    {
      id: 'usage_threshold_trigger',
      name: 'High Usage Detected',
      type: 'conditional',
      conditions: [{ field: 'monthlyUsage', operator: 'greater_than', value: 80 }],
    },
  ],
  ...changes,
});

test('the upsell compiles to a chain, with the warnings of the page', () => {
  const { isValid, errors, warnings, template } = validate(upsell(), surroundings());
  expect({ isValid, errors }).toEqual({ isValid: true, errors: [] });
  expect(warnings.map(({ code, path }) => [code, path])).toEqual([
    ['J038', '/steps/0'],
    ['J038', '/steps/1'],
    ['J039', '/steps/2'],
    ['J062', '/triggers/0'],
  ]);
  if (template === null) throw new Error('no template');
  const { key, start, steps, triggers, stages, subject } = compile(template);
  expect([key, start, subject, stages]).toEqual([
    'custom_upsell',
    'analyze_usage',
    { type: 'customer', id: 'input.customerId' },
    [{ id: 'active_service', order: 1 }],
  ]);
  expect(Object.entries(steps).map(([id, { kind, transitions = [] }]) => [id, kind, ...transitions.map(({ to }) => to)])).toEqual([
    ['analyze_usage', 'automated', 'generate_recommendation'],
    ['generate_recommendation', 'automated', 'contact_customer'],
    ['contact_customer', 'manual', 'end'],
    ['end', 'end'],
  ]);
  expect(triggers).toEqual([
    { id: 'usage_threshold_trigger', kind: 'condition', when: 'subject.monthlyUsage > 80.0', map: { customerId: 'subject.id' } },
  ]);
});

test('the rows stay as they are in the template', () => {
  expect(validate(upsell(), surroundings()).template?.triggers?.[0]?.when).toEqual([
    { field: 'monthlyUsage', operator: 'greater_than', value: 80 },
  ]);
});

test.each([
  ['acquisition', { type: 'lead', id: 'input.leadId' }],
  ['support', { type: 'ticket', id: 'input.ticketId' }],
  ['custom', { type: 'customer', id: 'input.customerId' }],
])('the subject of %s', (category, subject) => {
  expect(validate(upsell({ category }), surroundings()).template?.subject).toEqual(subject);
});

test('steps go by their order, else by their place, and keep ways of their own', () => {
  const steps = [
    step('end', 3, 'manual'),
    { ...step('two', 0, 'automated'), order: undefined },
    step('one', 1, 'automated', { transitions: [{ to: 'end' }] }),
  ];
  const { template } = validate(upsell({ steps, stages: [{ id: 'active_service', name: 'Active', order: 5 }] }), surroundings());
  expect(template).toBeNull();
  const said = findings(upsell({ steps, stages: [] }));
  expect(said.map(([code, path]) => [code, path])).toContainEqual(['J070', '/steps/0/stage']);
  expect(said.map(([code, path]) => [code, path])).toContainEqual(['J012', '/steps/1']);
});

describe('faults are told where the author wrote them', () => {
  test.each<[string, Record<string, unknown>, string, string]>([
    [
      'two steps of one id',
      { steps: [step('contact', 1, 'manual'), step('contact', 2, 'manual')] },
      'J004 /steps/1/id',
      'two steps share the id `contact`',
    ],
    [
      'something that is no step',
      { steps: [step('one', 1, 'manual'), 5, { name: 'x' }] },
      'J001 /steps/1',
      '`steps.1` must be a step with an id',
    ],
    [
      'an unknown type',
      { steps: [step('one', 1, 'robotic')] },
      'J001 /steps/0/type',
      '`steps.one.kind` must be a kind of step (got "robotic")',
    ],
    [
      'an unknown field',
      { steps: [step('one', 1, 'manual', { asign: {} })] },
      'J002 /steps/0/asign',
      'unknown field `asign`; did you mean `assign`?',
    ],
    ['the key', { id: 5 }, 'J001 /id', '`key` must be text (got 5)'],
    ['a missing key', { id: undefined }, 'J001 /id', '`key` must be text (it is missing)'],
    [
      'a trigger of no kind',
      { triggers: [{ id: 't', type: 'lunar' }] },
      'J001 /triggers/0/type',
      '`triggers.0.kind` must be one of "event", "condition", "schedule", "manual", "journey" (it is missing)',
    ],
    [
      'a row',
      { triggers: [{ id: 't', type: 'conditional', conditions: [{ field: 'x', operator: 'near', value: 5 }] }] },
      'J001 /triggers/0/conditions/0/operator',
      '`when.0.operator` must be one of "equals", "not_equals", "greater_than", "greater_than_or_equal", "less_than", "less_than_or_equal", "in", "not_in", "contains", "starts_with", "ends_with", "exists", "not_exists" (got "near")',
    ],
    ['a trigger that is none', { triggers: [5] }, 'J001 /triggers/0', '`triggers.0` must be an object (got 5)'],
    ['no list of triggers', { triggers: 5 }, 'J001 /triggers', '`triggers` must be a list (got 5)'],
    ['a duration', { steps: [step('one', 1, 'wait', { for: 'P0D' })] }, 'J040 /steps/0/for', '`P0D`: a wait must be longer than zero'],
    [
      'the step that ends it all',
      { steps: [step('one', 1, 'manual', { transitions: [] })] },
      'J012 /steps',
      '`end` cannot be reached from `start`',
    ],
  ])('%s', (_, changes, place, message) => {
    expect(findings(upsell(changes)).map(([code, path, said]) => [`${code} ${path}`, said])).toContainEqual([place, message]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['an id no object can have', { steps: [step('__proto__', 1, 'manual'), step('one', 2, 'manual')] }, 'J003 /steps/0/id'],
    ['a stage that only a step names', { steps: [step('one', 1, 'manual', { stage: 'exit!' })] }, 'J003 /steps/0/stage'],
    ['a kind in today’s word', { steps: [step('one', 1, 'manual', { type: undefined, kind: 'robotic' })] }, 'J001 /steps/0/kind'],
    ['a guard in today’s word', { triggers: [{ id: 't', kind: 'condition', when: 'subject.' }] }, 'J022 /triggers/0/when'],
    [
      'a package',
      { steps: [step('one', 1, 'handoff', { fromPackage: 'crm', toPackage: 'sales', handoffType: 'automatic' })] },
      'J055 /steps/0/toPackage',
    ],
    [
      'a condition',
      { steps: [step('one', 1, 'manual', { conditions: [{ field: 'x', operator: 'exists' }] })] },
      'J023 /steps/0/conditions',
    ],
    ['a handoff of an odd type', { steps: [step('one', 1, 'handoff', { handoffType: 'odd' })] }, 'J001 /steps/0/handoffType'],
    [
      'a way that was added',
      {
        steps: [
          step('split', 1, 'parallel', { branches: ['one'], transitions: [{ to: 'two' }] }),
          step('one', 2, 'manual'),
          step('two', 3, 'manual'),
        ],
      },
      'J018 /steps/1',
    ],
    ['a stage of its own', { stages: [{ id: 'a' }] }, 'J001 /stages/0/name'],
  ])('%s', (_, changes, place) => {
    expect(findings(upsell(changes)).map(([code, path]) => `${code} ${path}`)).toContain(place);
  });

  test('input that was added is told of the whole', () => {
    const previous = { template: aTemplate({}, { input: { type: 'object', properties: { customerId: { type: ['string', 'number'] } } } }) };
    expect(findings(upsell(), { previous }).map(([code, path]) => `${code} ${path}`)).toContain('J081 ');
  });

  test('no steps at all lead to the end', () => {
    expect(findings(upsell({ steps: [] }))).toEqual([['J062', '/triggers/0', 'fires on every false-to-true; add `cooldown`']]);
  });

  test('every name for the end may be taken', () => {
    const steps = ['end', 'end_2'].map((id, index) => step(id, index, 'manual'));
    expect(validate(upsell({ steps }), surroundings()).template?.steps).toMatchObject({
      end: { kind: 'manual' },
      end_2: { kind: 'manual' },
      end_3: { kind: 'end' },
    });
  });
});

test.each<[string, unknown[], string[]]>([
  ['the last', [step('one', 1, 'manual'), { id: 'bye', type: 'end', outcome: 'bye', result: 'won' }], ['one', 'bye']],
  [
    'one that a way leads to',
    [
      { id: 'bye', kind: 'end', outcome: 'bye', result: 'won', order: 9 },
      step('one', 1, 'manual'),
      step('two', 10, 'manual', { transitions: [{ to: 'bye' }] }),
    ],
    ['one', 'bye', 'two'],
  ],
  [
    'one in between, with a step behind it',
    [{ id: 'bye', type: 'end', outcome: 'bye', result: 'won' }, step('one', 2, 'manual')],
    ['bye', 'one', 'end'],
  ],
])('a list may have ends of its own: %s', (_, steps, ids) => {
  const { template } = validate(upsell({ steps }), surroundings());
  const { value } = fromSeedForm(upsell({ steps }) as JsonObject);
  expect(Object.keys((value as { steps: object }).steps)).toEqual(ids);
  expect(template === null).toBe(ids.at(-1) !== 'bye');
});

test('handoffs may say packages and type as they used to, in either form', () => {
  const { from: _, to: __, mode: ___, ...rest } = handoff;
  const old = (handoffType: unknown) => aTemplate({ one: { ...rest, fromPackage: 'crm', toPackage: 'field-ops', handoffType } });
  const modeOf = (handoffType: unknown) => {
    const { template } = validate(old(handoffType), surroundings());
    return template?.steps['one'];
  };
  expect(modeOf('automatic')).toMatchObject({ from: 'crm', to: 'field-ops', mode: 'automatic' });
  expect(findings(old('manual')).map(([code]) => code)).toEqual(['J053', 'J057', 'J057'].slice(0, 1));
  expect(findings(old('approval')).map(([code, path]) => `${code} ${path}`)).toEqual(['J001 /steps/one']);
  expect(findings(old('odd')).map(([code, path]) => `${code} ${path}`)).toEqual(['J001 /steps/one/handoffType']);
  expect(findings(old(5)).map(([code, path]) => `${code} ${path}`)).toEqual(['J001 /steps/one/handoffType']);
});

test('today’s triggers are left alone', () => {
  const triggers = [
    { id: 't', kind: 'event', type: 'crm:lead_converted' },
    { id: 'u', type: 'manual' },
  ];
  expect(validate(aTemplate({}, { triggers }), surroundings()).template?.triggers).toEqual([
    { id: 't', kind: 'event', type: 'crm:lead_converted' },
    { id: 'u', kind: 'manual' },
  ]);
});

const row = (operator: Operator, value?: unknown, field = 'plan') => [
  { field, operator, ...(value === undefined ? {} : { value }) } as ConditionRow,
];

describe('rows', () => {
  test.each<[Operator, unknown, string]>([
    ['equals', 'plus', 'context.plan == "plus"'],
    ['not_equals', null, 'context.plan != null'],
    ['greater_than', 80, 'context.plan > 80.0'],
    ['greater_than_or_equal', 0.5, 'context.plan >= 0.5'],
    ['less_than', -3, 'context.plan < -3.0'],
    ['less_than_or_equal', 3, 'context.plan <= 3.0'],
    ['in', ['a', 2, true], 'context.plan in ["a", 2.0, true]'],
    ['not_in', ['a'], '!(context.plan in ["a"])'],
    ['contains', 'a"b\\', 'context.plan.contains("a\\"b\\\\")'],
    ['starts_with', 'a', 'context.plan.startsWith("a")'],
    ['ends_with', 'a', 'context.plan.endsWith("a")'],
    ['exists', undefined, 'has(context.plan)'],
    ['not_exists', undefined, '!has(context.plan)'],
  ])('%s %j', (operator, value, text) => {
    expect(guardText(row(operator, value), 'context')).toBe(text);
  });

  test.each<[string, string]>([
    ['plan', 'subject.plan == 1.0'],
    ['address.city', 'subject.address.city == 1.0'],
    ['context.plan', 'context.plan == 1.0'],
    ['event.data.list[0]["a b"]', 'event.data.list[0]["a b"] == 1.0'],
    ['context', 'subject.context == 1.0'],
    ['first-name', 'subject["first-name"] == 1.0'],
    ['not a path', 'subject["not a path"] == 1.0'],
    ['[0]', 'subject["[0]"] == 1.0'],
    ['', 'subject[""] == 1.0'],
  ])('the field %j', (field, text) => {
    expect(guardText(row('equals', 1, field), 'subject')).toBe(text);
  });

  test('join by AND, and mean what they say', () => {
    const text = guardText(
      [
        ...row('greater_than', 80, 'usage'),
        ...row('in', ['plus'], 'plan'),
        ...row('contains', 'x', 'tags'),
        ...row('not_exists', undefined, 'left.at'),
      ],
      'subject',
    );
    expect(guards.evaluate(text, { subject: { usage: 81, plan: 'plus', tags: ['x'] } }).verdict).toBe('true');
    expect(guards.evaluate(text, { subject: { usage: 80, plan: 'plus', tags: ['x'] } }).verdict).toBe('false');
    expect(guards.evaluate(text, { subject: { usage: 81, plan: 'plus', tags: ['x'], left: { at: 1 } } }).verdict).toBe('false');
  });
});
