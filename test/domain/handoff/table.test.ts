/** Every state × every verb × every role, and machines driven at random. The table is typed out from journeys.md section 8 and scripts.md section 3. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { handoffStatus } from '../../../domain/handoff/codes.js';
import { handoffVerbs } from '../../../domain/handoff/command.js';
import type { HandoffVerb } from '../../../domain/handoff/command.js';
import { handoffEventTypes } from '../../../domain/handoff/event.js';
import { isOver } from '../../../domain/handoff/ledger.js';
import { nextDue, outstanding, report } from '../../../domain/handoff/machine.js';
import { allowed, personOf } from '../../../domain/handoff/verbs.js';
import { asContentId } from '../../../domain/ids.js';
import { handoffStates } from '../../../domain/journey/run/effect.js';
import type { HandoffRules, HandoffState, Report } from '../../../domain/journey/run/effect.js';
import { noon, uuid } from '../../support/builders.js';
import { approved, hour, Run, someRules } from './builders.js';

const comment = asContentId(uuid(0x300));
const roles = ['agent', 'lead', 'admin', 'service', 'operator', 'system'] as const;

const inState: Readonly<Record<HandoffState, () => Run>> = {
  // Nothing waits in `created`: it is seen only as the first event.
  created: () => {
    const run = new Run(someRules());
    run.state = { ...run.state, state: 'created', timers: {} };
    return run;
  },
  awaiting_data: () => new Run(someRules({ requiredData: ['x'] })),
  awaiting_approval: () => new Run(approved({}, { quorum: 'all' })).people(),
  offered: () => new Run(someRules()),
  accepted: () => new Run(someRules()).do('accept', 'bob'),
  in_progress: () => new Run(someRules()).do('accept', 'bob').do('claim', 'ada'),
  completed: () => new Run(someRules()).do('accept', 'bob').do('complete', 'bob'),
  rejected: () => new Run(someRules()).do('reject', 'bob', { reason: 'no_capacity' }),
  returned: () => new Run(someRules()).do('accept', 'bob').do('return', 'bob', { reason: 'no_access' }),
  expired: () => new Run(someRules()).after(4 * hour),
  failed: () => new Run(someRules({ mode: 'automatic' })).fail('Rejected', { retryable: false }),
  cancelled: () => new Run(someRules()).do('cancel', 'lea'),
};

const fields: { readonly [Verb in HandoffVerb]: object } = {
  accept: {},
  reject: { comment, reason: 'no_capacity' },
  return: { reason: 'no_access' },
  complete: {},
  cancel: {},
  retry: {},
  approve: {},
  vote: { decision: 'approve' },
  delegate: { to: 'dan' },
  claim: {},
  unclaim: {},
  assign: { to: 'eve' },
};

/** Where each verb leads from a state, by a person who may; whatever is not listed is 409. */
const table: Readonly<Record<HandoffState, Partial<Record<HandoffVerb, HandoffState | 'not_claimed'>>>> = {
  created: { cancel: 'cancelled' },
  awaiting_data: { cancel: 'cancelled' },
  awaiting_approval: {
    approve: 'awaiting_approval',
    vote: 'awaiting_approval',
    delegate: 'awaiting_approval',
    reject: 'rejected',
    cancel: 'cancelled',
  },
  offered: { accept: 'accepted', reject: 'rejected', assign: 'offered', cancel: 'cancelled' },
  accepted: {
    claim: 'in_progress',
    unclaim: 'not_claimed',
    assign: 'accepted',
    complete: 'completed',
    return: 'returned',
    cancel: 'cancelled',
  },
  in_progress: {
    claim: 'in_progress',
    unclaim: 'in_progress',
    assign: 'in_progress',
    complete: 'completed',
    return: 'returned',
    cancel: 'cancelled',
  },
  failed: { retry: 'offered', cancel: 'cancelled' },
  expired: { retry: 'offered', cancel: 'cancelled' },
  completed: {},
  rejected: {},
  returned: {},
  cancelled: {},
};

