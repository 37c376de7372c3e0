/** Where an erasure is: through all stages, once more, and on in another run where one ended. */
import { expect, test } from 'vitest';
import { erasureStages } from '../../../domain/privacy/erasure.js';
import { Passes } from '../../../workflows/erasure/passes.js';

const empty = { last: null, isLast: true, changed: 0 };

/** All stages, each with one page. */
function through(passes: Passes, changed = 0): string[] {
  const seen: string[] = [];
  for (;;) {
    seen.push(passes.stage);
    if (passes.turn({ ...empty, changed })) return seen;
  }
}

test('every stage has its turn, a page behind the other', () => {
  const passes = new Passes();
  expect(passes.turn({ last: 'JRN-1', isLast: false, changed: 2 })).toBe(false);
  expect([passes.stage, passes.after]).toEqual(['cancel_journeys', 'JRN-1']);
  expect(through(passes)).toEqual([...erasureStages]);
  expect([passes.after, passes.changed]).toEqual([null, 2]);
});

test('the first pass is never the last, and the last one found nothing', () => {
  const passes = new Passes();
  through(passes);
  expect(passes.again()).toBe(true);
  through(passes, 1);
  expect(passes.again()).toBe(true);
  through(passes);
  expect([passes.again(), passes.pass, passes.changed]).toEqual([false, 3, 5]);
});

test('what never stops coming ends after ten passes', () => {
  const passes = new Passes();
  for (let pass = 1; pass < 10; pass += 1) {
    through(passes, 1);
    expect(passes.again(), String(pass)).toBe(true);
  }
  through(passes, 1);
  expect(passes.again()).toBe(false);
});

test('another run goes on where one ended', () => {
  const first = new Passes();
  through(first, 1);
  first.again();
  first.turn({ last: 'JRN-7', isLast: false, changed: 3 });
  const carried: unknown = JSON.parse(JSON.stringify(first.carry()));
  expect(carried).toEqual({ schema: 1, pass: 2, stage: 'cancel_journeys', after: 'JRN-7', found: 3, changed: 8 });
  const second = new Passes(first.carry());
  expect([second.pass, second.stage, second.after, second.changed]).toEqual([2, 'cancel_journeys', 'JRN-7', 8]);
  expect(second.carry()).toEqual(first.carry());
});
