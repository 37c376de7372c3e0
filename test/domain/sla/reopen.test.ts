/** Reopening: expectations are typed out from sla.md, R24 and R25. The office is open Mondays to Fridays, 9 to 17. */
import { describe, expect, test } from 'vitest';
import type { ReopenMode, SlaPlan } from '../../../domain/sla/policy.js';
import { always, aPlan, on, someWindows } from '../../support/builders.js';
import { SlaDesk } from '../../support/sla-desk.js';

const hour = 3600;
const cycle = { requester_wait: always(8 * hour), agent_work: always(8 * hour), resolution: always(8 * hour) };
const named = { clock: 'resolution#1', kind: 'resolution', policyRevision: 1, policy: 'standard', calendar: 'k1', calendarRevision: 1 };

/** C14: 8 h from Monday 9:00, resolved at 13:00, reopened on Wednesday at 11:00. */
const reopened = (reopen: ReopenMode, changes: Partial<SlaPlan> = {}): SlaDesk => {
  const desk = SlaDesk.opened('mon 09:00', aPlan({ reopen, ...changes }));
  desk.send('mon 13:00', 'resolve', {});
  desk.send('wed 11:00', 'reopen', {});
  return desk;
};

describe('R24: resume', () => {
  test('the same instance goes on with what was left; the time it was resolved counts for nothing', () => {
    const desk = reopened('resume');
    expect(desk.clock('resolution#1')).toMatchObject({
      phase: 'running',
      consumedS: 4 * hour,
      dueAt: on('wed 15:00'),
      fulfilledAt: null,
      breach: null,
    });
    expect(desk.told('sla.resumed')).toEqual([
      { ...named, at: on('wed 11:00'), cause: 'reopen', consumedS: 4 * hour, remainingS: 4 * hour, dueAt: on('wed 15:00') },
    ]);
    expect(desk.stretches('resolution#1').map(({ state, openS }) => [state, openS])).toEqual([
      ['running', 4 * hour],
      ['closed', 0],
    ]);
    desk.send('wed 12:00', 'resolve', {});
    expect(desk.told('sla.fulfilled').at(-1)).toMatchObject({ outcome: 'met', businessS: 5 * hour, calendarS: 5 * hour, spareS: 3 * hour });
  });

  test('all three kinds of the cycle', () => {
    expect(reopened('resume', { targets: cycle }).standing).toEqual([
      'requester_wait#1 running',
      'agent_work#1 running',
      'resolution#1 running',
    ]);
  });

  test('a breach that was there stays, and no second one comes', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { resolution: always(2 * hour) } }));
    desk.send('mon 13:00', 'resolve', {});
    desk.send('wed 11:00', 'reopen', {});
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'running', dueAt: on('mon 11:00'), breach: { at: on('mon 11:00') } });
    desk.pass('fri 17:00');
    desk.send('fri 17:00', 'resolve', {});
    expect(desk.told('sla.breached')).toHaveLength(1);
    expect(desk.told('sla.fulfilled').at(-1)).toMatchObject({ outcome: 'breached', overrunS: 24 * hour });
  });

  test('a deadline it misses afterwards is an ordinary one', () => {
    const desk = reopened('resume');
    desk.pass('wed 16:00');
    expect(desk.clock('resolution#1').breach).toMatchObject({ at: on('wed 15:00'), cause: 'deadline' });
  });

  test('a pause by hand holds it from the start', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan());
    desk.send('mon 13:00', 'resolve', {});
    desk.send('mon 14:00', 'pauseClocks', {});
    desk.send('wed 11:00', 'reopen', {});
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'paused', causes: ['manual'], consumedS: 4 * hour, dueAt: null });
    desk.send('wed 12:00', 'resumeClocks', {});
    expect(desk.clock('resolution#1').dueAt).toBe(on('wed 16:00'));
  });

  test('under the policy and the calendar of by then', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan());
    desk.send('mon 13:00', 'resolve', {});
    const late = someWindows({ calendar: 'late', opens: 13, closes: 21 });
    const plan = { set: 2, policy: 'other', calendar: { id: 'late', revision: 1 }, targets: { resolution: always(6 * hour) } };
    desk.replan('tue 09:00', aPlan(plan), late, 'revision');
    desk.send('wed 11:00', 'reopen', {});
    expect(desk.clock('resolution#1')).toMatchObject({
      set: 2,
      policy: 'other',
      calendar: { id: 'late', revision: 1 },
      budgetS: 6 * hour,
      dueAt: on('wed 15:00'),
    });
    expect(desk.told('sla.retargeted')).toMatchObject([{ from: 8 * hour, to: 6 * hour, reason: 'policy', calendar: 'late' }]);
    desk.pass('wed 16:00');
    expect(desk.told('sla.breached')).toMatchObject([{ breachedAt: on('wed 15:00') }]);
  });

  test('a kind that has no target by then stays as it ended', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: cycle }));
    desk.send('mon 13:00', 'resolve', {});
    desk.replan('tue 09:00', aPlan({ policy: 'other' }));
    desk.send('wed 11:00', 'reopen', {});
    expect(desk.standing).toEqual(['requester_wait#1 fulfilled', 'agent_work#1 fulfilled', 'resolution#1 running']);
  });

  test('without a policy nothing goes on', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan());
    desk.send('mon 13:00', 'resolve', {});
    desk.replan('tue 09:00', null);
    desk.send('wed 11:00', 'reopen', {});
    expect(desk.standing).toEqual(['resolution#1 fulfilled']);
  });
});

