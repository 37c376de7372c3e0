/** Every code with the smallest templates that earn it, and no other. Codes and wording: journeys-change.md, section 1. */
import { describe, expect, test } from 'vitest';
import { rules } from '../../../domain/journey/diagnostic.js';
import type { GuardEngine } from '../../../domain/journey/expression.js';
import { validate } from '../../../domain/journey/validate.js';
import { aTemplate, call, findings, guards, input, number, previous, score, surroundings, wait } from './builders.js';
import type { Fault } from './builders.js';
import { everything } from './everything.js';
import { actionsFaults } from './faults/actions.js';
import { entryFaults } from './faults/entry.js';
import { guardsFaults } from './faults/guards.js';
import { faultless } from './faults/none.js';
import { peopleFaults } from './faults/people.js';
import { shapeFaults } from './faults/shape.js';
import { timesFaults } from './faults/times.js';
import { waysFaults } from './faults/ways.js';

const faults: readonly Fault[] = [shapeFaults, waysFaults, guardsFaults, actionsFaults, timesFaults, peopleFaults, entryFaults].flat();

test.each(faults)('%s: %s', (code, _, template, path, message, changes) => {
  expect(findings(template, changes)).toEqual([[code, path, typeof message === 'string' ? message : expect.stringMatching(message)]]);
});

test('every code has its template', () => {
  expect([...new Set(faults.map(([code]) => code))].toSorted()).toEqual(Object.keys(rules).toSorted());
});

/** Typed out from the page: the codes that only warn. J070 and J081 do both. */
const warnings = ['J017', 'J032', 'J037', 'J038', 'J039', 'J042', 'J061', 'J062', 'J070', 'J071', 'J081'];

test('warnings do not block, errors do', () => {
  const warned = faults.filter(([, , template, , , changes]) => validate(template, surroundings(changes)).isValid);
  expect([...new Set(warned.map(([code]) => code))].toSorted()).toEqual(warnings);
});

test('each finding says why and what to do, and names its step', () => {
  for (const [, , template, path, , changes] of faults) {
    const { errors, warnings: warned } = validate(template, surroundings(changes));
    for (const { why, fix, stepId } of [...errors, ...warned]) {
      expect(why).toMatch(/\.$/);
      expect(fix).toMatch(/\.$/);
      expect(stepId).toBe(/^\/steps\/([^/]+)/.exec(path)?.[1]);
    }
  }
});

describe('templates without fault', () => {
  test('one with everything', () => {
    expect(validate(everything, surroundings())).toEqual({
      isValid: true,
      errors: [],
      warnings: [],
      template: everything,
    });
  });

  test.each(faultless)('%s', (_, template, changes) => {
    expect(findings(template, changes)).toEqual([]);
  });
});

test('an error of J081 where a trigger feeds the field', () => {
  const triggers = [
    {
      id: 't',
      kind: 'event',
      type: 'crm:lead',
      map: { customerId: 'event.customerId', leadId: 'event.leadId' },
    },
  ];
  const leadId = { leadId: { type: 'string' } };
  const { errors, warnings: warned } = validate(
    input(leadId, ['leadId'], { triggers }),
    surroundings(previous(input(leadId, [], { triggers }))),
  );
  expect(errors.map(({ code }) => code)).toEqual(['J081']);
  expect(warned).toEqual([]);
});

test('all findings at once, in order of their codes', () => {
  const broken = aTemplate(
    {
      one: {
        ...call,
        retry: { maxAttempts: '3' },
        esimatedDuration: 1,
        when: 'context.scor > 5',
        transitions: [{ to: 'nowhere' }],
      },
      two: { ...wait, for: 'P0D' },
    },
    { ...score, category: 'odd' },
  );
  expect(findings(broken).map(([code, path]) => `${code} ${path}`)).toEqual([
    'J001 /category',
    'J001 /steps/one/retry/maxAttempts',
    'J002 /steps/one/esimatedDuration',
    'J011 /steps/one/transitions/0/to',
    'J012 /steps/two',
    'J012 /steps/done',
    'J023 /steps/one/when',
    'J040 /steps/two/for',
  ]);
});

/** Counts what the engine is asked. */
const counted = () => {
  const counts = { checks: 0, evaluations: 0 };
  const engine: GuardEngine = {
    ...guards,
    check: (source, typeAt, wanted) => {
      counts.checks += 1;
      return guards.check(source, typeAt, wanted);
    },
    evaluate: (source, data) => {
      counts.evaluations += 1;
      return guards.evaluate(source, data);
    },
  };
  return { counts, engine };
};

const guarded = (count: number, guardsOf: (n: number) => readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => [
      `s${n}`,
      { kind: 'decision', transitions: guardsOf(n).map((when) => ({ to: n === count - 1 ? 'done' : `s${n + 1}`, when })) },
    ]),
  );

describe('the time it takes', () => {
  test('each guard of a large template is looked at once', () => {
    const { counts, engine } = counted();
    const template = aTemplate(
      guarded(499, (n) => [`context.score > ${n}`, `context.score <= ${n}`]),
      score,
    );
    expect(validate(template, surroundings({ guards: engine }))).toMatchObject({ isValid: true, warnings: [] });
    expect(counts.checks).toBe(998);
    expect(counts.evaluations).toBeLessThan(20_000);
  });

  test('gaps are looked for within bounds', () => {
    const { counts, engine } = counted();
    const fields = ['a', 'b', 'c', 'd', 'e'];
    const template = aTemplate(guarded(100, (n) => fields.map((field) => `subject.${field} > ${n}`)));
    const { errors } = validate(template, surroundings({ guards: engine }));
    expect(errors.every(({ code }) => code === 'J020')).toBe(true);
    expect(counts.evaluations).toBeLessThan(21_000);
  });

  // Each of these took minutes when one part of it was compared with all others.
  test.each<[string, unknown, string]>([
    [
      'a list of steps',
      { id: 'a', name: 'A', category: 'custom', steps: Array.from({ length: 5_000 }, (_, n) => ({ id: `s${n}`, type: 'manual' })) },
      'J005',
    ],
    ['steps that are none', aTemplate({}, { steps: Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`s${n}`, 5])) }), 'J001'],
    [
      'unknown fields',
      aTemplate({ one: { ...call, ...Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`transitns${n}`, 5])) } }),
      'J002',
    ],
    [
      'mappings from nowhere',
      aTemplate(
        { one: { ...call, output: Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`w${n}`, `context.v${n}`])) } },
        { context: Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`u${n}`, number])) },
      ),
      'J023',
    ],
    [
      'blocks within each other',
      aTemplate(
        Object.fromEntries(
          Array.from({ length: 200 }, (_, n) => [
            `s${n}`,
            {
              kind: 'parallel',
              branches: Array.from({ length: 10 }, (__, k) => `s${(n * 13 + k * 31 + 1) % 200}`),
              transitions: [{ to: '$join' }, { to: 'done' }],
            },
          ]),
        ),
      ),
      'J018',
    ],
  ])('is bounded for %s', (_, template, code) => {
    expect(findings(template).map(([found]) => found)).toContain(code);
  });
});
