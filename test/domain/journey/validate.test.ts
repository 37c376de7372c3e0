/** Every code with the smallest templates that earn it, and no other. Codes and wording: journeys-change.md, section 1. */
import { describe, expect, test } from 'vitest';
import { rules } from '../../../domain/journey/diagnostic.js';
import { validate } from '../../../domain/journey/validate.js';
import { aTemplate, call, findings, input, previous, score, surroundings, wait } from './builders.js';
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
