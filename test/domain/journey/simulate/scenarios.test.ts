/** The scenarios of journeys.md, section 13, and more, in the format that authors use: each played on its template, and as expected. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { playFile } from '../../../../cli/journey/simulate.js';
import { findTemplate } from '../../../../cli/journey/templates.js';
import { readActions, surroundingsOf } from '../../../../cli/journey/surroundings.js';
import { differences } from '../../../../domain/journey/simulate/check.js';
import { validate } from '../../../../domain/journey/validate.js';
import { root } from '../../../support/repo.js';

const folder = join(root, 'test/journeys/scenarios');
const scenarios = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

describe('scenarios', () => {
  test('are there', () => expect(scenarios.length).toBeGreaterThan(50));

  test.each(scenarios)('%s', async (name) => {
    const { file, run } = await playFile(join(folder, name), undefined);
    expect(file.script.expect.length).toBeGreaterThan(0);
    expect(differences(file.script, run)).toEqual([]);
  });
});

test('S14: a loop that nothing slows is not published', async () => {
  const { value } = await findTemplate(join(folder, 'templates/loop.yaml'));
  const { isValid, errors } = validate(value, surroundingsOf(await readActions(undefined)));
  expect(isValid).toBe(false);
  expect(errors.map(({ code }) => code)).toEqual(['J016']);
});

test('S45: thirty days take less than a second, and the same script always gives the same trace', async () => {
  const name = join(folder, 's45-onboarding-of-thirty-days.yaml');
  const first = await playFile(name, undefined);
  // What the processor did, not how long it had to wait for its turn.
  const before = process.cpuUsage();
  const again = await playFile(name, undefined);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(1_000);
  expect(again.run.trace).toEqual(first.run.trace);
});
