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

test('SMS is set up as a whole or not at all', () => {
  const account = { TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`, TWILIO_AUTH_TOKEN: 'x', TWILIO_FROM: '+15005550006' };
  expect(loadConfig(account)).toMatchObject(account);
  expect(() => loadConfig({ TWILIO_AUTH_TOKEN: 'x' })).toThrow('SMS needs TWILIO_ACCOUNT_SID and TWILIO_FROM as well');
  expect(() => loadConfig({ ...account, TWILIO_FROM: '0555' + '0'.repeat(12) })).toThrow('TWILIO_FROM: must be a number such as');
  expect(() => loadConfig({ ...account, TWILIO_ACCOUNT_SID: 'SK1' })).toThrow('TWILIO_ACCOUNT_SID: must be AC and 32 hex digits');
});

test('a way can be added to a base address, however it was written', () => {
  const given = { PUBLIC_URL: 'https://desk.example/api/', TEMPORAL_UI_URL: 'https://temporal.example/' };
  expect(loadConfig(given)).toMatchObject({ PUBLIC_URL: 'https://desk.example/api', TEMPORAL_UI_URL: 'https://temporal.example' });
});
