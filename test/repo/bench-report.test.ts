import { describe, expect, test } from 'vitest';
import { ArgumentError, parseBenchArguments } from '../../bench/arguments.js';
import { table } from '../../bench/report.js';
import { eachOf, median, sampleOf } from '../../bench/samples.js';

describe('the command line', () => {
  test('a workload alone has the usual rates', () => {
    expect(parseBenchArguments(['w3'])).toMatchObject({
      workload: 'w3',
      engine: 'dev',
      attach: undefined,
      plan: { rates: [2, 4, 6], openSeconds: 60, pairs: 5 },
    });
    expect(parseBenchArguments(['w1']).plan).toMatchObject({ rates: [5, 20, 50], warmUp: { seconds: 30, operations: 2_000 } });
  });

  test('rates, length and engine can be chosen', () => {
    const { engine, plan } = parseBenchArguments(['w3', '--rate', '1,2.5', '--seconds', '9', '--engine', 'server', '--deliveries']);
    expect({ engine, ...plan }).toMatchObject({ engine: 'server', rates: [1, 2.5], openSeconds: 9, closedSeconds: 3, deliveries: true });
  });

  test.each([
    ['no workload', []],
    ['an unknown workload', ['w9']],
    ['two workloads', ['w1', 'w3']],
    ['an unknown flag', ['w1', '--fast']],
    ['a rate that is none', ['w1', '--rate', '5,no']],
    ['no time at all', ['w1', '--seconds', '0']],
    ['an unknown engine', ['w1', '--engine', 'steam']],
    ['deliveries of creates', ['w1', '--deliveries']],
  ])('%s is refused', (_, args) => expect(() => parseBenchArguments(args)).toThrow(ArgumentError));
});

test('the median is the middle, or between the two in the middle', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, 0]);
});

test('a sample is spread over all', () => {
  expect(sampleOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 3)).toEqual([0, 3, 6]);
  expect(sampleOf([1, 2], 3)).toEqual([1, 2]);
});

test('many are worked through a few at a time, with results in order', async () => {
  let running = 0;
  let most = 0;
  const results = await eachOf([5, 3, 1, 4], 2, async (value) => {
    running += 1;
    most = Math.max(most, running);
    for (let turn = 0; turn < value; turn += 1) await Promise.resolve();
    running -= 1;
    return value * 10;
  });
  expect(results).toEqual([50, 30, 10, 40]);
  expect(most).toBe(2);
});

test('two engines stand side by side, with a word on what that means', () => {
  const text = table({
    dev: [['ceiling', '10/s']],
    server: [
      ['ceiling', '5/s'],
      ['only here', 'x'],
    ],
  });
  expect(text.split('\n')).toEqual([
    expect.stringMatching(/^ +dev +server$/),
    expect.stringMatching(/^ceiling +10\/s +5\/s$/),
    expect.stringMatching(/^only here +– +x$/),
    '',
    expect.stringContaining('not against each other'),
  ]);
  expect(table({ dev: [['ceiling', '10/s']] })).not.toContain('not against');
});
