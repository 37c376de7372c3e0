/** The ladder: expectations are typed out from sla.md, R26–R31 and section 6. The office is open Mondays to Fridays, 9 to 17. */
import { describe, expect, test } from 'vitest';
import { asTeamId } from '../../../domain/ids.js';
import { isAfterBreach, nearestDue, rungAfterMs, rungDueAt } from '../../../domain/sla/ladder.js';
import type { Rung } from '../../../domain/sla/policy.js';
import { presets } from '../../../domain/sla/policy.js';
import { aClock, always, anEscalation, aPlan, on, someWindows, uuid } from '../../support/builders.js';
import { aRung } from '../../support/policies.js';
import { SlaDesk } from '../../support/sla-desk.js';

const hour = 3600;
const rung = (id: string, when: Rung['when'], changes: Partial<Rung> = {}): Rung => aRung({ id, when, actions: [], ...changes });
const mail = (...to: string[]): Rung['actions'][number] => ({ notify: { to, channel: 'email' } });
const named = { clock: 'resolution#1', kind: 'resolution', policyRevision: 1, policy: 'standard', calendar: 'k1', calendarRevision: 1 };

const raising = (to: 'high' | 'urgent', retarget?: boolean) =>
  rung('r50', { percent: 50 }, { actions: [{ raise_priority: retarget === undefined ? { to } : { to, retarget } }] });
const opens = (to: 'admin' | 'lead' | 'specialist' | 'team', ackWithin: number, id?: string): Rung['actions'][number] => ({
  open_escalation: { to: id === undefined ? { kind: to } : { kind: to, id: asTeamId(id) }, ackWithin },
});

/** F2: eight hours from Monday at 9. */
const five = [
  rung('r50', { percent: 50 }),
  rung('r75', { percent: 75 }),
  rung('r90', { percent: 90 }),
  rung('r100', 'at_breach'),
  rung('late', { after: hour }),
];
const f2 = (changes: Parameters<typeof aPlan>[0] = {}): SlaDesk => SlaDesk.opened('mon 09:00', aPlan({ rungs: five, ...changes }));

describe('R26: when a rung is due', () => {
  test('by percent, before, at and after the breach, in the clock’s own hours', () => {
    const desk = f2({ rungs: [rung('soon', { before: hour / 2 }), ...five] });
    desk.pass('fri 17:00');
    expect(desk.fired).toEqual([
      ['r50', on('mon 13:00')],
      ['r75', on('mon 15:00')],
      ['r90', on('mon 16:12')],
      ['soon', on('mon 16:30')],
      ['r100', on('mon 17:00')],
      ['late', on('tue 10:00')],
    ]);
    expect(desk.rungs.map(({ lateMs, outcome }) => [lateMs, outcome])).toEqual([
      [1, 'warned'],
      [1, 'warned'],
      [1, 'warned'],
      [1, 'warned'],
      [1, 'notified'],
      [1, 'notified'],
    ]);
  });

  test('100 % is at the breach, and comes after it', () => {
    const desk = f2({ rungs: [rung('full', { percent: 100 })] });
    desk.pass('mon 18:00');
    expect(desk.types(-2)).toEqual(['sla.breached', 'sla.escalated']);
  });

  test('what is told: a warning before the breach, an escalation that only notifies at or after it', () => {
    const desk = f2();
    desk.pass('tue 17:00');
    expect(desk.told('sla.warned')[1]).toEqual({
      ...named,
      at: on('mon 15:00') + 1,
      rung: 'r75',
      rungDueAt: on('mon 15:00'),
      lateMs: 1,
      remainingS: 2 * hour,
    });
    expect(desk.told('sla.escalated')).toEqual(
      [
        ['r100', on('mon 17:00')],
        ['late', on('tue 10:00')],
      ].map(([id, due]) => ({
        ...named,
        at: Number(due) + 1,
        rung: id,
        level: 1,
        rungDueAt: due,
        lateMs: 1,
        escalation: null,
        to: null,
        cause: 'rung',
        outcome: 'notified',
      })),
    );
  });

  test('only for the clock kind and the priorities it names', () => {
    const rungs = [
      rung('other', { percent: 10 }, { clock: 'agent_work' }),
      rung('vip', { percent: 20 }, { priorities: ['urgent'] }),
      rung('r30', { percent: 30 }),
    ];
    const desk = f2({ rungs });
    desk.pass('mon 17:00');
    expect(desk.fired.map(([id]) => id)).toEqual(['r30']);
  });

  test('a ticket with a warning shows it', () => {
    const desk = f2();
    desk.pass('mon 14:00');
    expect(desk.opened.sla).toEqual({ set: 1, state: 'warned', breached: false, dueAt: on('mon 17:00') });
    desk.pass('mon 18:00');
    expect(desk.opened.sla).toEqual({ set: 1, state: 'breached', breached: true, dueAt: null });
  });
});

