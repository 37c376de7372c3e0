/** docs/journeys-reference.md says what the code says. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { handoffEventTypes } from '../../domain/handoff/event.js';
import { actionName, builtInActions } from '../../domain/journey/action.js';
import { retryDelayMs, retryPolicy, timeLimits } from '../../domain/journey/attempts.js';
import { compile } from '../../domain/journey/compile.js';
import { rules } from '../../domain/journey/diagnostic.js';
import { flowchart } from '../../domain/journey/diagram.js';
import { durationMs, inWords } from '../../domain/journey/duration.js';
import { dedupeWindowMs, entryReasons, usualCapacity } from '../../domain/journey/entry/consider.js';
import { goalWindowMs } from '../../domain/journey/entry/goals.js';
import { guardLimits } from '../../domain/journey/expression.js';
import { groupsOf, requiredOf } from '../../domain/journey/gate/electorate.js';
import { globLimits } from '../../domain/journey/glob.js';
import { createGuards } from '../../domain/journey/guard.js';
import { outcomesOf } from '../../domain/journey/outcomes.js';
import { roots } from '../../domain/journey/path.js';
import { handoffStates } from '../../domain/journey/run/effect.js';
import { journeyEventTypes } from '../../domain/journey/run/event.js';
import { mostBytes } from '../../domain/journey/run/context.js';
import { planOf } from '../../domain/journey/run/plan.js';
import { incidentCodes, journeyStatuses } from '../../domain/journey/run/state.js';
import { TemplateBody, templateShape } from '../../domain/journey/schema.js';
import { operatorVerbs } from '../../domain/journey/simulate/script.js';
import { operators, stepKinds } from '../../domain/journey/step.js';
import type { Step } from '../../domain/journey/step.js';
import { categories, concurrencies, duplicateRules, packages, subjectTypes, triggerKinds } from '../../domain/journey/template.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { validate } from '../../domain/journey/validate.js';
import { fromIso } from '../../domain/time.js';
import { builtInJourneys } from '../../journeys/index.js';
import { read } from '../support/repo.js';
import { namesIn, spansIn, tableUnder, tablesUnder } from '../support/tables.js';

const page = read('docs/journeys-reference.md');
const guards = createGuards();

/** Members of the published schema: those that may be absent have a mark. */
const Shape = z.object({ properties: z.record(z.string(), z.unknown()), required: z.array(z.string()).default([]) });
const Steps = z.object({ properties: z.object({ steps: z.object({ additionalProperties: z.object({ oneOf: z.array(Shape) }) }) }) });
const published = z
  .object({ $defs: z.object({ JourneyTemplate: z.unknown() }) })
  .parse(z.toJSONSchema(TemplateBody, { io: 'input', unrepresentable: 'any' })).$defs.JourneyTemplate;

