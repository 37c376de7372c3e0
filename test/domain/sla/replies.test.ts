/** What starts and ends a clock: expectations are typed out from sla.md, sections 2 and 3. The office is open Mondays to Fridays, 9 to 17. */
import { describe, expect, test } from 'vitest';
import { asContentId } from '../../../domain/ids.js';
import type { SlaPlan } from '../../../domain/sla/policy.js';
import { presets } from '../../../domain/sla/policy.js';
import { ticketStatuses } from '../../../domain/ticket/status.js';
import { always, aPlan, on, requester, uuid } from '../../support/builders.js';
import { SlaDesk } from '../../support/sla-desk.js';

const hour = 3600;
const content = asContentId(uuid(0x200));
/** A clock of each kind, all with the same budget. */
const everyKind = {
  first_response: always(8 * hour),
  next_response: always(8 * hour),
  periodic_update: always(8 * hour),
  requester_wait: always(8 * hour),
  agent_work: always(8 * hour),
  resolution: always(8 * hour),
};
const replies = aPlan({ targets: { first_response: always(2 * hour), next_response: always(hour), periodic_update: always(4 * hour) } });
const counting = (counts: Partial<SlaPlan['counts']>, plan: SlaPlan = replies): SlaPlan => ({
  ...plan,
  counts: { bot: false, call: false, firstInNext: false, ...counts },
});

describe('R7: what answers', () => {
  test('a public message of a human agent, lead, admin or operator', () => {
    for (const role of ['agent', 'lead', 'admin', 'operator'] as const) {
      const desk = SlaDesk.opened('mon 09:00', replies);
      desk.reply('mon 10:00', undefined, { role });
      expect(desk.clock('first_response#1')).toMatchObject({ phase: 'fulfilled', fulfilledAt: on('mon 10:00') });
    }
  });

  test('not a note, a status change, a bot, a call, automatic mail or the customer', () => {
    const desk = SlaDesk.opened('mon 09:00', replies);
    desk.send('mon 09:10', 'note', { content });
    desk.status('mon 09:20', 'in_progress');
    desk.reply('mon 09:30', undefined, { role: 'service' });
    desk.reply('mon 09:30', undefined, { role: 'system' });
    desk.tell('mon 09:40', { kind: 'desk_message', at: on('mon 09:40'), receivedAt: on('mon 09:40'), by: 'call', resolves: false });
    desk.send('mon 09:50', 'receive', { content, author: requester, auto: true });
    desk.customer('mon 09:55');
    expect(desk.clock('first_response#1')).toMatchObject({ phase: 'running', dueAt: on('mon 11:00') });
    expect(desk.names()).toEqual(['first_response#1']);
  });

  test.each([
    [{ bot: true }, 'bot'],
    [{ call: true }, 'call'],
  ] as const)('unless the policy says so: %j', (counts, by) => {
    const desk = SlaDesk.opened('mon 09:00', counting(counts));
    desk.tell('mon 09:30', { kind: 'desk_message', at: on('mon 09:30'), receivedAt: on('mon 09:30'), by, resolves: false });
    expect(desk.clock('first_response#1')).toMatchObject({ phase: 'fulfilled', fulfilledAt: on('mon 09:30') });
  });

  test('without a policy a human answers still, and a bot does not', () => {
    const desk = SlaDesk.opened('mon 09:00', null);
    desk.reply('mon 09:30', undefined, { role: 'service' });
    expect(desk.ledger).toMatchObject({ unansweredAt: on('mon 09:00'), deskAt: null });
    desk.reply('mon 10:00');
    expect(desk.ledger).toMatchObject({ unansweredAt: null, deskAt: on('mon 10:00') });
    expect(desk.names()).toEqual([]);
  });
});

