/** What journeys do to tickets: those of the desk by its own commands, others at the support system; the real rules on a real database. */
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { MockActivityEnvironment } from '@temporalio/testing';
import { TicketGone } from '../../../activities/actions/ports.js';
import type { TicketOrders } from '../../../activities/actions/ports.js';
import { createActionRunner } from '../../../activities/actions.js';
import { CommandRefused } from '../../../activities/ports.js';
import { withTenant } from '../../../db/client.js';
import { demo } from '../../../db/seed.js';
import { asTeamId, ticketIdFrom } from '../../../domain/ids.js';
import { effectKey } from '../../../domain/journey/action.js';
import type { ActionRequest } from '../../../domain/journey/action.js';
import type { Ticket } from '../../../domain/ticket/ticket.js';
import type { PackagesPart } from '../../../local/stack-parts.js';
import { openTestDesk, tenant } from '../desk.js';
import type { TestDesk } from '../desk.js';
import { actionsAt, addressesAt, startPackagesPart } from './packages.js';

let desk: TestDesk;
let packages: PackagesPart;
/** Every order as it was given. */
let given: { readonly verb: string; readonly commandId: string }[] = [];
/** What the next order fails with, before or after the ticket has obeyed. */
let trouble: { readonly when: 'before' | 'after'; readonly error: Error } | undefined;

beforeAll(async () => {
  desk = await openTestDesk();
  packages = await startPackagesPart();
});
afterAll(async () => {
  await packages.stop();
  await desk[Symbol.asyncDispose]();
});
beforeEach(async () => {
  given = [];
  trouble = undefined;
  await packages.clear();
});

const envelope = { actor: 'system/journey', role: 'system', source: 'system' } as const;

/** The desk's rules in place of a ticket's workflow. */
const orders: TicketOrders = {
  async edit({ ticketId, commandId }, fields) {
    await obeyed('edit', commandId, () => desk.apply(ticketId, { kind: 'edit', commandId, ...envelope, ...fields }));
  },
  async assign({ ticketId, commandId }, fields) {
    const command = { kind: 'assign', commandId, ...envelope, ...fields, ifUnassigned: true } as const;
    return (await obeyed('assign', commandId, () => desk.apply(ticketId, command))).assignee;
  },
};

async function obeyed(verb: string, commandId: string, obey: () => Promise<Ticket>): Promise<Ticket> {
  given.push({ verb, commandId });
  const now = trouble;
  trouble = undefined;
  if (now?.when === 'before') throw now.error;
  const ticket = await obey();
  if (now?.when === 'after') throw now.error;
  return ticket;
}

let count = 0;
const openTicket = (fields: Parameters<TestDesk['open']>[0] = {}): Promise<Ticket> => {
  count += 1;
  return desk.open({ ticketId: ticketIdFrom(Buffer.from([9, 9, 9, 0, count])), ...fields });
};
/** Of the demo's team. */
const nextTicket = (fields: Parameters<TestDesk['open']>[0] = {}): Promise<Ticket> => openTicket({ team: asTeamId(demo.team), ...fields });

const aRequest = (effect: string, ticketId: string, input: Record<string, string> = {}): ActionRequest => ({
  tenant,
  journeyId: `JRN-${String((count += 1)).padStart(16, '0')}`,
  step: 's',
  visit: 1,
  item: null,
  attempt: 1,
  effect,
  input: { ticketId, ...input },
  recipient: ticketId,
});

const run = (request: ActionRequest) => {
  const actions = actionsAt(desk.database.db, addressesAt(packages.url), { orders });
  return new MockActivityEnvironment({ startToCloseTimeoutMs: 25_000 }).run(
    createActionRunner({ db: desk.database.db, actions, now: Date.now }).runAction,
    request,
  );
};

const assigneeOfNext = async (): Promise<unknown> => {
  const ticket = await nextTicket();
  await run(aRequest('ticket.assign@1', ticket.id));
  return desk.tickets.get(ticket.id)?.assignee;
};

describe('triage', () => {
  test('gives the category the ticket lacks, and says what it has now', async () => {
    const ticket = await nextTicket({ priority: 'high' });
    const request = aRequest('ticket.triage@1', ticket.id, { category: 'network', priority: 'low' });
    expect(await run(request)).toEqual({ state: 'done', output: { category: 'network', priority: 'high' } });
    expect(desk.tickets.get(ticket.id)).toMatchObject({ category: 'network', priority: 'high' });
  });

  test('has a word for what nobody says anything about', async () => {
    const ticket = await nextTicket();
    expect(await run(aRequest('ticket.triage@1', ticket.id))).toMatchObject({ output: { category: 'general' } });
  });

  test('leaves alone what is there', async () => {
    const ticket = await nextTicket({ category: 'billing' });
    const request = aRequest('ticket.triage@1', ticket.id, { category: 'network' });
    expect(await run(request)).toEqual({ state: 'done', output: { category: 'billing', priority: ticket.priority } });
    expect(given).toEqual([]);
  });
});

