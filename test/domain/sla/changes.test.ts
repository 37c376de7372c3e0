/** Changes while clocks run: expectations are typed out from sla.md, R18–R21. The office is open Mondays to Fridays, 9 to 17. */
import { describe, expect, test } from 'vitest';
import { asContentId, asTeamId } from '../../../domain/ids.js';
import type { SlaPlan } from '../../../domain/sla/policy.js';
import { presets } from '../../../domain/sla/policy.js';
import { always, aPlan, on, someWindows, uuid } from '../../support/builders.js';
import { SlaDesk } from '../../support/sla-desk.js';

const hour = 3600;
const named = { clock: 'resolution#1', kind: 'resolution', policyRevision: 1, policy: 'standard', calendar: 'k1', calendarRevision: 1 };
const byPriority = aPlan({ targets: { resolution: { low: 16 * hour, medium: 16 * hour, high: 4 * hour, urgent: 2 * hour } } });
const late = someWindows({ calendar: 'late', opens: 13, closes: 21 });
const onLate = (changes: Partial<SlaPlan> = {}) => aPlan({ calendar: { id: 'late', revision: 1 }, ...changes });
const rung = (id: string, percent: number) => ({ id, clock: 'resolution', when: { percent }, actions: [] }) as const;

describe('R18: another budget keeps what is consumed', () => {
  test('a change of priority', () => {
    const desk = SlaDesk.opened('mon 09:00', byPriority);
    desk.send('mon 11:00', 'priority', { priority: 'high' });
    expect(desk.clock('resolution#1')).toMatchObject({ budgetS: 4 * hour, consumedS: 2 * hour, dueAt: on('mon 13:00') });
    expect(desk.told('sla.retargeted')).toEqual([
      { ...named, at: on('mon 11:00'), from: 16 * hour, to: 4 * hour, reason: 'priority', dueAt: on('mon 13:00') },
    ]);
  });

  test('while it is paused it stays paused', () => {
    const desk = SlaDesk.opened('mon 09:00', byPriority);
    desk.status('mon 11:00', 'waiting_on_customer');
    desk.send('mon 13:00', 'edit', { priority: 'high' });
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'paused', dueAt: null, consumedS: 2 * hour, causes: ['status'] });
    desk.customer('mon 15:00');
    expect(desk.clock('resolution#1').dueAt).toBe(on('mon 17:00'));
  });

  test('a target that a lead sets, for one clock', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { resolution: always(8 * hour), agent_work: always(8 * hour) } }));
    const reason = asContentId(uuid(0x300));
    desk.send('mon 10:00', 'overrideTarget', { clock: 'resolution#1', budgetS: 2 * hour, reason });
    expect(desk.told('sla.retargeted')).toEqual([
      { ...named, at: on('mon 10:00'), from: 8 * hour, to: 2 * hour, reason: 'override', dueAt: on('mon 11:00') },
    ]);
    expect(desk.clock('agent_work#1').budgetS).toBe(8 * hour);
    expect(desk.told('ticket.updated')).toEqual([{ changed: ['clocks'], action: 'overrideTarget', reason }]);
    expect(desk.send('mon 10:30', 'overrideTarget', { clock: 'resolution#1', budgetS: 2 * hour })).toMatchObject({ events: [], sla: null });
    desk.send('mon 10:40', 'resolve', {});
    for (const clock of ['resolution#1', 'resolution#2']) {
      expect(desk.ask('mon 10:50', 'overrideTarget', { clock, budgetS: hour })).toEqual({
        ok: false,
        code: 'sla.unknown_clock',
        members: { clock },
      });
    }
  });

  test('the same budget tells nothing, the same priority neither (E10)', () => {
    const desk = SlaDesk.opened('mon 09:00', byPriority);
    expect(desk.send('mon 10:00', 'priority', { priority: 'medium' })).toMatchObject({ events: [], sla: null });
    const { events, sla } = desk.send('mon 10:00', 'priority', { priority: 'low' });
    expect(events.map(({ type }) => type)).toEqual(['ticket.updated']);
    expect(sla).toBeNull();
    expect(desk.replan('mon 11:00', byPriority)).toMatchObject({ events: [], sla: null });
  });

  test('where another policy may match, its plan brings the budget', () => {
    const desk = SlaDesk.opened('mon 09:00', null);
    const fact = { kind: 'planned', windows: someWindows(), rematchOn: ['priority'], teamCalendar: false, reason: 'priority' } as const;
    desk.tell('mon 09:00', { ...fact, at: on('mon 09:00'), plan: byPriority });
    desk.send('mon 11:00', 'priority', { priority: 'high' });
    expect(desk.clock('resolution#1').budgetS).toBe(16 * hour);
    desk.tell('mon 11:00', { ...fact, at: on('mon 11:00'), plan: { ...byPriority, policy: 'vip' } });
    expect(desk.clock('resolution#1')).toMatchObject({ budgetS: 4 * hour, policy: 'vip', dueAt: on('mon 13:00') });
    expect(desk.told('sla.retargeted')).toMatchObject([{ from: 16 * hour, to: 4 * hour, reason: 'priority' }]);
  });

  test('without a policy a change of priority is no matter of clocks', () => {
    const desk = SlaDesk.opened('mon 09:00', null);
    expect(desk.send('mon 10:00', 'priority', { priority: 'high' }).sla).toBeNull();
    expect(desk.ledger.priority).toBe('high');
  });

  test('an edit of text or team leaves the clocks alone', () => {
    const desk = SlaDesk.opened('mon 09:00', byPriority);
    const content = asContentId(uuid(0x300));
    expect(desk.send('mon 10:00', 'edit', { fields: content, changed: ['subject'] }).sla).toBeNull();
    expect(desk.send('mon 10:00', 'assign', { team: asTeamId(uuid(0x10)) }).sla).toBeNull();
  });
});