describe.each(handoffStates)('from %s', (state) => {
  test.each(handoffVerbs)('%s', (verb) => {
    for (const role of roles) {
      const run = inState[state]();
      expect(run.state.state).toBe(state);
      const before = run.state;
      const answer = run.try(verb, 'ada', { ...fields[verb], role });
      const expected = table[state][verb] ?? (verb === 'retry' ? 'no_incident' : 'handoff.illegal_move');
      expect(answer.ok ? answer.state.state : answer.code).toBe(expected);
      if (answer.ok) expect(answer.events.length).toBeGreaterThan(0);
      if (!answer.ok) expect(handoffStatus[answer.code]).toBe(409);
      if (!answer.ok && expected === 'handoff.illegal_move') {
        expect(answer.members).toEqual({ state, verb, allowed: Object.keys(table[state]).length === 0 ? [] : allowed[state] });
      }
      expect(run.state).toBe(before);
    }
  });

  test('what it lists as allowed is what it takes', () => {
    const { unclaim: _claimed, ...others } = table[state];
    expect([...allowed[state]].filter((verb) => verb !== 'unclaim').toSorted()).toEqual(Object.keys(others).toSorted());
  });
});

test('the status of each refusal', () => {
  // Typed out from api.md section 4 and journeys.md sections 7 to 9.
  expect(handoffStatus).toEqual({
    invalid_request: 400,
    forbidden: 403,
    version_mismatch: 412,
    reason_required: 403,
    journey_paused: 409,
    unknown_outcome: 422,
    'handoff.illegal_move': 409,
    'handoff.not_ready': 409,
    no_incident: 409,
    requester_excluded: 403,
    not_eligible: 403,
    already_voted: 409,
    approval_closed: 409,
    comment_required: 422,
    delegation_invalid: 422,
    not_claimed: 409,
    already_claimed: 409,
  });
});

describe('whose work it is', () => {
  const assign = { users: ['uma'], roles: ['field-ops'] };

  test('an agent has to be named by the step, where that is known', () => {
    const run = new Run(someRules({ assign }));
    expect(run.refusal('accept', 'bob', { roles: ['support'] }).code).toBe('not_eligible');
    expect(run.refusal('reject', 'bob', { roles: [], reason: 'no_capacity' }).code).toBe('not_eligible');
    expect(run.try('accept', 'bob', { roles: ['field-ops'] }).ok).toBe(true);
    expect(run.try('accept', 'uma', { roles: [] }).ok).toBe(true);
    expect(run.try('accept', 'bob').ok).toBe(true);
    expect(run.try('accept', 'bob', { roles: [], role: 'lead' }).ok).toBe(true);
    run.do('accept', 'uma', { roles: [] });
    for (const verb of ['claim', 'complete', 'return'] as const) {
      expect(run.refusal(verb, 'bob', { ...fields[verb], roles: ['support'] }).code).toBe('not_eligible');
    }
    expect(run.do('assign', 'lea', { to: 'bob' }).try('complete', 'bob', { roles: ['support'] }).ok).toBe(true);
  });

  test('or by what its expression finds', () => {
    const run = new Run(someRules({ assign: { expr: 'context.crew' } }), { data: { crew: ['bob'] } });
    expect(run.wish('people')).toMatchObject({ id: 'assignees/1', who: { expr: 'context.crew' }, data: { context: { crew: ['bob'] } } });
    expect(outstanding(run.state)).toEqual(run.effects);
    run.people([{ id: 'bob', roles: [] }]);
    expect(run.refusal('accept', 'eve', { roles: [] }).code).toBe('not_eligible');
    expect(run.try('accept', 'bob', { roles: [] }).ok).toBe(true);
  });

  test('which may fail', () => {
    const run = new Run(someRules({ assign: { expr: 'context.crew' } }));
    run.keep(
      report(run.state, { kind: 'people', effect: 'assignees/1', people: [], fault: { reason: 'missing', path: 'context.crew' } }, noon),
    );
    expect(run.last).toMatchObject({ state: 'failed', incident: 'guard_error', error: 'context.crew' });
    expect(run.do('retry', 'lea').wish('people').id).toBe('assignees/2');
  });

  test('a claim is exclusive, and ends by itself', () => {
    const run = new Run(someRules({ claimFor: 2 * hour })).do('accept', 'bob').do('claim', 'bob');
    for (const verb of ['claim', 'complete', 'return', 'unclaim'] as const) {
      expect(run.refusal(verb, 'eve', fields[verb])).toMatchObject({ code: 'already_claimed', members: { assignee: 'bob' } });
    }
    run.after(hour).do('claim', 'bob').after(hour);
    expect(run.state.assignee).toBe('bob');
    run.after(hour);
    expect(run.state).toMatchObject({ assignee: null, state: 'in_progress' });
    expect(run.events.at(-1)).toMatchObject({ type: 'handoff.assigned', at: noon + 3 * hour, data: { assignee: null } });
    expect(run.do('claim', 'eve').state.assignee).toBe('eve');
  });

  test('a lead reaches over it; what is given does not end by itself', () => {
    const run = new Run(someRules({ claimFor: 2 * hour })).do('accept', 'bob').do('claim', 'bob');
    run.do('assign', 'lea', { to: 'eve', role: 'lead' }).after(3 * hour);
    expect(run.state.assignee).toBe('eve');
    const { events } = run.do('unclaim', 'lea', { role: 'lead' });
    expect(events.at(-1)).toMatchObject({ type: 'handoff.assigned', data: { assignee: null } });
    expect(run.refusal('unclaim', 'eve').code).toBe('not_claimed');
  });

  test('given to whom has it already, nothing changes', () => {
    const run = new Run(someRules()).do('assign', 'lea', { to: 'eve' });
    const answer = run.try('assign', 'lea', { to: 'eve' });
    expect(answer).toMatchObject({ ok: true, events: [] });
  });

  test.each([
    ['user/bob', 'bob'],
    ['service/crm', 'crm'],
    ['bob', 'bob'],
  ])('%s is %s', (actor, person) => {
    expect(personOf(actor)).toBe(person);
  });
});