describe('R27: rungs pause with the clock', () => {
  test('and come again as the same ones (F4)', () => {
    const desk = f2();
    desk.status('mon 12:00', 'waiting_on_customer');
    desk.status('mon 14:00', 'in_progress');
    desk.pass('fri 17:00');
    expect(desk.fired).toEqual([
      ['r50', on('mon 15:00')],
      ['r75', on('mon 17:00')],
      ['r90', on('tue 10:12')],
      ['r100', on('tue 11:00')],
      ['late', on('tue 12:00')],
    ]);
  });

  test('a pause at the very instant of a rung comes first; the rung is due when the clock runs again', () => {
    const desk = f2();
    desk.status('mon 13:00', 'waiting_on_customer');
    desk.pass('tue 10:00');
    expect(desk.fired).toEqual([]);
    desk.status('tue 10:00', 'in_progress');
    desk.pass('tue 10:30');
    expect(desk.fired).toEqual([['r50', on('tue 10:00')]]);
  });

  test('unfired ones end with the clock (F8), and are armed again when a reopening resumes it', () => {
    const desk = f2();
    desk.send('mon 14:00', 'resolve', {});
    desk.pass('tue 10:00');
    expect(desk.fired.map(([id]) => id)).toEqual(['r50']);
    desk.send('tue 10:00', 'reopen', {});
    desk.pass('fri 17:00');
    expect(desk.fired.slice(1)).toEqual([
      ['r75', on('tue 11:00')],
      ['r90', on('tue 12:12')],
      ['r100', on('tue 13:00')],
      ['late', on('tue 14:00')],
    ]);
  });

  test('those after the breach pause too, unless they say otherwise', () => {
    const rungs = [rung('late', { after: hour }), rung('anyway', { after: 2 * hour }, { whilePaused: true })];
    const desk = f2({ rungs });
    desk.status('tue 09:30', 'waiting_on_customer');
    desk.pass('tue 17:00');
    expect(desk.fired).toEqual([['anyway', on('tue 11:00')]]);
    desk.status('wed 09:00', 'in_progress');
    desk.pass('wed 17:00');
    expect(desk.fired[1]).toEqual(['late', on('wed 09:30')]);
  });

  test('whilePaused changes nothing before there is a breach', () => {
    const desk = f2({ rungs: [rung('anyway', { after: hour }, { whilePaused: true })] });
    desk.status('mon 12:00', 'waiting_on_customer');
    desk.pass('fri 17:00');
    expect(desk.fired).toEqual([]);
  });

  test('on a retarget unfired ones move; those already behind are due at the change; fired ones stay fired', () => {
    const desk = f2({ targets: { resolution: { medium: 16 * hour, high: 8 * hour, low: 32 * hour } } });
    desk.send('mon 16:00', 'priority', { priority: 'high' });
    desk.pass('mon 16:20');
    expect(desk.fired).toEqual([
      ['r50', on('mon 16:00')],
      ['r75', on('mon 16:00')],
      ['r90', on('mon 16:12')],
    ]);
    expect(desk.told('sla.warned').map((data) => [data['rungDueAt'], data['lateMs']])).toEqual([
      [on('mon 16:00'), 1],
      [on('mon 16:00'), 1],
      [on('mon 16:12'), 1],
    ]);
    desk.send('mon 16:30', 'priority', { priority: 'low' });
    desk.pass('fri 17:00');
    expect(desk.fired.slice(3)).toEqual([
      ['r100', on('thu 17:00')],
      ['late', on('fri 10:00')],
    ]);
  });

  test('two changes at one instant: only what is behind in the end is due', () => {
    const desk = f2({ targets: { resolution: { medium: 16 * hour, high: 8 * hour } } });
    desk.send('mon 14:00', 'priority', { priority: 'high' });
    desk.send('mon 14:00', 'priority', { priority: 'medium' });
    desk.pass('mon 16:00');
    expect(desk.fired).toEqual([]);
  });

  test('while paused, what is behind is due at the change all the same', () => {
    const desk = f2({ targets: { resolution: { medium: 16 * hour, high: 8 * hour } } });
    desk.status('mon 14:00', 'waiting_on_customer');
    desk.send('mon 15:00', 'priority', { priority: 'high' });
    desk.pass('mon 17:00');
    expect(desk.fired).toEqual([['r50', on('mon 15:00')]]);
  });

  test('a change that breaches leaves the rungs up to the breach behind; those after it count from the breach', () => {
    const desk = f2({ targets: { resolution: { medium: 16 * hour, high: 4 * hour } } });
    desk.send('tue 10:00', 'priority', { priority: 'high' });
    desk.pass('tue 17:00');
    expect(desk.fired).toEqual([
      ['r50', on('mon 17:00')],
      ['r75', on('tue 10:00')],
      ['r90', on('tue 10:00')],
      ['r100', on('tue 10:00')],
      ['late', on('tue 11:00')],
    ]);
    expect(desk.types(3)).toEqual([
      'ticket.updated',
      'sla.retargeted',
      'sla.breached',
      'sla.escalated',
      'sla.escalated',
      'sla.escalated',
      'sla.escalated',
    ]);
  });

  test('a second change at the instant of the breach takes nothing back', () => {
    const desk = f2({ targets: { resolution: { medium: 16 * hour, high: 4 * hour } } });
    desk.status('tue 10:00', 'waiting_on_customer');
    desk.send('tue 11:00', 'priority', { priority: 'high' });
    desk.send('tue 11:00', 'priority', { priority: 'medium' });
    desk.pass('tue 12:00');
    expect(desk.fired.map(([id]) => id)).toEqual(['r50', 'r75', 'r90', 'r100']);
  });

  test('after the breach a retarget moves no rung', () => {
    const desk = f2();
    desk.pass('tue 09:00');
    desk.send('tue 09:30', 'overrideTarget', { clock: 'resolution#1', budgetS: 40 * hour });
    desk.pass('fri 17:00');
    expect(desk.fired.at(-1)).toEqual(['late', on('tue 10:00')]);
  });

  test('of a clock that is over, nothing is due', () => {
    const [r50] = five;
    if (r50 === undefined) throw new Error('no rung');
    expect(rungDueAt(r50, aClock(), someWindows())).toBe(on('mon 13:00'));
    expect(rungDueAt(r50, aClock({ phase: 'fulfilled' }), someWindows())).toBeNull();
    expect(rungDueAt(r50, aClock({ fired: ['r50'] }), someWindows())).toBeNull();
    expect(five.map(isAfterBreach)).toEqual([false, false, false, false, true]);
    // Used up when it is due: after a breach at the deadline, or at an instant past it.
    const breach = { at: on('tue 10:00'), cause: 'retarget', lateMs: 0, budgetS: 4 * hour, consumedS: 9 * hour } as const;
    expect(five.map((one) => rungAfterMs(one, aClock()) / 1000)).toEqual([4, 6, 7.2, 8, 9].map((hours) => hours * hour));
    expect(five.map((one) => rungAfterMs(one, aClock({ breach })) / 1000)).toEqual([2, 3, 3.6, 4, 10].map((hours) => hours * hour));
  });
});