describe('R8: a ticket that the desk opened', () => {
  test('has no response clock by outbound contact alone; the others start at creation', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: everyKind }), {}, { role: 'agent' });
    desk.send('mon 09:00', 'note', { content });
    expect(desk.names()).toEqual(['requester_wait#1', 'agent_work#1', 'resolution#1']);
    desk.reply('mon 09:30');
    expect(desk.names()).toEqual(['requester_wait#1', 'agent_work#1', 'resolution#1', 'periodic_update#1']);
  });

  test('has its first response due from the first message of the customer on, and only that', () => {
    const desk = SlaDesk.opened('mon 09:00', replies, {}, { role: 'agent' });
    desk.reply('mon 09:30');
    desk.customer('mon 10:00');
    desk.customer('mon 10:30');
    expect(desk.clock('first_response#1')).toMatchObject({ originAt: on('mon 10:00'), dueAt: on('mon 12:00') });
    expect(desk.names()).toEqual(['periodic_update#1', 'first_response#1']);
    desk.reply('mon 11:00');
    desk.customer('mon 11:30');
    expect(desk.clock('next_response#1')).toMatchObject({ originAt: on('mon 11:30'), dueAt: on('mon 12:30') });
    expect(desk.names().filter((name) => name.startsWith('first'))).toEqual(['first_response#1']);
  });

  test.each(['service', 'system'] as const)('one opened by a %s is the customer’s: it passes on what the customer wrote', (role) => {
    expect(SlaDesk.opened('mon 09:00', replies, {}, { role }).names()).toEqual(['first_response#1']);
  });

  test('automatic mail asks nothing', () => {
    expect(SlaDesk.opened('mon 09:00', replies, { auto: true }).names()).toEqual([]);
  });
});

describe('R9: the next response', () => {
  test('starts at the oldest unanswered message; later ones do not move it', () => {
    const desk = SlaDesk.opened('mon 09:00', replies);
    desk.customer('mon 09:15');
    expect(desk.names()).toEqual(['first_response#1']);
    desk.reply('mon 09:30');
    desk.customer('mon 10:00');
    const { events, sla } = desk.customer('mon 10:30');
    expect(events.map(({ type }) => type)).toEqual(['message.received']);
    expect(sla).toBeNull();
    expect(desk.clock('next_response#1')).toMatchObject({ originAt: on('mon 10:00'), dueAt: on('mon 11:00') });
    desk.reply('mon 10:45');
    desk.customer('mon 11:00');
    expect(desk.clock('next_response#2')).toMatchObject({ originAt: on('mon 11:00'), phase: 'running' });
  });

  test('with firstInNext both start with the first message', () => {
    const desk = SlaDesk.opened('mon 09:00', counting({ firstInNext: true }));
    expect(desk.standing).toEqual(['first_response#1 running', 'next_response#1 running']);
    desk.reply('mon 09:30');
    expect(desk.clock('next_response#1')).toMatchObject({ phase: 'fulfilled', fulfilledAt: on('mon 09:30') });
  });

  test('where the policy has no first response it starts with the first message', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { next_response: always(hour) } }));
    expect(desk.clock('next_response#1')).toMatchObject({ originAt: on('mon 09:00'), dueAt: on('mon 10:00') });
  });

  test('a cancelled first response counts as over', () => {
    const desk = SlaDesk.opened('mon 09:00', replies);
    desk.send('mon 10:00', 'resolve', {});
    expect(desk.told('sla.cancelled')).toMatchObject([{ clock: 'first_response#1', at: on('mon 10:00'), reason: 'solved' }]);
    desk.customer('mon 11:00');
    expect(desk.clock('next_response#1')).toMatchObject({ originAt: on('mon 11:00') });
    expect(desk.names()).toEqual(['first_response#1', 'next_response#1']);
  });

  test('a reply given while no policy matched was the first one', () => {
    const desk = SlaDesk.opened('mon 09:00', null);
    desk.reply('mon 09:30');
    desk.replan('mon 10:00', replies);
    expect(desk.standing).toEqual(['periodic_update#1 running']);
    desk.customer('mon 10:30');
    expect(desk.standing).toEqual(['periodic_update#1 running', 'next_response#1 running']);
    expect(desk.clock('next_response#1').originAt).toBe(on('mon 10:30'));
  });

  test('the resolve of a ticket with a message open cancels it (D10)', () => {
    const desk = SlaDesk.opened('mon 09:00', replies);
    desk.reply('mon 09:30');
    desk.customer('mon 10:00');
    desk.send('mon 10:30', 'resolve', {});
    expect(desk.clock('next_response#1')).toMatchObject({ phase: 'cancelled', reason: 'solved', dueAt: on('mon 11:00'), consumedS: 1800 });
    desk.pass('mon 12:00');
    expect(desk.told('sla.breached')).toEqual([]);
  });
});

