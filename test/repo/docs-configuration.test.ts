/** The table of settings in README.md is the one in config.ts. */
import { expect, test } from 'vitest';
import { ConfigSchema } from '../../config.js';
import { read } from '../support/repo.js';

const section = /^## Configuration$([\s\S]*?)^## /m.exec(read('README.md'))?.[1] ?? '';
const shown = section
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
      .join(' | '),
  );

test('README.md lists every setting with its default and its meaning', () => {
  const settings = Object.entries(ConfigSchema.shape).map(([name, setting]) => {
    const standard = String(setting.safeParse(undefined).data ?? '');
    return `\`${name}\` | ${standard === '' ? '–' : `\`${standard}\``} | ${setting.description ?? ''}`;
  });
  expect(shown).toEqual(settings);
});
