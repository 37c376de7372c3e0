/** Expectations are typed out from journeys.md sections 8 and 9, and scripts.md section 3. */
import { describe, expect, test } from 'vitest';
import { nextDue, outstanding, report, wake } from '../../../domain/handoff/machine.js';
import { asContentId } from '../../../domain/ids.js';
import { noon, uuid } from '../../support/builders.js';
import { approved, gate, hour, Run, someRules } from './builders.js';

const comment = asContentId(uuid(0x300));
const pair = approved({ then: 'accept' }, { quorum: 'all' });

describe('a gate before the offer', () => {
  test('asks who may vote, and lets nobody vote before it knows', () => {
    const run = new Run(approved());
    expect(run.last).toMatchObject({ state: 'awaiting_approval', owner: 'crm', dueAt: null });
    expect(run.effects).toEqual([
      {
        kind: 'people',
        id: 'approvers/1',
        who: { roles: ['admin'] },
        data: { context: {}, journey: { id: 'JRN-1', requester: 'req' } },
      },
    ]);
    for (const [verb, fields] of [
      ['approve', {}],
      ['reject', { comment }],
      ['vote', { decision: 'approve' }],
      ['delegate', { to: 'dan' }],
    ] as const) {
      expect(run.refusal(verb, 'ada', fields).code).toBe('handoff.not_ready');
    }
    run.people();
    expect(run.last).toMatchObject({ state: 'awaiting_approval', dueAt: noon + 8 * hour });
    expect(run.types).toEqual(['created', 'approval.opened']);
  });

  test('approved, is offered: to the receiver’s activity', () => {
    const run = new Run(approved()).people().do('approve', 'ada', { comment });
    expect(run.last).toMatchObject({ state: 'offered', owner: 'crm', voters: ['ada'] });
    expect(run.wish('action')).toMatchObject({ attempt: 1, action: 'field-ops.accept_handoff@1' });
    expect(run.types).toEqual(['created', 'approval.opened', 'approval.voted', 'approval.closed', 'offered']);
  });

  test('or to its people', () => {
    const run = new Run(pair).people().do('approve', 'ada');
    expect(run.state.state).toBe('awaiting_approval');
    run.after(hour).do('vote', 'abe', { decision: 'approve' });
    expect(run.last).toMatchObject({ state: 'offered', dueAt: noon + 5 * hour, voters: ['ada', 'abe'] });
    expect(run.do('accept', 'bob').last).toMatchObject({ state: 'accepted', owner: 'field-ops' });
  });

  test('rejected, is over; a rejection needs a comment', () => {
    const run = new Run(pair).people();
    expect(run.refusal('reject', 'ada', { reason: 'too_dear' }).code).toBe('comment_required');
    run.do('reject', 'ada', { comment });
    expect(run.last).toMatchObject({ state: 'rejected', owner: 'crm', outcome: 'rejected', reason: 'approval_rejected', voters: ['ada'] });
    expect(run.types.slice(-3)).toEqual(['approval.voted', 'approval.closed', 'rejected']);
  });

  test('S33, S35: the requester, a stranger, a second vote and a late one are refused', () => {
    const run = new Run(pair).people(['ada', 'abe', 'req'].map((id) => ({ id, roles: ['admin'] })));
    expect(run.refusal('approve', 'req').code).toBe('requester_excluded');
    expect(run.refusal('approve', 'eve').code).toBe('not_eligible');
    run.do('approve', 'ada');
    expect(run.refusal('approve', 'ada').code).toBe('already_voted');
    run.do('approve', 'abe');
    expect(run.refusal('approve', 'abe')).toMatchObject({ code: 'approval_closed', members: { outcome: 'approved' } });
    run.do('accept', 'bob').do('complete', 'bob');
    expect(run.refusal('vote', 'ada', { decision: 'reject', comment }).code).toBe('approval_closed');
  });

  test('with four eyes, whoever voted before in the journey is refused', () => {
    const run = new Run(approved({}, { fourEyes: true }), { earlierVoters: ['ada'] }).people();
    expect(run.refusal('approve', 'ada').code).toBe('not_eligible');
    expect(run.do('approve', 'abe').state.state).toBe('offered');
  });

  test('a vote can be given into other hands', () => {
    const run = new Run(pair).people().do('delegate', 'ada', { to: 'dan', until: noon + 2 * hour });
    expect(run.types.at(-1)).toBe('approval.delegated');
    expect(run.refusal('delegate', 'dan', { to: 'abe' })).toMatchObject({
      code: 'delegation_invalid',
      members: { reason: 'already_eligible' },
    });
    run.do('approve', 'dan', { onBehalfOf: 'ada' });
    expect(run.state.gate?.votes).toMatchObject([{ by: 'dan', onBehalfOf: 'ada' }]);
    expect(run.refusal('approve', 'ada').code).toBe('already_voted');
  });

  test('needs its data first', () => {
    const run = new Run(approved({ requiredData: ['x'] }));
    expect(run.state.state).toBe('awaiting_data');
    expect(run.tell({ kind: 'supply', data: { x: 1 } }).state.state).toBe('awaiting_approval');
  });

  test('called off, closes the vote', () => {
    const run = new Run(pair).people().do('cancel', 'lea');
    expect(run.types.slice(-2)).toEqual(['approval.closed', 'cancelled']);
    expect(run.state.gate).toMatchObject({ outcome: 'cancelled' });
  });
});

