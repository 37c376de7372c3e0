/** Every action that templates may name is done by something, over the port it belongs to. */
import { expect, test } from 'vitest';
import type { ActionPorts, Operation, Tickets } from '../../../activities/actions/ports.js';
import { createActions } from '../../../activities/actions/registry.js';
import { demo } from '../../../db/seed.js';

const says =
  (what: string): Operation =>
  () =>
    Promise.resolve({ what });
const tickets: Tickets = {
  triage: (tenant) => Promise.resolve({ what: 'tickets.triage', tenant }),
  assign: (tenant) => Promise.resolve({ what: 'tickets.assign', tenant }),
};
const ports: ActionPorts = {
  crm: { acceptHandoff: says('crm.handoff'), qualifyLead: says('crm.qualify'), recommendPlan: says('crm.recommend') },
  billing: { acceptHandoff: says('billing.handoff'), charge: says('billing.charge'), refund: says('billing.refund') },
  fieldOperations: { acceptHandoff: says('field.handoff') },
  businessLogic: { acceptHandoff: says('logic.handoff'), analyzeUsage: says('logic.usage'), testService: says('logic.test') },
  support: { acceptHandoff: says('support.handoff') },
  tickets,
};

// Typed out: a template names them, so that none may go.
test.each([
  ['crm.qualify_lead@1', 'idempotent', 'crm.qualify'],
  ['crm.recommend_plan@1', 'none', 'crm.recommend'],
  ['service.analyze_usage@1', 'none', 'logic.usage'],
  ['service.test@1', 'none', 'logic.test'],
  ['ticket.triage@1', 'idempotent', 'tickets.triage'],
  ['ticket.assign@1', 'idempotent', 'tickets.assign'],
  ['billing.charge@1', 'once', 'billing.charge'],
  ['billing.refund@1', 'idempotent', 'billing.refund'],
  ['crm.accept_handoff@1', 'idempotent', 'crm.handoff'],
  ['business-logic.accept_handoff@1', 'idempotent', 'logic.handoff'],
  ['field-ops.accept_handoff@1', 'idempotent', 'field.handoff'],
  ['support-system.accept_handoff@1', 'idempotent', 'support.handoff'],
  ['billing-system.accept_handoff@1', 'idempotent', 'billing.handoff'],
])('%s', async (name, effect, what) => {
  const action = createActions(ports).get(name);
  expect(action?.declaration.effect).toBe(effect);
  const context = { tenant: demo.tenant, key: 'k', signal: new AbortController().signal };
  expect(await action?.run({}, context)).toMatchObject({ what });
});

test('there are no others', () => {
  expect(createActions(ports).size).toBe(13);
});
