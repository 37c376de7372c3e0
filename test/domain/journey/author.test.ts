/** Names that do not exist are errors where they are written: each expectation here fails to compile when its mistake is let through. */
import { expect, test } from 'vitest';
import { canonicalForm, defineJourney } from '../../../domain/journey/author.js';
import { createGuards } from '../../../domain/journey/guard.js';
import { templateShape } from '../../../domain/journey/schema.js';
import { validate } from '../../../domain/journey/validate.js';

const onboarding = defineJourney({
  schemaVersion: 1,
  key: 'onboarding',
  name: 'Onboarding',
  category: 'onboarding',
  subject: { type: 'customer', id: 'input.customerId' },
  input: {
    type: 'object',
    properties: { customerId: { type: 'string' }, plan: { type: 'string' } },
    required: ['customerId'],
  },
  context: {
    customerId: { schema: { type: 'string' } },
    serviceId: { schema: { type: 'string' } },
    fault: { schema: { type: 'string' } },
  },
  stages: [
    { id: 'customer', name: 'Customer', order: 1 },
    { id: 'active', name: 'Active', order: 2 },
  ],
  triggers: [
    {
      id: 'converted',
      kind: 'event',
      type: 'crm:lead_converted',
      map: { customerId: 'event.customerId' },
      dedupeKey: 'customerId',
    },
  ],
  limits: { maxVisitsPerStep: 5 },
  start: 'welcome',
  steps: {
    welcome: {
      kind: 'touchpoint',
      stage: 'customer',
      channel: 'email',
      template: 'welcome',
      transitions: [{ to: 'plan' }],
    },
    plan: {
      kind: 'manual',
      stage: 'customer',
      assign: { roles: ['sales'] },
      outcomes: ['chosen', 'gone'],
      completeOn: [{ type: 'crm:left', outcome: 'left' }],
      transitions: [
        { to: 'activate', outcome: 'chosen' },
        { to: 'lost', outcome: 'gone' },
        { to: 'lost', outcome: 'left' },
      ],
    },
    activate: {
      kind: 'handoff',
      from: 'crm',
      to: 'field-ops',
      mode: 'accept',
      requiredData: ['customerId'],
      acceptWithin: 'P1D',
      onTimeout: 'incident',
      onReturn: 'plan',
      completeAs: 'activated',
      completeOn: [
        {
          type: 'service:activated',
          output: { serviceId: 'event.data.serviceId' },
        },
      ],
      transitions: [{ to: 'settle', outcome: 'activated' }],
    },
    settle: {
      kind: 'wait',
      event: [{ type: 'billing:paid', outcome: 'paid' }],
      max: 'P7D',
      onMax: 'late',
      transitions: [
        { to: 'checks', outcome: 'paid' },
        { to: 'lost', outcome: 'late' },
      ],
    },
    checks: {
      kind: 'parallel',
      branches: ['credit', 'address'],
      transitions: [{ to: 'agree' }],
    },
    credit: {
      kind: 'automated',
      action: 'crm.credit@1',
      input: { customer: 'context.customerId' },
      catch: [{ errors: ['*'], to: 'credit_by_hand', as: 'fault' }],
      transitions: [{ to: '$join' }],
    },
    credit_by_hand: {
      kind: 'manual',
      assign: { roles: ['sales'] },
      transitions: [{ to: '$join' }],
    },
    address: {
      kind: 'automated',
      action: 'crm.address@1',
      transitions: [{ to: '$join' }],
    },
    agree: {
      kind: 'approval',
      approvers: { roles: ['admin'] },
      quorum: 'any',
      within: 'PT8H',
      onTimeout: 'reject',
      evidence: ['context.customerId'],
      transitions: [
        { to: 'won', outcome: 'approved' },
        { to: 'lost', outcome: 'rejected' },
      ],
    },
    won: { kind: 'end', outcome: 'onboarded', result: 'won' },
    lost: { kind: 'end', outcome: 'gone', result: 'lost' },
  },
});

test('a template that compiles is plain JSON without a fault', () => {
  expect(JSON.parse(JSON.stringify(onboarding))).toEqual(onboarding);
  expect(validate(onboarding, { shape: templateShape, guards: createGuards() })).toMatchObject({ errors: [], warnings: [] });
});

const base = {
  key: 'k',
  name: 'K',
  category: 'custom',
  subject: { type: 'customer', id: 'input.customerId' },
  input: { type: 'object', properties: { customerId: { type: 'string' } } },
  context: { score: { schema: { type: 'number' } } },
  stages: [{ id: 'only', name: 'Only', order: 1 }],
  start: 'one',
} as const;
const end = { kind: 'end', outcome: 'done', result: 'won' } as const;