describe('S37: the ladder and the deadline of a gate', () => {
  const ladder = approved(
    {},
    {
      escalation: [
        { after: hour, action: 'remind' },
        { after: 4 * hour, action: 'add', to: { roles: ['team_lead'] } },
      ],
    },
  );

  test('remind, more people, incident; each once and in its time', () => {
    const run = new Run(ladder).people().after(20 * hour);
    expect(run.events.slice(2).map(({ type, at }) => [type, (at - noon) / hour])).toEqual([
      ['approval.escalated', 1],
      ['approval.escalated', 4],
      ['approval.closed', 8],
      ['handoff.expired', 8],
    ]);
    expect(run.last).toMatchObject({ state: 'expired', incident: 'approval_timeout', voters: [] });
  });

  test('whom the ladder adds may vote', () => {
    const run = new Run(ladder).people().after(4 * hour);
    expect(run.wish('people')).toMatchObject({ id: 'rung/2', who: { roles: ['team_lead'] } });
    run.people([{ id: 'tia', roles: ['team_lead'] }]);
    expect(run.types.at(-1)).toBe('approval.changed');
    expect(run.do('approve', 'tia').state.state).toBe('offered');
  });

  test('woken much later, nobody is asked for any more', () => {
    const run = new Run(ladder).people();
    const step = wake(run.state, noon + 20 * hour);
    expect(step.state).toMatchObject({ state: 'expired', asks: [] });
    expect(step.effects).toEqual([]);
  });

  test('whom it adds too late changes nothing', () => {
    const run = new Run(ladder)
      .people()
      .after(4 * hour)
      .do('approve', 'ada');
    expect(outstanding(run.state).map(({ kind }) => kind)).toEqual(['action']);
    const { state } = run;
    run.keep(report(run.state, { kind: 'people', effect: 'rung/2', people: [{ id: 'tia', roles: ['team_lead'] }], fault: null }, run.now));
    expect(run.state).toEqual(state);
  });

  test('if they cannot be found, it is parked, and tried again the same round goes on', () => {
    const run = new Run(ladder).people().after(4 * hour);
    run.keep(
      report(run.state, { kind: 'people', effect: 'rung/2', people: [], fault: { reason: 'missing', path: 'context.boss' } }, run.now),
    );
    expect(run.last).toMatchObject({ state: 'failed', incident: 'guard_error', error: 'context.boss' });
    expect(run.refusal('approve', 'ada').code).toBe('handoff.illegal_move');
    run.do('retry', 'lea');
    expect(run.last).toMatchObject({ state: 'awaiting_approval', dueAt: noon + 8 * hour });
    expect(run.wish('people')).toMatchObject({ id: 'rung/3', who: { roles: ['team_lead'] } });
    expect(run.do('approve', 'ada').state.gate?.round).toBe(1);
  });

  test('tried again after the deadline, it never skips the vote: a new round begins', () => {
    const run = new Run(ladder)
      .people()
      .after(9 * hour)
      .do('retry', 'lea');
    expect(run.last).toMatchObject({ state: 'awaiting_approval' });
    run.people();
    expect(run.state.gate).toMatchObject({ round: 2, outcome: null, dueAt: noon + 17 * hour });
    expect(run.do('approve', 'ada').state.state).toBe('offered');
  });

  test.each([
    ['approve', { state: 'offered' }],
    ['reject', { state: 'rejected', outcome: 'rejected', reason: 'approval_timeout' }],
    ['route:other', { state: 'expired', route: 'route:other' }],
    ['incident', { state: 'expired', incident: 'approval_timeout' }],
  ])('onTimeout %s', (onTimeout, told) => {
    const run = new Run(approved({}, { onTimeout })).people().after(8 * hour);
    expect(run.last).toMatchObject(told);
  });
});

