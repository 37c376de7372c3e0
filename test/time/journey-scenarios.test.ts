/** The scenarios of journeys.md, and more, on the real workflows of journeys and handoffs: each leaves the trace it leaves on the virtual clock. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { playFile, simulateFile } from '../../cli/journey/simulate.js';
import { playOnWorkflows } from '../../cli/journey/workflow.js';
import { differences } from '../../domain/journey/simulate/check.js';
import { asRun, oddLines, oddMembers } from '../../domain/journey/simulate/recorded.js';
import type { Played } from '../../domain/journey/simulate/recorded.js';
import { CaseFolder } from '../cli/files.js';
import { root } from '../support/repo.js';

const folder = join(root, 'test/journeys/scenarios');
const scenarios = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

/** What no workflow is told, or cannot be told: these are played on the virtual clock only. */
const unplayable: Readonly<Record<string, string>> = {
  'answer-after-its-time.yaml': 'an answer of call comes after its time: it stays in the ledger of actions, and no workflow hears it',
};

const end = { kind: 'end', outcome: 'done', result: 'won' };
const about = {
  category: 'custom',
  subject: { type: 'customer', id: 'input.customerId' },
  input: { type: 'object', properties: { customerId: { type: 'string' } }, required: ['customerId'] },
};
const at = '2026-01-05T09:00:00Z';
const call = { subject: { type: 'customer', id: 'C1' } };
const written: Readonly<Record<string, object>> = {
  'rest.json': {
    ...about,
    key: 'rest',
    name: 'Rest',
    triggers: [{ id: 'tired', kind: 'event', type: 'crm:tired', map: { customerId: 'event.customerId' } }],
    start: 'rest',
    steps: { rest: { kind: 'wait', for: 'P2D', transitions: [{ to: 'end' }] }, end },
  },
  'outer.json': {
    ...about,
    key: 'outer',
    name: 'Outer',
    context: { customerId: { schema: { type: 'string' } } },
    start: 'child',
    steps: {
      child: { kind: 'journey', key: 'rest', input: { customerId: 'context.customerId' }, transitions: [{ to: 'end', default: true }] },
      end,
    },
  },
  'dynamic.json': {
    ...about,
    key: 'dynamic',
    name: 'Dynamic',
    start: 'agree',
    steps: {
      agree: {
        kind: 'approval',
        approvers: { roles: ['legal'] },
        quorum: 'all',
        eligible: 'dynamic',
        within: 'P1D',
        onTimeout: 'reject',
        transitions: [{ to: 'end', default: true }],
      },
      end,
    },
  },
  'joined.yaml': {
    template: 'outer.json',
    templates: ['rest.json'],
    start: { at },
    events: [
      { at: '+1h', event: { type: 'crm:tired', customerId: 'C1' } },
      { at: '+2h', start: call },
    ],
    expect: [{ ended: 'won', at: '+2d1h', journey: 2 }],
  },
  'roles.yaml': {
    template: 'dynamic.json',
    people: { ann: ['legal'] },
    start: { at, ...call },
    events: [
      { at: '+1h', people: { ann: ['legal'], ben: ['legal'] } },
      { at: '+2h', vote: 'agree', by: 'ann', decision: 'approve' },
    ],
    expect: [{ at: '+2h', status: 'active' }],
  },
};

let own: CaseFolder;
const played = new Map<string, Played>();
const pathOf = (name: string): string => (name in written ? join(own.path, name) : join(folder, name));

beforeAll(async () => {
  own = await CaseFolder.make();
  for (const [name, value] of Object.entries(written)) await own.write(name, JSON.stringify(value));
  const names = [...scenarios, 'joined.yaml', 'roles.yaml'];
  const { runs } = await playOnWorkflows({ schema: 1, runs: names.map((name) => ({ script: pathOf(name), template: null })) });
  for (const [index, name] of names.entries()) {
    const run = runs[index];
    if (run !== undefined) played.set(name, run);
  }
}, 300_000);
afterAll(() => own[Symbol.asyncDispose]());

test('what cannot be played is said by name and reason', () => {
  const failed = Array.from(played).flatMap(([name, run]) => (run.ok ? [] : [[name, run.error] as const]));
  expect(Object.fromEntries(failed)).toEqual(unplayable);
});

describe('the same trace', () => {
  test('for nearly all of them', () => {
    expect(Array.from(played.values()).filter(({ ok }) => ok).length).toBeGreaterThan(60);
  });

  test.each([...scenarios, 'joined.yaml', 'roles.yaml'].filter((name) => !(name in unplayable)))('%s', async (name) => {
    const answer = played.get(name);
    if (answer?.ok !== true) throw new Error(answer?.error ?? 'it was not played');
    const { file, run: simulated } = await playFile(pathOf(name), undefined);
    const run = asRun(answer.run);
    expect(differences(file.script, run)).toEqual([]);
    expect({ lines: oddLines(simulated, run), members: oddMembers(simulated, run) }).toEqual({ lines: [], members: [] });
  });
});

test('usher journey simulate --workflow prints it as the virtual clock does, and says that it is the same', async () => {
  const name = 's06-nothing-happens.yaml';
  const out: string[] = [];
  const output = { print: (text: string) => void out.push(text), complain: (text: string) => void out.push(`error: ${text}`) };
  const replay = () => Promise.resolve({ schema: 1 as const, runs: [played.get(name) ?? { ok: false as const, error: 'not played' }] });
  const options = { script: pathOf(name), expect: true, json: false };
  expect(await simulateFile(undefined, { ...options, workflow: false }, output)).toBe(0);
  const [text] = out.splice(0);
  expect(await simulateFile(undefined, { ...options, workflow: true }, output, replay)).toBe(0);
  expect(out[0]).toBe(text);
  expect(out[1]).toBe('\nas expected: 5 expectations');
  expect(out[2]).toMatch(/^\nthe same trace as on the virtual clock: \d+ lines$/);
});