describe('R19: more consumed than the new budget has', () => {
  test('is one breach at the instant of the change, which a greater budget does not undo (E2)', () => {
    const desk = SlaDesk.opened('mon 09:00', byPriority);
    desk.send('tue 10:00', 'priority', { priority: 'high' });
    expect(desk.told('sla.breached')).toEqual([
      { ...named, at: on('tue 10:00'), breachedAt: on('tue 10:00'), cause: 'retarget', lateMs: 0 },
    ]);
    desk.send('tue 12:00', 'priority', { priority: 'medium' });
    expect(desk.clock('resolution#1')).toMatchObject({
      budgetS: 16 * hour,
      dueAt: on('tue 10:00'),
      breach: { at: on('tue 10:00'), budgetS: 4 * hour, consumedS: 9 * hour },
    });
    expect(desk.told('sla.retargeted').at(-1)).toMatchObject({ from: 4 * hour, to: 16 * hour, dueAt: on('tue 10:00') });
    desk.pass('fri 17:00');
    expect(desk.told('sla.breached')).toHaveLength(1);
    desk.send('mon+1 09:00', 'resolve', {});
    expect(desk.told('sla.fulfilled')).toMatchObject([{ outcome: 'breached', overrunS: 36 * hour }]);
  });

  test('exactly as much is too much', () => {
    const desk = SlaDesk.opened('mon 09:00', byPriority);
    desk.send('mon 13:00', 'priority', { priority: 'high' });
    expect(desk.clock('resolution#1').breach).toMatchObject({ at: on('mon 13:00'), cause: 'retarget' });
  });

  test('paused or not', () => {
    const desk = SlaDesk.opened('mon 09:00', byPriority);
    desk.status('mon 13:00', 'waiting_on_customer');
    desk.send('mon 15:00', 'priority', { priority: 'high' });
    expect(desk.clock('resolution#1')).toMatchObject({
      phase: 'paused',
      dueAt: on('mon 15:00'),
      breach: { at: on('mon 15:00'), cause: 'retarget' },
    });
    expect(desk.opened.sla).toMatchObject({ state: 'breached', breached: true });
  });

  test('the change in the middle of a second counts by that second', () => {
    const desk = SlaDesk.opened('mon 09:00', byPriority);
    desk.send('mon 13:00:00.700', 'priority', { priority: 'high' });
    expect(desk.clock('resolution#1').breach).toMatchObject({ at: on('mon 13:00'), lateMs: 700, consumedS: 4 * hour });
  });
});