test('wrong names do not compile', () => {
  defineJourney({
    ...base,
    // @ts-expect-error there is no such first step
    start: 'on',
    steps: { one: end },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'decision',
        transitions: [
          // @ts-expect-error there is no such target
          { to: 'tow' },
        ],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        ...end,
        // @ts-expect-error there is no such stage
        stage: 'onyl',
      },
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'manual',
        outcomes: ['yes'],
        transitions: [
          // @ts-expect-error the manual step has no such outcome
          { to: 'two', outcome: 'no' },
        ],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'approval',
        approvers: {},
        quorum: 'any',
        transitions: [
          // @ts-expect-error votes are approved or rejected
          { to: 'two', outcome: 'yes' },
        ],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'handoff',
        from: 'crm',
        to: 'field-ops',
        mode: 'automatic',
        completeAs: 'done',
        transitions: [
          // @ts-expect-error the handoff completes under another name
          { to: 'two', outcome: 'completed' },
        ],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'wait',
        for: 'P1D',
        transitions: [
          // @ts-expect-error a wait for time elapses
          { to: 'two', outcome: 'over' },
        ],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'experiment',
        salt: 's',
        variants: [{ id: 'a', weight: 100 }],
        transitions: [
          // @ts-expect-error the experiment has no such variant
          { to: 'two', outcome: 'b' },
        ],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'touchpoint',
        channel: 'email',
        template: 't',
        transitions: [
          // @ts-expect-error messages are sent, held, capped or failed
          { to: 'two', outcome: 'read' },
        ],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'automated',
        transitions: [
          // @ts-expect-error automated steps complete
          { to: 'two', outcome: 'ok' },
        ],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'parallel',
        // @ts-expect-error there is no such branch
        branches: ['thre'],
        transitions: [{ to: 'two' }],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'automated',
        catch: [
          // @ts-expect-error errors are caught by a step
          { errors: ['*'], to: 'tow' },
        ],
        transitions: [{ to: 'two' }],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'automated',
        catch: [
          // @ts-expect-error the error goes to no variable
          { errors: ['*'], to: 'two', as: 'scor' },
        ],
        transitions: [{ to: 'two' }],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'wait',
        event: [{ type: 'e', outcome: 'e' }],
        max: 'P1D',
        // @ts-expect-error no transition takes the outcome, and it is no step
        onMax: 'late',
        transitions: [{ to: 'two', outcome: 'e' }],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'wait',
        condition: 'true',
        max: 'P1D',
        // @ts-expect-error the route leads to no step
        onMax: 'route:tow',
        transitions: [{ to: 'two', outcome: 'met' }],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'handoff',
        from: 'crm',
        to: 'field-ops',
        mode: 'accept',
        // @ts-expect-error only votes are approved by time
        onTimeout: 'approve',
        transitions: [{ to: 'two', outcome: 'completed' }],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'handoff',
        from: 'crm',
        to: 'field-ops',
        mode: 'automatic',
        // @ts-expect-error the data is no variable
        requiredData: ['scor'],
        transitions: [{ to: 'two' }],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'automated',
        // @ts-expect-error the output goes to no variable
        output: { scor: 'event.data.score' },
        transitions: [{ to: 'two' }],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'manual',
        completeOn: [
          // @ts-expect-error the event's output goes to no variable
          { type: 'e', output: { scor: 'event.data.score' } },
        ],
        transitions: [{ to: 'two' }],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'automated',
        // @ts-expect-error the input comes from no variable
        input: { score: 'context.scor' },
        transitions: [{ to: 'two' }],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'automated',
        // @ts-expect-error the input comes from no step
        input: { score: 'steps.tow.output.score' },
        transitions: [{ to: 'two' }],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'approval',
        approvers: {},
        quorum: 'any',
        // @ts-expect-error the evidence is no path
        evidence: ['scor'],
        transitions: [{ to: 'two' }],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    steps: {
      one: {
        kind: 'automated',
        requires: [
          // @ts-expect-error the requirement is no path
          { path: 'context.scor' },
        ],
        transitions: [{ to: 'two' }],
      },
      two: end,
    },
  });
  defineJourney({
    ...base,
    subject: {
      type: 'customer',
      // @ts-expect-error the subject is no field of the input
      id: 'input.custmerId',
    },
    steps: { one: end },
  });
  defineJourney({
    ...base,
    triggers: [
      {
        id: 't',
        kind: 'event',
        type: 'e',
        // @ts-expect-error the trigger fills no field of the input
        map: { custmerId: 'event.customerId' },
      },
    ],
    steps: { one: end },
  });
  expect(defineJourney({ ...base, steps: { one: end } }).start).toBe('one');
});

test('what types cannot know stays open', () => {
  const { context: _, stages: __, input: ___, ...bare } = base;
  const open = defineJourney({
    ...bare,
    subject: { type: 'customer', id: 'customerId' },
    steps: {
      one: {
        kind: 'journey',
        key: 'other',
        transitions: [{ to: 'two', outcome: 'anything' }, { to: 'two' }],
      },
      two: {
        kind: 'manual',
        input: { plan: 'input.whatever.deep' },
        transitions: [{ to: 'three', outcome: 'done' }],
      },
      three: {
        kind: 'wait',
        condition: 'now > now',
        max: 'P1D',
        onMax: 'some_outcome',
        transitions: [{ to: 'four' }],
      },
      four: end,
    },
  });
  expect(Object.keys(open.steps)).toEqual(['one', 'two', 'three', 'four']);
});

test('the canonical form does not depend on the order of writing, nor on fields left undefined', () => {
  const one = defineJourney({ ...base, steps: { one: end } });
  const other = Object.fromEntries(Object.entries(one).toReversed()) as unknown as typeof one;
  expect(canonicalForm(other)).toBe(canonicalForm(one));
  expect(canonicalForm(one)).toMatch(/^\{"category":"custom","context":\{"score":\{"schema":\{"type":"number"\}\}\},/);
  expect(canonicalForm({ ...one, name: 'Other' })).not.toBe(canonicalForm(one));
});
