/** Restricted CEL: what it lets through, what comes out, what is told of it. Source: journeys.md, section 5. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { choose, erased } from '../../../domain/journey/expression.js';
import type { GuardData, TypeLookup, Wanted } from '../../../domain/journey/expression.js';
import { placeIn, untyped } from '../../../domain/journey/json-schema.js';
import type { JsonSchema } from '../../../domain/journey/json-schema.js';
import { guards } from './builders.js';

const context: JsonSchema = {
  type: 'object',
  properties: {
    score: { type: 'number' },
    count: { type: 'integer' },
    name: { type: 'string' },
    isVip: { type: 'boolean' },
    plan: { enum: ['basic', 'plus'] },
    tags: { type: 'array', items: { type: 'string' } },
    orders: { type: 'array', items: { type: 'object', properties: { total: { type: 'number' }, lines: { type: 'array' } } } },
    address: { type: 'object', properties: { city: { type: 'string' } } },
    'first-name': { type: 'string' },
    in: { type: 'string' },
    maybe: { type: ['string', 'null'] },
    nothing: { type: 'null' },
  },
};
const typeAt: TypeLookup = ([root, ...rest]) => {
  if (root === 'now') return { kind: 'instant' };
  return root === 'context' ? placeIn(context, rest) : untyped;
};

const data: GuardData = {
  now: '2026-01-05T09:00:00Z',
  context: {
    score: 50,
    count: 3,
    name: 'Ann',
    isVip: true,
    plan: 'basic',
    tags: ['x', 'y'],
    orders: [{ total: 5, lines: [1] }, { total: 50 }],
    address: { city: 'Bonn' },
    'first-name': 'Ann',
    in: 'reserved',
    maybe: null,
    nothing: null,
  },
  subject: {
    email: erased,
    old: { address: erased },
    list: Array.from({ length: 501 }, () => 1),
    text: 'x'.repeat(20_000),
    tier: 'gold',
    map: { a: 1, ['__proto__']: 2 },
  },
  event: { data: { constructor: 5, at: '2026-01-05T08:00:00Z', local: '2026-01-05T08:00:00' } },
  steps: {},
};

const problems = (source: string, wanted: Wanted = 'verdict'): string[] =>
  guards.check(source, typeAt, wanted).problems.map(({ code, message }) => `${code} ${message}`);
const verdict = (source: string): string => guards.evaluate(source, data).verdict;

describe('what is true and what is false', () => {
  test.each([
    ['context.score >= 50 && context.score <= 50 && context.score == 50 && !(context.score != 50)'],
    [
      'context.score + 1 == 51 && context.score - 1 == 49 && context.score * 2 == 100 && context.score / 4 == 12.5 && context.score % 7 == 1',
    ],
    ['-context.score < 0 && 9007199254740993 == 9007199254740992'],
    ['context.count == 3'],
    ['context.plan in ["basic", "plus"] && !("z" in context.tags) && context.score in [1, 50]'],
    ['context.isVip ? context.score > 1 : context.score > 100'],
    ['has(context.score) && !has(context.gone) && !has(steps.a.b.c)'],
    ['size(context.tags) == 2 && context.tags.size() + 1 == 3 && size(context.name) == 3 && size(context.address) == 1'],
    ['context.name.startsWith("A") && context.name.endsWith("n") && context.name.contains("nn") && context.tags.contains("x")'],
    ['startsWith(context.name, "A") && "abc".contains("b") && size(context.orders[0].lines) == 1'],
    ['context.name.glob("A*") && glob(context.name, "?n?") && !context.name.glob("a*")'],
    ['context.tags[0] == "x" && context["score"] == 50 && context["first-name"] == "Ann" && context["in"] == "reserved"'],
    ['context.orders[1].total == 50 && context.orders[context.count - 2].total == 50'],
    ['context.orders.exists(o, o.total > 10)'],
    ['context.orders.all(o, has(o.total))'],
    ['context.orders.exists_one(o, o["total"] == 5)'],
    ['size(context.orders.filter(o, o.total > 10)) == 1'],
    ['context.orders.map(o, o.total)[1] == 50'],
    ['context.orders.exists(o, o.total > 40 && context.score == 50)'],
    ['context.orders[0].lines.exists(l, l == 1)'],
    ['[1, 2].exists(n, n == 2)'],
    ['context.tags == ["x", "y"] && context.address.city == "Bonn"'],
    ['context.maybe == null'],
    ['now > timestamp("2026-01-01T00:00:00Z") && now == timestamp("2026-01-05T10:00:00+01:00")'],
    ['now - timestamp(event.data.at) == duration("PT1H") && now - duration("1h") == timestamp(event.data.at)'],
    ['timestamp("2026-01-01T00:00:00Z") + duration("P4DT9H") == now && duration("-PT1H") < duration("1m")'],
    ['event.data.constructor == 5 && subject.map["__proto__"] == 2'],
    ['"ü😀" == "\\u00fc\\U0001F600"'],
    ['true || context.gone'],
    ['context.gone || true'],
  ])('%s', (source) => {
    expect(verdict(source)).toBe('true');
  });

  test.each([['context.score > 50'], ['false && context.gone'], ['subject.tier == "silver"'], ['context.tags.exists(t, t == "z")']])(
    'not %s',
    (source) => {
      expect(verdict(source)).toBe('false');
    },
  );
});

describe('an error is never false', () => {
  test.each([
    ['context.gone > 5', 'missing', 'context.gone'],
    ['context.score.deep == 5', 'missing', 'context.score.deep'],
    ['context.tags[9] == "x"', 'missing', 'context.tags[9]'],
    ['context.name[0] == "A"', 'missing', 'context.name[0]'],
    ['steps.credit.output.ok', 'missing', 'steps.credit.output.ok'],
    ['journey.id == "x"', 'missing', 'journey.id'],
    ['context.orders.exists(o, o.gone > 5)', 'missing', 'context.orders'],
    ['subject.tier > 5', 'type', 'subject.tier'],
    ['context.isVip && subject.tier > 5', 'type', 'subject.tier'],
    ['context.score', 'type', null],
    ['subject.list == 5', 'limit', 'subject.list'],
    ['subject.text.glob("*")', 'limit', 'subject.text'],
    [`context.name.glob("${'?'.repeat(257)}")`, 'limit', 'context.name'],
    ['timestamp(event.data.local) < now', 'type', 'event.data.local'],
    ['timestamp(subject.tier) < now', 'type', 'subject.tier'],
    ['1 + 1', 'type', null],
    ['context.score >=', 'invalid', null],
    ['context.name.matches("a")', 'invalid', null],
  ])('%s', (source, reason, path) => {
    expect(guards.evaluate(source, data)).toMatchObject({ expression: source, verdict: 'error', fault: { reason, path } });
  });

  test('of the time at hand', () => {
    expect(guards.evaluate('now == now', { now: 'today' })).toMatchObject({ verdict: 'error', fault: { reason: 'type', path: 'now' } });
    expect(guards.evaluate('now == now', { now: true })).toMatchObject({ verdict: 'error', fault: { reason: 'type', path: 'now' } });
    expect(guards.evaluate('now == timestamp("1970-01-01T00:00:01Z")', { now: 1_000 })).toMatchObject({ verdict: 'true' });
  });
});

test('what was erased makes its guard false, when it is read', () => {
  expect(verdict('subject.email == "a@b.example"')).toBe('erased');
  expect(verdict('subject.email != "a@b.example"')).toBe('erased');
  expect(verdict('has(subject.email)')).toBe('erased');
  expect(verdict('subject.old.address.city == "Bonn"')).toBe('erased');
  expect(verdict('size(subject.old) > 0')).toBe('erased');
  expect(verdict('context.isVip || subject.email == "a@b.example"')).toBe('true');
  expect(guards.evaluate('subject.email == "a"', data).reads).toEqual([{ path: 'subject.email', found: 'erased' }]);
});

test('a trace tells paths and what was found there, in order, once, and no value', () => {
  const trace = guards.evaluate('has(context.gone) || context.orders.exists(o, o.total == context.score) || context.name == "Bob"', data);
  expect(trace).toEqual({
    expression: 'has(context.gone) || context.orders.exists(o, o.total == context.score) || context.name == "Bob"',
    verdict: 'true',
    fault: null,
    reads: [
      { path: 'context.gone', found: 'absent' },
      { path: 'context.orders', found: 'present' },
      { path: 'context.score', found: 'present' },
    ],
  });
  expect(JSON.stringify(trace)).not.toContain('Ann');
});

describe('values', () => {
  test.each<[string, unknown]>([
    ['context.score * 2', 100],
    ['context.name + "!"', 'Ann!'],
    ['context.tags', ['x', 'y']],
    ['context.address', { city: 'Bonn' }],
    ['subject.map', JSON.parse('{"a":1,"__proto__":2}')],
    ['context.maybe', null],
    ['context.isVip', true],
    ['now + duration("PT1H")', '2026-01-05T10:00:00.000Z'],
  ])('%s', (source, value) => {
    expect(guards.value(source, data)).toEqual({ ok: true, value });
  });

  test.each([['1 / 0'], ['duration("PT1H")'], ['context.gone']])('%s has none', (source) => {
    expect(guards.value(source, data).ok).toBe(false);
  });
});

describe('what is refused', () => {
  test.each([
    ['lead.score >=', 'J022 `lead.score >=`: ends unexpectedly at column 14'],
    ['', 'J022 ``: ends unexpectedly at column 1'],
    ['context.score > > 5', 'J022 `context.score > > 5`: unexpected token: gt at column 17'],
    ['"\\q" == "q"', 'J022 `"\\q" == "q"`: invalid escape sequence: \\q at column 2'],
    [
      'context.orders.exists(5, true)',
      'J022 `context.orders.exists(5, true)`: exists(var, predicate) invalid predicate iteration variable at column 23',
    ],
    ['context.tags.exists()', 'J022 `exists` takes a name for the item and an expression, as in list.exists(x, x > 5)'],
    ['context.tags.all(t)', 'J022 `all` takes a name for the item and an expression, as in list.all(x, x > 5)'],
    ['context.tags.filter(t, true, t)', 'J022 `filter` takes a name for the item and an expression, as in list.filter(x, x > 5)'],
    ['context.tags.map(t, true, t, t)', 'J022 `map` takes a name for the item and an expression, as in list.map(x, x > 5)'],
    ['context.tags[1.5] == "x"', 'J023 `context.tags[1.5] == "x"`: List index must be int, got \'number\''],
    ['has(context)', 'J022 `has` takes a path such as context.score'],
    ['has(5)', 'J022 `has` takes a path such as context.score'],
    ['has()', 'J022 `has` takes a path such as context.score'],
    ['context.orders.exists(o, has(o))', 'J022 `has` takes a path such as context.score'],
    ['context.scor > 5', 'J023 `context.scor` is not declared; closest is `context.score`'],
    ['context.zebra > 5', 'J023 `context.zebra` is not declared'],
    ['has(context.scor)', 'J023 `context.scor` is not declared; closest is `context.score`'],
    ['context.address.city.name == "x"', 'J023 `context.address.city.name` is not declared'],
    ['context.toString == "x"', 'J023 `context.toString` is not declared'],
    ['contxt.score > 5', 'J023 `contxt.score` is not known; closest is `context`'],
    ['has(lead.score)', 'J023 `lead.score` is not known; paths begin with input, context, steps, subject, event, journey, now'],
    ['double == double', 'J023 `double` is not known; paths begin with input, context, steps, subject, event, journey, now'],
    ['context.orders.exists(o, o.totl > 5)', 'J023 `context.orders[0].totl` is not declared; closest is `context.orders[0].total`'],
    [
      'lead.orders.exists(o, o.x > 5)',
      'J023 `lead.orders` is not known; paths begin with input, context, steps, subject, event, journey, now',
    ],
    ['context.name > 3', 'J023 `context.name > 3`: no such overload: string > number'],
    ['context.isVip && context.name', "J023 `context.isVip && context.name`: Logical operator requires bool operands, got 'string'"],
    [
      'context.score in [1, "a"]',
      "J023 `context.score in [1, \"a\"]`: List elements must have the same type, expected type 'number' but found 'string'",
    ],
    ['size(context.score) > 1', "J023 `size(context.score) > 1`: found no matching overload for 'count(number)'"],
    ['context.score == null', 'J023 `context.score == null`: no such overload: number == null'],
    ['timestamp("today") < now', 'J023 "today" is not an instant such as 2026-01-05T09:00:00Z'],
    ['timestamp("2026-01-05T09:00:00") < now', 'J023 "2026-01-05T09:00:00" is not an instant such as 2026-01-05T09:00:00Z'],
    ['now - now > duration("soon")', 'J023 "soon" is not a duration such as P1DT12H or 36h'],
    ['context.score', 'J024 `context.score` yields a number'],
    ['context.name', 'J024 `context.name` yields text'],
    ['context.tags', 'J024 `context.tags` yields a list'],
    ['context.address', 'J024 `context.address` yields an object'],
    ['now', 'J024 `now` yields an instant'],
    ['now - now', 'J024 `now - now` yields a duration'],
    ['null', 'J024 `null` yields null'],
    ['context.name.matches("a.*")', 'J025 `matches` is not available; use `contains` or `glob`'],
    ['int(context.score) > 1', /^J025 `int` is not available; guards have has, size, startsWith, .*exists_one, filter, map$/],
    ['subject.at.getHours("Europe/Berlin") > 1', /^J025 `getHours` is not available/],
    ['cel.bind(x, 1, x > 0)', /^J025 `bind` is not available/],
    ['context.constructor() == 1', /^J025 `constructor` is not available/],
    ['b"x" == b"x"', 'J025 bytes and unsigned numbers are not available'],
    ['5u == 5u', 'J025 bytes and unsigned numbers are not available'],
    ['{"a": 1}.a == 1', 'J025 maps are not available; guards have lists'],
    ['context.tags.exists(a, context.tags.exists(b, a == b))', 'J025 a guard may use one of exists, all, exists_one, filter, map, once'],
    [
      'context.tags.exists(a, a == "x") && context.tags.all(a, a == "x")',
      'J025 a guard may use one of exists, all, exists_one, filter, map, once',
    ],
    [`${'!'.repeat(20)}true`, 'J025 the expression is nested more than 20 levels deep'],
    [`${'('.repeat(300)}true${')'.repeat(300)}`, /is nested too deeply$/],
    [`true${' && true'.repeat(100)}`, 'J025 the expression has 201 nodes; the limit is 200'],
    [`${' '.repeat(1_997)}true`, 'J025 the expression has 2001 characters; the limit is 2000'],
  ])('%s', (source, said) => {
    expect(problems(source)).toEqual([typeof said === 'string' ? said : expect.stringMatching(said)]);
  });

  test.each([
    [`${'!'.repeat(19)}true`],
    [`true${' || true'.repeat(99)}`],
    [`${' '.repeat(1_996)}true`],
    [`${'('.repeat(100)}true${')'.repeat(100)}`],
    ['subject.anything.at.all'],
    ['event.data.x > 5 && event.data.y'],
    ['context.orders.exists(o, o.lines.size() > 1 && has(o.total))'],
    ['subject.list[context.count].deep.er == subject.list[0]["x"]'],
    ['context.nothing == null && context.maybe != "x"'],
    ['[].size() == 0'],
    ['size(context.orders[0].lines) > 1'],
  ])('but not %s', (source) => {
    expect(problems(source)).toEqual([]);
  });

  test('people are a list, or one', () => {
    for (const source of ['[journey.requester]', 'context.tags', 'subject.bosses', 'context.name', '[]', 'subject.all.filter(p, p.isBoss)'])
      expect(problems(source, 'people')).toEqual([]);
    expect(problems('context.score', 'people')).toEqual(['J024 `context.score` yields a number; a list of people is needed']);
    expect(problems('context.isVip', 'people')).toEqual(['J024 `context.isVip` yields true or false; a list of people is needed']);
    expect(problems('context.score', 'value')).toEqual([]);
  });

  test('every fault of names at once', () => {
    expect(problems('context.scor > lead.x && context.scor < 3 && int(5) > 1')).toHaveLength(3);
  });
});

test('a report tells what is read, tested and written out, and whether that is all', () => {
  expect(guards.check('has(context.name) && context.score > -5', typeAt, 'verdict')).toEqual({
    problems: [],
    reads: [
      { path: ['context', 'score'], tested: false },
      { path: ['context', 'name'], tested: true },
    ],
    literals: [5],
    isPlain: true,
  });
  const isPlain = (source: string) => guards.check(source, typeAt, 'verdict').isPlain;
  expect(['context.plan in ["a", "b"]', 'context.isVip || !(context.score == 5)', '5 < context.score'].map(isPlain)).toEqual([
    true,
    true,
    true,
  ]);
  expect(
    [
      'context.score + 1 > 5',
      'context.name.size() > 5',
      'context.score > context.count',
      'context.tags.exists(t, true)',
      'subject.a[context.count].b == 5',
      'context.tags == [context.name]',
    ].map(isPlain),
  ).toEqual([false, false, false, false, false, false]);
});

describe('a choice between guards', () => {
  test('takes the first that is true', () => {
    expect(choose(guards, ['context.score > 90', 'context.score > 40', 'context.score > 10'], data)).toMatchObject({
      chosen: 1,
      trace: [{ verdict: 'false' }, { verdict: 'true' }],
    });
  });

  test('takes what has no guard', () => {
    expect(choose(guards, ['subject.email == "a"', null], data)).toMatchObject({ chosen: 1, trace: [{ verdict: 'erased' }] });
  });

  test('may find none', () => {
    expect(choose(guards, ['context.score > 90'], data)).toMatchObject({ chosen: null, trace: [{ verdict: 'false' }] });
  });

  test('ends with an error, whatever would follow', () => {
    expect(choose(guards, ['context.gone > 90', null], data)).toMatchObject({
      chosen: null,
      trace: [{ verdict: 'error', fault: { reason: 'missing', path: 'context.gone' } }],
    });
  });

  test('ends when its time is over', () => {
    let spent = 0;
    const clock = () => (spent += 600);
    expect(choose(guards, ['context.score > 90', 'context.score > 40'], data, clock)).toMatchObject({
      chosen: null,
      trace: [{ verdict: 'false' }, { verdict: 'error', reads: [], fault: { reason: 'budget', path: null } }],
    });
  });
});

test('what is remembered of expressions does not grow, and changes nothing', () => {
  for (let n = 0; n < 1_100; n += 1) expect(guards.evaluate(`context.score > ${n}.0`, data).verdict).toBe(n < 50 ? 'true' : 'false');
  expect(verdict('context.score > 49.0')).toBe('true');
  expect(guards.evaluate('context.score > 49.0', { context: { score: 1 } }).verdict).toBe('false');
});

test('T22: nothing that looks like an expression makes the engine throw', () => {
  // prettier-ignore
  const bit = fc.constantFrom('context', '.', 'score', '[', ']', '(', ')', '"', 'a', '5', '5u', ' in ', '&&', '||', '!', '-', '?', ':', ',', '{', '}', 'has', 'exists', 'o', '\\', '\n', '==', '>', '+', '%', 'null', 'true', "'", 'b"', '//', '__proto__', '.?');
  const source = fc.array(bit, { maxLength: 14 }).map((bits) => bits.join(''));
  fc.assert(
    fc.property(fc.oneof(source, fc.string()), (text) => {
      expect(['true', 'false', 'erased', 'error']).toContain(verdict(text));
      expect(problems(text)).toEqual(expect.any(Array));
    }),
    { numRuns: 1_000 },
  );
});