describe('R20: another calendar', () => {
  test('consumed stays as measured, the rest goes by the new one (E6)', () => {
    const desk = SlaDesk.opened('mon 16:00', aPlan({ targets: { resolution: always(2 * hour) } }));
    desk.replan('mon 18:00', onLate({ targets: { resolution: always(2 * hour) } }), late, 'team');
    expect(desk.clock('resolution#1')).toMatchObject({ consumedS: hour, dueAt: on('mon 19:00'), calendar: { id: 'late', revision: 1 } });
    expect(desk.told('sla.recalendared')).toEqual([
      {
        ...named,
        calendar: 'late',
        at: on('mon 18:00'),
        from: 'k1.1',
        to: 'late.1',
        reason: 'team',
        dueAt: on('mon 19:00'),
      },
    ]);
    desk.send('mon 18:30', 'resolve', {});
    expect(desk.stretches('resolution#1').map(({ calendar, openS }) => [calendar.id, openS])).toEqual([
      ['k1', hour],
      ['late', hour / 2],
    ]);
  });

  test('with another budget: the old calendar closes the stretch, then retarget, then recalendar', () => {
    const desk = SlaDesk.opened('mon 12:00', aPlan());
    const { events } = desk.replan('mon 14:00', onLate({ set: 2, targets: { resolution: always(4 * hour) } }), late, 'revision');
    expect(events).toMatchObject([
      { type: 'sla.retargeted', data: { from: 8 * hour, to: 4 * hour, reason: 'revision', policyRevision: 1, calendar: 'k1' } },
      { type: 'sla.recalendared', data: { reason: 'revision', policyRevision: 2, calendar: 'late', dueAt: on('mon 16:00') } },
    ]);
    expect(desk.clock('resolution#1')).toMatchObject({ set: 2, consumedS: 2 * hour, dueAt: on('mon 16:00') });
  });

  test('while paused', () => {
    const desk = SlaDesk.opened('mon 12:00', aPlan());
    desk.status('mon 14:00', 'waiting_on_customer');
    desk.replan('mon 15:00', onLate(), late, 'team');
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'paused', dueAt: null, consumedS: 2 * hour });
    desk.customer('mon 16:00');
    expect(desk.clock('resolution#1').dueAt).toBe(on('tue 14:00'));
  });

  test('a kind that begins with the change begins by the new calendar', () => {
    const desk = SlaDesk.opened('mon 10:00', aPlan());
    desk.replan('mon 11:00', onLate({ targets: { resolution: always(8 * hour), agent_work: always(hour) } }), late, 'team');
    expect(desk.clock('agent_work#1')).toMatchObject({ calendar: { id: 'late', revision: 1 }, dueAt: on('mon 14:00') });
  });

  test('another revision of the calendar is another calendar', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan());
    const short = someWindows({ revision: 2, closes: 12 });
    desk.replan('mon 10:00', aPlan({ calendar: { id: 'k1', revision: 2 } }), short, 'revision');
    expect(desk.told('sla.recalendared')).toMatchObject([{ from: 'k1.1', to: 'k1.2', calendarRevision: 2, dueAt: on('wed 11:00') }]);
  });

  test('a refresh whose future differs says that the zone data did', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { resolution: always(40 * hour), agent_work: always(40 * hour) } }));
    desk.send('mon 09:30', 'edit', { status: 'waiting_on_customer' });
    desk.status('mon 10:00', 'on_hold');
    const moved = someWindows({ opens: 10, closes: 18, zoneData: '2026b' });
    desk.tell('tue 09:00', { kind: 'windows', at: on('tue 09:00'), windows: moved });
    expect(desk.told('sla.recalendared')).toMatchObject([
      { clock: 'agent_work#1', from: 'k1.1', to: 'k1.1', reason: 'zone_data', dueAt: null },
      // 7.5 hours by the old ones.
      { clock: 'resolution#1', from: 'k1.1', to: 'k1.1', reason: 'zone_data', dueAt: on('mon+1 10:30') },
    ]);
    expect(desk.clock('resolution#1').consumedS).toBe(7.5 * hour);
  });

  test('one that only reaches further tells nothing', () => {
    const near = someWindows({ until: on('wed 00:00') });
    const desk = new SlaDesk(aPlan({ targets: { resolution: always(40 * hour) } }), near);
    desk.open('mon 09:00');
    desk.planFirst('mon 09:00');
    desk.refresh('mon 09:00', someWindows({ until: on('mon+2 00:00') }));
    expect(desk.clock('resolution#1')).toMatchObject({ dueAt: on('fri 17:00'), originAt: on('mon 09:00') });
    const { events, sla } = desk.tell('mon 10:00', { kind: 'windows', at: on('mon 10:00'), windows: someWindows() });
    expect([events, sla]).toEqual([[], null]);
    expect(desk.told('sla.recalendared')).toEqual([]);
  });

  test('hours for a ticket without a policy are for nobody', () => {
    const desk = SlaDesk.opened('mon 09:00', null);
    desk.tell('mon 10:00', { kind: 'windows', at: on('mon 10:00'), windows: someWindows() });
    expect(desk.ledger.windows).toBeNull();
  });
});

