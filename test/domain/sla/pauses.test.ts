/** Pausing: expectations are typed out from sla.md, R13–R17. The office is open Mondays to Fridays, 9 to 17. */
import { describe, expect, test } from 'vitest';
import { asContentId } from '../../../domain/ids.js';
import { presets } from '../../../domain/sla/policy.js';
import { always, anEnvelope, aPlan, on, uuid } from '../../support/builders.js';
import { SlaDesk } from '../../support/sla-desk.js';

const hour = 3600;
const named = { clock: 'resolution#1', kind: 'resolution', policyRevision: 1, policy: 'standard', calendar: 'k1', calendarRevision: 1 };
const reason = asContentId(uuid(0x300));

describe('R13: the matrix is data of the policy', () => {
  test('each kind pauses in the statuses it names, and in no other', () => {
    const targets = { resolution: always(8 * hour), agent_work: always(8 * hour) };
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets, pause: { agent_work: ['on_hold'] } }));
    desk.status('mon 10:00', 'on_hold');
    expect(desk.standing).toEqual(['agent_work#1 paused', 'resolution#1 running']);
    desk.status('mon 11:00', 'waiting_on_customer');
    expect(desk.standing).toEqual(['agent_work#1 running', 'resolution#1 running']);
  });

  test('reply clocks never pause by default', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { first_response: always(2 * hour) } }));
    desk.status('mon 10:00', 'waiting_on_customer');
    desk.status('mon 10:30', 'on_hold');
    desk.pass('mon 12:00');
    expect(desk.clock('first_response#1').breach).toMatchObject({ at: on('mon 11:00') });
  });

  test('a move between two statuses that both pause is no new pause', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ pause: presets.all }));
    desk.status('mon 10:00', 'waiting_on_customer');
    const { events, sla } = desk.status('mon 11:00', 'on_hold');
    expect(events.map(({ type }) => type)).toEqual(['ticket.status_changed']);
    expect(sla).toBeNull();
  });
});

describe('R15: exact, and only open time counts', () => {
  test.each([
    ['wholly outside open hours', 'mon 18:00', 'tue 08:00', 'tue 10:00'],
    ['across the night', 'mon 16:30', 'tue 10:00', 'tue 11:30'],
    ['by a second', 'mon 16:30', 'mon 16:30:01', 'tue 10:00:01'],
    ['for less than one', 'mon 16:30:00.100', 'mon 16:30:00.900', 'tue 10:00'],
    ['over a weekend', 'mon 16:30', 'mon+1 09:00', 'mon+1 10:30'],
  ])('a pause %s', (_, from, to, due) => {
    const desk = SlaDesk.opened('mon 16:00', aPlan({ targets: { resolution: always(2 * hour) } }));
    desk.status(from, 'waiting_on_customer');
    desk.status(to, 'in_progress');
    expect(desk.clock('resolution#1').dueAt).toBe(on(due));
  });

  test('a pause at the very deadline: what happens at an instant comes before what is due at it', () => {
    const desk = SlaDesk.opened('mon 09:00');
    desk.status('mon 17:00', 'waiting_on_customer');
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'paused', consumedS: 8 * hour, dueAt: null, breach: null });
    desk.pass('tue 12:00');
    expect(desk.told('sla.breached')).toEqual([]);
    desk.status('tue 12:00', 'in_progress');
    expect(desk.clock('resolution#1').dueAt).toBe(on('tue 12:00'));
    desk.pass('tue 13:00');
    expect(desk.clock('resolution#1').breach).toMatchObject({ at: on('tue 12:00'), cause: 'deadline', lateMs: 1 });
  });
});