describe('a quorum nobody can reach', () => {
  test('parks it; tried again, it is looked up anew', () => {
    const run = new Run(approved()).people([]);
    expect(run.last).toMatchObject({ state: 'failed', incident: 'quorum_unsatisfiable' });
    expect(nextDue(run.state)).toBeNull();
    run.do('retry', 'lea').people();
    expect(run.state).toMatchObject({ state: 'awaiting_approval', gate: { round: 2, outcome: null } });
  });

  test('so does a gate without rules', () => {
    const { approval: _none, ...rules } = approved();
    const run = new Run(rules);
    expect(run.wish('people').who).toEqual({});
    expect(run.people([]).last.incident).toBe('quorum_unsatisfiable');
  });

  test('called off while parked, it closes the vote', () => {
    expect(new Run(approved()).people([]).tell({ kind: 'cancel' }).state.gate?.outcome).toBe('cancelled');
  });

  test('people that cannot be found at the beginning park it, too', () => {
    const run = new Run(approved());
    run.keep(report(run.state, { kind: 'people', effect: 'approvers/1', people: [], fault: { reason: 'budget', path: null } }, run.now));
    expect(run.last).toMatchObject({ state: 'failed', incident: 'guard_error', error: 'budget' });
    expect(run.do('retry', 'lea').people().state.gate?.round).toBe(1);
  });
});

describe('evidence', () => {
  const watching = approved(
    { requiredData: ['amount'] },
    { evidence: ['context.amount', 'steps.score.output.risk', 'context.none'], quorum: 'all' },
  );
  const start = { data: { amount: 5 }, known: { context: { other: 1 }, steps: { score: { output: { risk: 0.2 } } } } };

  test('is hashed with the people looked up, in any order', () => {
    const run = new Run(watching, start);
    expect(run.wish('hash').value).toEqual({ 'context.amount': 5, 'steps.score.output.risk': 0.2, 'context.none': null });
    expect(run.wish('people').data).toMatchObject({ context: { other: 1, amount: 5 }, steps: { score: { output: { risk: 0.2 } } } });
    run.people();
    expect(run.state.gate).toBeNull();
    run.hash('h1');
    expect(run.state.gate).toMatchObject({ evidenceHash: 'h1' });
    expect(new Run(watching, start).hash('h1').people().state.gate).toMatchObject({ evidenceHash: 'h1' });
  });

  test('that has changed makes the round stale', () => {
    const run = new Run(watching, start).people().hash('h1').do('approve', 'ada').after(hour);
    run.tell({ kind: 'supply', data: { amount: 6 } });
    expect(run.wish('hash').value).toMatchObject({ 'context.amount': 6 });
    expect(run.refusal('approve', 'abe').code).toBe('handoff.not_ready');
    run.people().hash('h2');
    expect(run.types.slice(-2)).toEqual(['approval.stale', 'approval.opened']);
    expect(run.last).toMatchObject({ state: 'awaiting_approval', dueAt: noon + 9 * hour });
    expect(run.state.gate).toMatchObject({ round: 2, votes: [{ by: 'ada', void: true }] });
    expect(run.do('approve', 'abe').do('approve', 'ada').state.state).toBe('offered');
  });

  test('that is the same changes nothing', () => {
    const run = new Run(watching, start).people().hash('h1').do('approve', 'ada');
    const { state, events } = { state: run.state.gate, events: run.events.length };
    run
      .tell({ kind: 'supply', data: { note: 'n1' } })
      .people()
      .hash('h1');
    expect(run.state.gate).toEqual(state);
    expect(run.events).toHaveLength(events);
    expect(run.do('approve', 'abe').state.state).toBe('offered');
  });

  test('a word that says the same of it asks nobody', () => {
    const run = new Run(watching, start).people().hash('h1');
    const asked = run.effects.length;
    run.tell({ kind: 'supply', data: { note: 'n1' }, known: { ...start.known, context: { other: 2 } } });
    expect(run.effects).toHaveLength(asked);
    expect(run.do('approve', 'ada').state.gate?.votes).toHaveLength(1);
  });

  test('a variable of the journey counts before what was sent along under its name', () => {
    const run = new Run(watching, { ...start, known: { context: { amount: 8 } } });
    expect(run.wish('hash').value).toMatchObject({ 'context.amount': 8 });
  });

  test('people whom the ladder of an earlier round asked for stay away from the next', () => {
    const ladder = { evidence: ['context.amount'], escalation: [{ after: hour, action: 'add', to: { users: ['zoe'] } }] } as const;
    const run = new Run(approved({}, { ...ladder, quorum: 'all' }), start).people().hash('h1').after(hour);
    const rung = run.wish('people').id;
    run
      .tell({ kind: 'supply', data: { amount: 6 } })
      .people()
      .hash('h2');
    run.keep(report(run.state, { kind: 'people', effect: rung, people: [{ id: 'zoe', roles: [] }], fault: null }, run.now));
    expect(run.state.gate).toMatchObject({ round: 2, joined: [], eligible: [{ id: 'ada' }, { id: 'abe' }] });
  });

  test('that changes before the first round is read again', () => {
    const run = new Run(watching, start).people();
    run.tell({ kind: 'supply', data: { amount: 7 }, known: {} });
    expect(run.wish('hash').value).toEqual({ 'context.amount': 7, 'steps.score.output.risk': null, 'context.none': null });
    expect(run.people().hash('h7').state.gate).toMatchObject({ round: 1, evidenceHash: 'h7' });
  });

  test('that changes after the vote does not matter', () => {
    const run = new Run(watching, start).people().hash('h1').do('approve', 'ada').do('approve', 'abe');
    const asked = run.effects.length;
    run.tell({ kind: 'supply', data: { amount: 6 } });
    expect(run.effects).toHaveLength(asked);
  });

  test('the deadline may come while it is read', () => {
    const run = new Run(watching, start)
      .people()
      .hash('h1')
      .tell({ kind: 'supply', data: { amount: 6 } })
      .after(8 * hour);
    expect(run.last).toMatchObject({ state: 'expired', incident: 'approval_timeout' });
    expect(outstanding(run.state)).toEqual([]);
  });

  test('without any, nothing is hashed', () => {
    const run = new Run(approved()).people().tell({ kind: 'supply', data: { amount: 6 } });
    expect(run.effects.map(({ kind }) => kind)).toEqual(['people']);
    expect(run.state.gate?.evidenceHash).toBeNull();
  });
});

