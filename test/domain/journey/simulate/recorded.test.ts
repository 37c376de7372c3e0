/** Two runs of one script held against each other: what each has to say that the other has not. */
import { describe, expect, test } from 'vitest';
import { asRun, oddLines, oddMembers, recorded } from '../../../../domain/journey/simulate/recorded.js';
import type { Run, Traced } from '../../../../domain/journey/simulate/run.js';
import { play } from './play.js';

const template = {
  key: 'calls',
  name: 'Calls',
  category: 'custom',
  subject: { type: 'customer', id: 'subject.id' },
  start: 'call',
  steps: {
    call: { kind: 'manual', assign: { roles: ['sales'] }, due: 'P1D', outcomes: ['done'], transitions: [{ to: 'end' }] },
    end: { kind: 'end', outcome: 'called', result: 'won' },
  },
};
const script = { events: [{ at: '+2h', complete: 'call', outcome: 'done' }], expect: [{ at: '+1h', step: 'call', state: 'open' }] };
const played = async (): Promise<Run> => (await play(script, template)).run;

const line = (over: Partial<Traced>): Traced => ({
  at: 0,
  journey: 1,
  type: 'journey.step.entered',
  data: {},
  step: 'call',
  visit: 1,
  ...over,
});
const withTrace = (run: Run, ...trace: Traced[]): Run => ({ ...run, trace });
const told = (first: Run, second: Run) => oddLines(first, second).map(({ in: where, line: { type, data } }) => [where, type, data]);

test('a run that went through JSON is the same run', async () => {
  const run = await played();
  const [at] = [run.startedAt + 3_600_000];
  const again = asRun(JSON.parse(JSON.stringify(recorded(run, [at, at]))) as ReturnType<typeof recorded>);
  expect(oddLines(run, again)).toEqual([]);
  expect(oddMembers(run, again)).toEqual([]);
  expect(again.at(at)).toEqual(run.at(at));
  expect(again.at(at)).toHaveLength(1);
  expect(again.at(at + 1)).toEqual([]);
});

describe('lines', () => {
  test('one that is missing, one too many, one that says something else', async () => {
    const run = await played();
    const [a, b] = [line({ data: { kind: 'manual' } }), line({ type: 'journey.step.completed', data: { outcome: 'done' } })];
    expect(told(withTrace(run, a, b), withTrace(run, a))).toEqual([['first', 'journey.step.completed', { outcome: 'done' }]]);
    expect(told(withTrace(run, b), withTrace(run, a, b))).toEqual([['second', 'journey.step.entered', { kind: 'manual' }]]);
    expect(told(withTrace(run, a), withTrace(run, line({ data: { kind: 'wait' } })))).toEqual([
      ['first', 'journey.step.entered', { kind: 'manual' }],
      ['second', 'journey.step.entered', { kind: 'wait' }],
    ]);
    expect(told(withTrace(run, a), withTrace(run, line({ at: 1_000, data: { kind: 'manual' } })))).toHaveLength(2);
  });

  test('of one party the order counts', async () => {
    const run = await played();
    const [a, b] = [line({ data: { kind: 'manual' } }), line({ type: 'journey.step.completed' })];
    expect(told(withTrace(run, a, b), withTrace(run, b, a))).not.toEqual([]);
  });

  test('a journey and its handoff, and two journeys, may take turns in any order at one instant', async () => {
    const run = await played();
    const parties = [
      line({}),
      line({ type: 'handoff.created' }),
      line({ journey: 2 }),
      line({ journey: null, step: null, visit: null, type: 'event' }),
    ];
    expect(told(withTrace(run, ...parties), withTrace(run, ...parties.toReversed()))).toEqual([]);
    expect(told(withTrace(run, ...parties), withTrace(run, ...parties.slice(1)))).toHaveLength(1);
  });

  test('which number the id of a text has says nothing; that there is one does', async () => {
    const run = await played();
    const reason = (id: string | null) => withTrace(run, line({ type: 'journey.ended', data: { reason: id } }));
    expect(told(reason('content-1'), reason('content-7'))).toEqual([]);
    expect(told(reason('content-1'), reason(null))).toHaveLength(2);
  });
});

test('how a journey stands at the end, and what was answered, is told by name', async () => {
  const run = await played();
  const [journey] = run.journeys;
  if (journey === undefined) throw new Error('nobody started');
  const stopped: Run = {
    ...run,
    nextAt: 5,
    answers: [],
    journeys: [{ ...journey, view: { ...journey.view, progress: 7, version: 99 }, visits: [] }],
  };
  expect(oddMembers(run, stopped)).toEqual(['answers', 'nextAt', 'journey 1 view', 'journey 1 visits']);
  expect(oddMembers(run, { ...run, journeys: [] })).toEqual([
    'journey 1 view',
    'journey 1 visits',
    'journey 1 gates',
    'journey 1 handoffs',
  ]);
});