describe('R16: causes form a set', () => {
  const approved = aPlan({ pauseOnApproval: ['resolution'], targets: { resolution: always(8 * hour), agent_work: always(8 * hour) } });

  test('a clock runs when none is left', () => {
    const desk = SlaDesk.opened('mon 09:00', approved);
    desk.status('mon 10:00', 'waiting_on_customer');
    desk.cause('mon 10:30', 'approval:7', true);
    desk.status('mon 11:00', 'in_progress');
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'paused', causes: ['approval:7'], consumedS: hour });
    expect(desk.clock('agent_work#1')).toMatchObject({ phase: 'running' });
    desk.cause('mon 12:00', 'approval:7', false);
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'running', causes: [], dueAt: on('tue 11:00') });
    const about = { ...named, consumedS: hour, remainingS: 7 * hour };
    expect(desk.told('sla.paused', 'resolution#1')).toEqual([
      { ...about, at: on('mon 10:00'), cause: 'status', dueAt: null },
      { ...about, at: on('mon 10:30'), cause: 'approval', dueAt: null },
    ]);
    expect(desk.told('sla.resumed', 'resolution#1')).toEqual([
      { ...about, at: on('mon 12:00'), cause: 'approval', dueAt: on('tue 11:00') },
    ]);
    expect(desk.stretches('resolution#1').map(({ state, causes }) => [state, causes])).toEqual([
      ['running', []],
      ['paused', ['status']],
      ['paused', ['status', 'approval:7']],
      ['paused', ['approval:7']],
    ]);
  });

  test('adding or removing one twice tells nothing', () => {
    const desk = SlaDesk.opened('mon 09:00', approved);
    desk.cause('mon 10:00', 'approval:7', true);
    for (const isOn of [true, false, false]) {
      const told = desk.told('sla.resumed').length;
      const { events, sla } = desk.cause('mon 11:00', 'approval:7', isOn);
      if (told === desk.told('sla.resumed').length) expect([events, sla]).toEqual([[], null]);
    }
    expect(desk.types(2)).toEqual(['sla.activated', 'sla.paused', 'sla.resumed']);
  });

  test('an approval pauses the kinds the policy names only', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan());
    expect(desk.cause('mon 10:00', 'approval:7', true)).toMatchObject({ events: [], sla: null });
    expect(desk.clock('resolution#1').phase).toBe('running');
  });

  test('an approval that was open before the policy came counts from then on', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan());
    desk.cause('mon 10:00', 'approval:7', true);
    desk.replan('mon 11:00', aPlan({ policy: 'strict', pauseOnApproval: ['resolution'] }));
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'paused', consumedS: 2 * hour, policy: 'strict' });
  });

  test('by hand all kinds pause; who did it and why is told', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { resolution: always(8 * hour), first_response: always(2 * hour) } }));
    desk.send('mon 10:00', 'pauseClocks', { reason }, { role: 'lead' });
    expect(desk.standing).toEqual(['resolution#1 paused', 'first_response#1 paused']);
    expect(desk.events.at(-3)).toMatchObject({
      type: 'ticket.updated',
      data: { changed: ['clocks'], action: 'pauseClocks', reason },
      content: reason,
    });
    expect(desk.told('sla.paused').map(({ cause }) => cause)).toEqual(['manual', 'manual']);
    expect(desk.send('mon 11:00', 'pauseClocks', {})).toMatchObject({ events: [], sla: null });
    desk.send('mon 12:00', 'resumeClocks', {});
    expect(desk.told('ticket.updated').at(-1)).toEqual({ changed: ['clocks'], action: 'resumeClocks', reason: null });
    expect(desk.clock('first_response#1')).toMatchObject({ phase: 'running', dueAt: on('mon 13:00') });
    expect(desk.send('mon 13:00', 'resumeClocks', {})).toMatchObject({ events: [] });
  });

  test('a pause by hand holds what begins while it lasts', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { next_response: always(hour) } }));
    desk.reply('mon 09:30');
    desk.send('mon 10:00', 'pauseClocks', {});
    desk.customer('mon 10:30');
    expect(desk.clock('next_response#2')).toMatchObject({ phase: 'paused', causes: ['manual'] });
  });

  test('the commands about clocks know their ticket', () => {
    const desk = SlaDesk.opened('mon 09:00');
    expect(desk.ask('mon 10:00', 'pauseClocks', {}, { expectedVersion: 1 })).toEqual({
      ok: false,
      code: 'version_mismatch',
      members: { current: 2 },
    });
    expect(desk.ask('mon 10:00', 'pauseClocks', {}, { expectedVersion: 2 }).ok).toBe(true);
    desk.send('mon 11:00', 'close', { cause: 'spam' });
    expect(desk.ask('mon 12:00', 'resumeClocks', {})).toEqual({ ok: false, code: 'ticket.closed', members: {} });
    expect(desk.ask('mon 12:00', 'overrideTarget', { clock: 'resolution#1', budgetS: 60 })).toMatchObject({ code: 'ticket.closed' });
    expect(new SlaDesk().ask('mon 12:00', 'pauseClocks', {}, anEnvelope())).toMatchObject({ code: 'ticket.not_found' });
  });
});

describe('R17: a paused clock has no deadline', () => {
  test('and goes on from what it had consumed', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { resolution: always(4 * hour) } }));
    desk.status('mon 10:00', 'waiting_on_customer');
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'paused', dueAt: null, consumedS: hour });
    expect(desk.opened.sla).toEqual({ set: 1, state: 'paused', breached: false, dueAt: null });
    expect(desk.nextDue()).toBeNull();
    desk.customer('mon 12:00');
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'running', dueAt: on('mon 15:00'), consumedS: hour });
  });

  test('one that is over keeps its last', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { resolution: always(4 * hour), first_response: always(hour) } }));
    desk.send('mon 09:30', 'resolve', {});
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'fulfilled', dueAt: on('mon 13:00') });
    expect(desk.clock('first_response#1')).toMatchObject({ phase: 'cancelled', dueAt: on('mon 10:00') });
  });
});
