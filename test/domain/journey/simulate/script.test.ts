/** What a script may say, and what is said of one that says something else. Source: scripts.md, section 1. */
import { describe, expect, test } from 'vitest';
import { brokenRules } from '../../../../domain/choice/schema.js';
import { scriptSchema } from '../../../../domain/journey/simulate/schema.js';
import type { Script } from '../../../../domain/journey/simulate/script.js';
import { fromIso, hour } from '../../../../domain/time.js';

const at = '2026-01-05T09:00:00Z';
const start = fromIso(at);

const script = (changes: object = {}): object => ({ start: { at }, ...changes });
const read = (value: unknown): Script => scriptSchema(value).parse(value);
const event = (written: object) => read(script({ events: [{ at: '+1h', ...written }] })).events[0];
const expectation = (written: object) => read(script({ expect: [written] })).expect[0];
function faults(value: unknown): (readonly [string, string])[] {
  const parsed = scriptSchema(value).safeParse(value);
  return parsed.success ? [] : parsed.error.issues.flatMap(brokenRules).map(({ path, rule }) => [`/${path.join('/')}`, rule] as const);
}
const eventFaults = (written: unknown) => faults(script({ events: [written] }));

const people = (name: string) => ({ people: { [name]: [] } });

describe('a script', () => {
  test('says when it starts; all else may be absent', () => {
    expect(read(script())).toEqual({
      templates: [],
      people: {},
      config: {},
      calendars: {},
      allow: [],
      start: { at: start, call: null },
      events: [],
      expect: [],
      until: start,
    });
  });

  test('headings with nothing under them are empty', () => {
    expect(read(script({ events: null, expect: null, people: null, config: null, allow: null })).events).toEqual([]);
  });

  test('the clock stops at the last instant it names', () => {
    const named = {
      events: [{ at: '+2h', people: {} }],
      expect: [
        { at: '+3h', status: 'active' },
        { emitted: 'journey.ended', at: '+1h' },
      ],
    };
    expect(read(script(named)).until).toBe(start + 3 * hour);
  });

  test('what happens is sorted by time, and of one instant stays in its order', () => {
    const events = [
      { at: '+2h', ...people('a') },
      { at: '+1h', ...people('b') },
      { at: '+2h', ...people('c') },
    ];
    const order = read(script({ events })).events.map((one) => [one.index, one.at - start]);
    expect(order).toEqual([
      [1, hour],
      [0, 2 * hour],
      [2, 2 * hour],
    ]);
  });

  test('the start calls, with a subject whose further members are its attributes', () => {
    const subject = { type: 'customer', id: 7, zone: 'UTC', monthlyUsage: 85, tags: ['a'] };
    expect(read({ start: { at, subject, input: { a: 1 }, by: 'ann' } }).start.call).toEqual({
      subject: { type: 'customer', id: '7', zone: 'UTC', attributes: { monthlyUsage: 85, tags: ['a'] } },
      input: { a: 1 },
      by: 'ann',
    });
  });

  test('configuration has the names it has elsewhere', () => {
    const config = {
      maxConcurrentJourneys: 2,
      handoffTimeout: 300_000,
      retryAttempts: 3,
      packageIntegrations: { crm: { enabled: false }, 'field-ops': {} },
      enableRealtime: true,
      analyticsRetentionDays: 365,
    };
    expect(read(script({ config })).config.packageIntegrations).toEqual({ crm: { enabled: false }, 'field-ops': { enabled: true } });
  });

  test.each([
    [5, [['/', 'must be a map with start and events']]],
    [{}, [['/start', 'must be a map with at']]],
    [{ start: {} }, [['/start/at', 'must be an instant with its zone, such as 2026-01-05T09:00:00Z']]],
    [{ start: { at: '+1h' } }, [['/start/at', 'must be an instant with its zone, such as 2026-01-05T09:00:00Z']]],
    [{ start: { at, input: {} } }, [['/start/subject', 'is required beside input']]],
    [{ start: { at, subject: { type: 'customer' } } }, [['/start/subject/id', 'must be text that is not empty']]],
    [script({ event: [] }), [['/event', 'is not a field here']]],
    [script({ people: { ann: 'legal' } }), [['/people/ann', 'must be a list of names']]],
    [script({ allow: ['J999'] }), [['/allow/0', 'must be a code of validation, such as J020']]],
    [script({ config: { maxConcurrentJourneys: -1 } }), [['/config/maxConcurrentJourneys', 'must be a whole number of at least 0']]],
    [
      script({ calendars: { office: { zone: 'Europe/Brusels', weekly: { mon: [['09:00', '17:00']] } } } }),
      [['/calendars/office/zone', 'must be a known IANA time zone']],
    ],
  ])('%j is told what is wrong', (value, expected) => expect(faults(value)).toEqual(expected));
});

