/** What people do: advancing, tasks, approvals. Source: journeys.md, sections 3, 9 and 13; scripts.md, section 3. */
import { describe, expect, test } from 'vitest';
import { asContentId } from '../../../../domain/ids.js';
import { number, run, text, to } from './driver.js';

const comment = asContentId('no-because');

const inBranch = (step: object): unknown =>
  'outcomes' in step ? (step.outcomes as string[]).map((outcome) => ({ to: '$join', outcome })) : [{ to: '$join' }];

/** A task within a branch. */
const aTask = (assign: object) => ({ kind: 'manual', assign, ...to('$join') });

/** Two tasks side by side. */
const both = (a: object, b: object) =>
  run({
    all: { kind: 'parallel', branches: ['a', 'b'], ...to('done') },
    a: { ...a, transitions: inBranch(a) },
    b: { ...b, transitions: inBranch(b) },
  });

describe('advanceStep', () => {
  const single = { kind: 'manual', ...to('done') };
  const choice = {
    kind: 'manual',
    transitions: [
      { to: 'done', outcome: 'yes' },
      { to: 'gone', outcome: 'no' },
    ],
  };
  test('1: an ended or paused journey', () => {
    const journey = run({ one: single });
    journey.do('pause', {});
    expect(journey.do('advance', {})).toBe('journey_paused');
    journey.do('cancel', {});
    expect(journey.do('advance', {})).toBe('journey_ended');
  });

  test('T5: the step that is expected is not open, as rule 2 says', () => {
    expect(run({ one: single }).try('advance', { expectStep: 'two' })).toEqual({
      ok: false,
      code: 'step_mismatch',
      members: { openSteps: ['one'] },
    });
  });

  test('3: one step with one outcome needs no name', () => {
    const journey = run({ one: single });
    expect(journey.do('advance', {})).toBeNull();
    expect(journey.at('one')).toMatchObject({ state: 'completed', outcome: 'completed', cause: 'advance' });
  });

  test('4: several such steps, or none', () => {
    const journey = both({ kind: 'manual' }, { kind: 'manual' });
    expect(journey.try('advance', {})).toEqual({ ok: false, code: 'ambiguous', members: { steps: ['a', 'b'] } });
    expect(journey.do('advance', { expectStep: 'b' })).toBeNull();
    expect(run({ one: { kind: 'wait', for: 'P1D', ...to('done') } }).try('advance', {})).toEqual({
      ok: false,
      code: 'nothing_to_advance',
      members: { openSteps: ['one'] },
    });
  });

  test('5: the one step has several outcomes', () => {
    expect(run({ one: choice }).try('advance', {})).toEqual({
      ok: false,
      code: 'outcome_required',
      members: { step: 'one', outcomes: ['yes', 'no'] },
    });
  });

  test('6: an outcome of exactly one step, or of several', () => {
    const journey = both({ kind: 'manual', outcomes: ['x', 'y'] }, { kind: 'manual', outcomes: ['y', 'z'] });
    expect(journey.try('advance', { outcome: 'y' })).toEqual({ ok: false, code: 'ambiguous', members: { steps: ['a', 'b'] } });
    expect(journey.do('advance', { outcome: 'z' })).toBeNull();
    expect([journey.stateOf('a'), journey.stateOf('b')]).toEqual(['open', 'completed']);
    expect(journey.do('advance', { outcome: 'y' })).toBeNull();
    expect(journey.view.status).toBe('completed');
  });

  test('7: an outcome nobody knows', () => {
    expect(run({ one: choice }).try('advance', { outcome: 'maybe' })).toEqual({
      ok: false,
      code: 'unknown_outcome',
      members: { outcomes: ['yes', 'no'] },
    });
  });

  test('8: what is done already is harmless, what is not open is not', () => {
    const journey = run({
      one: {
        kind: 'manual',
        transitions: [
          { to: 'two', outcome: 'first' },
          { to: 'two', outcome: 'other' },
        ],
      },
      two: choice,
    });
    journey.do('advance', { outcome: 'first' });
    const { version } = journey.view;
    expect(journey.try('advance', { outcome: 'first' })).toMatchObject({ ok: true, said: { already_recorded: true }, events: [] });
    expect(journey.try('advance', { outcome: 'other' })).toEqual({
      ok: false,
      code: 'step_not_open',
      members: { steps: ['one'], openSteps: ['two'] },
    });
    expect(journey.view.version).toBe(version);
  });

  test('9: an output that breaks the form', () => {
    const form = {
      type: 'object',
      properties: { plan: { type: 'string', enum: ['a'] }, score: { type: 'number' }, note: { type: 'string' } },
      required: ['plan', 'note'],
    };
    const journey = run({ one: { ...single, form } }, {}, { context: { score: number, note: { ...text, pii: true } } });
    expect(journey.try('advance', { output: { plan: 'b', score: 'x', note: 'Ann' } })).toEqual({
      ok: false,
      code: 'output_invalid',
      members: { step: 'one', paths: ['/note must be a reference to a text', '/plan must be one of "a"', '/score must be number'] },
    });
    expect(journey.do('advance', { output: { plan: 'a', score: 3, note: { $ref: 'c1' } } })).toBeNull();
    expect(journey.view.context).toEqual({ score: 3, note: { $ref: 'c1' } });
    expect(journey.at('one')?.output).toEqual({ plan: 'a', score: 3, note: { $ref: 'c1' } });
  });

  test('a mapping takes the place of a field of the same name', () => {
    const journey = run({ one: { ...single, output: { score: 'steps.one.output.points' } } }, {}, { context: { score: number } });
    journey.do('advance', { output: { score: 1, points: 2 } });
    expect(journey.view.context).toEqual({ score: 2 });
  });

  test('a wait is advanced by the outcome of its event', () => {
    const one = {
      kind: 'wait',
      event: [{ type: 'x', outcome: 'came' }],
      max: 'P1D',
      onMax: 'late',
      transitions: [
        { to: 'done', outcome: 'came' },
        { to: 'gone', outcome: 'late' },
      ],
    };
    const journey = run({ one });
    expect(journey.do('advance', { outcome: 'late' })).toBe('step_not_open');
    expect(journey.do('advance', { outcome: 'came' })).toBeNull();
    expect(journey.at('one')).toMatchObject({ outcome: 'came', cause: 'advance' });
  });

  test('a bus event completes a task with the outcome it names', () => {
    const one = {
      kind: 'manual',
      outcomes: ['diagnosed', 'resolved'],
      completeOn: [{ type: 'ticket.resolved', outcome: 'resolved' }],
      transitions: [
        { to: 'gone', outcome: 'diagnosed' },
        { to: 'done', outcome: 'resolved' },
      ],
    };
    const journey = run({ one }).say('ticket.resolved');
    expect(journey.at('one')).toMatchObject({ outcome: 'resolved', cause: 'event' });
  });
});