/** What may happen next, from a few numbers of chance. */
const moves = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('verb' as const),
      verb: fc.constantFrom(...handoffVerbs),
      by: fc.constantFrom('ada', 'abe', 'bob', 'req'),
      role: fc.constantFrom(...roles),
    }),
    fc.record({ kind: fc.constant('time' as const), ms: fc.constantFrom(1, 30_000, hour, 5 * hour) }),
    fc.record({ kind: fc.constant('answer' as const), well: fc.boolean() }),
    fc.record({
      kind: fc.constant('word' as const),
      word: fc.constantFrom(
        { kind: 'supply', data: { x: 1 } } as const,
        { kind: 'supply', data: { y: 2 } } as const,
        { kind: 'pause' } as const,
        { kind: 'pause', freezeTasks: false } as const,
        { kind: 'resume', shiftMs: hour } as const,
        { kind: 'resume', shiftMs: 0 } as const,
        { kind: 'retry' } as const,
      ),
    }),
  ),
  { maxLength: 40 },
);

const anyRules: fc.Arbitrary<HandoffRules> = fc
  .record({
    mode: fc.constantFrom('automatic' as const, 'accept' as const, 'approve' as const),
    then: fc.constantFrom('automatic' as const, 'accept' as const),
    waitFor: fc.constantFrom('accept' as const, 'complete' as const),
    onTimeout: fc.constantFrom('incident', 'route:x'),
    eligible: fc.constantFrom('snapshot' as const, 'dynamic' as const),
    evidence: fc.boolean(),
    needs: fc.boolean(),
    claimFor: fc.boolean(),
  })
  .map(({ mode, then, waitFor, onTimeout, eligible, evidence, needs, claimFor }) =>
    approved(
      { mode, then, waitFor, onTimeout, ...(needs ? { requiredData: ['x'] } : {}), ...(claimFor ? { claimFor: 2 * hour } : {}) },
      {
        eligible,
        quorum: 'all',
        onTimeout,
        ...(evidence ? { evidence: ['context.y'] } : {}),
        escalation: [{ after: 2 * hour, action: 'add', to: { roles: ['team_lead'] } }],
      },
    ),
  );