describe('what happens', () => {
  const common = { at: start + hour, index: 0, journey: 1 };
  test.each<[object, object]>([
    [
      { event: { type: 'crm:x', id: 'e1', customerId: 'C1', data: { a: 1 } } },
      { kind: 'event', event: { type: 'crm:x', id: 'e1', customerId: 'C1', data: { a: 1 } } },
    ],
    [
      { complete: 's', outcome: 'done', output: { a: 1 }, by: 'ann' },
      { kind: 'complete', step: 's', outcome: 'done', output: { a: 1 }, by: 'ann' },
    ],
    [
      { vote: 's', by: 'ann', decision: 'approve', comment: 'fine' },
      { kind: 'vote', step: 's', by: 'ann', decision: 'approve', comment: 'fine' },
    ],
    [
      { vote: 's', by: 'ann', onBehalfOf: 'bea', decision: 'reject' },
      { kind: 'vote', step: 's', by: 'ann', onBehalfOf: 'bea', decision: 'reject' },
    ],
    [
      { delegate: 's', by: 'bea', to: 'ann' },
      { kind: 'delegate', step: 's', by: 'bea', to: 'ann' },
    ],
    [
      { handoff: 's', do: 'return', by: 'bob', reason: 'no_access' },
      { kind: 'handoff', step: 's', do: 'return', by: 'bob', reason: 'no_access' },
    ],
    [
      { fail: 's', error: 'Unavailable', times: 3 },
      { kind: 'fail', step: 's', error: 'Unavailable', times: 3, takesMs: 0 },
    ],
    [
      { fail: 's', error: 'timeout', takes: '10s', item: 'i2' },
      { kind: 'fail', step: 's', error: 'timeout', times: 1, takesMs: 10_000, item: 'i2' },
    ],
    [
      { step: 's', result: { a: 1 } },
      { kind: 'result', step: 's', result: { a: 1 }, times: 1, takesMs: 0 },
    ],
    [
      { operator: 'retry', step: 's' },
      { kind: 'operator', verb: 'retry', step: 's' },
    ],
    [
      { operator: 'goto', step: 's', to: 't', context: { a: 1 }, reason: 'so' },
      { kind: 'operator', verb: 'goto', step: 's', to: 't', context: { a: 1 }, reason: 'so' },
    ],
    [
      { operator: 'pause', deadlines: 'keep', scope: 'template' },
      { kind: 'operator', verb: 'pause', deadlines: 'keep', scope: 'template' },
    ],
    [{ people: { lea: [] } }, { kind: 'people', people: { lea: [] } }],
    [{ start: { subject: { type: 'lead', id: 'L1' } } }, { kind: 'start', subject: { type: 'lead', id: 'L1', attributes: {} }, input: {} }],
    [{ subject: { type: 'lead', id: 'L1', a: 1 } }, { kind: 'subject', subject: { type: 'lead', id: 'L1', attributes: { a: 1 } } }],
    [{ context: { score: 60 } }, { kind: 'context', patch: { score: 60 } }],
    [{ advance: { outcome: 'x', expectStep: 's' } }, { kind: 'advance', outcome: 'x', expectStep: 's' }],
    [{ advance: 'x' }, { kind: 'advance', outcome: 'x' }],
    [{ advance: null }, { kind: 'advance' }],
  ])('%j', (written, expected) => expect(event(written)).toEqual({ ...common, ...expected }));

  test('any of it may name its instance, its command and its refusal', () => {
    const written = { complete: 's', journey: 2, commandId: 'r1', refused: 'step_not_open' };
    expect(event(written)).toMatchObject({ journey: 2, commandId: 'r1', refused: 'step_not_open' });
    expect(event({ ...written, refused: true })).toMatchObject({ refused: true });
  });

  test.each<[unknown, [string, string][]]>([
    ['x', [['/events/0', 'must be a map']]],
    [
      { at: '+1h', compleet: 's' },
      [
        [
          '/events/0',
          'must hold one of event, complete, vote, delegate, handoff, fail, operator, result, people, start, subject, advance, context',
        ],
      ],
    ],
    [{ complete: 's' }, [['/events/0/at', 'must be an instant: +2d4h after the start, or with its zone, such as 2026-01-05T09:00:00Z']]],
    [{ at: '2026-01-05T08:59:59Z', complete: 's' }, [['/events/0/at', 'must not be before the start']]],
    [{ at: '+1h', complete: 's', step: 't' }, [['/events/0/step', 'is not a field here']]],
    [{ at: '+1h', vote: 's', by: 'a', decision: 'yes' }, [['/events/0/decision', 'must be one of approve, reject']]],
    [{ at: '+1h', fail: 's', error: 'X', times: 0 }, [['/events/0/times', 'must be a whole number of at least 1']]],
    [{ at: '+1h', fail: 's', error: 'X', takes: 'long' }, [['/events/0/takes', 'must be a duration such as 10s or 1h30m']]],
    [{ at: '+1h', handoff: 's', do: 'take' }, [['/events/0/do', 'must be one of accept, claim, return, complete, reject, cancel']]],
    [{ at: '+1h', operator: 'skip' }, [['/events/0/step', 'is required']]],
    [{ at: '+1h', operator: 'complete_with', step: 's' }, [['/events/0/outcome', 'is required']]],
    [{ at: '+1h', operator: 'resume', step: 's' }, [['/events/0/step', 'is not a field of resume']]],
    [{ at: '+1h', operator: 'pause', scope: 'all' }, [['/events/0/scope', 'must be template']]],
    [{ at: '+1h', event: { data: {} } }, [['/events/0/event/type', 'must be text that is not empty']]],
    [{ at: '+1h', subject: { id: 'x' } }, [['/events/0/subject/type', 'must be text that is not empty']]],
    [{ at: '+1h', complete: 's', refused: false }, [['/events/0/refused', 'must be a code, or true']]],
    [{ at: '+1h', complete: 's', journey: 0 }, [['/events/0/journey', 'must be a whole number of at least 1']]],
  ])('%j is told what is wrong', (written, expected) => expect(eventFaults(written)).toEqual(expected));

  test('while the start cannot be read, the form of instants is checked all the same', () => {
    const found = faults({
      start: { at: 'soon' },
      events: [
        { at: '+1h', people: {} },
        { at: 'later', people: {} },
      ],
    });
    expect(found.map(([field]) => field)).toEqual(['/start/at', '/events/1/at']);
  });
});

