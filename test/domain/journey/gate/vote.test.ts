/** Expectations are typed out from journeys.md section 9 and scripts.md section 3. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GateRules } from '../../../../domain/journey/gate/gate.js';
import { openGate } from '../../../../domain/journey/gate/round.js';
import { noon } from '../../../support/builders.js';
import { cast, gateAfter, hour, opened, opening, people, refusal, said, someRules, taken, votes } from './builders.js';

const sixty = someRules({ quorum: { percent: 60 } });

describe('S33: 60 % of three', () => {
  test('two are needed, the second approves, the third comes too late', () => {
    const gate = opened(sixty);
    expect(gate.required).toBe(2);
    const one = votes(sixty, gate, 'ann+');
    expect(one.outcome).toBeNull();
    const two = taken(cast(sixty, one, 'bea'));
    expect(two.gate).toMatchObject({ outcome: 'approved', cause: 'vote', closedAt: noon + hour });
    expect(two.facts.map(({ type }) => type)).toEqual(['approval.voted', 'approval.closed']);
    expect(refusal(cast(sixty, two.gate, 'cid'))).toMatchObject({ code: 'approval_closed', members: { outcome: 'approved' } });
  });
});

describe('how many are needed', () => {
  test.each([
    ['any', 3, 1],
    ['all', 3, 3],
    [{ count: 2 }, 3, 2],
    [{ percent: 60 }, 3, 2],
    [{ percent: 50 }, 4, 2],
    [{ percent: 51 }, 4, 3],
    [{ percent: 1 }, 3, 1],
    [{ percent: 100 }, 7, 7],
    [{ percent: 33 }, 100, 33],
    [{ percent: 7 }, 100, 7],
    [{ percent: 29 }, 300, 87],
  ] as const)('%j of %i is %i', (quorum, size, needed) => {
    const ids = Array.from({ length: size }, (_, index) => `p${index}`);
    const gate = opened(someRules({ quorum }), { people: people(...ids) });
    expect(gate.required).toBe(needed);
  });

  test('of each group, the people named being one more; one person may speak for two', () => {
    const rules = someRules({ approvers: { roles: ['legal', 'money'], users: ['zoe'] }, quorum: { per_group: 1 } });
    const all = [
      { id: 'ann', roles: ['legal', 'money'] },
      { id: 'bea', roles: ['legal'] },
      { id: 'zoe', roles: [] },
    ];
    const gate = opened(rules, { people: all });
    expect(gate.required).toBe(3);
    expect(votes(rules, gate, 'bea+', 'zoe+').outcome).toBeNull();
    expect(votes(rules, gate, 'ann+', 'zoe+').outcome).toBe('approved');
    expect(votes(rules, gate, 'zoe-').outcome).toBe('rejected');
    expect(votes(rules, gate, 'bea-').outcome).toBeNull();
    expect(votes(rules, gate, 'bea-', 'ann-').outcome).toBe('rejected');
  });

  test('of people an expression names there is one group', () => {
    const rules = someRules({ approvers: { expr: 'context.board' }, quorum: { per_group: 2 } });
    expect(votes(rules, opened(rules), 'ann+', 'cid+').outcome).toBe('approved');
  });
});

describe('how it ends', () => {
  test.each([
    ['any', ['ann+'], 'approved'],
    ['any', ['ann-', 'bea-'], null],
    ['any', ['ann-', 'bea-', 'cid-'], 'rejected'],
    ['all', ['ann+', 'bea+'], null],
    ['all', ['ann+', 'bea+', 'cid+'], 'approved'],
    ['all', ['ann-'], 'rejected'],
    [{ count: 2 }, ['ann-', 'bea+'], null],
    [{ count: 2 }, ['ann-', 'bea+', 'cid+'], 'approved'],
    [{ count: 2 }, ['ann-', 'bea-'], 'rejected'],
  ] as const)('%j with %j: %s', (quorum, given, outcome) => {
    const rules = someRules({ quorum });
    expect(votes(rules, opened(rules), ...given).outcome).toBe(outcome);
  });

  test('with the first no, where the rules say so', () => {
    const rules = someRules({ reject: 'first' });
    expect(votes(rules, opened(rules), 'ann+', 'bea-').outcome).toBe('rejected');
  });

  test('with any no of a role that has a veto, and of no other', () => {
    const rules = someRules({ quorum: 'any', approvers: { users: ['ann'], roles: ['legal'] }, veto: ['risk'] });
    const gate = opened(rules, { people: [...people('bea', 'cid'), { id: 'ann', roles: ['risk', 'office'] }] });
    expect(gate.eligible.at(-1)).toEqual({ id: 'ann', roles: ['risk'] });
    expect(votes(rules, gate, 'bea-').outcome).toBeNull();
    expect(gateAfter(cast(rules, gate, 'ann', { decision: 'reject', roles: [] })).outcome).toBe('rejected');
    expect(gateAfter(cast(rules, gate, 'bea', { decision: 'reject', roles: ['risk'] })).outcome).toBe('rejected');
  });
});

describe('who may not vote', () => {
  test('S35: the requester, whatever roles she holds, before and after the end', () => {
    const rules = someRules({ quorum: 'any' });
    const gate = opened(rules, { requester: 'ann' });
    expect(gate.eligible.map(({ id }) => id)).toEqual(['bea', 'cid']);
    expect(refusal(cast(rules, gate, 'ann')).code).toBe('requester_excluded');
    expect(refusal(cast(rules, gate, 'ann', { roles: [] })).code).toBe('requester_excluded');
    expect(refusal(cast(rules, votes(rules, gate, 'bea+'), 'ann')).code).toBe('requester_excluded');
  });

  test('with four eyes whoever voted before; without, they may', () => {
    const strict = someRules({ fourEyes: true });
    const gate = opened(strict, { earlierVoters: ['bea'] });
    expect(gate.eligible.map(({ id }) => id)).toEqual(['ann', 'cid']);
    expect(refusal(cast(strict, gate, 'bea')).code).toBe('not_eligible');
    const loose = someRules();
    expect(cast(loose, opened(loose, { earlierVoters: ['bea'] }), 'bea').ok).toBe(true);
  });

  test('anybody else', () => {
    expect(refusal(cast(sixty, opened(sixty), 'dan')).code).toBe('not_eligible');
    expect(refusal(cast(sixty, opened(sixty), 'ann', { onBehalfOf: 'bea' })).code).toBe('not_eligible');
    expect(refusal(cast(sixty, opened(sixty), 'ann', { onBehalfOf: 'dan' })).code).toBe('not_eligible');
  });

  test('S35: whoever has', () => {
    const gate = votes(sixty, opened(sixty), 'ann+');
    expect(refusal(cast(sixty, gate, 'ann')).code).toBe('already_voted');
    expect(refusal(cast(sixty, gate, 'ann', { decision: 'reject' })).code).toBe('already_voted');
  });

  test('and on her own behalf is as without', () => {
    const gate = gateAfter(cast(sixty, opened(sixty), 'ann', { onBehalfOf: 'ann' }));
    expect(gate.votes).toMatchObject([{ n: 1, by: 'ann', onBehalfOf: null }]);
  });
});

test.each([
  [undefined, 'approve', true],
  [undefined, 'reject', false],
  ['reject', 'reject', false],
  ['always', 'approve', false],
  ['always', 'reject', false],
  ['never', 'reject', true],
] as const)('with a comment required %s, %s without one: %s', (requireComment, decision, ok) => {
  const rules = someRules(requireComment === undefined ? {} : { requireComment });
  const answer = cast(rules, opened(rules), 'ann', { decision, comment: null });
  expect(answer.ok ? 'taken' : answer.code).toBe(ok ? 'taken' : 'comment_required');
});

describe('a quorum nobody can reach', () => {
  test.each([
    [someRules({ quorum: { count: 4 } }), people('ann', 'bea', 'cid')],
    [someRules({ quorum: 'all' }), []],
    [someRules({ quorum: 'any' }), people('ann')],
    [someRules({ approvers: { roles: ['legal', 'money'] }, quorum: { per_group: 1 } }), people('bea')],
  ] as [GateRules, ReturnType<typeof people>][])('is told at the opening, and does not end it', (rules, all) => {
    const step = openGate(rules, opening({ people: all, requester: 'ann' }));
    expect(step).toMatchObject({ unsatisfiable: true, gate: { outcome: null } });
  });

  test('and is not, where it can be', () => {
    expect(openGate(sixty, opening()).unsatisfiable).toBe(false);
  });
});

test('the opening says who decides, by when and on what', () => {
  expect(openGate(sixty, opening({ evidenceHash: 'h1', requester: 'cid' })).facts).toEqual([
    { type: 'approval.opened', at: noon, round: 1, required: 2, eligible: ['ann', 'bea'], dueAt: noon + 24 * hour, evidenceHash: 'h1' },
  ]);
});

test('a vote says who, how, and with which comment', () => {
  expect(taken(cast(sixty, opened(sixty), 'ann', { decision: 'reject' })).facts).toEqual([
    { type: 'approval.voted', at: noon + hour, round: 1, by: 'ann', onBehalfOf: null, decision: 'reject', comment: said },
  ]);
});

const quorums: fc.Arbitrary<GateRules['quorum']> = fc.oneof(
  fc.constantFrom('any' as const, 'all' as const),
  fc.record({ count: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ percent: fc.integer({ min: 1, max: 100 }) }),
  fc.record({ per_group: fc.integer({ min: 1, max: 2 }) }),
);
const electorate = fc
  .uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1 })
  .chain((ids) =>
    fc.tuple(
      ...ids.map((id) => fc.record({ id: fc.constant(id), roles: fc.subarray(['legal', 'money'], { minLength: 1 }), yes: fc.boolean() })),
    ),
  );

test('votes in any order come to one outcome, and it is the one that counting all of them gives', () => {
  fc.assert(
    fc.property(quorums, electorate, fc.infiniteStream(fc.nat()), (quorum, all, chance) => {
      const rules = someRules({ approvers: { roles: ['legal', 'money'] }, quorum });
      const { gate, unsatisfiable } = openGate(rules, opening({ people: all }));
      const orders = [
        all,
        all.toReversed(),
        all
          .map((one) => ({ one, key: chance.next().value }))
          .toSorted((x, y) => x.key - y.key)
          .map(({ one }) => one),
      ];
      const outcomes = orders.map((order) => {
        let now = gate;
        for (const { id, yes } of order) {
          const answer = cast(rules, now, id, { decision: yes ? 'approve' : 'reject' });
          if (now.outcome !== null) expect(refusal(answer).code).toBe('approval_closed');
          else now = gateAfter(answer);
        }
        return now.outcome;
      });
      // The obvious reference: everybody's vote, group by group.
      const needed = (size: number): number => {
        if (quorum === 'any') return 1;
        if (quorum === 'all') return size;
        if ('count' in quorum) return quorum.count;
        let votesNeeded = 0;
        if ('percent' in quorum) while (votesNeeded * 100 < quorum.percent * size) votesNeeded += 1;
        return 'percent' in quorum ? votesNeeded : quorum.per_group;
      };
      const groups =
        typeof quorum === 'object' && 'per_group' in quorum
          ? ['legal', 'money'].map((role) => all.filter(({ roles }) => roles.includes(role)))
          : [all];
      const possible = groups.every((group) => group.length >= needed(group.length));
      expect(unsatisfiable).toBe(!possible);
      expect(gate.required).toBe(groups.reduce((sum, group) => sum + needed(group.length), 0));
      const approved = groups.every((group) => group.filter(({ yes }) => yes).length >= needed(group.length));
      const expected = possible ? (approved ? 'approved' : 'rejected') : null;
      expect(outcomes).toEqual([expected, expected, expected]);
    }),
    { numRuns: 300 },
  );
});

test('it closes with the very vote that makes the result certain', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
      (count, size, said6) => {
        const rules = someRules({ quorum: { count } });
        const ids = ['a', 'b', 'c', 'd', 'e', 'f'].slice(0, size);
        let gate = opened(rules, { people: people(...ids) });
        let yes = 0;
        let no = 0;
        for (const [index, id] of ids.entries()) {
          if (gate.outcome !== null) return;
          const approve = said6[index] === true;
          gate = gateAfter(cast(rules, gate, id, { decision: approve ? 'approve' : 'reject' }));
          if (approve) yes += 1;
          else no += 1;
          const certain = yes >= count ? 'approved' : size >= count && size - no < count ? 'rejected' : null;
          expect(gate.outcome).toBe(certain);
        }
      },
    ),
  );
});