const marked = ({ properties, required }: z.output<typeof Shape>): string[] =>
  Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`));
const kindOf = ({ properties: { kind } }: z.output<typeof Shape>): string => z.object({ const: z.string() }).parse(kind).const;
const steps = new Map(Steps.parse(published).properties.steps.additionalProperties.oneOf.map((shape) => [kindOf(shape), marked(shape)]));
/** What a step of any kind may say: a decision adds nothing. */
const common = steps.get('decision') ?? [];

const sorted = (names: readonly string[]): string[] => names.toSorted();
const under = (heading: string): string => page.split(`\n${heading}\n`)[1]?.split(/\n#+ /)[0] ?? '';

describe('fields', () => {
  test('of a template', () => {
    expect(sorted(namesIn(tableUnder(page, '## Template')))).toEqual(sorted(marked(Shape.parse(published))));
    for (const word of [...categories, ...subjectTypes]) expect(under('## Template')).toContain(`\`${word}\``);
  });

  test('of every step', () => expect(sorted(namesIn(tableUnder(page, '## Steps', 1)))).toEqual(sorted(common)));

  test('kinds of steps, in order', () => expect(namesIn(tableUnder(page, '## Steps'))).toEqual([...stepKinds]));

  test.each(tableUnder(page, '## Steps').rows)('of %s', (kind = '', adds = '') => {
    const own = steps.get(spansIn(kind).join(''))?.filter((name) => !common.includes(name)) ?? [];
    expect(own.filter((name) => !spansIn(adds).includes(name))).toEqual([]);
    expect(spansIn(adds).filter((name) => name.endsWith('?') && !own.includes(name))).toEqual([]);
  });

  test('of an approval', () => {
    const own = (steps.get('approval') ?? []).filter((name) => !common.includes(name));
    expect(sorted(namesIn(tableUnder(page, '## Approvals')))).toEqual(sorted(own));
  });

  test('of an entry', () => {
    const entry = Shape.parse(z.object({ entry: z.unknown() }).parse(Shape.parse(published).properties).entry);
    const shown = spansIn(under('## Triggers and entry')).map((span) => span.replace('?', ''));
    for (const name of Object.keys(entry.properties)) expect(shown).toContain(name);
  });
});

describe('words', () => {
  test.each([
    ['### Durations and times', ['P1DT12H']],
    ['## Paths and guards', [...roots, ...operators]],
    ['## Triggers and entry', [...triggerKinds, ...concurrencies, ...duplicateRules, ...packages]],
  ])('%s', (heading, words) => {
    for (const word of words) expect(under(heading)).toContain(`\`${word}\``);
  });

  test('reasons of refused entries', () => {
    const { rows } = tableUnder(page, '## Triggers and entry', 2);
    expect(sorted(rows.flatMap(([reasons = '']) => spansIn(reasons)))).toEqual(sorted(entryReasons));
  });

  test('states of handoffs', () => expect(namesIn(tableUnder(page, '## Handoffs', 1))).toEqual([...handoffStates]));
  test('statuses', () => expect(namesIn(tableUnder(page, '## Journeys'))).toEqual([...journeyStatuses]));
  test('codes of incidents', () => expect(namesIn(tableUnder(page, '### Incidents'))).toEqual([...incidentCodes]));

  test('types of events', () => {
    const shown = tableUnder(page, '## Events').rows.flatMap(([, types = '']) => spansIn(types));
    expect(sorted(shown)).toEqual(sorted([...new Set([...journeyEventTypes, ...handoffEventTypes, 'journey.entry.refused'])]));
  });

  test('verbs of repair, with routes that exist', () => {
    const table = tableUnder(page, '### Repair');
    expect(sorted(namesIn(table))).toEqual(sorted(operatorVerbs));
    const { paths } = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) }).parse(JSON.parse(read('openapi.json')));
    for (const route of table.rows.flatMap(([, , routes = '']) => spansIn(routes)))
      expect(paths[`/v1/journeys/{journeyId}${route.replace('POST …', '')}`]).toHaveProperty('post');
  });
});

