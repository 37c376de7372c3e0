/** Expectations are typed out from journeys.md section 9 and scripts.md section 3. */
import { describe, expect, test } from 'vitest';
import { whoIsWanted } from '../../../../domain/journey/gate/electorate.js';
import { nextGateDue, shift, wakeGate, withPeople } from '../../../../domain/journey/gate/ladder.js';
import { closeGate, evidenceChanged, reopenGate } from '../../../../domain/journey/gate/round.js';
import { noon } from '../../../support/builders.js';
import { cast, gateAfter, hour, opened, opening, pass, people, refusal, someRules, taken, votes } from './builders.js';

const rules = someRules({
  escalation: [
    { after: 4 * hour, action: 'remind' },
    { after: 8 * hour, action: 'add', to: { roles: ['manager'] } },
  ],
  within: 24 * hour,
  onTimeout: 'route:escalate',
});
const manager = { id: 'max', roles: ['manager', 'parking'] };

describe('S37: nobody answers', () => {
  test('events at 4, 8 and 24 hours, then the timeout, once', () => {
    let gate = opened(rules);
    const seen: [number, string][] = [];
    const asked: unknown[] = [];
    for (let due = nextGateDue(rules, gate); due !== null; due = nextGateDue(rules, gate)) {
      const step = wakeGate(rules, gate, due);
      gate = step.gate;
      asked.push(...step.wanted);
      for (const fact of step.facts) seen.push([(fact.at - noon) / hour, 'action' in fact ? fact.action : fact.type]);
    }
    expect(seen).toEqual([
      [4, 'remind'],
      [8, 'add'],
      [24, 'approval.closed'],
    ]);
    expect(asked).toEqual([1]);
    expect(gate).toMatchObject({ outcome: 'timeout', cause: 'timeout', closedAt: noon + 24 * hour });
    expect(wakeGate(rules, gate, noon + 48 * hour).facts).toEqual([]);
  });

  test('woken late, all of it has happened at its own time, and nobody is asked for any more', () => {
    const step = wakeGate(rules, opened(rules), noon + 72 * hour);
    expect(step.facts.map(({ type, at }) => [type, (at - noon) / hour])).toEqual([
      ['approval.escalated', 4],
      ['approval.escalated', 8],
      ['approval.closed', 24],
    ]);
    expect(step.wanted).toEqual([]);
  });

  test('woken early, nothing has', () => {
    const gate = opened(rules);
    expect(wakeGate(rules, gate, noon + 4 * hour - 1)).toEqual({ ok: true, gate, facts: [], wanted: [], unsatisfiable: false });
  });

  test('a rung behind the deadline is never reached', () => {
    const late = someRules({ within: 2 * hour, escalation: [{ after: 3 * hour, action: 'remind' }] });
    expect(wakeGate(late, opened(late), noon + 5 * hour).facts.map(({ type }) => type)).toEqual(['approval.closed']);
  });

  test('without a deadline only rungs are due', () => {
    const { within: _none, ...open } = rules;
    const step = wakeGate(open, opened(open), noon + 100 * hour);
    expect(step.gate).toMatchObject({ outcome: null, dueAt: null });
    expect(nextGateDue(open, step.gate)).toBeNull();
  });
});

test.each([
  ['approve', 'approved'],
  ['reject', 'rejected'],
  ['incident', 'timeout'],
  ['route:other', 'timeout'],
  ['escalated', 'timeout'],
  [undefined, 'timeout'],
])('onTimeout %s: %s', (onTimeout, outcome) => {
  const { onTimeout: _other, ...rest } = rules;
  const some = onTimeout === undefined ? rest : { ...rest, onTimeout };
  const { gate } = wakeGate(some, opened(some), noon + 24 * hour);
  expect(gate).toMatchObject({ outcome, cause: 'timeout' });
  expect(refusal(cast(some, gate, 'ann', { now: noon + 24 * hour }))).toMatchObject({ code: 'approval_closed', members: { outcome } });
});