describe('R28: several at one wake', () => {
  const lead = [mail('lead')];
  const both = [mail('lead', 'assignee')];

  test('run in order, none skipped, and make one notice under the highest one’s key (F9)', () => {
    const desk = f2({
      rungs: [
        rung('r50', { percent: 50 }, { actions: lead }),
        rung('r75', { percent: 75 }, { actions: both }),
        rung('r90', { percent: 90 }),
        rung('r100', 'at_breach', { actions: lead }),
        rung('late', { after: hour }, { actions: lead }),
      ],
    });
    desk.asleep = true;
    desk.wake('mon 17:30');
    expect(desk.types(-6)).toEqual(['sla.warned', 'sla.warned', 'sla.warned', 'sla.breached', 'sla.escalated', 'sla.collapsed']);
    expect(desk.rungs).toEqual(
      [
        ['r50', 'mon 13:00', 'warned'],
        ['r75', 'mon 15:00', 'warned'],
        ['r90', 'mon 16:12', 'warned'],
        ['r100', 'mon 17:00', 'notified'],
      ].map(([id = '', due = '', outcome]) => ({
        clock: 'resolution#1',
        rung: id,
        dueAt: on(due),
        firedAt: on('mon 17:30'),
        lateMs: on('mon 17:30') - on(due),
        outcome,
      })),
    );
    expect(desk.notices).toEqual([
      {
        message: 'notice/resolution#1/r100',
        about: {
          clock: 'resolution#1',
          reason: 'breach',
          escalation: null,
          rungs: [
            { rung: 'r50', dueAt: on('mon 13:00'), lateMs: 4.5 * hour * 1000 },
            { rung: 'r75', dueAt: on('mon 15:00'), lateMs: 2.5 * hour * 1000 },
            { rung: 'r100', dueAt: on('mon 17:00'), lateMs: 0.5 * hour * 1000 },
          ],
          to: [
            { channel: 'email', to: ['lead'] },
            { channel: 'email', to: ['lead', 'assignee'] },
            { channel: 'email', to: ['lead'] },
          ],
        },
      },
    ]);
    expect(desk.told('sla.collapsed')).toEqual([{ ...named, at: on('mon 17:30'), rungs: ['r50', 'r75'], into: 'r100', recipients: 2 }]);
  });

  test('on time, each makes its own', () => {
    const desk = f2({ rungs: [rung('r50', { percent: 50 }, { actions: lead }), rung('r100', 'at_breach', { actions: lead })] });
    desk.pass('mon 18:00');
    expect(desk.notices.map(({ message, about: { reason } }) => [message, reason])).toEqual([
      ['notice/resolution#1/r50', 'warning'],
      ['notice/resolution#1/r100', 'breach'],
    ]);
    expect(desk.told('sla.collapsed')).toEqual([]);
  });

  test('of two clocks, breach before rung at one instant, then the ladder’s order; a notice for each clock', () => {
    const targets = { agent_work: always(4 * hour), resolution: always(8 * hour) };
    const rungs = [
      rung('r50', { percent: 50 }, { actions: lead }),
      rung('work', 'at_breach', { clock: 'agent_work', actions: lead }),
      rung('half', { before: 4 * hour }, { actions: lead }),
    ];
    const desk = f2({ targets, rungs });
    desk.asleep = true;
    desk.wake('mon 14:00');
    expect(desk.told('sla.breached')).toHaveLength(1);
    expect(desk.types(3)).toEqual(['sla.breached', 'sla.escalated', 'sla.warned', 'sla.warned', 'sla.collapsed']);
    expect(desk.fired.map(([id]) => id)).toEqual(['work', 'r50', 'half']);
    expect(desk.notices.map(({ message }) => message)).toEqual(['notice/agent_work#1/work', 'notice/resolution#1/half']);
  });
});