test('with changing people a vote is decided by those found after it', () => {
  const run = new Run(approved({ then: 'accept' }, { eligible: 'dynamic', quorum: 'all' })).people();
  run.do('approve', 'ada', { roles: ['admin'] });
  expect(run.wish('people')).toMatchObject({ id: 'electorate/2', who: { users: [], roles: ['admin'] } });
  expect(run.people([{ id: 'ada', roles: ['admin'] }]).state.state).toBe('offered');
});

test('what is not answered yet can be asked for again, word by word', () => {
  const run = new Run(approved({}, { evidence: ['context.x'], escalation: [{ after: hour, action: 'add', to: { users: ['zoe'] } }] }));
  expect(outstanding(run.state)).toEqual(run.effects);
  run.people().hash('h').after(hour);
  expect(outstanding(run.state)).toEqual([run.wish('people')]);
});

test('the rules of the gate above are the ones of the page: any, within, incident', () => {
  expect(gate).toMatchObject({ quorum: 'any', onTimeout: 'incident' });
  expect(new Run(someRules({ mode: 'automatic', approval: gate })).state.state).toBe('offered');
});

/** Names of the questions for people, in order. */
const people = (run: Run): string[] => run.effects.flatMap(({ kind, id }) => (kind === 'people' ? [id] : []));

describe('roles that have changed somewhere', () => {
  const [ada, abe] = ['ada', 'abe'].map((id) => ({ id, roles: ['admin'] }));
  const both = [ada, abe].flatMap((one) => one ?? []);

  test('let an open gate with a dynamic electorate look again, once for all that came meanwhile', () => {
    const run = new Run(approved({}, { quorum: 'all', eligible: 'dynamic' })).people(both.slice(0, 1));
    run.tell({ kind: 'directory' }).tell({ kind: 'directory' });
    expect(people(run)).toEqual(['approvers/1', 'electorate/2']);
    expect(run.people(both).state.gate).toMatchObject({ required: 2, outcome: null });
  });

  test('change nothing at another gate, at one that is held, and at one that is closed', () => {
    const fixed = new Run(approved({}, { quorum: 'all' })).people(both);
    const held = new Run(approved({}, { eligible: 'dynamic' })).people(both).tell({ kind: 'pause' });
    const closed = new Run(approved({ then: 'accept' }, { eligible: 'dynamic' }))
      .people(both)
      .do('approve', 'ada', { roles: ['admin'] })
      .people(both);
    for (const run of [fixed, held, closed]) {
      const before = { asked: people(run), state: run.state };
      run.tell({ kind: 'directory' });
      expect({ asked: people(run), state: run.state }).toEqual(before);
    }
    expect(closed.state.state).toBe('offered');
  });
});