describe('more people', () => {
  const all = { ...rules, quorum: 'all' as const };
  const reached = wakeGate(all, votes(all, opened(all, { requester: 'req' }), 'ann+'), noon + 8 * hour);

  test('are asked for by their rung', () => {
    expect(reached.wanted).toEqual([1]);
    expect(whoIsWanted(all, reached.gate, 1)).toEqual({ roles: ['manager'] });
    expect(whoIsWanted(all, reached.gate, 0)).toEqual({});
  });

  test('join, and the number needed is counted anew, whoever is excluded left out', () => {
    const step = withPeople(all, reached.gate, 1, [manager, { id: 'req', roles: ['manager'] }], noon + 8 * hour);
    expect(step.gate).toMatchObject({ required: 4, outcome: null, joined: [1] });
    expect(step.gate.eligible.at(-1)).toEqual({ id: 'max', roles: ['manager'] });
    expect(step.facts).toEqual([{ type: 'approval.changed', at: noon + 8 * hour, required: 4, eligible: ['ann', 'bea', 'cid', 'max'] }]);
    expect(votes(all, step.gate, 'bea+', 'cid+', 'max+').outcome).toBe('approved');
  });

  test('take over: only their votes count, and it is theirs to decide', () => {
    const replacing = someRules({ quorum: 'any', escalation: [{ after: hour, action: 'replace', to: { roles: ['manager'] } }] });
    const gate = votes(replacing, opened(replacing), 'ann-');
    const { gate: theirs } = withPeople(replacing, wakeGate(replacing, gate, noon + hour).gate, 0, [manager], noon + hour);
    expect(theirs).toMatchObject({ eligible: [{ id: 'max', roles: ['manager'] }], required: 1, outcome: null });
    expect(refusal(cast(replacing, theirs, 'bea')).code).toBe('not_eligible');
    expect(votes(replacing, theirs, 'max+').outcome).toBe('approved');
  });

  test('that take over bring their own groups', () => {
    const grouped = someRules({ quorum: { per_group: 1 }, escalation: [{ after: hour, action: 'replace', to: { roles: ['manager'] } }] });
    const { gate } = withPeople(grouped, opened(grouped), 0, [manager], noon + hour);
    expect(votes(grouped, gate, 'max+').outcome).toBe('approved');
  });

  test('can make a quorum that nobody could reach', () => {
    const short = { ...rules, quorum: { count: 4 } };
    const step = withPeople(short, opened(short), 1, [manager], noon + 8 * hour);
    expect(step.unsatisfiable).toBe(false);
    expect(withPeople(short, opened(short), 1, [], noon + 8 * hour)).toMatchObject({ unsatisfiable: true, facts: [] });
  });

  test('of an earlier rung stay away when somebody took over meanwhile', () => {
    const both = someRules({
      escalation: [
        { after: hour, action: 'add', to: { users: ['eve'] } },
        { after: 2 * hour, action: 'replace', to: { roles: ['manager'] } },
      ],
    });
    const { gate } = withPeople(both, opened(both), 1, [manager], noon + 2 * hour);
    expect(withPeople(both, gate, 0, [{ id: 'eve', roles: [] }], noon + 2 * hour).gate).toEqual(gate);
  });

  test('change nothing once it is over, and a rung that only reminds brings nobody', () => {
    const over = closeGate(opened(rules), 'cancelled', noon).gate;
    expect(withPeople(rules, over, 1, [manager], noon).gate).toEqual(over);
    expect(withPeople(rules, opened(rules), 0, [manager], noon).gate).toEqual(opened(rules));
    expect(withPeople(rules, opened(rules), 7, [manager], noon).gate).toEqual(opened(rules));
  });
});