describe('R29: what a rung does', () => {
  test('reassign asks for another agent, of a team or of the ticket’s own', () => {
    const team = asTeamId(uuid(0x10));
    const desk = f2({
      rungs: [
        rung('r50', { percent: 50 }, { actions: [{ reassign: {} }] }),
        rung('r75', { percent: 75 }, { actions: [{ reassign: { team } }] }),
      ],
    });
    desk.pass('mon 16:00');
    expect(desk.reassignments).toEqual([
      { clock: 'resolution#1', rung: 'r50', team: null },
      { clock: 'resolution#1', rung: 'r75', team },
    ]);
    expect(desk.notices).toEqual([]);
  });

  const targets = { resolution: { low: 8 * hour, medium: 8 * hour, high: 5 * hour, urgent: 2 * hour } };

  test('raise_priority raises, and leaves the targets by default', () => {
    const desk = f2({ targets, rungs: [raising('urgent')] });
    desk.pass('mon 14:00');
    expect(desk.opened).toMatchObject({ priority: 'urgent' });
    expect(desk.ledger.priority).toBe('urgent');
    expect(desk.clock('resolution#1')).toMatchObject({ budgetS: 8 * hour, dueAt: on('mon 17:00') });
    expect(desk.types(2)).toEqual(['sla.warned', 'ticket.updated']);
  });

  test('with retarget the budgets follow, from the instant the rung was due, however late it is', () => {
    for (const asleep of [false, true]) {
      const desk = f2({ targets, rungs: [raising('high', true)] });
      desk.asleep = asleep;
      if (asleep) desk.wake('tue 09:00');
      else desk.pass('tue 09:00');
      expect(desk.told('sla.retargeted')).toMatchObject([{ at: on('mon 13:00'), from: 8 * hour, to: 5 * hour, reason: 'priority' }]);
      expect(desk.clock('resolution#1').breach).toMatchObject({ at: on('mon 14:00'), cause: 'deadline', budgetS: 5 * hour });
    }
  });

  test('at or above it nothing happens', () => {
    for (const priority of ['high', 'urgent'] as const) {
      const desk = SlaDesk.opened('mon 09:00', aPlan({ rungs: [raising('high')] }), { priority });
      desk.pass('mon 14:00');
      expect(desk.opened.priority).toBe(priority);
      expect(desk.types(-1)).toEqual(['sla.warned']);
    }
  });

  test('on a ticket that closed while its plan was looked up nothing is raised', () => {
    const desk = new SlaDesk(aPlan({ rungs: [raising('urgent')] }));
    desk.open('mon 09:00');
    desk.send('mon 15:00', 'close', { cause: 'spam' });
    desk.planFirst('mon 16:00');
    expect(desk.opened).toMatchObject({ status: 'closed', priority: 'medium' });
    expect(desk.fired).toEqual([['r50', on('mon 13:00')]]);
  });
});