describe('R24: frozen', () => {
  test('it stays met, also when the policy is looked up again', () => {
    const desk = reopened('frozen');
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'fulfilled', fulfilledAt: on('mon 13:00') });
    desk.replan('wed 12:00', aPlan({ policy: 'other', reopen: 'frozen' }));
    expect(desk.standing).toEqual(['resolution#1 fulfilled']);
    expect(desk.types(-2)).toEqual(['sla.fulfilled', 'ticket.reopened']);
  });
});

describe('R24: count_closed_time', () => {
  test('a deadline passed meanwhile is recorded once at the reopening, with its true instant', () => {
    const desk = reopened('count_closed_time');
    expect(desk.told('sla.breached')).toEqual([
      { ...named, at: on('wed 11:00'), breachedAt: on('mon 17:00'), cause: 'reopen', lateMs: 42 * hour * 1000 },
    ]);
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'running', dueAt: on('mon 17:00') });
    desk.send('wed 12:00', 'resolve', {});
    expect(desk.told('sla.fulfilled').at(-1)).toMatchObject({ outcome: 'breached', businessS: 19 * hour, overrunS: 11 * hour });
    expect(desk.told('sla.breached')).toHaveLength(1);
  });

  test('reopened in time it goes on as if it had never been resolved', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ reopen: 'count_closed_time' }));
    desk.send('mon 13:00', 'resolve', {});
    desk.send('mon 15:00', 'reopen', {});
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'running', dueAt: on('mon 17:00'), breach: null });
    desk.pass('tue 09:00');
    expect(desk.clock('resolution#1').breach).toMatchObject({ at: on('mon 17:00'), cause: 'deadline', lateMs: 1 });
  });

  test('into a pause too', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ reopen: 'count_closed_time' }));
    desk.send('mon 13:00', 'resolve', {});
    desk.send('mon 14:00', 'pauseClocks', {});
    desk.send('wed 11:00', 'reopen', {});
    expect(desk.clock('resolution#1')).toMatchObject({
      phase: 'paused',
      consumedS: 18 * hour,
      breach: { at: on('mon 17:00'), cause: 'reopen' },
    });
    expect(desk.types(-4)).toEqual(['ticket.reopened', 'sla.resumed', 'sla.breached', 'sla.paused']);
  });

  test('open hours that were not kept so long are fetched before it is counted', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ reopen: 'resume' }));
    desk.send('mon 13:00', 'resolve', {});
    desk.replan('tue 09:00', aPlan({ policy: 'other', reopen: 'count_closed_time' }), someWindows({ from: on('tue 09:00') }));
    desk.send('wed 11:00', 'reopen', {});
    expect(desk.clock('resolution#1').phase).toBe('fulfilled');
    expect(desk.ledger.backlog).toHaveLength(1);
    desk.refresh('wed 11:05', someWindows());
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'running', breach: { at: on('mon 17:00'), cause: 'reopen' } });
  });
});