describe('with changing people', () => {
  const dynamic = { ...rules, eligible: 'dynamic' as const, quorum: 'all' as const };
  const gate = opened(dynamic);

  test('a vote is decided by those there are by then', () => {
    const voted = taken(cast(dynamic, gate, 'ann'));
    expect(voted).toMatchObject({ wanted: ['dynamic'], gate: { outcome: null } });
    const left = withPeople(dynamic, voted.gate, 'dynamic', people('ann'), noon + hour);
    expect(left.gate).toMatchObject({ required: 1, outcome: 'approved' });
    const more = withPeople(dynamic, voted.gate, 'dynamic', people('ann', 'dan'), noon + hour);
    expect(more.gate).toMatchObject({ required: 2, outcome: null });
    const gone = withPeople(dynamic, voted.gate, 'dynamic', people('bea'), noon + hour);
    expect(gone.gate).toMatchObject({ required: 1, outcome: null });
  });

  test('a first no ends it at once, where it does', () => {
    const strict = { ...dynamic, reject: 'first' as const };
    expect(taken(cast(strict, gate, 'ann', { decision: 'reject' }))).toMatchObject({ wanted: [], gate: { outcome: 'rejected' } });
  });

  test('roles held now count, not those of the opening', () => {
    expect(refusal(cast(dynamic, gate, 'ann', { roles: ['office'] })).code).toBe('not_eligible');
    expect(gateAfter(cast(dynamic, gate, 'dan')).eligible.map(({ id }) => id)).toEqual(['ann', 'bea', 'cid', 'dan']);
    const strict = { ...dynamic, fourEyes: true };
    expect(refusal(cast(strict, opened(strict, { earlierVoters: ['dan'] }), 'dan')).code).toBe('not_eligible');
  });

  test('of a snapshot, those of the opening', () => {
    expect(cast(rules, opened(rules), 'ann', { roles: ['office'] }).ok).toBe(true);
    expect(refusal(cast(rules, opened(rules), 'dan')).code).toBe('not_eligible');
  });

  test('people named by an expression are those who were found', () => {
    const named = someRules({ eligible: 'dynamic', approvers: { expr: 'context.board' } });
    expect(cast(named, opened(named), 'ann', { roles: [] }).ok).toBe(true);
    expect(refusal(cast(named, opened(named), 'dan')).code).toBe('not_eligible');
  });

  test('everybody it is open to is looked up, those who joined too', () => {
    const wide = someRules({
      eligible: 'dynamic',
      approvers: { users: ['zoe'], roles: ['legal'], expr: 'context.board' },
      escalation: [{ after: hour, action: 'add', to: { roles: ['manager'], expr: 'context.owners' } }],
    });
    const before = opened(wide);
    expect(whoIsWanted(wide, before, 'dynamic')).toEqual({ users: ['zoe'], roles: ['legal'], expr: 'context.board' });
    const { gate: after } = withPeople(wide, before, 0, [manager], noon + hour);
    expect(whoIsWanted(wide, after, 'dynamic')).toEqual({
      users: ['zoe'],
      roles: ['legal', 'manager'],
      expr: '(context.board) + (context.owners)',
    });
  });

  test('but not those who were taken over from; answers may come in any order', () => {
    const to = { roles: ['manager'] };
    const steep = someRules({
      eligible: 'dynamic',
      escalation: [
        { after: hour, action: 'add', to: { users: ['eve'] } },
        { after: 2 * hour, action: 'replace', to },
        { after: 3 * hour, action: 'add', to: { users: ['fay'] } },
      ],
    });
    const late = withPeople(steep, opened(steep), 2, [{ id: 'fay', roles: [] }], noon + 3 * hour).gate;
    const { gate: all } = withPeople(steep, late, 0, [{ id: 'eve', roles: [] }], noon + 3 * hour);
    expect(all.joined).toEqual([0, 2]);
    expect(whoIsWanted(steep, all, 'dynamic')).toEqual({ users: ['eve', 'fay'], roles: ['legal'] });
    const theirs = withPeople(steep, all, 1, [manager], noon + 3 * hour).gate;
    expect(whoIsWanted(steep, theirs, 'dynamic')).toEqual({ users: ['fay'], roles: ['manager'] });
  });

  test('a delegate may not be one of them by now', () => {
    const answer = cast(dynamic, gateAfter(pass(dynamic, gate, 'ann', 'dan')), 'dan', { roles: [] });
    expect(gateAfter(answer).votes).toMatchObject([{ by: 'dan', onBehalfOf: 'ann' }]);
  });
});