describe('R21: policies that go and come', () => {
  const two = { first_response: always(2 * hour), resolution: always(8 * hour) };

  test('without one the open clocks are cancelled; met and breached ones stay', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { ...two, agent_work: always(hour) } }));
    desk.reply('mon 09:30');
    desk.send('mon 10:30', 'resolve', {});
    desk.send('mon 10:45', 'reopen', {});
    desk.replan('mon 11:00', null);
    expect(desk.clock('first_response#1')).toMatchObject({ phase: 'fulfilled', reason: null });
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'cancelled', reason: 'no_policy', breach: null });
    expect(desk.clock('agent_work#1')).toMatchObject({ phase: 'cancelled', breach: { at: on('mon 10:00') } });
    expect(desk.opened.sla).toEqual({ set: 1, state: 'none', breached: true, dueAt: null });
    expect(desk.nextDue()).toBeNull();
  });

  test('a kind the new policy lacks is cancelled for that', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: two }));
    desk.replan('mon 10:00', aPlan({ policy: 'other', targets: { resolution: always(8 * hour) } }));
    expect(desk.told('sla.cancelled')).toMatchObject([{ clock: 'first_response#1', reason: 'not_in_policy', at: on('mon 10:00') }]);
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'running', policy: 'other', dueAt: on('mon 17:00') });
  });

  test('a priority without a target cancels likewise', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { resolution: { medium: 8 * hour } } }));
    desk.send('mon 10:00', 'priority', { priority: 'low' });
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'cancelled', reason: 'not_in_policy' });
    desk.send('mon 12:00', 'priority', { priority: 'medium' });
    expect(desk.clock('resolution#2')).toMatchObject({ originAt: on('mon 12:00'), consumedS: hour, dueAt: on('tue 11:00') });
  });

  test('a kind that comes back goes on from what was consumed, as a new instance; one never seen begins now', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: two }));
    desk.replan('mon 10:00', null);
    desk.replan('mon 11:00', aPlan({ targets: { ...two, agent_work: always(hour) } }));
    expect(desk.clock('first_response#2')).toMatchObject({ originAt: on('mon 11:00'), consumedS: hour, dueAt: on('mon 12:00') });
    expect(desk.clock('resolution#2')).toMatchObject({ consumedS: hour, dueAt: on('tue 10:00'), phase: 'running' });
    expect(desk.clock('agent_work#1')).toMatchObject({ originAt: on('mon 11:00'), consumedS: 0, dueAt: on('mon 12:00') });
    expect(
      desk
        .told('sla.activated')
        .slice(2)
        .map(({ clock, cause }) => [clock, cause]),
    ).toEqual([
      ['first_response#2', 'policy'],
      ['agent_work#1', 'policy'],
      ['resolution#2', 'policy'],
    ]);
  });

  test('with more consumed than it gets it breaches as by a smaller budget', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: two }));
    desk.replan('mon 15:00', null);
    desk.asleep = true;
    desk.replan('mon 16:00', aPlan({ targets: { resolution: always(6 * hour) } }));
    expect(desk.clock('resolution#2').breach).toMatchObject({ at: on('mon 16:00'), cause: 'retarget', budgetS: 6 * hour });
  });

  test('a reply clock goes on only if it waits for the same message', () => {
    const targets = { next_response: always(4 * hour) };
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets }));
    desk.replan('mon 10:00', null);
    desk.reply('mon 11:00');
    desk.replan('mon 11:30', aPlan({ targets }));
    expect(desk.standing).toEqual(['next_response#1 cancelled']);
    desk.replan('mon 12:00', null);
    desk.customer('mon 13:00');
    desk.replan('mon 14:00', aPlan({ targets }));
    expect(desk.clock('next_response#2')).toMatchObject({ originAt: on('mon 14:00'), consumedS: 0 });
  });

  test('a periodic update goes on only if no other was given meanwhile', () => {
    const targets = { periodic_update: always(4 * hour) };
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets }));
    desk.reply('mon 10:00');
    desk.replan('mon 11:00', null);
    desk.replan('mon 12:00', aPlan({ targets }));
    expect(desk.clock('periodic_update#2')).toMatchObject({ consumedS: hour });
    desk.replan('mon 13:00', null);
    desk.reply('mon 14:00');
    desk.replan('mon 15:00', aPlan({ targets }));
    expect(desk.clock('periodic_update#3')).toMatchObject({ originAt: on('mon 15:00'), consumedS: 0 });
  });

  test('what was dropped in another resolution cycle begins anew, and a first response not at all', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: two }));
    desk.replan('mon 10:00', null);
    desk.send('mon 11:00', 'resolve', {});
    desk.customer('mon 12:00');
    desk.replan('mon 13:00', aPlan({ targets: two }));
    expect(desk.standing).toEqual(['first_response#1 cancelled', 'resolution#2 running']);
    expect(desk.clock('resolution#2')).toMatchObject({ originAt: on('mon 13:00'), consumedS: 0 });
  });

  test('while resolved nothing comes back', () => {
    const desk = SlaDesk.opened('mon 09:00', null);
    desk.send('mon 11:00', 'resolve', {});
    desk.replan('mon 12:00', aPlan({ targets: two }));
    expect(desk.names()).toEqual([]);
  });

  test('a customer who was answered needs no first response; one who was not does', () => {
    const desk = SlaDesk.opened('mon 09:00', null, {}, { role: 'agent' });
    desk.reply('mon 09:30');
    desk.customer('mon 10:00');
    desk.replan('mon 11:00', aPlan({ targets: two }));
    expect(desk.clock('first_response#1')).toMatchObject({ originAt: on('mon 11:00'), dueAt: on('mon 13:00') });
    desk.reply('mon 11:30');
    desk.replan('mon 12:00', null);
    desk.replan('mon 12:30', aPlan({ targets: two }));
    expect(desk.standing).toEqual(['first_response#1 fulfilled', 'resolution#2 running']);
  });

  test('another matrix holds from the change on', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan());
    desk.status('mon 10:00', 'on_hold');
    desk.replan('mon 11:00', aPlan({ policy: 'other', pause: presets.all }));
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'paused', consumedS: 2 * hour });
    desk.replan('mon 12:00', aPlan({ policy: 'third', pause: presets.none }));
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'running', dueAt: on('tue 10:00') });
  });

  test('a ladder that comes with another policy: what is past already is due at the change', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ rungs: [rung('r50', 50)] }));
    desk.pass('mon 14:00');
    desk.replan('mon 14:00', aPlan({ policy: 'other', rungs: [rung('r25', 25), rung('r50', 50), rung('r75', 75)] }));
    desk.pass('mon 16:00');
    expect(desk.fired).toEqual([
      ['r50', on('mon 13:00')],
      ['r25', on('mon 14:00')],
      ['r75', on('mon 15:00')],
    ]);
  });

  test('with another budget as well it comes once', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ rungs: [rung('r50', 50)] }));
    desk.replan(
      'mon 11:00',
      aPlan({ policy: 'other', targets: { resolution: always(4 * hour) }, rungs: [rung('r25', 25), rung('r50', 50)] }),
    );
    expect(desk.clock('resolution#1').behind).toEqual({ at: on('mon 11:00'), rungs: ['r25', 'r50'] });
    desk.pass('mon 12:00');
    expect(desk.fired).toEqual([
      ['r25', on('mon 11:00')],
      ['r50', on('mon 11:00')],
    ]);
  });

  test('a pause at the instant of a rung is not undone by another policy', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ rungs: [rung('r50', 50)] }));
    desk.status('mon 13:00', 'waiting_on_customer');
    desk.replan('mon 14:00', aPlan({ policy: 'other', rungs: [rung('r50', 50)] }));
    desk.pass('mon 15:00');
    expect(desk.fired).toEqual([]);
  });

  test('a rung for another priority comes with it', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ rungs: [{ ...rung('r25', 25), priorities: ['urgent'] }] }));
    desk.pass('mon 12:00');
    expect(desk.fired).toEqual([]);
    desk.send('mon 12:00', 'priority', { priority: 'urgent' });
    desk.pass('mon 13:00');
    expect(desk.fired).toEqual([['r25', on('mon 12:00')]]);
  });
});
