/** The small languages of templates: durations, paths, patterns, recurrence, declared values. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closest } from '../../../domain/journey/closest.js';
import { durationMs, inWords } from '../../../domain/journey/duration.js';
import { matchesGlob } from '../../../domain/journey/glob.js';
import { canonical, pointer, segmentsOf } from '../../../domain/journey/json.js';
import { placeIn, valueFaults } from '../../../domain/journey/json-schema.js';
import type { JsonSchema } from '../../../domain/journey/json-schema.js';
import { parsePath, pathOf } from '../../../domain/journey/path.js';
import { rruleFault } from '../../../domain/journey/rrule.js';
import { day, hour, minute, second } from '../../../domain/time.js';

describe('durations', () => {
  test.each([
    ['P1D', day],
    ['P2W', 14 * day],
    ['P1W2DT3H4M5S', 9 * day + 3 * hour + 4 * minute + 5 * second],
    ['PT0.25S', 250],
    ['PT90M', 90 * minute],
    ['-PT1H', -hour],
    ['P0D', 0],
    ['-P0D', 0],
  ])('%s', (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });

  test.each(['', 'P', 'PT', 'P1DT', '1D', 'P1Y', 'P1M', 'P1.5D', 'PT1H30', 'p1d', ' P1D', 'P1D ', 'P-1D', 'P1234567D', '+P1D', 'PT1S1M'])(
    '%j is none',
    (text) => {
      expect(durationMs(text)).toBeNull();
    },
  );

  test.each([
    [0, '0 ms'],
    [day + minute, '1 d 1 min'],
    [-90 * second, '-1 min 30 s'],
    [1_250, '1 s 250 ms'],
  ])('%i ms in words', (ms, words) => {
    expect(inWords(ms)).toBe(words);
  });
});

describe('paths', () => {
  test.each<[string, (string | number)[] | null]>([
    ['context.score', ['context', 'score']],
    ['steps.my-step.output[0]["a b"].x', ['steps', 'my-step', 'output', 0, 'a b', 'x']],
    ['now', ['now']],
    ['lead.score', null],
    ['context..score', null],
    ['.context', null],
    ['context.score ', null],
    ['context score', null],
    ['', null],
    ['[0]', null],
  ])('%j', (text, segments) => {
    expect(parsePath(text)).toEqual(segments);
  });

  test('other roots may be let in', () => {
    expect(parsePath('item.x', ['item'])).toEqual(['item', 'x']);
    expect(parsePath('item.x')).toBeNull();
  });

  test('have one spelling, which is read back', () => {
    expect(pathOf(['steps', 'my-step', 'output', 0, 'in', 'x'])).toBe('steps["my-step"].output[0]["in"].x');
    const segment = fc.oneof(fc.stringMatching(/^[A-Za-z0-9_ -]{1,6}$/), fc.nat(99));
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 5 }), (rest) => {
        expect(parsePath(pathOf(['context', ...rest]))).toEqual(['context', ...rest]);
      }),
    );
  });
});

test('pointers are read back', () => {
  expect(pointer('a/b', 'c~d', 0)).toBe('/a~1b/c~0d/0');
  expect(pointer()).toBe('');
  fc.assert(
    fc.property(fc.array(fc.string()), (segments) => {
      expect(segmentsOf(pointer(...segments))).toEqual(segments);
    }),
  );
});

test('the canonical spelling sorts keys by their units, whatever the order of writing', () => {
  // The example of RFC 8785, section 3.2.3.
  const keys = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    1: 'One',
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  };
  expect(canonical(keys)).toBe(
    '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
  );
  expect(canonical([1e21, 0.000001, -0, { b: [null, true], a: 'x' }])).toBe('[1e+21,0.000001,0,{"a":"x","b":[null,true]}]');
});

describe('what was meant', () => {
  test.each([
    ['esimatedDuration', ['estimatedDuration', 'name'], 'estimatedDuration'],
    ['scor', ['core', 'score'], 'score'],
    ['lable', ['table', 'label'], 'table'],
    ['', ['a'], 'a'],
    ['kitten', ['sitten', 'kitting'], 'sitten'],
    ['Score', ['score'], 'score'],
    ['x', ['y'], 'y'],
    ['zebra', ['score'], null],
    ['x'.repeat(65), ['x'.repeat(65)], null],
    ['abc', [], null],
    ['oen', ['one'], 'one'],
    ['abcdefghijklmnop', ['abcdefghijklxxxx'], null],
    ['score', [...Array.from({ length: 499 }, (_, n) => `x${n}`), 'scores'], 'scores'],
    ['score', [...Array.from({ length: 500 }, (_, n) => `x${n}`), 'scores'], null],
  ])('%s of %j', (word, candidates, meant) => {
    expect(closest(word, candidates)).toBe(meant);
  });
});

describe('patterns', () => {
  /** The obvious way: try every length of every star. */
  const slow = ([first, ...rest]: readonly string[], text: readonly string[]): boolean => {
    if (first === undefined) return text.length === 0;
    if (first === '*') return slow(rest, text) || (text.length > 0 && slow([first, ...rest], text.slice(1)));
    return text.length > 0 && (first === '?' || first === text[0]) && slow(rest, text.slice(1));
  };

  test('match as the obvious way does', () => {
    const text = fc.array(fc.constantFrom('a', 'b', '😀'), { maxLength: 8 });
    const pattern = fc.array(fc.constantFrom('a', 'b', '😀', '?', '*'), { maxLength: 6 });
    fc.assert(
      fc.property(text, pattern, (characters, parts) => {
        expect(matchesGlob(characters.join(''), parts.join(''))).toBe(slow(parts, characters));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['', '', true],
    ['', '*', true],
    ['.+', '.+', true],
    ['ab', 'a+', false],
    ['aba', 'a*ba*a', false],
  ])('%j matches %j: %s', (text, pattern, matches) => {
    expect(matchesGlob(text, pattern)).toBe(matches);
  });

  test('T23: no pattern takes long', () => {
    expect(matchesGlob('a'.repeat(16_384), `${'*a'.repeat(127)}b`)).toBe(false);
  });
});

describe('recurrence', () => {
  test.each(['FREQ=DAILY', 'RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;BYHOUR=9,17;BYMINUTE=0,30'])('%s', (rule) => {
    expect(rruleFault(rule)).toBeNull();
  });

  test.each([
    ['', '`` is not supported; use FREQ, INTERVAL, BYDAY, BYHOUR, BYMINUTE'],
    ['FREQ=DAILY;COUNT=3', '`COUNT` is not supported; use FREQ, INTERVAL, BYDAY, BYHOUR, BYMINUTE'],
    ['FREQ=DAILY;toString=3', '`toString` is not supported; use FREQ, INTERVAL, BYDAY, BYHOUR, BYMINUTE'],
    ['INTERVAL=2', '`FREQ` is missing'],
    ['FREQ=DAILY;FREQ=DAILY', '`FREQ` is given twice'],
    ['FREQ=MONTHLY', '`FREQ=MONTHLY` has no usable value'],
    ['FREQ=DAILY;INTERVAL=0', '`INTERVAL=0` has no usable value'],
    ['FREQ=DAILY;BYDAY=1MO', '`BYDAY=1MO` has no usable value'],
    ['FREQ=DAILY;BYHOUR=24', '`BYHOUR=24` has no usable value'],
    ['FREQ=DAILY;BYMINUTE', '`BYMINUTE` has no usable value'],
    ['FREQ=DAILY;BYHOUR=9=9', '`BYHOUR=9=9` has no usable value'],
    ['FREQ=DAILY;BYHOUR=', '`BYHOUR=` has no usable value'],
  ])('%s', (rule, fault) => {
    expect(rruleFault(rule)).toBe(fault);
  });
});

describe('declared values', () => {
  const schema: JsonSchema = {
    type: 'object',
    properties: {
      name: { type: 'string', minLength: 2, maxLength: 3 },
      count: { type: 'integer', minimum: 1, maximum: 5 },
      plan: { enum: ['a', { deep: [1] }] },
      fixed: { const: 'x' },
      tags: { type: 'array', items: { type: ['string', 'null'] }, minItems: 1, maxItems: 2 },
      isOn: { type: 'boolean' },
      open: { type: 'object', additionalProperties: { type: 'number' } },
      any: {},
    },
    required: ['name'],
    additionalProperties: false,
  };

  test.each<[string, unknown]>([
    [
      'all of it',
      { name: 'Ann', count: 5, plan: { deep: [1] }, fixed: 'x', tags: ['x', null], isOn: false, open: { a: 1.5 }, any: [null] },
    ],
    ['the least', { name: '😀😀' }],
  ])('%s', (_, value) => {
    expect(valueFaults(schema, value as never)).toEqual([]);
  });

  test.each<[unknown, string[]]>([
    [5, [' must be object']],
    [null, [' must be object']],
    [{}, ['/name is required']],
    [{ name: 'A' }, ['/name must have at least 2 characters']],
    [{ name: 'Anna' }, ['/name must have at most 3 characters']],
    [{ name: 'Ann', count: 0 }, ['/count must be at least 1']],
    [{ name: 'Ann', count: 6 }, ['/count must be at most 5']],
    [{ name: 'Ann', count: 1.5 }, ['/count must be integer']],
    [{ name: 'Ann', plan: 'b' }, ['/plan must be one of "a", {"deep":[1]}']],
    [{ name: 'Ann', fixed: 'y' }, ['/fixed must be "x"']],
    [{ name: 'Ann', tags: [] }, ['/tags must have at least 1 item']],
    [{ name: 'Ann', tags: ['a', 5, 'c'] }, ['/tags must have at most 2 items', '/tags/1 must be string or null']],
    [{ name: 'Ann', isOn: 'yes' }, ['/isOn must be boolean']],
    [{ name: 'Ann', open: { a: 'x' } }, ['/open/a must be number']],
    [{ name: 'Ann', 'a/b': 1 }, ['/a~1b is not a known field']],
  ])('%j', (value, faults) => {
    expect(valueFaults(schema, value as never).map(({ path, rule }) => `${path} ${rule}`)).toEqual(faults);
  });

  test.each<[(string | number)[], string]>([
    [[], 'schema'],
    [['name'], 'schema'],
    [['name', 'first'], 'unknown'],
    [['name', 0], 'unknown'],
    [['zebra'], 'unknown'],
    [['toString'], 'unknown'],
    [['tags', 0], 'schema'],
    [['tags', 'x'], 'unknown'],
    [['any', 'x', 0, 'y'], 'untyped'],
    [['any', 0], 'untyped'],
    [['open', 'x'], 'schema'],
    [['open', 'x', 'y'], 'unknown'],
  ])('what lies at %j', (segments, kind) => {
    expect(placeIn(schema, segments).kind).toBe(kind);
  });

  test('an object that lets others in lets guards read them', () => {
    expect(placeIn({ type: 'object', properties: {}, additionalProperties: true }, ['x']).kind).toBe('untyped');
    expect(placeIn({ type: 'object' }, ['x']).kind).toBe('untyped');
    expect(placeIn({ properties: { a: {} } }, ['x'])).toEqual({ kind: 'unknown', known: ['a'] });
    expect(placeIn({ type: 'object', additionalProperties: false }, ['x'])).toEqual({ kind: 'unknown', known: [] });
  });
});
