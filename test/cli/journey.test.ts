/** `usher journey` as people and pipelines meet it: a process, its output, its exit code. */
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { journey } from '../../cli/journey.js';
import { root } from '../support/repo.js';
import { CaseFolder } from './files.js';
import { usher as run } from './usher.js';
import type { Ended } from './usher.js';

/** The command line without the process around it. */
async function usher(...args: string[]): Promise<Ended> {
  const [out, err]: [string[], string[]] = [[], []];
  const output = { print: (text: string) => void out.push(`${text}\n`), complain: (text: string) => void err.push(`${text}\n`) };
  const code = await journey(args, output);
  return { code, out: out.join(''), err: err.join('') };
}

const good = {
  key: 'calls',
  name: 'Calls',
  category: 'custom',
  subject: { type: 'customer', id: 'input.customerId' },
  input: { type: 'object', properties: { customerId: { type: 'string' } }, required: ['customerId'] },
  entry: { audience: 'subject.vip == true' },
  start: 'call',
  steps: {
    call: { kind: 'manual', assign: { roles: ['sales'] }, outcomes: ['done'], transitions: [{ to: 'charge' }] },
    charge: { kind: 'automated', action: 'own.charge@1', transitions: [{ to: 'end' }] },
    end: { kind: 'end', outcome: 'called', result: 'won' },
  },
};
const actions = { 'own.charge@1': { input: {}, output: {}, effect: 'idempotent' } };
const script = `template: calls.json
actions: actions.json
start: { at: "2026-01-05T09:00:00Z", subject: { type: customer, id: C1, vip: true } }
events:
  - { at: +2h, complete: call, outcome: done }
expect:
  - { at: +1h, step: call, state: open }
  - { ended: won, at: +2h }
`;

const text = JSON.stringify(good, null, 2);

let folder: CaseFolder;
const files = { good: '', bad: '', twice: '', script: '', differing: '', malformed: '', broken: '', module: '', several: '', actions: '' };
beforeAll(async () => {
  folder = await CaseFolder.make();
  files.good = await folder.write('calls.json', text);
  files.bad = await folder.write('bad.json', text.replace('"to": "charge"', '"to": "chrage"'));
  files.twice = await folder.write('twice.json', text.replace('"name": "Calls"', '"name": "Calls", "name": "Again"'));
  files.actions = await folder.write('actions.json', JSON.stringify(actions));
  files.script = await folder.write('script.yaml', script);
  files.differing = await folder.write('differing.yaml', script.replace('{ ended: won, at: +2h }', '{ ended: lost, at: +3h }'));
  files.malformed = await folder.write('malformed.yaml', script.replace('complete: call', 'complet: call').replace('+1h', '1h'));
  files.broken = await folder.write('broken.yaml', 'template: [\n');
  files.module = await folder.write('calls.ts', `interface Any { readonly [name: string]: unknown }\nexport const calls: Any = ${text};\n`);
  files.several = await folder.write('several.ts', `export const one = ${text};\nexport const other = ${text};\n`);
});
afterAll(() => folder[Symbol.asyncDispose]());

