/** The cases of sla.md, and a few more, on the real ticket workflow: each leaves the trace it leaves in virtual time. */
import { beforeAll, expect, test } from 'vitest';
import { recordTrace } from '../../cli/sla-cases/recorded-trace.js';
import { runCases } from '../../cli/sla-cases/run.js';
import type { CaseDeps } from '../../cli/sla-cases/run.js';
import { playIn, workflowRunner } from '../../cli/sla-cases/runner.js';
import { play } from '../../domain/sla/play.js';
import type { PlayAnswer, PlayRequest, ScenarioTrace } from '../../domain/sla/scenario.js';
import { files, read } from '../support/repo.js';

/** What happens while the worker is down and after the end, and what the ticket refuses. */
const more = `
calendars:
  K1: { zone: UTC, weekly: { mon: &office [['09:00', '17:00']], tue: *office, wed: *office, thu: *office, fri: *office } }
scenarios:
  - id: told while the worker is down
    calendar: K1
    targets: { first_response: 3600, next_response: 28800, resolution: 28800 }
    rungs: [{ id: r75, clock: resolution, when: { percent: 75 } }, { id: r100, clock: resolution, when: at_breach }]
    events:
      - [2026-07-20T09:00:00Z, open, customer]
      - [2026-07-20T09:30:00Z, worker_down]
      - [2026-07-20T09:45:00Z, reply]
      - [2026-07-20T09:50:00Z, status, waiting_on_customer]
      - [2026-07-20T09:55:00Z, customer]
      - [2026-07-20T09:55:00Z, note]
      - [2026-07-20T10:00:00Z, cause+, manual]
      - [2026-07-20T14:00:00Z, worker_up]
      - [2026-07-20T15:00:00Z, cause-, manual]
    expect:
      - { at: 2026-07-20T13:59:59Z, clock: first_response#1, phase: running, fulfilledAt: null }
      - { at: 2026-07-20T14:00:00Z, clock: first_response#1, outcome: met, fulfilledAt: 2026-07-20T09:45:00Z }
      - { at: 2026-07-20T14:00:00Z, clock: resolution#1, phase: paused, consumedS: 3300 }
      - { at: 2026-07-20T15:00:00Z, clock: resolution#1, phase: running, dueAt: 2026-07-21T14:05:00Z }
      - { rung: r75, clock: resolution#1, firedAt: 2026-07-21T12:05:00Z }
      - { rung: r100, clock: resolution#1, firedAt: 2026-07-21T14:05:00Z }
  - id: opened while the worker is down
    calendar: K1
    targets: { first_response: 3600, resolution: 14400 }
    events:
      - [2026-07-20T09:00:00Z, worker_down]
      - [2026-07-20T09:30:00Z, open, customer]
      - [2026-07-20T12:00:00Z, worker_up]
      - [2026-07-20T13:00:00Z, status, waiting_on_customer]
    expect:
      - { at: 2026-07-20T11:00:00Z, clocks: [] }
      - { at: 2026-07-20T12:00:00Z, clock: first_response#1, breachedAt: 2026-07-20T10:30:00Z, lateMs: 5400000 }
      - { at: 2026-07-20T13:00:00Z, clock: resolution#1, phase: paused, consumedS: 12600 }
  - id: nobody comes back
    calendar: K1
    targets: { resolution: 3600 }
    events:
      - [2026-07-20T09:00:00Z, open, customer]
      - [2026-07-20T09:30:00Z, worker_down]
    expect: [{ at: 2026-07-20T12:00:00Z, clock: resolution#1, phase: running, breaches: 0 }]
  - id: a message to a closed ticket
    calendar: K1
    targets: { resolution: 14400 }
    events:
      - [2026-07-20T09:00:00Z, open, customer]
      - [2026-07-20T10:00:00Z, merge]
      - [2026-07-20T11:00:00Z, target, { resolution: 3600 }]
      - [2026-07-20T11:00:00Z, cause+, manual]
      - [2026-07-20T12:00:00Z, customer]
    expect: [{ at: 2026-07-20T13:00:00Z, clock: resolution#1, phase: cancelled, reason: merged, consumedS: 3600 }]
`;
/** A reopen of what is not resolved, and a move that is not in the table: differences, by whichever engine. */
const refused = `
scenarios:
  - id: refused
    calendar: 24x7
    targets: { resolution: 14400 }
    events:
      - [2026-07-20T09:00:00Z, open, customer]
      - [2026-07-20T10:00:00Z, reopen]
      - [2026-07-20T11:00:00Z, resolve]
      - [2026-07-20T11:30:00Z, status, on_hold]
    expect: [{ at: 2026-07-20T12:00:00Z, clock: resolution#1, phase: fulfilled }]
`;

/** What the ticket cannot be told, or is not told: these are played in virtual time only. */
const unplayable = {
  C11: 'the ticket has no command for the cause approval:1 yet',
  'C11 an approval that pauses nothing': 'the ticket has no command for the cause approval:1 yet',
  'R12 imported closed': 'a ticket cannot be opened closed: no workflow is started for it',
  D9: 'the ticket has no command for a call yet',
  'D9 where a call counts': 'the ticket has no command for a call yet',
};

const texts = new Map([
  ['more', more],
  ['refused', refused],
]);
const virtual = new Map<string, ScenarioTrace>();
const deps: CaseDeps = {
  read: (name) => Promise.resolve(texts.get(name) ?? read(name)),
  play: (...asked) => {
    const trace = play(...asked);
    virtual.set(asked[0].id, trace);
    return trace;
  },
  now: () => performance.now(),
  zoneData: process.versions['tz'] ?? '',
};
const names = [...files('test/sla/cases'), ...texts.keys()];
const report = await runCases(names, deps);
const { runs } = await new Promise<PlayRequest>((take, fail) => {
  const playElsewhere = (request: PlayRequest): Promise<never> => {
    take(request);
    return Promise.reject(new Error('not yet'));
  };
  runCases(names, { ...deps, playElsewhere }).catch(fail);
});

let traces: PlayAnswer['traces'];
beforeAll(async () => {
  ({ traces } = await playIn(workflowRunner, { schema: 1, runs }));
}, 400_000);

const answerOf = (id: string): PlayAnswer['traces'][number] | undefined => traces[runs.findIndex(({ scenario }) => scenario.id === id)];

test('in virtual time all turns out as expected but what is refused', () => {
  expect(report.faults).toEqual([]);
  const differ = report.cases.filter(({ differences }) => differences.length > 0);
  expect(differ.map(({ id, differences }) => [id, differences.map(({ field, got }) => `${field}: ${String(got)}`)])).toEqual([
    ['refused', ['event 2 (reopen): ticket.illegal_move', 'event 4 (status): ticket.illegal_move']],
  ]);
});

test('what cannot be played is said by name and reason', () => {
  const failed = runs.flatMap(({ scenario: { id } }) => {
    const answer = answerOf(id);
    return answer?.ok === false ? [[id, answer.error]] : [];
  });
  expect(Object.fromEntries(failed)).toEqual(unplayable);
});

const playable = runs
  .filter(({ scenario: { id } }) => !Object.hasOwn(unplayable, id))
  .map(({ scenario: { id }, looks }) => ({ id, looks }));

test.each(playable)('$id', ({ id, looks }) => {
  const trace = virtual.get(id);
  if (trace === undefined) throw new Error('it was not played in virtual time');
  expect(answerOf(id)).toEqual({ ok: true, trace: recordTrace(trace, looks) });
});