const fault = { reason: 'missing', path: 'context.z' } as const;
function answerOf(run: Run, well: boolean): Report | null {
  const [effect] = outstanding(run.state);
  if (effect === undefined) return null;
  const people = [
    { id: 'ada', roles: ['admin'] },
    { id: 'abe', roles: ['admin'] },
  ];
  if (effect.kind === 'people') return { kind: 'people', effect: effect.id, people: well ? people : [], fault: well ? null : fault };
  if (effect.kind === 'hash') return { kind: 'hash', effect: effect.id, hash: JSON.stringify(effect.value) };
  return well
    ? { kind: 'done', effect: effect.id, output: {} }
    : { kind: 'failed', effect: effect.id, error: 'Unavailable', retryable: true };
}

/** From → to; typed out from the picture of section 8. */
const ways: Readonly<Record<HandoffState, readonly HandoffState[]>> = {
  created: ['awaiting_data', 'awaiting_approval', 'offered'],
  awaiting_data: ['awaiting_approval', 'offered', 'cancelled'],
  awaiting_approval: ['offered', 'rejected', 'expired', 'failed', 'cancelled'],
  offered: ['accepted', 'rejected', 'expired', 'failed', 'cancelled'],
  accepted: ['in_progress', 'completed', 'returned', 'expired', 'cancelled'],
  in_progress: ['completed', 'returned', 'expired', 'cancelled'],
  expired: ['offered', 'awaiting_approval', 'cancelled'],
  failed: ['offered', 'awaiting_approval', 'cancelled'],
  completed: [],
  rejected: [],
  returned: [],
  cancelled: [],
};

test('whatever happens, it goes only where the picture leads, and says all it does', () => {
  fc.assert(
    fc.property(anyRules, moves, (rules, all) => {
      const run = new Run(rules);
      for (const move of all) {
        const before = run.state;
        if (move.kind === 'verb') {
          const answer = run.try(move.verb, move.by, { ...fields[move.verb], role: move.role, roles: ['admin'] });
          if (answer.ok) run.keep(answer);
        } else if (move.kind === 'time') run.after(move.ms);
        else if (move.kind === 'word') run.tell(move.word);
        else {
          const answer = answerOf(run, move.well);
          if (answer !== null) run.keep(report(run.state, answer, run.now));
        }
        if (isOver(before)) expect(run.state).toEqual(before);
        const { state, owner, gate, endedAt, parked } = run.state;
        expect(JSON.parse(JSON.stringify(run.state))).toEqual(run.state);
        expect(owner).toBe(
          ['accepted', 'in_progress', 'completed'].includes(state)
            ? 'field-ops'
            : state === 'expired' || state === 'cancelled'
              ? owner
              : 'crm',
        );
        expect(endedAt !== null).toBe(
          ['completed', 'rejected', 'returned', 'cancelled'].includes(state) || (state === 'expired' && parked === null),
        );
        expect(parked !== null).toBe(endedAt === null && (state === 'failed' || state === 'expired'));
        if (endedAt !== null) expect([outstanding(run.state).length, nextDue(run.state), gate?.outcome === null]).toEqual([0, null, false]);
        if (['offered', 'accepted', 'in_progress', 'completed'].includes(state) && rules.mode === 'approve')
          expect(gate?.outcome).toBe('approved');
        expect(JSON.stringify(run.state).length).toBeLessThan(20_000);
      }
      expect(run.events.map(({ seq }) => seq)).toEqual(run.events.map((_, index) => index + 1));
      expect(run.reports.map(({ seq }) => seq)).toEqual(run.reports.map((_, index) => index + 1));
      expect(run.state.version).toBe(run.events.length);
      for (const { type } of run.events) expect(handoffEventTypes).toContain(type);
      expect(run.events.map(({ at }) => at)).toEqual(run.events.map(({ at }) => at).toSorted((one, other) => one - other));
      const path = ['created', ...run.reports.map(({ state }) => state)] as HandoffState[];
      for (const [index, to] of path.entries()) {
        const from = path[index - 1];
        if (from !== undefined && from !== to) expect(ways[from]).toContain(to);
      }
      expect(path.at(-1)).toBe(run.state.state);
    }),
    { numRuns: 200 },
  );
});