describe('usher journey validate', () => {
  test('a template without errors: the counts, and 0', async () => {
    const { code, out, err } = await usher('validate', files.good, '--actions', files.actions);
    expect({ code, out, err }).toEqual({ code: 0, out: `${files.good} is valid: 0 errors, 0 warnings\n`, err: '' });
  });

  test('one with errors: place, code, message and what to do, and 1', async () => {
    const { code, out } = await usher('validate', files.bad, '--actions', files.actions);
    const line = text.split('\n').findIndex((one) => one.includes('"to": "charge"')) + 1;
    expect(out).toContain(`${files.bad}:${line}:11 error J011 /steps/call/transitions/0/to\n`);
    expect(out).toContain('closest is `charge`');
    expect(out).toContain(`${files.bad} is not valid: `);
    expect(code).toBe(1);
  });

  test('an action that nobody has registered is an error', async () => {
    const { code, out } = await usher('validate', files.good);
    expect(out).toContain('J030');
    expect(code).toBe(1);
  });

  test('--json: what the API answers', async () => {
    const { code, out } = await usher('validate', '--json', files.bad, '--actions', files.actions);
    const { isValid, errors, warnings } = JSON.parse(out) as {
      isValid: boolean;
      errors: { code: string; path: string }[];
      warnings: unknown[];
    };
    expect({ isValid, warnings }).toEqual({ isValid: false, warnings: [] });
    expect(errors.map((error) => error.code)).toContain('J011');
    expect(code).toBe(1);
  });

  test('--previous: that nothing has changed since, and what is stricter now', async () => {
    const { code, out } = await usher('validate', files.good, '--actions', files.actions, '--previous', files.good);
    expect(out).toContain('J080');
    expect(code).toBe(1);
  });

  test('a key that stands twice in JSON', async () => {
    const { out } = await usher('validate', files.twice, '--actions', files.actions);
    expect(out).toContain('J004 /name');
  });

  test.each(['module', 'good'] as const)('TypeScript without a package around it, and JSON: %s', async (name) => {
    const { code } = await usher('validate', files[name], '--actions', files.actions);
    expect(code).toBe(0);
  });

  test('what cannot be read: why, and 2', async () => {
    const all = await Promise.all([
      usher('validate', 'no-such-file.json'),
      usher('validate', 'no_such_key'),
      usher('validate', files.broken),
      usher('validate', files.several),
      usher('validate', files.good, '--actions', files.broken),
      usher('validate', files.broken, '--json'),
    ]);
    expect(all.map(({ code }) => code)).toEqual([2, 2, 2, 2, 2, 2]);
    const [missing, unknown, broken, several, noActions, json] = all;
    expect(missing?.err).toContain('no-such-file.json cannot be read: ENOENT');
    expect(unknown?.err).toContain('is neither a file nor a template that comes with the product (customer_acquisition, ');
    expect(broken?.err).toMatch(/^.*broken\.yaml:2:1 /);
    expect(several?.err).toContain('exports several templates (one, other)');
    expect(noActions?.err).toContain('broken.yaml:2:1');
    expect((JSON.parse(json?.out ?? '') as { faults: { line: number }[] }).faults[0]?.line).toBe(2);
  });

  test('templates that come with the product are valid by their key', async () => {
    const all = await Promise.all(
      ['customer_acquisition', 'support_resolution', 'customer_onboarding', 'custom_upsell'].map((key) => usher('validate', key)),
    );
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  });
});