describe('R24: restart', () => {
  test('a new instance has the full budget', () => {
    const desk = reopened('restart');
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'fulfilled', fulfilledAt: on('mon 13:00') });
    expect(desk.clock('resolution#2')).toMatchObject({ originAt: on('wed 11:00'), consumedS: 0, dueAt: on('thu 11:00') });
    expect(desk.told('sla.activated').at(-1)).toMatchObject({ clock: 'resolution#2', cause: 'reopen', originAt: on('wed 11:00') });
  });

  test('instances that are over and not the last of their kind are left to the record', () => {
    const desk = reopened('restart');
    desk.send('wed 12:00', 'resolve', {});
    desk.send('wed 13:00', 'reopen', {});
    expect(desk.names()).toEqual(['resolution#1', 'resolution#2', 'resolution#3']);
    expect(desk.ledger.clocks.map(({ clock }) => clock)).toEqual(['resolution#3']);
    expect(desk.ledger.counts).toEqual({ resolution: 3 });
  });
});

describe('R24: replies', () => {
  const targets = { first_response: always(2 * hour), next_response: always(hour) };

  test.each(['resume', 'frozen', 'count_closed_time', 'restart'] as const)(
    '%s: a reopening message starts the next, never the first response',
    (reopen) => {
      const desk = SlaDesk.opened('mon 09:00', aPlan({ reopen, targets }));
      desk.reply('mon 10:00', 'resolved');
      desk.customer('tue 09:00');
      expect(desk.standing).toEqual(['first_response#1 fulfilled', 'next_response#1 running']);
      expect(desk.clock('next_response#1')).toMatchObject({ originAt: on('tue 09:00'), dueAt: on('tue 10:00') });
    },
  );

  test('reopening by the desk starts none', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets }));
    desk.reply('mon 10:00', 'resolved');
    desk.send('tue 09:00', 'reopen', {});
    expect(desk.standing).toEqual(['first_response#1 fulfilled']);
  });

  test('the first message to a ticket the desk opened and resolved has its first response due', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets }), {}, { role: 'agent' });
    desk.send('mon 10:00', 'resolve', {});
    desk.customer('tue 09:00');
    expect(desk.standing).toEqual(['first_response#1 running']);
  });

  test('a message kept without reopening waits until the ticket is reopened', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets }));
    desk.reply('mon 10:00', 'resolved');
    desk.ticket = { ...desk.opened, mailReopens: [on('mon 10:01'), on('mon 10:02'), on('mon 10:03')] };
    desk.customer('mon 11:00', { source: 'mail' });
    expect(desk.opened.status).toBe('resolved');
    expect(desk.names()).toEqual(['first_response#1']);
    desk.send('mon 12:30', 'reopen', {});
    expect(desk.clock('next_response#1')).toMatchObject({ originAt: on('mon 11:00'), breach: { at: on('mon 12:00') } });
  });
});

describe('R25: merge and split', () => {
  test('a merged ticket’s clocks end, and nothing follows', () => {
    const rungs = [{ id: 'r50', clock: 'resolution', when: { percent: 50 }, actions: [] }] as const;
    const desk = SlaDesk.opened('mon 09:00', aPlan({ rungs }));
    desk.send('mon 12:00', 'close', { cause: 'merged' });
    desk.pass('fri 12:00');
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'cancelled', reason: 'merged', breach: null });
    expect(desk.fired).toEqual([]);
  });

  test('a split-off message counts from when it was received', () => {
    const desk = SlaDesk.opened('mon 15:00', aPlan({ targets: { first_response: always(4 * hour) } }), {}, { receivedAt: on('mon 09:00') });
    expect(desk.clock('first_response#1').breach).toMatchObject({ at: on('mon 13:00'), cause: 'late_ingest' });
  });
});
