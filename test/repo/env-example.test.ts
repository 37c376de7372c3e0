import { expect, test } from 'vitest';
import { ConfigSchema, loadConfig } from '../../config.js';
import { envExample } from '../../local/env-example.js';
import { read } from '../support/repo.js';

const lines = read('.env.example').split('\n');
const listed = lines.flatMap((line, index) => {
  const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
  return name === undefined || value === undefined ? [] : [{ name, value, above: lines[index - 1] ?? '' }];
});

test('it lists exactly the settings, in their order', () => {
  expect(listed.map(({ name }) => name)).toEqual(Object.keys(ConfigSchema.shape));
});

test.each(listed)('$name has its default and one line of description', ({ name, value, above }) => {
  const setting = Object.entries(ConfigSchema.shape).find(([known]) => known === name)?.[1];
  expect(above).toBe(`# ${setting?.description}`);
  expect(setting?.description ?? '').not.toBe('');
  const standard = setting?.safeParse(undefined);
  expect(standard?.success).toBe(true); // every setting can be left out
  expect(value).toBe(standard?.data === undefined ? '' : String(standard.data));
});

test('used as it is, it changes nothing', () => {
  expect(loadConfig(Object.fromEntries(listed.map(({ name, value }) => [name, value])))).toEqual(loadConfig({}));
});

test('it is fresh (npm run env:example)', () => expect(lines.join('\n')).toBe(envExample()));