describe('R29 and section 6: escalations of the ladder', () => {
  /** F12: level 1 at the breach, acknowledged within half an hour; level 2 after four hours. */
  const f12 = [
    rung('l1', 'at_breach', { level: 1, actions: [opens('lead', hour / 2)] }),
    rung('l2', { after: 4 * hour }, { level: 2, actions: [opens('admin', hour)] }),
  ];

  test('one is opened at the rung’s level, its window in open seconds from the instant the rung fired', () => {
    const desk = f2({ rungs: f12 });
    desk.asleep = true;
    desk.wake('mon 20:00');
    expect(desk.opened.escalations).toEqual([
      anEscalation({
        raisedBy: 'system/sla',
        from: { clock: 'resolution#1', rung: 'l1' },
        ackWithinS: hour / 2,
        ackDueAt: on('tue 09:30'),
        createdAt: on('mon 20:00'),
      }),
    ]);
    expect(desk.told('sla.escalated')).toEqual([
      {
        ...named,
        at: on('mon 20:00'),
        rung: 'l1',
        level: 1,
        rungDueAt: on('mon 17:00'),
        lateMs: 3 * hour * 1000,
        escalation: 1,
        to: 'lead',
        cause: 'rung',
        outcome: 'opened',
      },
    ]);
    expect(desk.notices).toEqual([
      {
        message: 'notice/resolution#1/l1',
        about: {
          clock: 'resolution#1',
          reason: 'escalation',
          escalation: 1,
          rungs: [{ rung: 'l1', dueAt: on('mon 17:00'), lateMs: 3 * hour * 1000 }],
          to: [{ channel: 'email', to: ['lead'] }],
        },
      },
    ]);
  });

  test('without a level it is of the first', () => {
    const desk = f2({ rungs: [rung('r50', { percent: 50 }, { actions: [opens('lead', 60)] })] });
    desk.pass('mon 13:00:30');
    expect(desk.opened.escalations).toMatchObject([{ level: 1, status: 'pending' }]);
    expect(desk.types(-2)).toEqual(['sla.warned', 'sla.escalated']);
  });

  test.each([
    ['lead', undefined, 'lead'],
    ['admin', undefined, 'role:admin'],
    ['team', undefined, 'lead'],
    ['specialist', undefined, 'lead'],
    ['team', uuid(0x10), `team:${uuid(0x10)}`],
    ['specialist', uuid(0x22), `user:${uuid(0x22)}`],
  ] as const)('it asks %s %s by telling %s', (kind, id, addressee) => {
    const desk = f2({ rungs: [rung('r50', { percent: 50 }, { actions: [opens(kind, hour, id), mail('assignee')] })] });
    desk.pass('mon 13:30');
    expect(desk.notices.map(({ about }) => about.to)).toEqual([
      [
        { channel: 'email', to: ['assignee'] },
        { channel: 'email', to: [addressee] },
      ],
    ]);
  });

  test('a rung at or below the ticket’s level does nothing', () => {
    const desk = f2({
      rungs: [
        rung('r50', { percent: 50 }, { level: 2, actions: [opens('lead', 40 * hour)] }),
        rung('r75', { percent: 75 }, { level: 2, actions: [opens('admin', hour), mail('lead'), { raise_priority: { to: 'urgent' } }] }),
      ],
    });
    desk.pass('mon 16:00');
    expect(desk.opened).toMatchObject({ priority: 'medium', escalations: [{ n: 1, level: 2 }] });
    expect(desk.rungs.map(({ rung: id, outcome }) => [id, outcome])).toEqual([
      ['r50', 'opened'],
      ['r75', 'already_at_level'],
    ]);
    expect(desk.told('sla.escalated').at(-1)).toEqual({
      ...named,
      at: on('mon 15:00') + 1,
      rung: 'r75',
      level: 2,
      rungDueAt: on('mon 15:00'),
      lateMs: 1,
      escalation: null,
      to: null,
      cause: 'rung',
      outcome: 'already_at_level',
    });
    expect(desk.notices).toHaveLength(1);
  });

  test('not acknowledged, the next rung runs at the window’s end and is claimed (F12)', () => {
    const desk = f2({ rungs: f12 });
    desk.pass('tue 10:00');
    expect(desk.fired).toEqual([
      ['l1', on('mon 17:00')],
      ['l2', on('tue 09:30')],
    ]);
    expect(desk.told('sla.escalated').at(-1)).toMatchObject({
      rung: 'l2',
      level: 2,
      escalation: 2,
      to: 'admin',
      cause: 'unacknowledged',
      outcome: 'opened',
    });
    expect(desk.opened.escalations.map(({ status, ackDueAt }) => [status, ackDueAt])).toEqual([
      ['pending', null],
      ['pending', on('tue 10:30')],
    ]);
    desk.pass('tue 14:00');
    expect(desk.fired).toHaveLength(2);
  });

  test('acknowledged in time, the next comes at its own instant', () => {
    const desk = f2({ rungs: f12 });
    desk.send('tue 09:20', 'acknowledgeEscalation', { escalation: 1 });
    expect(desk.told('sla.acknowledged')).toEqual([
      { ...named, at: on('tue 09:20'), escalation: 1, actor: `user/${uuid(0x20)}`, afterS: 16 * hour + 1199 },
    ]);
    expect(desk.opened.escalations).toMatchObject([{ status: 'in_progress', ackDueAt: null, owner: `user/${uuid(0x20)}` }]);
    desk.pass('tue 13:30');
    expect(desk.fired.at(-1)).toEqual(['l2', on('tue 13:00')]);
  });

  test('at the very end of the window it is in time', () => {
    const desk = f2({ rungs: f12 });
    desk.send('tue 09:30', 'acknowledgeEscalation', { escalation: 1 });
    desk.pass('tue 12:00');
    expect(desk.fired).toHaveLength(1);
  });

  test('after the last rung the fallback recipient is told, once', () => {
    const desk = f2({ rungs: f12 });
    desk.pass('fri 17:00');
    expect(desk.told('sla.escalated').at(-1)).toEqual({
      ...named,
      at: on('tue 10:30') + 1,
      rung: 'l2',
      level: 2,
      escalation: 2,
      to: 'admin',
      cause: 'unacknowledged',
      outcome: 'exhausted',
    });
    expect(desk.notices.at(-1)).toEqual({
      message: 'notice/e2/exhausted',
      about: { clock: null, reason: 'exhausted', escalation: 2, rungs: [], to: [] },
    });
    expect(desk.notices).toHaveLength(3);
    expect(desk.nextDue()).toBeNull();
    expect(desk.opened.escalations.map(({ status }) => status)).toEqual(['pending', 'pending']);
  });

  test('a next rung that is at the level already is claimed, and the one after it runs', () => {
    const rungs = [
      rung('l1', 'at_breach', { level: 3, actions: [opens('lead', hour / 2)] }),
      rung('l2', { after: 4 * hour }, { level: 2, actions: [opens('lead', hour)] }),
      rung('l3', { after: 8 * hour }, { level: 4, actions: [opens('admin', hour)] }),
    ];
    const desk = f2({ rungs });
    desk.pass('tue 10:00');
    expect(desk.rungs.map(({ rung: id, dueAt, outcome }) => [id, dueAt, outcome])).toEqual([
      ['l1', on('mon 17:00'), 'opened'],
      ['l2', on('tue 09:30'), 'already_at_level'],
      ['l3', on('tue 09:30'), 'opened'],
    ]);
    expect(
      desk
        .told('sla.escalated')
        .slice(1)
        .map(({ cause }) => cause),
    ).toEqual(['unacknowledged', 'unacknowledged']);
  });

  test('when all that follow are at the level, nobody is left to ask', () => {
    const rungs = [
      rung('l1', 'at_breach', { level: 3, actions: [opens('lead', hour / 2)] }),
      rung('l2', { after: 4 * hour }, { level: 2, actions: [opens('lead', hour)] }),
    ];
    const desk = f2({ rungs });
    desk.pass('tue 10:00');
    expect(desk.told('sla.escalated').map(({ outcome }) => outcome)).toEqual(['opened', 'already_at_level', 'exhausted']);
  });

  test('the next rung runs while the clock is paused: a status does not stop a window', () => {
    const desk = f2({ rungs: f12 });
    desk.status('tue 09:00', 'waiting_on_customer');
    desk.pass('tue 10:00');
    expect(desk.fired.at(-1)).toEqual(['l2', on('tue 09:30')]);
  });

  test('a next rung that only warns ends the asking', () => {
    const rungs = [
      rung('r25', { percent: 25 }, { actions: [opens('lead', hour)] }),
      rung('r75', { percent: 75 }, { actions: [mail('lead')] }),
    ];
    const desk = f2({ rungs });
    desk.pass('fri 17:00');
    expect(desk.fired).toEqual([
      ['r25', on('mon 11:00')],
      ['r75', on('mon 12:00')],
    ]);
    expect(desk.told('sla.warned').at(-1)).toMatchObject({ rung: 'r75', remainingS: 5 * hour });
    expect(desk.told('sla.escalated').filter(({ outcome }) => outcome === 'exhausted')).toEqual([]);
  });

  test('a rung that raised the priority is followed by the next of that priority', () => {
    const rungs = [
      rung('warn', { percent: 90 }, { priorities: ['urgent'] }),
      rung(
        'l1',
        { percent: 25 },
        { priorities: ['medium'], level: 1, actions: [opens('lead', hour), { raise_priority: { to: 'urgent' } }] },
      ),
      rung('l2', { after: 4 * hour }, { priorities: ['urgent'], level: 2, actions: [opens('admin', hour)] }),
    ];
    const desk = f2({ rungs });
    desk.pass('mon 12:30');
    expect(desk.fired).toEqual([
      ['l1', on('mon 11:00')],
      ['l2', on('mon 12:00')],
    ]);
  });

  test('fulfil closes what waits, and leaves what somebody is at', () => {
    const rungs = [
      rung('r25', { percent: 25 }, { level: 1, actions: [opens('lead', 20 * hour)] }),
      rung('r50', { percent: 50 }, { level: 2, actions: [opens('admin', 20 * hour)] }),
    ];
    const desk = f2({ rungs });
    desk.send('mon 12:00', 'acknowledgeEscalation', { escalation: 1 });
    desk.send('mon 14:00', 'resolve', {});
    expect(desk.opened.escalations.map(({ status, outcome, closedAt }) => [status, outcome, closedAt])).toEqual([
      ['in_progress', null, null],
      ['closed', 'no_longer_needed', on('mon 14:00')],
    ]);
    expect(desk.told('escalation.closed')).toEqual([{ escalation: 2, outcome: 'no_longer_needed' }]);
    desk.pass('fri 17:00');
    expect(desk.told('sla.escalated')).toHaveLength(2);
  });

  test.each([
    ['a cancelled clock', (desk: SlaDesk) => desk.replan('mon 18:00', null), 'no_longer_needed'],
    ['a merged ticket', (desk: SlaDesk) => desk.send('mon 18:00', 'close', { cause: 'merged' }), 'ticket_closed'],
  ] as const)('%s needs nobody any more', (_, end, outcome) => {
    const desk = f2({ rungs: f12 });
    end(desk);
    desk.pass('fri 17:00');
    expect(desk.opened.escalations).toMatchObject([{ status: 'closed', outcome, ackDueAt: null }]);
    expect(desk.told('sla.escalated')).toHaveLength(1);
  });

  test('one that ends in the same wake as its window needs nobody either', () => {
    const rungs = [
      rung('l1', { percent: 25 }, { actions: [opens('lead', hour)] }),
      rung('up', { percent: 30 }, { actions: [{ raise_priority: { to: 'urgent', retarget: true } }] }),
    ];
    const desk = f2({ rungs, targets: { resolution: { medium: 8 * hour } } });
    desk.pass('mon 11:10');
    desk.asleep = true;
    desk.wake('mon 13:00');
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'cancelled', reason: 'not_in_policy' });
    expect(desk.opened.escalations).toMatchObject([{ status: 'closed', outcome: 'no_longer_needed' }]);
    expect(desk.notices.map(({ message }) => message)).toEqual(['notice/resolution#1/l1']);
  });

  test('a wake late for several levels opens each, and tells the last', () => {
    const rungs = [
      rung('l1', { percent: 25 }, { level: 1, actions: [opens('lead', hour)] }),
      rung('l2', { percent: 50 }, { level: 2, actions: [opens('admin', hour)] }),
    ];
    const desk = f2({ rungs });
    desk.asleep = true;
    desk.wake('mon 14:00');
    expect(desk.opened.escalations.map(({ level, ackDueAt }) => [level, ackDueAt])).toEqual([
      [1, on('mon 15:00')],
      [2, on('mon 15:00')],
    ]);
    expect(desk.notices).toMatchObject([{ message: 'notice/resolution#1/l2', about: { escalation: 2, reason: 'escalation' } }]);
  });
});