describe('assignment', () => {
  test('goes to a member of the team, once', async () => {
    const ticket = await nextTicket();
    const request = aRequest('ticket.assign@1', ticket.id);
    const answer = await run(request);
    const { assignee } = desk.tickets.get(ticket.id) ?? {};
    expect(answer).toEqual({ state: 'done', output: { assigned: true, agent: assignee } });
    expect(assignee).toEqual(expect.any(String));
    expect(await run(request)).toEqual(answer);
    expect(given).toHaveLength(1);
  });

  test('goes round among the others before an admin gets one', async () => {
    const others = [demo.lead, ...demo.agents];
    for (const _ of [...others, ...others]) expect(others).toContain(await assigneeOfNext());
    const arePresent = async (active: boolean): Promise<void> => {
      await withTenant(desk.database.db, tenant, (tx) => tx.updateTable('agent').set({ active }).where('id', 'in', others).execute());
    };
    onTestFinished(() => arePresent(true));
    await arePresent(false);
    expect(await assigneeOfNext()).toBe(demo.admin);
  });

  test('an attempt whose answer was lost is asked again under the same command, and gives it to nobody else', async () => {
    const ticket = await nextTicket();
    const request = aRequest('ticket.assign@1', ticket.id);
    trouble = { when: 'after', error: new Error('deadline exceeded') };
    expect(await run(request)).toEqual({ state: 'failed', error: 'Unavailable', retryable: true });
    const { assignee, version } = desk.tickets.get(ticket.id) ?? {};
    expect(await run({ ...request, attempt: 2 })).toEqual({ state: 'done', output: { assigned: true, agent: assignee } });
    expect(desk.tickets.get(ticket.id)?.version).toBe(version);
  });

  test('one that never reached the ticket is repeated under the same command', async () => {
    const ticket = await nextTicket();
    const request = aRequest('ticket.assign@1', ticket.id);
    trouble = { when: 'before', error: new Error('connection refused') };
    await run(request);
    expect(await run({ ...request, attempt: 2 })).toMatchObject({ state: 'done', output: { assigned: true } });
    const [first, second] = given;
    expect(second).toEqual(first);
    expect(first?.commandId).toMatch(/^action\/[0-9a-f]{32}$/);
  });

  test('leaves it with whoever has it', async () => {
    const ticket = await nextTicket();
    await desk.apply(ticket.id, { kind: 'assign', commandId: 'by-hand', ...envelope, agent: demo.lead as never });
    expect(await run(aRequest('ticket.assign@1', ticket.id))).toEqual({ state: 'done', output: { assigned: true, agent: demo.lead } });
    expect(given).toEqual([]);
  });

  test('finds nobody where there is no team, and that is no failure', async () => {
    const ticket = await openTicket();
    expect(await run(aRequest('ticket.assign@1', ticket.id))).toEqual({ state: 'done', output: { assigned: false } });
  });
});

describe('a ticket that cannot be worked on', () => {
  test('is closed', async () => {
    const ticket = await nextTicket();
    await desk.apply(ticket.id, { kind: 'close', commandId: 'spam', ...envelope, cause: 'spam' });
    expect(await run(aRequest('ticket.assign@1', ticket.id))).toEqual({ state: 'failed', error: 'ticket_closed', retryable: false });
  });

  test.each([new TicketGone('no workflow'), new CommandRefused('ticket.closed')])('is closed just now (%s)', async (error) => {
    const ticket = await nextTicket();
    trouble = { when: 'before', error };
    expect(await run(aRequest('ticket.triage@1', ticket.id))).toEqual({ state: 'failed', error: 'ticket_closed', retryable: false });
  });

  test('refuses', async () => {
    const ticket = await nextTicket();
    trouble = { when: 'before', error: new CommandRefused('invalid_request') };
    expect(await run(aRequest('ticket.triage@1', ticket.id))).toEqual({ state: 'failed', error: 'Rejected', retryable: false });
  });

  test('is of another tenant, or of nobody', async () => {
    expect(await run(aRequest('ticket.assign@1', 'TKT-ZZZZZZZZ'))).toEqual({
      state: 'failed',
      error: 'ticket_not_found',
      retryable: false,
    });
    const ticket = await nextTicket();
    const other = '018f3b1e-0000-7000-8000-0000000000ff';
    const action = actionsAt(desk.database.db, addressesAt(packages.url), { orders }).get('ticket.assign@1');
    const context = { tenant: other as typeof tenant, key: 'k', signal: new AbortController().signal };
    await expect(action?.run({ ticketId: ticket.id }, context)).rejects.toMatchObject({ code: 'ticket_not_found' });
    expect(given).toEqual([]);
  });
});

test('a ticket of the support system is its own business', async () => {
  const triage = aRequest('ticket.triage@1', 'tick_456', { priority: 'high' });
  expect(await run(triage)).toMatchObject({ state: 'done', output: { priority: 'high' } });
  expect(await run(aRequest('ticket.assign@1', 'tick_456'))).toMatchObject({
    state: 'done',
    output: { assigned: true, agent: expect.stringMatching(/^agent-\d$/) },
  });
  expect(given).toEqual([]);
  expect(await packages.calls({ key: effectKey(triage) })).toMatchObject([{ path: '/support/tickets/triage', executed: true }]);
});
