/** Plays a script that a test writes out on templates that it writes out. */
import { createHash } from 'node:crypto';
import { compile } from '../../../../domain/journey/compile.js';
import type { EntryTemplate } from '../../../../domain/journey/entry/enter.js';
import { readTemplate } from '../../../../domain/journey/reading.js';
import { templateShape } from '../../../../domain/journey/schema.js';
import type { ActionSpec } from '../../../../domain/journey/scope.js';
import { differences } from '../../../../domain/journey/simulate/check.js';
import { scriptSchema } from '../../../../domain/journey/simulate/schema.js';
import type { Script } from '../../../../domain/journey/simulate/script.js';
import { simulate } from '../../../../domain/journey/simulate/simulate.js';
import type { Simulation } from '../../../../domain/journey/simulate/simulate.js';
import { isZone, localMs, nextLocalTime, quietUntil } from '../../../../domain/journey/zone.js';
import { guards } from '../builders.js';

const at = '2026-01-05T09:00:00Z';
export const C1 = { type: 'customer', id: 'C1' };

export const scriptOf = (written: object): Script => {
  const value = { start: { at, subject: C1 }, ...written };
  return scriptSchema(value).parse(value);
};

function entry(template: object): EntryTemplate {
  const read = readTemplate(template, templateShape).template;
  if (read === null) throw new Error('the template cannot be read');
  return { key: read.key, version: 1, hash: '', compiled: compile(read), isOpen: true };
}

const actions = new Map<string, ActionSpec>([
  ['do@1', {}],
  ['score@1', { output: { type: 'object', properties: { score: { type: 'number', minimum: 3 } } } }],
  ['once@1', { effect: 'once' }],
]);

/** @param templates the first is the script's; the others are there too */
export function play(written: object, ...templates: object[]): Promise<Simulation> {
  const entries = templates.map(entry);
  return simulate(
    scriptOf(written),
    { templates: entries, child: (key) => entries.find((one) => one.key === key) ?? null },
    {
      engine: guards,
      digest: (text) => createHash('sha256').update(text).digest(),
      actions,
      nextLocalTime,
      quietUntil,
      isZone,
      localMs,
      openTime: () => null,
    },
  );
}

/** Fields that differ: what it is about, what was expected, what came. */
export async function differing(written: object, ...templates: object[]): Promise<(readonly [string, string, unknown, unknown])[]> {
  const { run } = await play(written, ...templates);
  return differences(scriptOf(written), run).map(({ what, field, expected, got }) => [what, field, expected, got] as const);
}