describe('usher journey simulate', () => {
  test('the trace as a table, then how things stand', async () => {
    const { code, out, err } = await usher('simulate', '--script', files.script);
    const [head, ...lines] = out.split('\n');
    expect(head).toMatch(/^after {2}at {20}journey {2}step +what +why$/);
    expect(lines.some((line) => /^\+2h +2026-01-05T11:00:00Z +1 +call +step\.completed +outcome done · cause advance/.test(line))).toBe(
      true,
    );
    expect(out).toMatch(/^1 +calls +customer C1 +completed won called +100 %$/m);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test('--expect: as expected, and 0', async () => {
    const { code, out } = await usher('simulate', '--script', files.script, '--expect');
    expect(out).toContain('\nas expected: 2 expectations\n');
    expect(code).toBe(0);
  });

  test('--expect: what differs, with its line, and 1', async () => {
    const { code, out } = await usher('simulate', '--script', files.differing, '--expect');
    const told = out.slice(out.indexOf('2 differences')).trimEnd().split('\n');
    expect(told[1]?.split(/ {2,}/)).toEqual(['where', 'at', 'journey', 'what', 'field', 'expected', 'got']);
    expect(told[2]?.split(/ {2,}/)).toEqual([`${files.differing}:8`, '+3h', '1', 'journey', 'ended', 'lost', 'won']);
    expect(code).toBe(1);
    const { code: played } = await usher('simulate', '--script', files.differing);
    expect(played).toBe(0);
  });

  test('--json: the same for machines', async () => {
    const { code, out } = await usher('simulate', '--script', files.differing, '--expect', '--json');
    const { schema, trace, journeys, differences } = JSON.parse(out) as {
      schema: number;
      trace: { at: string; after: string; type: string; step: string | null }[];
      journeys: { status: string; steps: unknown[] }[];
      differences: object[];
    };
    expect(schema).toBe(1);
    expect(trace[0]).toMatchObject({ at: '2026-01-05T09:00:00Z', after: '+0s', type: 'journey.started', step: null, journey: 1 });
    expect(journeys.map(({ status, steps }) => [status, steps.length])).toEqual([['completed', 3]]);
    expect(differences[0]).toEqual({
      line: 8,
      at: '2026-01-05T12:00:00Z',
      journey: 1,
      what: 'journey',
      field: 'ended',
      expected: 'lost',
      got: 'won',
    });
    expect(code).toBe(1);
  });

  test('a malformed script: every fault with line and field, nothing played, and 2', async () => {
    const { code, out, err } = await usher('simulate', '--script', files.malformed, '--expect');
    expect(err.split('\n').slice(0, 2)).toEqual([
      `${files.malformed}:5:5 /events/0 must hold one of event, complete, vote, delegate, handoff, fail, operator, result, people, start, subject, advance, context`,
      `${files.malformed}:7:7 /expect/0/at must be an instant: +2d4h after the start, or with its zone, such as 2026-01-05T09:00:00Z`,
    ]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  test('a step that no template has is a slip of the pen, and 2', async () => {
    const file = await folder.write('slip.yaml', script.replace('step: call', 'step: cal'));
    const { code, err } = await usher('simulate', '--script', file);
    expect(err).toBe(`${file}:7:16 /expect/0/step must be a step of the template; did you mean call?\n`);
    expect(code).toBe(2);
  });

  test('a template with errors is not played, unless the script allows them', async () => {
    const instead = await usher('simulate', files.bad, '--script', files.script);
    expect(instead.err).toContain('J011');
    expect(instead.code).toBe(1);
    const file = await folder.write(
      'allowed.yaml',
      script.replace('template: calls.json', 'template: calls.json\nallow: [J030]').replace('actions: actions.json\n', ''),
    );
    const { code } = await usher('simulate', '--script', file);
    expect(code).toBe(0);
  });
});

describe('usher journey explain', () => {
  test('who enters, and who is stopped by which check', async () => {
    const file = await folder.write(
      'known.yaml',
      `actions: actions.json\nstart: { at: "2026-01-05T09:00:00Z" }\nevents:\n  - { at: +1h, subject: { type: customer, id: C2, vip: false } }\n  - { at: +1h, subject: { type: customer, id: C3, vip: true } }\n`,
    );
    const all = await Promise.all(
      ['C2', 'customer/C3', 'C4'].map((subject) => usher('explain', files.good, '--subject', subject, '--script', file)),
    );
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(all.map(({ out }) => out.split('\n')[0])).toEqual([
      'customer C2 would not enter calls: stopped by audience',
      'customer C3 would enter calls',
      'customer C4 would not enter calls: stopped by guard (guard_error)',
    ]);
    expect(all[0]?.out).toContain('  subject.vip == true → false [subject.vip present]\n');
    expect(all[2]?.out).toContain('  subject.vip == true → error (missing subject.vip) [subject.vip absent]\n');
  });

  test('--json: the check, the reason and the guard trace of everybody who asked', async () => {
    const { out, code } = await usher('explain', files.good, '--subject', 'C1', '--script', files.script, '--json');
    expect(JSON.parse(out)).toMatchObject({
      template: 'calls',
      subject: { type: 'customer', id: 'C1' },
      enters: true,
      check: null,
      attempts: [{ after: '+0s', trigger: null, enters: true }],
    });
    expect(code).toBe(0);
  });
});

describe('usher journey diagram', () => {
  test('a flowchart, a state diagram, places; coloured by where a journey is', async () => {
    const [flow, states, json, coloured] = await Promise.all([
      usher('diagram', files.good),
      usher('diagram', files.good, '--states'),
      usher('diagram', files.good, '--json'),
      usher('diagram', files.good, '--script', files.script),
    ]);
    expect(flow.out).toMatch(/^flowchart TD\n/);
    expect(states.out).toMatch(/^stateDiagram-v2\n/);
    expect((JSON.parse(json.out) as { steps: { id: string }[] }).steps.map(({ id }) => id)).toEqual(['call', 'charge', 'end']);
    expect(coloured.out).toContain('class s0,s1,s2 completed');
    expect([flow, states, json, coloured].map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  });
});

describe('usher journey explain --journey', () => {
  const id = 'JRN-0000000000000001';
  const told = (type: string, more: object = {}) => ({
    subject: `journey/${id}`,
    type,
    at: '2026-01-05T09:00:00.000Z',
    actor: 'system/journey',
    actorName: null,
    commandId: 'c1',
    data: {},
    text: null,
    ...more,
  });
  const trace = [{ expression: 'context.score > 50', verdict: 'true', fault: null }];
  const pages = [
    [told('journey.started', { actor: 'user/u1', actorName: 'Ada', data: { template: 'calls' } })],
    [
      told('journey.step.completed', {
        data: { step: 'call', visit: 2, outcome: 'done', cause: 'advance', to: 'give', trace },
        actor: 'user/u2',
      }),
      told('handoff.created', { subject: `handoff/${id}.give.1`, data: { from: 'crm', to: 'field-ops' } }),
      told('journey.paused', { commandId: 'c2', text: 'The bridge is closed' }),
      told('journey.task.assigned', { commandId: 'c2', text: 'The bridge is closed', data: { step: 'call', visit: 2, assignee: 'u2' } }),
    ],
  ];
  const view = { id, templateKey: 'calls', version: 3, status: 'paused', result: null, outcome: null, progress: 40, openSteps: ['give'] };
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    const isKnown = request.headers.authorization === 'Bearer k1';
    const second = request.url?.includes('cursor=a%2Fb') === true;
    const page = { data: pages[Number(second)], page: second ? { hasMore: false, next: null } : { hasMore: true, next: 'a/b' } };
    const body = request.url?.includes('/history') === true ? page : view;
    response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isKnown ? body : { code: 'auth_invalid', detail: 'The key is not known.' }));
  });
  let api = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    api = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  });
  afterAll(() => void server.close());

  test('what happened to which step, who did it, why, and how it stands; page by page', async () => {
    const { code, out, err } = await usher('explain', '--journey', id, '--api', `${api}/v1/`, '--key', 'k1');
    const lines = out.trimEnd().split('\n');
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
      ['at', 'step', 'what', 'by', 'why'],
      ['2026-01-05T09:00:00.000Z', 'started', 'Ada', 'template calls'],
      ['2026-01-05T09:00:00.000Z', 'call 2', 'step.completed', 'u2', 'outcome done · cause advance · to give · context.score > 50 → true'],
      ['2026-01-05T09:00:00.000Z', 'give', 'handoff.created', 'system/journey', 'from crm · to field-ops'],
      ['2026-01-05T09:00:00.000Z', 'paused', 'system/journey', '"The bridge is closed"'],
      ['2026-01-05T09:00:00.000Z', 'call 2', 'task.assigned', 'system/journey', 'assignee u2'],
      [''],
      [`${id} of calls@3: paused, 40 %, open: give`],
    ]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(asked).toEqual([
      `GET /v1/journeys/${id} Bearer k1`,
      `GET /v1/journeys/${id}/history?limit=100 Bearer k1`,
      `GET /v1/journeys/${id}/history?limit=100&cursor=a%2Fb Bearer k1`,
    ]);
  });

  test('--json: the journey and its events', async () => {
    const { out } = await usher('explain', '--journey', id, '--api', api, '--key', 'k1', '--json');
    expect(JSON.parse(out)).toEqual({ journey: view, events: pages.flat() });
  });

  test('what the API refuses, and an API that is away: why, and 2', async () => {
    const refused = await usher('explain', '--journey', id, '--api', api, '--key', 'k2');
    expect(refused.err).toBe(`${api}/v1/journeys/${id} is refused: 401 auth_invalid. The key is not known.\n`);
    const away = await usher('explain', '--journey', id, '--api', 'http://127.0.0.1:1', '--key', 'k1');
    expect(away.err).toContain('does not answer: ');
    expect([refused.code, away.code]).toEqual([2, 2]);
  });
});

