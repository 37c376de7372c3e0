/** An expectation that does not hold is told: each field by itself, what is not named is not looked at. */
import { describe, expect, test } from 'vitest';
import { differences } from '../../../../domain/journey/simulate/check.js';
import { aTemplate, manual, on, vote } from '../builders.js';
import { differing, play, scriptOf } from './play.js';

const work = { work: { ...manual, outcomes: ['fine'], due: 'P2D' } };
const one = aTemplate(work, { context: { score: { schema: { type: 'number' }, default: 7 } } });
const offered = aTemplate({
  give: {
    kind: 'handoff',
    from: 'crm',
    to: 'field-ops',
    mode: 'accept',
    acceptWithin: 'P1D',
    completeWithin: 'P1D',
    onTimeout: 'incident',
    ...on,
  },
});
const voted = aTemplate({ agree: { ...vote, approvers: { users: ['ann', 'bea'] }, quorum: 'all' } });
const done = { events: [{ at: '+1h', complete: 'work', outcome: 'fine' }] };

describe('a step', () => {
  test.each<[object, [string, unknown, unknown][]]>([
    [{ at: '+0s', step: 'work', state: 'open', due: '+2d', attempts: 0, outcome: null, cause: null }, []],
    [{ at: '+0s', step: 'work', state: 'completed' }, [['state', 'completed', 'open']]],
    [{ at: '+1h', step: 'work', state: 'open' }, [['state', 'open', 'completed']]],
    [
      { at: '+1h', step: 'work', outcome: 'bad', cause: 'event' },
      [
        ['outcome', 'bad', 'fine'],
        ['cause', 'event', 'advance'],
      ],
    ],
    [{ at: '+0s', step: 'work', due: '+3d' }, [['due', '2026-01-08T09:00:00Z', '2026-01-07T09:00:00Z']]],
    [{ at: '+0s', step: 'work', due: null }, [['due', null, '2026-01-07T09:00:00Z']]],
    [{ at: '+0s', step: 'work', attempts: 1 }, [['attempts', 1, 0]]],
    [{ at: '+0s', step: 'work', reason: 'guard_error' }, [['reason', 'guard_error', null]]],
    [{ at: '+0s', step: 'work', visit: 2, state: 'open' }, [['visit', 2, null]]],
    [{ at: '+0s', step: 'done', state: 'open' }, [['state', 'open', 'pending']]],
    [{ at: '+0s', step: 'work', approval: { round: 1 } }, [['approval', 'a record', null]]],
    [{ at: '+0s', step: 'work', state: 'open', journey: 2 }, [['journey', 2, 'not started']]],
  ])('%j', async (expected, found) => {
    const fields = await differing({ ...done, expect: [expected] }, one);
    expect(fields.map(([, ...rest]) => rest)).toEqual(found);
  });
});

describe('a journey', () => {
  test.each<[object, [string, unknown, unknown][]]>([
    [{ at: '+0s', status: 'active', progress: 0, stage: null, context: { score: 7 }, outcome: null }, []],
    [
      { at: '+0s', status: 'paused', progress: 50, stage: 'late' },
      [
        ['status', 'paused', 'active'],
        ['stage', 'late', null],
        ['progress', 50, 0],
      ],
    ],
    [
      { at: '+0s', context: { score: 8, other: 1 } },
      [
        ['context.score', 8, 7],
        ['context.other', 1, null],
      ],
    ],
    [{ at: '+0s', status: 'active', journey: 3 }, [['journey', 3, 'not started']]],
    [{ ended: 'won', at: '+1h', outcome: 'done', progress: 100 }, []],
    [{ ended: 'won' }, []],
    [
      { ended: 'lost', at: '+2h', outcome: 'gone' },
      [
        ['ended', 'lost', 'won'],
        ['endedAt', '2026-01-05T11:00:00Z', '2026-01-05T10:00:00Z'],
        ['outcome', 'gone', 'done'],
      ],
    ],
    [{ ended: 'cancelled', journey: 2 }, [['journey', 2, 'not started']]],
  ])('%j', async (expected, found) => {
    const fields = await differing({ ...done, expect: [expected] }, one);
    expect(fields.map(([, ...rest]) => rest)).toEqual(found);
  });

  test('that has not ended did not end', async () => {
    const fields = await differing({ expect: [{ ended: 'won', at: '+1h' }] }, one);
    expect(fields).toEqual([
      ['journey', 'ended', 'won', null],
      ['journey', 'endedAt', '2026-01-05T10:00:00Z', null],
    ]);
  });
});

describe('a handoff', () => {
  test.each<[object, [string, unknown, unknown][]]>([
    [{ at: '+0s', handoff: 'give', state: 'offered', owner: 'crm', visit: 1, due: '+1d', attempts: 0, reason: null, outcome: null }, []],
    [
      { at: '+0s', handoff: 'give', state: 'accepted', owner: 'field-ops', due: null },
      [
        ['state', 'accepted', 'offered'],
        ['owner', 'field-ops', 'crm'],
        ['due', null, '2026-01-06T09:00:00Z'],
      ],
    ],
    [{ at: '+0s', handoff: 'give', visit: 2, state: 'offered' }, [['handoff', 'offered', null]]],
    [{ at: '+0s', handoff: 'done' }, [['handoff', 'opened', null]]],
    [{ at: '+0s', handoff: 'give', journey: 2 }, [['journey', 2, 'not started']]],
  ])('%j', async (expected, found) => {
    const fields = await differing({ expect: [expected] }, offered);
    expect(fields.map(([, ...rest]) => rest)).toEqual(found);
  });
});