describe('changed evidence', () => {
  const gate = gateAfter(pass(rules, votes(rules, opened(rules, { evidenceHash: 'h1', requester: 'req' }), 'ann+'), 'bea', 'dan'));
  const later = noon + 10 * hour;
  const step = evidenceChanged(rules, gate, { evidenceHash: 'h2', people: people('ann', 'bea', 'eve', 'req'), now: later });

  test('makes the round stale and opens the next with its own time', () => {
    expect(step.facts).toEqual([
      { type: 'approval.stale', at: later, round: 1 },
      {
        type: 'approval.opened',
        at: later,
        round: 2,
        required: 2,
        eligible: ['ann', 'bea', 'eve'],
        dueAt: later + 24 * hour,
        evidenceHash: 'h2',
      },
    ]);
    expect(nextGateDue(rules, step.gate)).toBe(later + 4 * hour);
  });

  test('leaves votes in sight that count no more', () => {
    expect(step.gate.votes).toMatchObject([{ n: 1, by: 'ann', void: true, round: 1 }]);
    const again = votes(rules, step.gate, 'ann+');
    expect(again.outcome).toBeNull();
    expect(again.votes).toMatchObject([
      { n: 1, void: true },
      { n: 2, round: 2, void: false },
    ]);
    expect(votes(rules, again, 'eve+').outcome).toBe('approved');
  });

  test('leaves delegations, but not to one of the people', () => {
    expect(cast(rules, step.gate, 'dan').ok).toBe(true);
    const own = evidenceChanged(rules, gate, { evidenceHash: 'h2', people: people('ann', 'bea', 'dan'), now: later });
    expect(own.gate.delegations).toEqual([]);
  });

  test('that is the same changes nothing, nor does it once all is over', () => {
    const round = { people: people('eve'), now: later };
    expect(evidenceChanged(rules, gate, { ...round, evidenceHash: 'h1' }).gate).toEqual(gate);
    const over = closeGate(gate, 'cancelled', later).gate;
    expect(evidenceChanged(rules, over, { ...round, evidenceHash: 'h2' }).gate).toEqual(over);
  });

  test('keeps the record small, however often', () => {
    let many = opened(rules, { evidenceHash: 'h1' });
    for (let round = 2; round < 400; round += 1) {
      many = evidenceChanged(rules, votes(rules, many, 'ann+'), {
        evidenceHash: `h${round}`,
        people: people('ann', 'bea'),
        now: later,
      }).gate;
    }
    expect(many.votes).toHaveLength(200);
    expect(many.votes.at(-1)).toMatchObject({ round: 398, void: true });
  });
});

test('a vote that ran out is opened again as a new round', () => {
  const over = wakeGate(rules, votes(rules, opened(rules), 'ann+'), noon + 24 * hour).gate;
  const step = reopenGate(rules, over, { people: people('ann', 'bea'), evidenceHash: null, now: noon + 30 * hour });
  expect(step.gate).toMatchObject({ round: 2, outcome: null, cause: null, closedAt: null, dueAt: noon + 54 * hour, escalations: [] });
  expect(step.facts.map(({ type }) => type)).toEqual(['approval.opened']);
});

describe('called off', () => {
  test('it ends as cancelled', () => {
    const step = closeGate(opened(rules), 'cancelled', noon + hour);
    expect(step.gate).toMatchObject({ outcome: 'cancelled', cause: 'cancelled', closedAt: noon + hour });
    expect(step.facts).toEqual([{ type: 'approval.closed', at: noon + hour, outcome: 'cancelled', cause: 'cancelled' }]);
    expect(nextGateDue(rules, step.gate)).toBeNull();
  });

  test('unless it is over', () => {
    const over = votes(rules, opened(rules), 'ann+', 'bea+');
    expect(closeGate(over, 'cancelled', noon + hour)).toMatchObject({ gate: over, facts: [] });
  });
});

describe('a pause', () => {
  test('moves ladder and deadline, and not the opening', () => {
    const moved = shift(opened(rules), 3 * hour);
    expect(moved).toMatchObject({ openedAt: noon, dueAt: noon + 27 * hour });
    expect(nextGateDue(rules, moved)).toBe(noon + 7 * hour);
  });

  test('leaves what has no deadline, and what is over', () => {
    const { within: _none, ...open } = rules;
    expect(shift(opened(open), hour).dueAt).toBeNull();
    const over = closeGate(opened(rules), 'cancelled', noon).gate;
    expect(shift(over, hour)).toEqual(over);
  });
});

test('a gate is plain JSON', () => {
  const gate = opened(rules, opening());
  expect(JSON.parse(JSON.stringify(gate))).toEqual(gate);
});