describe('an escalation that a person raises', () => {
  test('has no window unless one is set, and tells whom it asks', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan());
    const { sla } = desk.send('mon 16:45', 'escalate', { to: { kind: 'admin' }, level: 2 });
    expect(sla).toEqual({
      clocks: [],
      segments: [],
      rungs: [],
      escalations: desk.opened.escalations,
      notices: [
        {
          message: 'notice/e1/raised',
          about: { clock: null, reason: 'escalation', escalation: 1, rungs: [], to: [{ channel: 'email', to: ['role:admin'] }] },
        },
      ],
    });
    expect(desk.opened.escalations).toMatchObject([{ ackDueAt: null, ackWithinS: null }]);
    expect(desk.told('sla.acknowledged')).toEqual([]);
  });

  test('with a window, in open hours, it ends in one notice to the fallback recipient; no clock is named', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ rungs: [rung('late', { after: hour })] }));
    desk.send('mon 16:45', 'escalate', { ackWithinS: hour });
    expect(desk.opened.escalations).toMatchObject([{ ackDueAt: on('tue 09:45') }]);
    desk.pass('tue 09:50');
    expect(desk.told('sla.escalated')).toEqual([
      {
        clock: null,
        at: on('tue 09:45') + 1,
        rung: null,
        level: 1,
        escalation: 1,
        to: 'lead',
        cause: 'unacknowledged',
        outcome: 'exhausted',
      },
    ]);
    expect(desk.notices.map(({ message }) => message)).toEqual(['notice/e1/raised', 'notice/e1/exhausted']);
    desk.send('tue 09:55', 'acknowledgeEscalation', { escalation: 1 });
    expect(desk.told('sla.acknowledged')).toEqual([
      { clock: null, at: on('tue 09:55'), escalation: 1, actor: `user/${uuid(0x20)}`, afterS: 17 * hour + 600 },
    ]);
  });

  test('without open hours its window is plain time, and ends without clocks', () => {
    const desk = SlaDesk.opened('mon 09:00', null);
    desk.send('mon 16:45', 'escalate', { ackWithinS: hour });
    expect(desk.nextDue()).toBe(on('mon 17:45'));
    desk.send('mon 17:00', 'resolve', {});
    desk.pass('mon 18:00');
    expect(desk.told('sla.escalated')).toMatchObject([{ outcome: 'exhausted' }]);
  });

  test('its level holds back the rungs up to it', () => {
    const desk = f2({ rungs: [rung('r50', { percent: 50 }, { level: 2, actions: [mail('lead')] })] });
    desk.send('mon 10:00', 'escalate', { level: 2 });
    desk.pass('mon 14:00');
    expect(desk.rungs).toMatchObject([{ outcome: 'already_at_level' }]);
  });
});