describe('usher journey print', () => {
  test('the JSON of a module is what the API takes, and reads the same again', async () => {
    const [ofModule, ofJson, builtIn] = await Promise.all([
      usher('print', files.module),
      usher('print', files.good),
      usher('print', 'support_resolution'),
    ]);
    expect(JSON.parse(ofModule.out)).toEqual(good);
    expect(ofJson.out).toBe(ofModule.out);
    const file = await folder.write('printed.json', builtIn.out);
    expect((await usher('validate', file)).out).toBe(`${file} is valid: 0 errors, 0 warnings\n`);
    for (const { code, err } of [ofModule, ofJson, builtIn]) expect([code, err]).toEqual([0, '']);
  });

  test('what JSON cannot hold: every place, and 2', async () => {
    const file = await folder.write('wild.ts', "export const wild = { key: 'wild', steps: { a: () => 1 }, start: Number.NaN };\n");
    const { code, out, err } = await usher('print', file);
    expect(err).toBe(`${file} /steps/a is nothing that JSON can hold\n${file} /start is nothing that JSON can hold\n`);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });
});

describe('what can be read about it', () => {
  test.each([
    [['--help'], 'usher journey <command>'],
    [['validate', '--help'], 'usher journey validate FILE'],
    [['diagram', '-h'], 'usher journey diagram FILE'],
    [['simulate', '--help'], 'usher journey simulate [FILE] --script SCRIPT'],
    [['explain', '--help'], 'usher journey explain FILE --subject ID'],
    [['print', '--help'], 'usher journey print FILE'],
  ])('%j', async (args, shown) => {
    const { code, out } = await usher(...args);
    expect(out).toContain(shown);
    expect(code).toBe(0);
  });

  test.each([
    [['simulte'], 'usher journey knows no command simulte'],
    [['validate'], 'name one template'],
    [['validate', 'a', 'b'], 'name one template'],
    [['print'], 'name one template'],
    [['simulate'], '--script is needed: what is to happen'],
    [['simulate', 'a', 'b', '--script', 'c'], 'name at most one template'],
    [['explain', 'a'], '--subject is needed'],
    [['explain', 'a', '--subject', 'b'], '--script is needed'],
    [['explain', '--journey', 'JRN-0000000000000001'], '--journey, --api and --key go together'],
    [['explain', '--journey', 'TKT-1', '--api', 'http://a', '--key', 'k'], '--journey must be the id of a journey: JRN-…'],
    [['explain', '--journey', 'JRN-0000000000000001', '--api', 'here', '--key', 'k'], '--api must be an address'],
    [['diagram', 'a', '--script', 'b', '--journey', '0'], '--journey must be a number from 1 up'],
    [['validate', 'a', '--jsno'], "'--jsno'"],
  ])('%j says where to look', async (args, complaint) => {
    await expect(usher(...args)).rejects.toThrow(complaint);
    await expect(usher(...args)).rejects.toMatchObject({
      name: 'UsageError',
      help: expect.stringMatching(/^usher journey .*--help$/) as string,
    });
  });
});

describe('as a process', () => {
  test('a scenario of the checkout, by its path', async () => {
    const file = join(root, 'test/journeys/scenarios/s18-waits-between-attempts.yaml');
    const { code, out, err } = await run('journey', 'simulate', '--script', file, '--expect');
    expect(out).toContain('as expected');
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test('what differs is 1, what cannot be read 2, and so is a slip on the command line', async () => {
    const all = await Promise.all([
      run('journey', 'simulate', '--script', files.differing, '--expect'),
      run('journey', 'simulate', '--script', files.malformed, '--expect'),
      run('journey', 'simulate'),
      run('journey'),
    ]);
    expect(all.map(({ code }) => code)).toEqual([1, 2, 2, 2]);
    expect(all[2]?.err).toBe('--script is needed: what is to happen\nusher journey simulate --help shows what there is\n');
    expect(all[3]?.out).toContain('usher journey <command>');
  });

  test('TypeScript is loaded where no package says what it is', async () => {
    const { code, out } = await run('journey', 'validate', files.module, '--actions', files.actions);
    expect(out).toBe(`${files.module} is valid: 0 errors, 0 warnings\n`);
    expect(code).toBe(0);
  });
});