const agent = (name: string, roles: readonly string[] = []) => ({ actor: `user/${name}`, role: 'agent' as const, roles });

describe('tasks', () => {
  const task = { kind: 'manual', assign: { users: ['ann'], roles: ['sales'] }, due: 'P2D', claimFor: 'PT2H', ...to('done') };

  test('are told with their people, and what may be chosen', () => {
    const journey = run({ one: task });
    expect(journey.at('one')).toMatchObject({
      dueAt: journey.now + 2 * 86_400_000,
      task: { people: ['ann'], roles: ['sales'], assignee: null, claimedUntil: null, outcomes: ['completed'] },
    });
    journey.to('+30d');
    expect(journey.stateOf('one')).toBe('open');
  });

  test('people named by an expression are found', () => {
    const journey = run({ one: { ...task, assign: { expr: '[journey.requester]' } } }, { requester: 'user/ann' });
    expect(journey.at('one')?.task?.people).toEqual(['ann']);
  });

  test('a claim is exclusive and expires', () => {
    const journey = run({ one: task });
    expect(journey.do('claim', { step: 'one', ...agent('bob') })).toBe('forbidden');
    expect(journey.do('claim', { step: 'one', ...agent('ann') })).toBeNull();
    expect(journey.do('claim', { step: 'one', ...agent('lea', ['sales']) })).toBe('already_claimed');
    expect(journey.do('advance', agent('lea', ['sales']))).toBe('already_claimed');
    expect(journey.at('one')?.task).toMatchObject({ assignee: 'ann', claimedUntil: journey.now + 7_200_000 });
    journey.to('+2h');
    expect(journey.at('one')?.task).toMatchObject({ assignee: null, claimedUntil: null });
    expect(journey.do('claim', { step: 'one', ...agent('lea', ['sales']) })).toBeNull();
    expect(journey.emitted('journey.task.assigned').map(({ assignee, after, reason }) => [assignee, after, reason])).toEqual([
      [undefined, '+', undefined],
      ['ann', '+', undefined],
      [null, '+2h', 'expired'],
      ['lea', '+2h', undefined],
    ]);
  });

  test('unclaim, assign and delegate', () => {
    const journey = run({ one: task });
    expect(journey.do('unclaim', { step: 'one' })).toBe('not_claimed');
    journey.do('claim', { step: 'one', ...agent('ann') });
    expect(journey.do('unclaim', { step: 'one', ...agent('lea') })).toBe('already_claimed');
    expect(journey.do('unclaim', { step: 'one', ...agent('ann') })).toBeNull();
    expect(journey.do('assign', { step: 'one', to: 'lea' })).toBeNull();
    expect(journey.at('one')?.task?.assignee).toBe('lea');
    expect(journey.do('delegate', { step: 'one', to: 'kim', ...agent('ann') })).toBe('already_claimed');
    expect(journey.do('delegate', { step: 'one', to: 'kim', ...agent('lea') })).toBeNull();
    expect(journey.at('one')?.task?.assignee).toBe('kim');
    expect(journey.do('advance', agent('kim'))).toBeNull();
  });

  test('a step that is not open, or does not exist', () => {
    const journey = run({ one: { ...task, ...to('two') }, two: { kind: 'wait', for: 'P1D', ...to('done') } });
    journey.do('advance', {});
    expect([journey.do('claim', { step: 'one' }), journey.do('claim', { step: 'two' }), journey.do('claim', { step: 'three' })]).toEqual([
      'step_not_open',
      'step_not_open',
      'unknown_step',
    ]);
  });
});

