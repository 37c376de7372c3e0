/** What a handoff is told of its journey. Source: journeys.md, sections 8 and 9. */
import { expect, test } from 'vitest';
import { knownOf, readsOf } from '../../../../domain/journey/run/known.js';

const gate = { approvers: {}, quorum: 'any' } as const;

test('rules read their evidence and what their expressions mention, each once', () => {
  expect(readsOf({})).toEqual([]);
  expect(
    readsOf({
      assign: { expr: 'context.team + [input["lead-id"], journey.requester]' },
      approval: {
        ...gate,
        evidence: ['context.amount', 'subject.plan'],
        approvers: { expr: 'context.amount > 5 ? context.bosses.filter(one, one != context.team) : [item.id, item]' },
        escalation: [
          { after: 1, action: 'remind' },
          { after: 2, action: 'add', to: { expr: 'steps.score.output.people + [subject.owner]' } },
        ],
      },
    }),
  ).toEqual([
    'context.amount',
    'subject.plan',
    'context.team',
    'input["lead-id"]',
    'journey.requester',
    'context.bosses',
    'item.id',
    'item',
    'steps.score',
  ]);
});

test('names within others, and members of something else, are no roots', () => {
  expect(readsOf({ assign: { expr: '[subject.context.owner, mycontext.owner, steps["a"].input.b]' } })).toEqual(['steps.a']);
});

test('what is known are whole members of the journey, and of others what was looked up', () => {
  const data = {
    context: { amount: 5, order: { total: 7, lines: [1, 2] }, hidden: 1 },
    steps: { score: { output: { risk: 0.2 } } },
    subject: { type: 'customer', id: 'C1' },
    item: { id: 'i1' },
  };
  const found = { 'subject.plan': 'gold', 'subject.address.city': 'Ulm', 'event.data.list[0]': 1 };
  const reads = [
    'context.order.lines[1]',
    'context.amount',
    'context.none',
    'steps.score.output.risk',
    'subject.id',
    'subject.plan',
    'subject.address.city',
    'subject.unknown',
    'event.data.list[0]',
    'item.id',
  ];
  expect(knownOf(reads, data, found)).toEqual({
    context: { order: { total: 7, lines: [1, 2] }, amount: 5 },
    steps: { score: { output: { risk: 0.2 } } },
    subject: { id: 'C1', plan: 'gold', address: { city: 'Ulm' } },
    event: { data: { list: { 0: 1 } } },
    item: { id: 'i1' },
  });
  expect(knownOf([], data, found)).toBeNull();
});
