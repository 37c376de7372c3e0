/** Names of effects, the turn of an attempt, and what the actions that come with the product declare. */
import { describe, expect, test } from 'vitest';
import {
  actionName,
  actionRegistry,
  actionTurn,
  builtInActions,
  contentRef,
  effectKey,
  handoffAction,
} from '../../../domain/journey/action.js';
import type { ActionState, ActionTurn, Effect } from '../../../domain/journey/action.js';
import { ActionsBody } from '../../../domain/journey/schema.js';
import { packages } from '../../../domain/journey/template.js';

const effect = { journeyId: 'JRN-0000000000000001', step: 'pay', visit: 2, item: null, effect: 'billing.charge@1', recipient: 'C-1' };

describe('the name of an effect', () => {
  test('is made of step, visit, action and recipient, and of the item where there is one', () => {
    expect(effectKey(effect)).toBe('journey/JRN-0000000000000001/pay/2/billing.charge@1/C-1');
    expect(effectKey({ ...effect, item: 'i3' })).toBe('journey/JRN-0000000000000001/pay/2/i3/billing.charge@1/C-1');
  });

  test('has room for any text, keeps what differs apart and fits into a header', () => {
    const items = ['a/b', 'a', 'b', 'a%2fb', 'é', 'e\u0301', '\ud800', '', '\r\nx: y'];
    const keys = items.map((item) => effectKey({ ...effect, item }));
    expect(new Set(keys).size).toBe(items.length);
    for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9_.:@%/-]+$/);
    expect(effectKey({ ...effect, item: 'a', recipient: 'b/c' })).not.toBe(effectKey({ ...effect, item: 'a/b', recipient: 'c' }));
  });
});

describe('the turn of an attempt', () => {
  const now = 1_000;
  const call: ActionTurn = { kind: 'call' };
  const unknown: ActionTurn = { kind: 'unknown' };
  // Typed out from reliability.md, R1 and R3.
  test.each<[ActionState, Effect, number | null, ActionTurn]>([
    ['planned', 'once', null, call],
    ['failed', 'once', null, call],
    ['failed', 'none', null, call],
    ['done', 'once', null, { kind: 'answered' }],
    ['done', 'none', null, { kind: 'answered' }],
    ['unknown', 'once', null, unknown],
    ['unknown', 'idempotent', null, call],
    ['unknown', 'none', null, call],
    ['sending', 'none', now + 1, call],
    ['sending', 'idempotent', now + 1, call],
    ['sending', 'once', now + 1, { kind: 'wait', until: now + 1 }],
    ['sending', 'once', now, unknown],
    ['sending', 'once', null, unknown],
  ])('%s, %s, leased until %s', (state, kind, leaseUntil, turn) => {
    expect(actionTurn({ state, effect: kind, leaseUntil }, now)).toEqual(turn);
  });
});

test.each([
  [{ $ref: 'c1' }, 'c1'],
  [{ $ref: 'c1', more: 1 }, null],
  [{ $ref: 1 }, null],
  [{}, null],
  [['$ref', 'c1'], null],
  ['c1', null],
  [null, null],
])('%j refers to %s', (value, id) => {
  expect(contentRef(value)).toBe(id);
});

describe('the actions that come with the product', () => {
  test('have names of their own, in the form that templates take', () => {
    const names = builtInActions.map(actionName);
    expect(new Set(names).size).toBe(names.length);
    const declared = Object.fromEntries(
      builtInActions.map(({ input, output, effect: kind, ...rest }) => [actionName(rest), { input, output, effect: kind }]),
    );
    expect(ActionsBody.parse(declared)).toEqual(declared);
  });

  test('are found by that name, one receiver for each package among them', () => {
    const registry = actionRegistry(builtInActions);
    expect(registry.get('crm.qualify_lead@1')).toMatchObject({ name: 'crm.qualify_lead', major: 1, effect: 'idempotent' });
    for (const receiver of packages) expect(registry.get(handoffAction(receiver))?.summary).toContain(receiver);
  });

  test('say in one line what they do', () => {
    for (const { summary } of builtInActions) expect(summary).toMatch(/^[A-Z].{10,160}\.$/);
  });
});