describe('outcomes', () => {
  const handoff = { kind: 'handoff', from: 'crm', to: 'field-ops' } as const;
  const samples: readonly (readonly [row: number, Step])[] = [
    [0, { kind: 'automated' }],
    [0, { kind: 'decision' }],
    [0, { kind: 'parallel', branches: [] }],
    [0, { kind: 'forEach', items: 'input.list', do: { kind: 'automated' } }],
    [1, { kind: 'manual' }],
    [2, { kind: 'approval', approvers: {}, quorum: 'any' }],
    [3, { ...handoff, mode: 'automatic' }],
    [3, { ...handoff, mode: 'automatic', waitFor: 'accept' }],
    [4, { ...handoff, mode: 'accept' }],
    [5, { ...handoff, mode: 'approve' }],
    [6, { ...handoff, mode: 'accept', onReturn: 'incident' }],
    [7, { kind: 'wait', for: 'P1D' }],
    [7, { kind: 'wait', condition: 'true', max: 'P1D', onMax: 'incident' }],
    [7, { kind: 'wait', event: [{ type: 'crm:paid' }], max: 'P1D', onMax: 'incident' }],
    [9, { kind: 'touchpoint', channel: 'email', template: 'onboarding.welcome' }],
  ];
  const { rows } = tableUnder(page, '### Outcomes');
  /** What a row leaves to another one. */
  const meant = (row: number, cell: string): string => (cell.includes('the same') ? `${cell} ${rows[3]?.[1] ?? ''}` : cell);

  test.each(samples)('row %i: %j', (row, step) => {
    const [kinds = '', certain = '', possible = ''] = rows[row] ?? [];
    const outcomes = outcomesOf(step, () => false);
    expect(kinds).toContain(`\`${step.kind}\``);
    for (const outcome of outcomes.certain) expect(spansIn(meant(row, certain))).toContain(outcome);
    expect(sorted(outcomes.possible.filter((outcome) => !outcomes.certain.includes(outcome)))).toEqual(
      sorted(step.kind === 'wait' && step.for !== undefined ? [] : spansIn(possible)),
    );
  });
});

test.each(tableUnder(page, '### Durations and times').rows)('%s is %s', (written = '', meaning = '') => {
  const told = spansIn(written).map((text) => durationMs(text));
  expect(told.map((ms) => (ms === null ? 'no duration' : inWords(ms)))).toEqual(told.map(() => meaning.split(/[;:]/)[0]));
});

describe('expressions', () => {
  const data = {
    context: { score: 60, plan: 'fiber-500', tags: ['vip', 'new'] },
    now: '2026-03-02T09:00:00Z',
  };
  test('see what is said', () => {
    const [context = '', values = ''] =
      /With ([\s\S]*?):\n\n\|/.exec(under('## Paths and guards'))?.[1]?.match(/`\{[^`]*\}`|`\d{4}[^`]*`/g) ?? [];
    expect([JSON.parse(context.slice(1, -1)), values.slice(1, -1)]).toEqual([data.context, data.now]);
  });

  test.each(tableUnder(page, '## Paths and guards', 1).rows)('%s is %s', (expression = '', verdict = '') => {
    const trace = guards.evaluate(spansIn(expression).join(''), { context: data.context, now: fromIso(data.now) });
    expect(trace.verdict).toBe(verdict.split(':')[0]);
  });

  test.each(tableUnder(page, '## Paths and guards', 2).rows)('%s is banned', (expression = '') => {
    const { problems } = guards.check(spansIn(expression).join(''), () => ({ kind: 'untyped' }), 'verdict');
    expect(problems.map(({ code }) => code)).toContain('J025');
  });
});

test.each(tablesUnder(page, '## Approvals')[1]?.rows ?? [])('quorum %s of %s needs %s', (quorum = '', count = '', needed = '') => {
  const eligible = Array.from({ length: Number(count) }, (_, index) => ({ id: `p${index}`, roles: [] }));
  const rule = z.union([z.enum(['any', 'all']), z.object({ count: z.int() }), z.object({ percent: z.int() })]);
  const groups = groupsOf(
    { approvers: {}, quorum: rule.parse(JSON.parse(spansIn(quorum).join(''))) },
    { requester: null, earlierVoters: [], eligible, joined: [] },
  );
  expect(requiredOf(groups)).toBe(Number(needed));
});