describe('R10: the periodic update', () => {
  test('restarts at each public message of an agent', () => {
    const desk = SlaDesk.opened('mon 09:00', replies);
    desk.reply('mon 15:00');
    desk.reply('tue 10:00');
    expect(desk.clock('periodic_update#1')).toMatchObject({
      phase: 'fulfilled',
      originAt: on('mon 15:00'),
      fulfilledAt: on('tue 10:00'),
      dueAt: on('tue 11:00'),
    });
    expect(desk.clock('periodic_update#2')).toMatchObject({ phase: 'running', originAt: on('tue 10:00'), dueAt: on('tue 14:00') });
  });

  test('stops at resolve, and a message that resolves starts none', () => {
    const desk = SlaDesk.opened('mon 09:00', replies);
    desk.reply('mon 10:00');
    desk.send('mon 11:00', 'resolve', {});
    expect(desk.clock('periodic_update#1')).toMatchObject({ phase: 'cancelled', reason: 'solved' });
    desk.send('mon 12:00', 'reopen', {});
    desk.reply('mon 13:00', 'resolved');
    expect(desk.names()).toEqual(['first_response#1', 'periodic_update#1']);
    desk.reply('mon 14:00');
    expect(desk.names()).toEqual(['first_response#1', 'periodic_update#1']);
  });

  test('reopening alone starts none, nor does another policy after it', () => {
    const desk = SlaDesk.opened('mon 09:00', replies);
    desk.reply('mon 10:00', 'resolved');
    desk.send('mon 12:00', 'reopen', {});
    desk.replan('mon 13:00', { ...replies, policy: 'other' });
    expect(desk.standing).toEqual(['first_response#1 fulfilled']);
    desk.reply('mon 14:00');
    desk.replan('mon 15:00', { ...replies, policy: 'third', targets: { periodic_update: always(hour) } });
    expect(desk.clock('periodic_update#1')).toMatchObject({ originAt: on('mon 14:00'), budgetS: hour, breach: { cause: 'retarget' } });
  });
});

describe('R11: closing a resolved ticket', () => {
  test('changes no clock', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: everyKind }));
    desk.reply('mon 10:00', 'resolved');
    const before = [...desk.clocks.values()];
    const { events, sla } = desk.send('tue 10:00', 'close', {}, { role: 'admin' });
    expect(events.map(({ type }) => type)).toEqual(['ticket.closed']);
    expect(sla).toBeNull();
    expect([...desk.clocks.values()]).toEqual(before);
  });
});

describe('R12: created otherwise than new', () => {
  test.each(['waiting_on_customer', 'on_hold'] as const)('in %s it starts paused, with nothing consumed', (status) => {
    const plan = aPlan({ targets: everyKind, pause: presets.all });
    const desk = SlaDesk.opened('mon 09:00', plan, { status }, { role: 'agent' });
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'paused', causes: ['status'], consumedS: 0, dueAt: null });
    expect(desk.told('sla.activated', 'resolution#1')).toMatchObject([{ dueAt: null }]);
    desk.send('mon 12:00', 'resolve', {});
    expect(desk.told('sla.fulfilled', 'resolution#1')).toMatchObject([{ outcome: 'met', spareS: 8 * hour, businessS: 0, calendarS: 0 }]);
  });

  test.each(['resolved', 'closed'] as const)('%s, by an import: the policy is recorded, nothing is armed', (status) => {
    const desk = new SlaDesk(aPlan({ targets: everyKind }));
    desk.open('mon 09:00', { status: status as 'new' });
    desk.planFirst('mon 09:00');
    expect(desk.names()).toEqual([]);
    expect(desk.ledger.plan).toMatchObject({ policy: 'standard' });
    desk.replan('mon 10:00', aPlan({ policy: 'other', targets: everyKind }));
    expect(desk.names()).toEqual([]);
  });
});

