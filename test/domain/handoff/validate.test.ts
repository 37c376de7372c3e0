/** Expectations are typed out from journeys.md section 8. */
import { describe, expect, test } from 'vitest';
import { handoffVerbs } from '../../../domain/handoff/command.js';
import { asHandoffCommand, handoffShapeErrors } from '../../../domain/handoff/shape.js';
import { directRules, validateHandoff } from '../../../domain/handoff/validate.js';
import type { HandoffInput } from '../../../domain/handoff/validate.js';
import { uuid } from '../../support/builders.js';

const packages = ['crm', 'business-logic', 'field-ops'];
const input = (changes: Partial<HandoffInput> = {}): HandoffInput => ({
  journeyId: 'JRN-1',
  from: 'crm',
  to: 'field-ops',
  mode: 'accept',
  data: { customerId: 'C1', serviceType: 'fiber' },
  requiredData: ['customerId', 'serviceType'],
  ...changes,
});
const paths = (changes: Partial<HandoffInput>): string[] => validateHandoff(input(changes), packages).map(({ path }) => path);
const vote = { approvers: { roles: ['admin'] }, quorum: 'any' } as const;

describe('S39: a direct handoff', () => {
  test('that is right has no fault', () => {
    expect(validateHandoff(input(), packages)).toEqual([]);
    expect(paths({ mode: 'approve', approval: vote, acceptWithin: 'PT4H' })).toEqual([]);
    const { data: _data, requiredData: _required, ...bare } = input();
    expect(validateHandoff(bare, packages)).toEqual([]);
  });

  test.each<[Partial<HandoffInput>, string[]]>([
    [{ journeyId: '' }, ['/journeyId']],
    [{ journeyId: '  ' }, ['/journeyId']],
    [{ from: 'nowhere' }, ['/from']],
    [{ to: 'nowhere' }, ['/to']],
    [{ to: 'crm' }, ['/to']],
    [{ data: { customerId: 'C1' } }, ['/data/serviceType']],
    [{ data: {} }, ['/data/customerId', '/data/serviceType']],
    [{ requiredData: ['a/b'] }, ['/data/a~1b']],
    [{ mode: 'approve' }, ['/approval']],
    [{ mode: 'approve', approval: { ...vote, approvers: {} } }, ['/approval/approvers']],
    [{ mode: 'approve', approval: { ...vote, quorum: { percent: 0 } } }, ['/approval/quorum']],
    [{ mode: 'approve', approval: { ...vote, quorum: { percent: 101 } } }, ['/approval/quorum']],
    [{ mode: 'approve', approval: { ...vote, quorum: { count: 0 } } }, ['/approval/quorum']],
    [{ mode: 'approve', approval: { ...vote, quorum: { per_group: 0 } } }, ['/approval/quorum']],
    [{ acceptWithin: '4h', completeWithin: 'PT0S', claimFor: '-P1D' }, ['/acceptWithin', '/completeWithin', '/claimFor']],
    [
      {
        mode: 'approve',
        approval: {
          ...vote,
          within: 'soon',
          escalation: [
            { after: 'PT1H', action: 'remind' },
            { after: 'x', action: 'remind' },
          ],
        },
      },
      ['/approval/within', '/approval/escalation/1/after'],
    ],
    [{ journeyId: '', from: 'x', to: 'x', data: {} }, ['/journeyId', '/from', '/to', '/to', '/data/customerId', '/data/serviceType']],
  ])('%j: %j', (changes, expected) => {
    expect(paths(changes)).toEqual(expected);
  });

  test('says the rule', () => {
    expect(validateHandoff(input({ to: 'nowhere', data: { customerId: 'C1' } }), packages)).toEqual([
      { path: '/to', rule: 'must be one of crm, business-logic, field-ops' },
      { path: '/data/serviceType', rule: 'must be there: it is required data' },
    ]);
  });

  test('comes to the rules of a step, in milliseconds', () => {
    expect(directRules(input({ acceptWithin: 'PT4H', completeWithin: 'P1D' }))).toEqual({
      from: 'crm',
      to: 'field-ops',
      mode: 'accept',
      requiredData: ['customerId', 'serviceType'],
      acceptWithin: 14_400_000,
      completeWithin: 86_400_000,
    });
    const approval = { ...vote, within: 'PT8H', escalation: [{ after: 'PT1H', action: 'add', to: { users: ['zoe'] } }] } as const;
    expect(directRules(input({ mode: 'approve', approval })).approval).toEqual({
      approvers: { roles: ['admin'] },
      quorum: 'any',
      within: 28_800_000,
      escalation: [{ after: 3_600_000, action: 'add', to: { users: ['zoe'] } }],
    });
    expect(directRules(input({ mode: 'approve', approval: vote })).approval).toEqual(vote);
  });
});

describe('the shape of a command', () => {
  const actor = 'user/bob';

  test('is right with what each verb needs', () => {
    for (const kind of handoffVerbs) {
      const needs = { vote: { decision: 'approve' }, delegate: { to: 'dan' }, assign: { to: 'dan' } };
      expect(handoffShapeErrors(kind, { actor, ...needs[kind as keyof typeof needs] })).toEqual([]);
    }
    expect(handoffShapeErrors('return', { actor, reason: 'no_access', comment: uuid(1), roles: ['field-ops'] })).toEqual([]);
    expect(handoffShapeErrors('complete', { actor, outcome: 'done', output: { a: [1] } })).toEqual([]);
  });

  test.each([
    ['accept', {}, ['actor']],
    ['accept', { actor: 'bob' }, ['actor']],
    ['accept', { actor, reason: 'x' }, ['reason']],
    ['return', { actor, reason: 'because I said so' }, ['reason']],
    ['reject', { actor, comment: 'too dear' }, ['comment']],
    ['vote', { actor, decision: 'maybe' }, ['decision']],
    ['vote', { actor }, ['decision']],
    ['delegate', { actor, until: 'tomorrow' }, ['to', 'until']],
    ['complete', { actor, output: [] }, ['output']],
    ['complete', { actor, output: { text: 'x'.repeat(70_000) } }, ['output']],
    ['assign', { actor, to: '' }, ['to']],
    ['claim', 'bob', ['']],
  ] as const)('%s %j: %j', (kind, value, wrong) => {
    expect(handoffShapeErrors(kind, value).map(({ field }) => field)).toEqual(wrong);
  });

  test('takes what the sender left out from elsewhere', () => {
    const missing = { commandId: 'u1', role: 'operator', source: 'operator' } as const;
    expect(asHandoffCommand('return', missing, { actor, role: 'agent', reason: 'no_access' })).toEqual({
      kind: 'return',
      commandId: 'u1',
      role: 'agent',
      source: 'operator',
      actor,
      reason: 'no_access',
    });
    expect(asHandoffCommand('accept', missing, null)).toEqual({ kind: 'accept', ...missing });
  });
});