const by = (name: string, ...roles: string[]) => ({ step: 'agree', actor: `user/${name}`, role: 'agent' as const, roles });

describe('approvals', () => {
  const people = { ann: ['boss'], bea: ['boss'], cem: ['boss'], dan: ['manager'] };
  const gate = {
    kind: 'approval',
    approvers: { roles: ['boss'] },
    quorum: 'any',
    within: 'P1D',
    onTimeout: 'incident',
    transitions: [
      { to: 'done', outcome: 'approved' },
      { to: 'gone', outcome: 'rejected' },
    ],
  };
  const open = (changes = {}, world = {}, template = {}) => run({ agree: { ...gate, ...changes } }, { people, ...world }, template);
  const yes = { decision: 'approve' } as const;
  const no = { decision: 'reject', comment } as const;

  test('S33: 60 % of three: two are needed, the third is too late', () => {
    const journey = open({ quorum: { percent: 60 } });
    expect(journey.view.awaitsApproval).toBe(true);
    expect(journey.emitted('approval.opened')).toMatchObject([{ step: 'agree', visit: 1, required: 2, eligible: ['ann', 'bea', 'cem'] }]);
    expect(journey.do('vote', { ...by('ann'), ...yes })).toBeNull();
    expect(journey.stateOf('agree')).toBe('open');
    expect(journey.do('vote', { ...by('bea'), ...yes })).toBe(null);
    expect(journey.at('agree')).toMatchObject({ state: 'completed', outcome: 'approved', cause: 'vote' });
    expect(journey.view.outcome).toBe('done');
  });

  test('a vote after the close is told the outcome', () => {
    const journey = run(
      { agree: { ...gate, transitions: to('rest').transitions }, rest: { kind: 'wait', for: 'P1D', ...to('done') } },
      { people },
    );
    journey.do('vote', { ...by('ann'), ...yes });
    expect(journey.try('vote', { ...by('bea'), ...yes })).toEqual({ ok: false, code: 'approval_closed', members: { outcome: 'approved' } });
  });

  test('nor does it matter that the vote was the last thing to happen, or was called off', () => {
    const late = { ...by('cem'), ...yes };
    const approved = open();
    expect(approved.try('vote', { ...late, step: 'done' })).toMatchObject({ code: 'step_not_open' });
    approved.do('vote', { ...by('ann'), ...yes });
    expect(approved.view.status).toBe('completed');
    expect(approved.try('vote', late)).toEqual({ ok: false, code: 'approval_closed', members: { outcome: 'approved' } });
    expect(approved.try('delegate', { ...by('cem'), to: 'eve' })).toMatchObject({ code: 'approval_closed' });
    expect(approved.try('vote', { ...late, step: 'done' })).toMatchObject({ code: 'journey_ended' });
    expect(approved.try('claim', { ...by('cem') })).toMatchObject({ code: 'journey_ended' });
    const cancelled = open();
    cancelled.do('cancel', {});
    expect(cancelled.try('vote', late)).toEqual({ ok: false, code: 'approval_closed', members: { outcome: 'cancelled' } });
  });

  test('S35: twice by one person; by the requester; by anybody; a no without a word', () => {
    const journey = open({ quorum: 'all' }, { requester: 'user/cem' });
    journey.do('vote', { ...by('ann'), ...yes });
    expect(journey.do('vote', { ...by('ann'), ...yes })).toBe('already_voted');
    expect(journey.do('vote', { ...by('cem'), ...yes })).toBe('requester_excluded');
    expect(journey.do('vote', { ...by('eve'), ...yes })).toBe('not_eligible');
    expect(journey.do('vote', { ...by('bea'), decision: 'reject' })).toBe('comment_required');
    expect(journey.do('vote', { ...by('bea'), ...no })).toBeNull();
    expect(journey.view.outcome).toBe('gone');
  });

  test('S37: remind after 4 h, a manager after 8 h, another way after 24 h, once', () => {
    const journey = run(
      {
        agree: {
          ...gate,
          quorum: 'all',
          onTimeout: 'route:help',
          escalation: [
            { after: 'PT4H', action: 'remind' },
            { after: 'PT8H', action: 'add', to: { roles: ['manager'] } },
          ],
        },
        help: { kind: 'manual', ...to('done') },
      },
      { people },
    ).to('+3d');
    expect(journey.emitted('approval.escalated').map(({ after, action }) => [after, action])).toEqual([
      ['+4h', 'remind'],
      ['+8h', 'add'],
    ]);
    expect(journey.emitted('approval.changed')).toMatchObject([{ after: '+8h', required: 4 }]);
    expect(journey.at('agree')).toMatchObject({ state: 'completed', outcome: 'timeout', cause: 'timeout' });
    expect(journey.emitted('journey.step.entered', 'help')).toMatchObject([{ after: '+1d' }]);
  });

  test.each([
    ['approve', 'done', 'approved'],
    ['reject', 'gone', 'rejected'],
  ])('onTimeout %s', (onTimeout, outcome, came) => {
    const journey = open({ onTimeout }).to('+2d');
    expect(journey.at('agree')).toMatchObject({ outcome: came, cause: 'timeout' });
    expect(journey.view.outcome).toBe(outcome);
  });

  test('onTimeout incident parks it; a retry opens a new round', () => {
    const journey = open().to('+2d');
    expect(journey.at('agree')?.incident?.code).toBe('approval_timeout');
    const late = { ok: false, code: 'approval_closed', members: { outcome: 'timeout' } };
    expect(journey.try('vote', { ...by('ann'), ...yes })).toEqual(late);
    journey.do('retry', { step: 'agree' });
    expect(journey.state.visits[0]?.gate).toMatchObject({ round: 2, outcome: null });
    journey.do('vote', { ...by('ann'), ...yes });
    expect(journey.view.outcome).toBe('done');
  });

  test('nobody who could', () => {
    const journey = open({ quorum: { count: 4 } });
    expect(journey.at('agree')?.incident).toMatchObject({ code: 'quorum_unsatisfiable', detail: { required: 4, eligible: 3 } });
    journey.people = { ...people, eve: ['boss'] };
    journey.do('retry', { step: 'agree' });
    expect(journey.stateOf('agree')).toBe('open');
  });

  test('evidence that changes makes the round stale', () => {
    const journey = open(
      { quorum: 'all', evidence: ['context.score', 'context.note'] },
      { input: { score: 1 } },
      { context: { score: number, note: { ...text, pii: true }, other: number } },
    );
    journey.do('vote', { ...by('ann'), ...yes });
    journey.do('updateContext', { patch: { other: 1 } });
    expect(journey.emitted('approval.stale')).toEqual([]);
    journey.do('updateContext', { patch: { note: { $ref: 'c5' } } });
    expect(journey.emitted('approval.stale')).toMatchObject([{ round: 1 }]);
    expect(journey.state.visits[0]?.gate).toMatchObject({ round: 2, votes: [{ by: 'ann', void: true }] });
    for (const name of ['ann', 'bea', 'cem']) journey.do('vote', { ...by(name), ...yes });
    expect(journey.view.outcome).toBe('done');
  });

  const watched = (world = {}, changes = {}) =>
    open(
      { quorum: 'all', evidence: ['context.score'], ...changes },
      { input: { score: 1 }, ...world },
      { context: { score: number, boss: text } },
    );

  test('a round that changed evidence opens asks anew who may vote, the ladder and the time begin again', () => {
    const journey = watched({}, { escalation: [{ after: 'PT4H', action: 'replace', to: { users: ['dan'] } }] }).to('+5h');
    expect(journey.state.visits[0]?.gate).toMatchObject({ eligible: [{ id: 'dan' }], dueAt: journey.now + 19 * 3_600_000 });
    journey.people = { ann: ['boss'], eve: ['boss'] };
    journey.do('updateContext', { patch: { score: 2 } });
    expect(journey.emitted('approval.opened')).toMatchObject([
      { round: 1, eligible: ['ann', 'bea', 'cem'] },
      { round: 2, eligible: ['ann', 'eve'], required: 2, after: '+5h' },
    ]);
    expect(journey.state.visits[0]?.gate).toMatchObject({ joined: [], dueAt: journey.now + 24 * 3_600_000 });
    journey.to('+10h');
    expect(journey.emitted('approval.escalated').map(({ after }) => after)).toEqual(['+4h', '+9h']);
  });

  test('nobody votes while what is voted on is read; evidence that is what it was is no reason to begin anew', () => {
    const journey = watched({ silent: ['hash'] });
    const answer = (hash: string) => journey.tell({ kind: 'hash', effect: journey.open.splice(0, 1)[0]?.id ?? '', hash });
    answer('h1');
    journey.do('vote', { ...by('ann'), ...yes });
    journey.do('updateContext', { patch: { score: 2 } });
    journey.do('updateContext', { patch: { score: 1 } });
    expect(journey.do('vote', { ...by('bea'), ...yes })).toBe('step_not_open');
    // The first answer is of no use any more: it has changed since.
    answer('h2');
    answer('h1');
    expect(journey.emitted('approval.stale')).toEqual([]);
    journey.do('vote', { ...by('bea'), ...yes });
    journey.do('vote', { ...by('cem'), ...yes });
    expect(journey.view.outcome).toBe('done');
  });

  test('people whom an earlier round asked for do not come into the next', () => {
    const journey = watched({ silent: ['people'] }, { escalation: [{ after: 'PT4H', action: 'add', to: { users: ['dan'] } }] });
    const bring = (...ids: string[]) =>
      journey.tell({
        kind: 'people',
        effect: journey.open.splice(0, 1)[0]?.id ?? '',
        people: ids.map((one) => ({ id: one, roles: [] })),
        fault: null,
      });
    bring('ann', 'bea');
    journey.to('+4h');
    journey.do('updateContext', { patch: { score: 2 } });
    expect(journey.open).toHaveLength(2);
    const [rung] = journey.open.splice(0, 1);
    bring('ann', 'cem');
    journey.tell({ kind: 'people', effect: rung?.id ?? '', people: [{ id: 'dan', roles: [] }], fault: null });
    expect(journey.state.visits[0]?.gate).toMatchObject({ round: 2, eligible: [{ id: 'ann' }, { id: 'cem' }], joined: [] });
  });

  test('without those who are to vote on what has changed it is an incident, and a retry opens the next round', () => {
    const journey = watched({ requester: 'user/dan' }, { approvers: { expr: '[context.boss]' } });
    expect(journey.at('agree')?.incident?.code).toBe('guard_error');
    journey.do('updateContext', { patch: { boss: 'ann' } });
    journey.do('retry', { step: 'agree' });
    expect(journey.emitted('approval.opened')).toMatchObject([{ round: 1, eligible: ['ann'] }]);
    journey.do('updateContext', { patch: { score: 3, boss: null } });
    expect(journey.at('agree')?.incident?.code).toBe('guard_error');
    journey.do('updateContext', { patch: { boss: 'bea' } });
    journey.do('retry', { step: 'agree' });
    expect(journey.emitted('approval.opened').at(-1)).toMatchObject({ round: 2, eligible: ['bea'] });
    expect(journey.do('vote', { ...by('bea'), ...yes })).toBeNull();
    expect(journey.view.outcome).toBe('done');
  });

  test('four eyes: who voted before is not asked again', () => {
    const journey = run(
      { agree: { ...gate, ...to('again') }, again: { ...gate, approvers: { roles: ['boss'] }, fourEyes: true } },
      { people },
    );
    journey.do('vote', { ...by('ann'), ...yes });
    expect(journey.emitted('approval.opened', 'again')).toMatchObject([{ eligible: ['bea', 'cem'] }]);
  });

  test('a delegate votes for the delegator', () => {
    const journey = open({ quorum: { count: 1 } });
    expect(journey.do('delegate', { ...by('ann'), to: 'eve' })).toBeNull();
    expect(journey.do('delegate', { ...by('bea'), to: 'cem' })).toBe('delegation_invalid');
    journey.do('vote', { ...by('eve'), ...yes });
    expect(journey.emitted('approval.voted')).toMatchObject([{ by: 'eve', onBehalfOf: 'ann' }]);
    expect(journey.view.outcome).toBe('done');
  });

  test('delegation also moves the open tasks that are the delegator’s alone, and no others', () => {
    const journey = run(
      {
        all: { kind: 'parallel', branches: ['agree', 'mine', 'taken', 'shared', 'ours', 'other'], join: 'all', ...to('done') },
        agree: { ...gate, quorum: 'all', transitions: to('$join').transitions },
        mine: aTask({ users: ['ann'] }),
        taken: aTask({ roles: ['sales'] }),
        shared: aTask({ users: ['ann', 'bea'] }),
        ours: aTask({ users: ['ann'], roles: ['sales'] }),
        other: aTask({ users: ['ann'] }),
      },
      { people },
    );
    journey.do('assign', { step: 'taken', to: 'ann' });
    journey.do('assign', { step: 'other', to: 'bea' });
    const until = journey.now + 3_600_000;
    expect(journey.do('delegate', { ...by('ann'), to: 'cem' })).toBe('delegation_invalid');
    expect(journey.do('delegate', { ...by('ann'), to: 'eve', until })).toBeNull();
    const assignees = (): unknown[] => ['mine', 'taken', 'shared', 'ours', 'other'].map((step) => journey.at(step)?.task?.assignee);
    expect(assignees()).toEqual(['eve', 'eve', null, null, 'bea']);
    expect(journey.do('advance', { expectStep: 'mine', ...by('eve'), role: 'agent' })).toBeNull();
    journey.to('+2h');
    expect(assignees().slice(1)).toEqual([null, null, null, 'bea']);
  });

  test('delegating a task moves that one alone', () => {
    const mine = aTask({ users: ['ann'] });
    const journey = run({ all: { kind: 'parallel', branches: ['one', 'two'], join: 'all', ...to('done') }, one: mine, two: mine });
    expect(journey.do('delegate', { ...by('ann'), step: 'one', to: 'eve' })).toBeNull();
    expect(['one', 'two'].map((step) => journey.at(step)?.task?.assignee)).toEqual(['eve', null]);
  });

  test('a dynamic electorate is looked up again after a vote, and when roles change', () => {
    const journey = open({ quorum: 'all', eligible: 'dynamic' });
    journey.people = { ann: ['boss'], bea: ['boss'] };
    journey.tell({ kind: 'directory' });
    expect(journey.emitted('approval.changed')).toMatchObject([{ required: 2, eligible: ['ann', 'bea'] }]);
    journey.do('vote', { ...by('ann', 'boss'), ...yes });
    journey.people = { ann: ['boss'] };
    journey.tell({ kind: 'directory' });
    expect(journey.view.outcome).toBe('done');
  });

  test('a ticket that is the subject waits meanwhile', () => {
    const journey = open({}, { subject: { type: 'ticket', id: 'TKT-1' } });
    journey.do('vote', { ...by('ann'), ...yes });
    expect(journey.all('ticketCause').map(({ approval, open: isOpen }) => [approval, isOpen])).toEqual([
      ['JRN-0000000000000001.agree.1', true],
      ['JRN-0000000000000001.agree.1', false],
    ]);
  });

  test('an approval that is called off is closed', () => {
    const journey = open({}, { subject: { type: 'ticket', id: 'TKT-1' } });
    journey.do('cancel', {});
    expect(journey.emitted('approval.closed')).toMatchObject([{ outcome: 'cancelled' }]);
    expect(journey.all('ticketCause').at(-1)).toMatchObject({ open: false });
  });
});
