/** Expectations are typed out from journeys.md section 9 and scripts.md section 3. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { handsOf } from '../../../../domain/journey/gate/delegation.js';
import { withPeople } from '../../../../domain/journey/gate/ladder.js';
import { votersOf } from '../../../../domain/journey/gate/round.js';
import { noon } from '../../../support/builders.js';
import { cast, gateAfter, hour, opened, pass, people, refusal, someRules, taken, votes } from './builders.js';

const rules = someRules();
const open = opened(rules, { requester: 'req', earlierVoters: ['old'] });
const passed = gateAfter(pass(rules, open, 'ann', 'dan'));

describe('a delegate', () => {
  test('votes for the one who asked, and with every right of hers', () => {
    const strict = someRules({ veto: ['risk'] });
    const gate = opened(strict, { people: [...people('bea', 'cid'), { id: 'ann', roles: ['legal', 'risk'] }] });
    const delegated = gateAfter(pass(strict, gate, 'ann', 'dan'));
    const answer = taken(cast(strict, delegated, 'dan', { decision: 'reject', roles: [] }));
    expect(answer.gate).toMatchObject({ outcome: 'rejected', votes: [{ by: 'dan', onBehalfOf: 'ann', decision: 'reject' }] });
    expect(votersOf(answer.gate)).toEqual(['dan']);
  });

  test('counts once, for her', () => {
    const gate = gateAfter(cast(rules, passed, 'dan', { onBehalfOf: 'ann' }));
    expect(gate).toMatchObject({ outcome: null, required: 2 });
    expect(gateAfter(cast(rules, gate, 'bea')).outcome).toBe('approved');
  });

  test('for nobody else', () => {
    expect(refusal(cast(rules, passed, 'dan', { onBehalfOf: 'bea' })).code).toBe('not_eligible');
    expect(refusal(cast(rules, passed, 'dan', { onBehalfOf: 'dan' })).code).toBe('not_eligible');
  });

  test('not when his time is over', () => {
    const brief = gateAfter(pass(rules, open, 'ann', 'dan', { until: noon + 2 * hour }));
    expect(cast(rules, brief, 'dan', { now: noon + 2 * hour - 1 }).ok).toBe(true);
    expect(refusal(cast(rules, brief, 'dan', { now: noon + 2 * hour })).code).toBe('not_eligible');
  });
});

describe('the second of two votes for one person', () => {
  test.each([
    ['dan', 'ann'],
    ['ann', 'dan'],
  ])('%s, then %s: already voted', (first, second) => {
    const gate = gateAfter(cast(rules, passed, first));
    expect(refusal(cast(rules, gate, second)).code).toBe('already_voted');
  });

  test('nor can a vote that was given be delegated', () => {
    expect(refusal(pass(rules, votes(rules, open, 'ann+'), 'ann', 'dan')).code).toBe('already_voted');
    expect(refusal(pass(rules, gateAfter(cast(rules, passed, 'dan')), 'ann', 'eve')).code).toBe('already_voted');
  });
});

test('a delegate who joins the people later has voted already', () => {
  const steep = someRules({ escalation: [{ after: hour, action: 'add', to: { users: ['dan'] } }] });
  const given = gateAfter(cast(steep, gateAfter(pass(steep, opened(steep), 'ann', 'dan')), 'dan'));
  const { gate } = withPeople(steep, given, 0, [{ id: 'dan', roles: [] }], noon + hour);
  expect(gate.eligible.map(({ id }) => id)).toEqual(['ann', 'bea', 'cid', 'dan']);
  expect(refusal(cast(steep, gate, 'dan')).code).toBe('already_voted');
  expect(gateAfter(cast(steep, gate, 'bea')).outcome).toBe('approved');
});

describe('a chain', () => {
  const two = gateAfter(pass(rules, passed, 'dan', 'eve'));
  const three = gateAfter(pass(rules, two, 'eve', 'fay'));

  test('goes through three hands, and no further', () => {
    expect(handsOf(three, 'fay', noon + hour)).toEqual(['ann', 'dan', 'eve', 'fay']);
    expect(gateAfter(cast(rules, three, 'fay')).votes).toMatchObject([{ by: 'fay', onBehalfOf: 'ann' }]);
    expect(refusal(pass(rules, three, 'fay', 'gus'))).toMatchObject({ code: 'delegation_invalid', members: { reason: 'chain' } });
  });

  test('is one vote, whoever of them gives it', () => {
    for (const by of ['ann', 'dan', 'eve', 'fay']) {
      const gate = gateAfter(cast(rules, three, by));
      for (const other of ['ann', 'dan', 'eve', 'fay']) expect(refusal(cast(rules, gate, other)).code).toBe('already_voted');
    }
  });

  test('may be named by any hand it came from', () => {
    for (const onBehalfOf of ['ann', 'dan', 'eve']) expect(cast(rules, three, 'fay', { onBehalfOf }).ok).toBe(true);
  });

  test('ends where one of its links does', () => {
    const brief = gateAfter(pass(rules, gateAfter(pass(rules, open, 'ann', 'dan', { until: noon + 2 * hour })), 'dan', 'eve'));
    expect(handsOf(brief, 'eve', noon + hour)).toEqual(['ann', 'dan', 'eve']);
    expect(handsOf(brief, 'eve', noon + 2 * hour)).toBeNull();
  });
});

describe('refused as invalid', () => {
  test.each([
    ['ann', 'ann', 'cycle'],
    ['dan', 'ann', 'cycle'],
    ['ann', 'bea', 'already_eligible'],
    ['bea', 'dan', 'already_eligible'],
    ['ann', 'req', 'excluded'],
  ])('%s to %s: %s', (by, to, reason) => {
    expect(refusal(pass(rules, passed, by, to))).toMatchObject({ code: 'delegation_invalid', members: { reason } });
  });

  test('with four eyes, to somebody who voted before', () => {
    const strict = someRules({ fourEyes: true });
    const gate = opened(strict, { earlierVoters: ['old'] });
    expect(refusal(pass(strict, gate, 'ann', 'old'))).toMatchObject({ members: { reason: 'excluded' } });
    expect(pass(rules, open, 'ann', 'old').ok).toBe(true);
  });

  test('until a time that is over', () => {
    expect(refusal(pass(rules, open, 'ann', 'dan', { until: noon + hour }))).toMatchObject({ members: { reason: 'until' } });
  });

  test('with changing people, to somebody whose roles make him one of them', () => {
    const dynamic = someRules({ eligible: 'dynamic' });
    const gate = opened(dynamic);
    expect(refusal(pass(dynamic, gate, 'ann', 'dan', { toRoles: ['legal'] }))).toMatchObject({ members: { reason: 'already_eligible' } });
    expect(pass(dynamic, gate, 'ann', 'dan', { toRoles: ['office'] }).ok).toBe(true);
    expect(pass(rules, open, 'ann', 'dan', { toRoles: ['legal'] }).ok).toBe(true);
  });
});

test('only who has a vote can give it away, and while the vote is open', () => {
  expect(refusal(pass(rules, open, 'dan', 'eve')).code).toBe('not_eligible');
  expect(refusal(pass(rules, open, 'req', 'eve')).code).toBe('requester_excluded');
  expect(refusal(pass(rules, votes(rules, open, 'ann+', 'bea+'), 'cid', 'dan'))).toMatchObject({
    code: 'approval_closed',
    members: { outcome: 'approved' },
  });
});

test('a later delegation takes the place of the earlier, and of what rested on it', () => {
  const chained = gateAfter(pass(rules, passed, 'dan', 'eve'));
  const moved = taken(pass(rules, chained, 'ann', 'fay'));
  expect(moved.gate.delegations).toEqual([{ from: 'ann', to: 'fay', at: noon + hour, until: null }]);
  expect(refusal(cast(rules, moved.gate, 'eve')).code).toBe('not_eligible');
  expect(moved.facts).toEqual([{ type: 'approval.delegated', at: noon + hour, from: 'ann', to: 'fay', until: null }]);
});

test('however votes are passed around, nobody votes twice and no vote counts twice', () => {
  const name = fc.constantFrom('ann', 'bea', 'cid', 'dan', 'eve', 'fay', 'req');
  const move = fc.oneof(
    fc.record({ kind: fc.constant('pass' as const), by: name, to: name }),
    fc.record({ kind: fc.constant('vote' as const), by: name, to: name }),
  );
  const all = someRules({ quorum: 'all' });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 30 }), (moves) => {
      let gate = opened(all, { requester: 'req' });
      for (const { kind, by, to } of moves) {
        const answer = kind === 'pass' ? pass(all, gate, by, to) : cast(all, gate, by);
        if (answer.ok) gate = answer.gate;
      }
      const voters = gate.votes.map(({ by }) => by);
      const owners = gate.votes.map(({ by, onBehalfOf }) => onBehalfOf ?? by);
      expect(new Set(voters).size).toBe(voters.length);
      expect(new Set(owners).size).toBe(owners.length);
      for (const owner of owners) expect(['ann', 'bea', 'cid']).toContain(owner);
      expect(gate.outcome).toBe(owners.length === 3 ? 'approved' : null);
      expect(gate.delegations.length).toBeLessThanOrEqual(6);
      for (const person of ['ann', 'bea', 'cid', 'dan', 'eve', 'fay'])
        expect(handsOf(gate, person, noon + hour)?.length ?? 1).toBeLessThanOrEqual(4);
      expect(JSON.parse(JSON.stringify(gate))).toEqual(gate);
    }),
    { numRuns: 500 },
  );
});