describe('what is expected', () => {
  test.each<[object, object]>([
    [
      { at: '+1h', step: 's', state: 'incident', reason: 'action_failed', visit: 2, attempts: 3 },
      { kind: 'step', at: start + hour, step: 's', state: 'incident', reason: 'action_failed', visit: 2, attempts: 3 },
    ],
    [
      { at: '+1h', step: 's', cause: 'max', due: '+2h', outcome: null },
      { kind: 'step', at: start + hour, step: 's', cause: 'max', due: start + 2 * hour, outcome: null },
    ],
    [
      {
        at: '+1h',
        step: 's',
        approval: { round: 1, required: 2, eligible: ['a'], votes: [{ by: 'a', decision: 'approve' }], outcome: 'approved' },
      },
      {
        kind: 'step',
        at: start + hour,
        step: 's',
        approval: { round: 1, required: 2, eligible: ['a'], votes: [{ by: 'a', decision: 'approve' }], outcome: 'approved' },
      },
    ],
    [
      { at: '+1h', handoff: 's', visit: 3, state: 'offered', owner: 'crm' },
      { kind: 'handoff', at: start + hour, handoff: 's', visit: 3, state: 'offered', owner: 'crm' },
    ],
    [
      { at: '+1h', status: 'paused', stage: 'lead', progress: 20, context: { score: 60 } },
      { kind: 'journey', at: start + hour, status: 'paused', stage: 'lead', progress: 20, context: { score: 60 } },
    ],
    [
      { ended: 'won', at: '+1h', progress: 100 },
      { kind: 'ended', ended: 'won', at: start + hour, progress: 100 },
    ],
    [
      { ended: 'cancelled', outcome: 'left' },
      { kind: 'ended', ended: 'cancelled', outcome: 'left' },
    ],
    [{ emitted: 'journey.started' }, { kind: 'emitted', emitted: 'journey.started', times: 1 }],
    [
      { emitted: 'journey.entry.refused', reason: 'capacity', at: '+1h', times: 0, journey: 2 },
      { kind: 'emitted', emitted: 'journey.entry.refused', reason: 'capacity', at: start + hour, times: 0, journey: 2 },
    ],
  ])('%j', (written, expected) => expect(expectation(written)).toEqual(expected));

  test.each<[unknown, [string, string][]]>([
    [5, [['/expect/0', 'must be a map']]],
    [{ at: '+1h' }, [['/expect/0', 'must hold one of step, handoff, ended, emitted, status, stage, progress, context']]],
    [
      { at: '+1h', step: 's', state: 'running' },
      [['/expect/0/state', 'must be one of pending, open, completed, skipped, failed, superseded, cancelled, incident']],
    ],
    [{ ended: 'completed' }, [['/expect/0/ended', 'must be one of won, lost, cancelled']]],
    [
      { emitted: 'journey.step.entred' },
      [['/expect/0/emitted', 'must be the type of an event that journeys emit; did you mean journey.step.entered?']],
    ],
    [{ emitted: 'x' }, [['/expect/0/emitted', 'must be the type of an event that journeys emit, such as journey.step.completed']]],
    [{ at: '+1h', step: 's', approval: { yes: 1 } }, [['/expect/0/approval/yes', 'is not a field here']]],
    [{ at: '+1h', progress: 101 }, [['/expect/0/progress', 'must be a whole number from 0 to 100']]],
  ])('%j is told what is wrong', (written, expected) => expect(faults(script({ expect: [written] }))).toEqual(expected));
});