describe('R30: once per instance', () => {
  test('a rung that fired does not fire again, whatever changes (F6)', () => {
    const desk = f2({ targets: { resolution: { medium: 8 * hour, low: 16 * hour } } });
    desk.send('mon 14:00', 'priority', { priority: 'low' });
    desk.pass('tue 17:00');
    expect(desk.fired.slice(0, 2)).toEqual([
      ['r50', on('mon 13:00')],
      ['r75', on('tue 13:00')],
    ]);
    expect(desk.wake('tue 17:00').sla).toBeNull();
  });

  test('another instance has its own', () => {
    const desk = f2({ reopen: 'restart', rungs: [rung('r50', { percent: 50 })] });
    desk.send('mon 14:00', 'resolve', {});
    desk.send('tue 09:00', 'reopen', {});
    desk.pass('tue 14:00');
    expect(desk.rungs.map(({ clock, dueAt }) => [clock, dueAt])).toEqual([
      ['resolution#1', on('mon 13:00')],
      ['resolution#2', on('tue 13:00')],
    ]);
  });
});

describe('the nearest thing due', () => {
  const clock = aClock();
  const half = aRung({ id: 'r100', when: 'at_breach' });
  const waiting = anEscalation({ ackDueAt: on('mon 17:00') });
  const nearest = (windows: Parameters<typeof nearestDue>[2]['windows'], escalations = [waiting]) =>
    nearestDue([clock], [half], { priority: 'medium', escalations, windows });

  test('of one instant the breach comes first, then rungs, then windows of escalations', () => {
    expect(nearest(someWindows())).toEqual({ kind: 'breach', at: on('mon 17:00'), clock });
    const breached = aClock({ breach: { at: on('mon 17:00'), cause: 'deadline', lateMs: 0, budgetS: 28_800, consumedS: 28_800 } });
    const input = { priority: 'medium', escalations: [waiting], windows: someWindows() } as const;
    expect(nearestDue([breached], [half], input)).toMatchObject({ kind: 'rung', at: on('mon 17:00') });
    expect(nearestDue([breached], [], input)).toEqual({ kind: 'unacknowledged', at: on('mon 17:00'), escalation: waiting });
  });

  test('without open hours only those windows end', () => {
    expect(nearest(null)).toMatchObject({ kind: 'unacknowledged' });
    expect(nearest(null, [anEscalation()])).toBeNull();
    expect(nearest(null, [anEscalation({ status: 'in_progress', ackDueAt: on('mon 12:00') })])).toBeNull();
  });

  test('beyond the hours that are known nothing is', () => {
    expect(nearest(someWindows({ until: on('mon 12:00') }), [])).toBeNull();
  });
});

describe('R31: a command that changes nothing tells nothing', () => {
  test('on a ticket with every clock running', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ pause: presets.all, rungs: five }));
    desk.status('mon 10:00', 'on_hold');
    for (const [kind, fields] of [
      ['hold', {}],
      ['edit', { status: 'on_hold' }],
      ['priority', { priority: 'medium' }],
      ['unassign', {}],
      ['resumeClocks', {}],
      ['replan', { set: 1 }],
    ] as const) {
      const { events, sla, ticket } = desk.send('mon 11:00', kind, fields);
      expect([kind, events, sla, ticket.version]).toEqual([kind, [], null, desk.opened.version]);
    }
  });
});