/** A ticket with a clock of every kind open, once it has ended in some way. */
const ended = (end: (desk: SlaDesk) => void): SlaDesk => {
  const desk = SlaDesk.opened('mon 09:00', counting({ firstInNext: true }, aPlan({ targets: everyKind })));
  desk.tell('mon 09:00', { kind: 'desk_message', at: on('mon 09:00'), receivedAt: on('mon 09:00'), by: 'agent', resolves: false });
  desk.customer('mon 10:00');
  end(desk);
  return desk;
};
/** Kinds that are paused in a status under a policy, when every kind is open. */
const pausedIn = (plan: SlaPlan, status: 'waiting_on_customer' | 'on_hold'): string[] => {
  const desk = SlaDesk.opened(
    'mon 09:00',
    counting({ firstInNext: true }, { ...plan, targets: everyKind }),
    { status },
    { role: 'customer' },
  );
  desk.tell('mon 09:00', { kind: 'desk_message', at: on('mon 09:00'), receivedAt: on('mon 09:00'), by: 'agent', resolves: false });
  desk.customer('mon 09:00', { source: 'api' });
  return [...desk.clocks.values()].filter(({ phase }) => phase === 'paused').map(({ kind }) => kind);
};

describe('section 2: what ends a clock', () => {
  const running = ['requester_wait', 'agent_work', 'resolution', 'periodic_update', 'next_response'];

  test('entering resolved fulfils what waits for it, and cancels the reply clocks', () => {
    const desk = ended((open) => open.send('mon 11:00', 'resolve', {}));
    expect(desk.told('sla.fulfilled').map(({ kind }) => kind)).toEqual(['first_response', 'next_response', ...running.slice(0, 3)]);
    expect(desk.told('sla.cancelled').map(({ kind, reason }) => [kind, reason])).toEqual([
      ['periodic_update', 'solved'],
      ['next_response', 'solved'],
    ]);
  });

  test.each([
    ['merged', 'merged'],
    ['erased', 'erased'],
    ['spam', 'closed'],
  ] as const)('a direct close as %s cancels every open clock: %s', (cause, reason) => {
    const desk = ended((open) => open.send('mon 11:00', 'close', { cause }));
    expect(desk.told('sla.cancelled').map(({ kind }) => kind)).toEqual(running);
    expect(new Set(desk.told('sla.cancelled').map((data) => data['reason']))).toEqual(new Set([reason]));
    expect(desk.told('sla.cancelled')[0]).toEqual({
      clock: 'requester_wait#1',
      kind: 'requester_wait',
      at: on('mon 11:00'),
      policyRevision: 1,
      policy: 'standard',
      calendar: 'k1',
      calendarRevision: 1,
      reason,
    });
    desk.pass('fri 09:00');
    expect(desk.told('sla.breached')).toEqual([]);
  });

  test('a plan that comes after the close starts nothing', () => {
    const desk = SlaDesk.opened('mon 09:00', null);
    desk.send('mon 10:00', 'close', { cause: 'merged' });
    desk.replan('mon 10:01', aPlan({ targets: everyKind }));
    expect(desk.names()).toEqual([]);
  });

  test('the table of presets, over the two statuses that may pause', () => {
    // A customer's message ends waiting, so the kinds that begin with one are looked at on hold only.
    const table = {
      default: { on_hold: ['agent_work'] },
      all: { on_hold: running },
      resolution_only: { on_hold: ['resolution'] },
      none: { on_hold: [] },
    } as const;
    for (const preset of ['default', 'all', 'resolution_only', 'none'] as const) {
      expect([preset, pausedIn(aPlan({ pause: presets[preset] }), 'on_hold')]).toEqual([preset, table[preset].on_hold]);
    }
  });

  test('waiting, kind by kind', () => {
    const w = 'waiting_on_customer';
    const waiting = (pause: SlaPlan['pause']) => Object.entries(pause).flatMap(([kind, statuses]) => (statuses.includes(w) ? [kind] : []));
    expect(waiting(presets.default)).toEqual(['requester_wait', 'agent_work', 'resolution']);
    expect(waiting(presets.all).toSorted()).toEqual(Object.keys(everyKind).toSorted());
    expect(waiting(presets.resolution_only)).toEqual(['resolution']);
    expect(waiting(presets.none)).toEqual([]);
  });

  test('every status a ticket may be opened in counts by the matrix from there on', () => {
    for (const status of ticketStatuses.slice(0, 4)) {
      const desk = SlaDesk.opened('mon 09:00', aPlan(), { status: status as 'new' }, { role: 'agent' });
      expect(desk.clock('resolution#1').phase).toBe(status === 'waiting_on_customer' ? 'paused' : 'running');
    }
  });
});
