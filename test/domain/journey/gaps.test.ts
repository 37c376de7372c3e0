/** Whether guards leave something out: J020. Source: journeys-change.md, section 1. */
import { expect, test } from 'vitest';
import { gapIn } from '../../../domain/journey/checks/gaps.js';
import type { GapJudge } from '../../../domain/journey/checks/gaps.js';
import type { TypeLookup } from '../../../domain/journey/expression.js';
import { placeIn, untyped } from '../../../domain/journey/json-schema.js';
import type { JsonSchema } from '../../../domain/journey/json-schema.js';
import { guards } from './builders.js';

const context: JsonSchema = {
  type: 'object',
  properties: {
    score: { type: 'number' },
    percent: { type: 'integer', minimum: 0, maximum: 100 },
    name: { type: 'string' },
    isVip: { type: 'boolean' },
    plan: { enum: ['basic', 'plus'] },
    region: { const: 'eu' },
    tags: { type: 'array', items: { type: 'string' } },
    a: { type: 'string' },
    b: { type: 'string' },
  },
};
const typeAt: TypeLookup = ([root, ...rest]) => {
  if (root === 'now') return { kind: 'instant' };
  return root === 'context' ? placeIn(context, rest) : untyped;
};

const judge: GapJudge = { engine: guards, typeAt, report: (source) => guards.check(source, typeAt, 'verdict'), mostTries: 1_000 };

const unproven = 'nothing shows that one of them is always true';

test.each<[string[], string | null]>([
  [['context.score > 50', 'context.score < 50'], 'a `context.score` of exactly 50 matches nothing'],
  [['context.score > 50', 'context.score <= 50'], null],
  [['context.score >= 1', 'context.score < 0'], 'a `context.score` of exactly 0 matches nothing'],
  [['context.score > 1 && context.score < 5', 'context.score <= 1', 'context.score >= 5'], null],
  [['context.percent > 99', 'context.percent <= 98'], 'a `context.percent` of exactly 99 matches nothing'],
  [['context.percent > 98', 'context.percent <= 98'], null],
  [['context.percent >= 0'], null],
  [['context.isVip', '!context.isVip'], null],
  [['context.isVip'], 'a `context.isVip` of false matches nothing'],
  [
    ['context.isVip && context.score > 5', '!context.isVip'],
    'a `context.isVip` of true with a `context.score` of exactly 4.5 matches nothing',
  ],
  [['context.plan == "basic"', 'context.plan == "plus"'], null],
  [['context.plan == "basic"'], 'a `context.plan` of "plus" matches nothing'],
  [['context.region == "eu"'], null],
  [['context.name == "a"', 'context.name == "b"'], 'any other `context.name` matches nothing'],
  [['context.name == "a"', 'context.name != "a"'], null],
  [['context.name in ["a", "b"]', '!(context.name in ["a", "b"])'], null],
  [['has(context.score) && context.score > 5', 'has(context.score) && context.score <= 5'], 'no `context.score` matches nothing'],
  [['has(subject.x)', '!has(subject.x)'], null],
  [['subject.tier == "gold"', 'subject.tier == "silver"'], 'any other `subject.tier` matches nothing'],
  [['subject.usage > 80', 'subject.usage <= 80'], null],
  [['subject.address.city == "a" || subject.address.isOut', '!subject.address.isOut'], unproven],
  [['subject.isOn', '!subject.isOn'], null],
  [['subject.x == true', 'subject.x == false'], unproven],
  [['subject.a.b > 5 && subject.a.c > 5', 'subject.a.b <= 5', 'subject.a.c <= 5'], null],
  [['context.a == "x" && context.b == "y"'], 'a `context.a` of "x" with a `context.b` of "x" matches nothing'],
  [['"x" in context.tags', '!("x" in context.tags)'], null],
  [['"x" in context.tags', '!("y" in context.tags)'], unproven],
  [['subject.list[0] == "x"', 'subject.list[0] != "x"'], unproven],
  [['now == timestamp("2026-01-05T09:00:00Z")'], unproven],
  [['context.score + 1 > 5', 'context.score + 1 <= 5'], unproven],
  [['size(context.name) > 5', '!(size(context.name) > 5)'], null],
  [['context.a == context.b', 'context.a != context.b'], unproven],
  [
    ['context.score > 1 && subject.a > 1 && subject.b > 1 && subject.c > 1 && subject.d > 1 && subject.e > 1', '!(context.score > 1)'],
    unproven,
  ],
  [['context.scor > 50'], null],
  [['subject.x == 1 || subject.y == "a"', 'subject.x != 1'], unproven],
  [['has(context.score) && context.isVip', 'has(context.score) && !context.isVip', '!has(context.score)'], null],
  [['5 > 3'], null],
  [['3 > 5'], ' matches nothing'],
])('%j', (sources, gap) => {
  expect(gapIn(sources, judge)).toBe(gap);
});

test('no more is tried than the judge allows', () => {
  const sources = ['context.score > 50', 'context.score <= 50'];
  expect(gapIn(sources, { ...judge, mostTries: 3 })).toBeNull();
  expect(gapIn(sources, { ...judge, mostTries: 2 })).toBe(unproven);
});