describe('a vote', () => {
  const votes = { events: [{ at: '+1h', vote: 'agree', by: 'ann', decision: 'approve' }] };
  test.each<[object, [string, unknown, unknown][]]>([
    [{ round: 1, required: 2, eligible: ['bea', 'ann'], votes: [{ by: 'ann' }], outcome: null }, []],
    [{ votes: [{ by: 'ann', decision: 'approve', onBehalfOf: null }] }, []],
    [
      { round: 2, required: 1 },
      [
        ['approval.round', 2, 1],
        ['approval.required', 1, 2],
      ],
    ],
    [{ eligible: ['ann'] }, [['approval.eligible', ['ann'], ['ann', 'bea']]]],
    [{ votes: [{ by: 'bea' }] }, [['approval.votes', [{ by: 'bea' }], [{ by: 'ann' }]]]],
    [{ votes: [] }, [['approval.votes', [], [{ by: 'ann', onBehalfOf: null, decision: 'approve' }]]]],
    [{ votes: [{ by: 'ann' }, { by: 'bea' }] }, [['approval.votes', [{ by: 'ann' }, { by: 'bea' }], [{ by: 'ann' }]]]],
    [{ outcome: 'approved' }, [['approval.outcome', 'approved', null]]],
  ])('%j', async (approval, found) => {
    const fields = await differing({ ...votes, expect: [{ at: '+1h', step: 'agree', approval }] }, voted);
    expect(fields.map(([, ...rest]) => rest)).toEqual(found);
  });
});

describe('what was emitted', () => {
  const twice = { events: [{ at: '+30m', start: { subject: { type: 'customer', id: 'C2' } } }, ...done.events] };
  test.each<[object, number | null]>([
    [{ emitted: 'journey.step.entered', step: 'work', times: 2 }, null],
    [{ emitted: 'journey.step.entered', step: 'work', times: 1 }, 2],
    [{ emitted: 'journey.step.entered', step: 'work', times: 1, journey: 2 }, null],
    [{ emitted: 'journey.step.entered', step: 'work', times: 2, journey: 2 }, 1],
    [{ emitted: 'journey.step.entered', step: 'work', at: '+30m' }, null],
    [{ emitted: 'journey.step.entered', step: 'work', at: '+31m' }, 0],
    [{ emitted: 'journey.ended', times: 0 }, 1],
    [{ emitted: 'journey.incident.opened', times: 0 }, null],
    [{ emitted: 'journey.entry.refused', reason: 'capacity' }, 0],
  ])('%j', async (expected, got) => {
    const fields = await differing({ ...twice, expect: [expected] }, one);
    expect(fields.map(([, field, , count]) => [field, count])).toEqual(got === null ? [] : [['times', got]]);
  });

  test('an entry that was refused is nobody’s, and counts for whoever is named', async () => {
    const script = {
      start: { at: '2026-01-05T09:00:00Z' },
      config: { maxConcurrentJourneys: 0 },
      events: [{ at: '+1h', start: { subject: { type: 'customer', id: 'C1' } }, refused: 'capacity' }],
    };
    const expected = [{ emitted: 'journey.entry.refused', reason: 'capacity', journey: 2 }];
    expect(await differing({ ...script, expect: expected }, one)).toEqual([]);
  });
});

const answered = (event: object) => differing({ events: [{ at: '+1h', ...event }] }, one);

describe('an answer', () => {
  test.each<[object, [string, string, unknown, unknown][]]>([
    [{ complete: 'work', outcome: 'fine' }, []],
    [{ complete: 'work', outcome: 'bad', refused: 'unknown_outcome' }, []],
    [{ complete: 'work', outcome: 'bad', refused: true }, []],
    [{ complete: 'work', outcome: 'bad' }, [['event 1', 'answer', 'accepted', 'unknown_outcome']]],
    [{ complete: 'work', outcome: 'bad', refused: 'ambiguous' }, [['event 1', 'answer', 'ambiguous', 'unknown_outcome']]],
    [{ complete: 'work', outcome: 'fine', refused: true }, [['event 1', 'answer', 'refused', 'accepted']]],
    [{ complete: 'work', outcome: 'fine', journey: 4 }, [['event 1', 'answer', 'accepted', 'journey_not_started']]],
    [{ handoff: 'work', do: 'accept' }, [['event 1', 'answer', 'accepted', 'step_not_open']]],
    [{ event: { type: 'crm:x' } }, []],
    [{ event: { type: 'crm:x' }, refused: 'capacity' }, [['event 1', 'answer', 'capacity', 'accepted']]],
  ])('%j', async (event, expected) => expect(await answered(event)).toEqual(expected));

  test('a refused command leaves no trace', async () => {
    const quiet = await play({}, one);
    const refused = await play({ events: [{ at: '+0s', complete: 'work', outcome: 'bad', refused: true }] }, one);
    expect(refused.run.events).toEqual(quiet.run.events);
    expect(refused.run.journeys).toEqual(quiet.run.journeys);
  });

  test('the start itself may be refused, which is a difference', async () => {
    const script = { config: { maxConcurrentJourneys: 0 } };
    expect(await differing(script, one)).toEqual([['start', 'answer', 'accepted', 'capacity']]);
    const { run } = await play(script, one);
    expect(differences(scriptOf(script), run)[0]?.of).toBeNull();
  });
});