describe('defaults and limits', () => {
  const bare: JourneyTemplate = {
    key: 'bare',
    name: 'Bare',
    category: 'custom',
    subject: { type: 'customer', id: 'subject.id' },
    start: 'end',
    steps: { end: { kind: 'end', outcome: 'done', result: 'won' } },
  };
  const { maxAttempts, initialMs, factor, maxMs } = retryPolicy(undefined, undefined);
  const plan = planOf(compile(bare));
  /** How many steps a template may have, tried out. */
  const fits = (count: number): boolean =>
    !validate(
      { ...bare, steps: Object.fromEntries(Array.from({ length: count }, (_, index) => [`s${index}`, { kind: 'decision' }])) },
      { shape: templateShape, guards },
    ).errors.some(({ code }) => code === 'J005');
  const told: Readonly<Record<string, string>> = {
    'attempts of an action': String(maxAttempts),
    'first delay, factor, longest delay': `${inWords(initialMs)}, ${factor}, ${inWords(maxMs)}`,
    '`timeouts.attempt`': inWords(timeLimits(undefined, undefined).attemptMs),
    '`limits.maxDuration`': inWords(plan.maxDurationMs),
    '`limits.maxVisitsPerStep`': String(plan.maxVisits),
    '`limits.maxOpenSteps`': String(plan.maxOpen),
    'window of a goal': inWords(goalWindowMs),
    '`dedupeWindow`': inWords(dedupeWindowMs),
    'open journeys of a tenant': String(usualCapacity),
    'steps of a template': fits(500) && !fits(501) ? '500' : 'another number',
    'variables of a journey': `${mostBytes / 1_024} KiB`,
    'guard: characters, nodes, depth, list items': [guardLimits.characters, guardLimits.nodes, guardLimits.depth, guardLimits.items].join(
      ', ',
    ),
    '`glob`: characters of text, of pattern': `${globLimits.text}, ${globLimits.pattern}`,
  };
  /** Their code keeps these to itself; test/cli/journey-docs.test.ts plays the first. */
  const elsewhere = ['automatic acceptance of a handoff', 'compiled template'];
  const { rows } = tableUnder(page, '## Defaults and limits');

  test('are as told', () => {
    expect(Object.fromEntries(rows.filter(([what = '']) => !elsewhere.includes(what)))).toEqual(told);
    expect(retryDelayMs(retryPolicy(undefined, undefined), 1)).toBe(initialMs);
  });

  test('the compiled form', () => {
    const [, limit = ''] = rows.find(([what]) => what === 'compiled template') ?? [];
    const long = {
      ...bare.steps,
      ask: { kind: 'manual', outcomes: Array.from({ length: 400 }, (_, index) => String(index).padEnd(190, 'x')) },
    };
    const { errors } = validate({ ...bare, steps: long }, { shape: templateShape, guards });
    expect(errors.find(({ code }) => code === 'J005')?.message).toContain(`the limit is ${limit}`);
  });
});

test('diagnostics', () => {
  const { rows } = tableUnder(page, '## Diagnostics');
  expect(rows).toEqual(Object.entries(rules).map(([code, { severity, why, fix }]) => [code, severity === 'warning' ? 'W' : '', why, fix]));
});

/** Fields of a schema as the table names them. */
const fieldsOf = ({ properties = {}, required = [] }: (typeof builtInActions)[number]['input']): string =>
  Object.keys(properties)
    .map((name) => `\`${name}\`${required.includes(name) ? '' : '?'}`)
    .join(', ');

test('actions', () => {
  const called = builtInActions.filter(({ name }) => !name.endsWith('.accept_handoff'));
  expect(tableUnder(page, '## Actions').rows).toEqual(
    called.map((action) => {
      const errors = (action.errors ?? []).map((error) => `\`${error}\``).join(', ');
      return [`\`${actionName(action)}\``, action.effect, fieldsOf(action.input), fieldsOf(action.output), errors, action.summary];
    }),
  );
});

test('templates that come with Usher, drawn', () => {
  const shown = [...page.matchAll(/^### (.+): `(\w+)`\n\n(.+)\n\n```mermaid\n([\s\S]*?)\n```$/gm)].map(([, ...parts]) => parts);
  expect(shown).toEqual(
    builtInJourneys.map((template) => [template.name, template.key, template.description, flowchart(template).trimEnd()]),
  );
});
