/** The clock itself: expectations are typed out from sla.md, sections 3 and 7. The office is open Mondays to Fridays, 9 to 17. */
import { describe, expect, test } from 'vitest';
import { isOpenClock, outcomeOf, wholeSecond } from '../../../domain/sla/clock.js';
import { emptyLedger, ledgerOf } from '../../../domain/sla/ledger.js';
import { noSla, summaryOf } from '../../../domain/sla/summary.js';
import { aClock, always, aPlan, aTicket, noon, on } from '../../support/builders.js';
import { SlaDesk } from '../../support/sla-desk.js';

const hour = 3600;
const breach = { at: on('mon 17:00'), cause: 'deadline', lateMs: 1, budgetS: 8 * hour, consumedS: 8 * hour } as const;
/** What every event of the clock says, section 7. */
const named = { clock: 'resolution#1', kind: 'resolution', policyRevision: 1, policy: 'standard', calendar: 'k1', calendarRevision: 1 };

describe('R1: an instance is a ledger', () => {
  test('it begins running with nothing consumed, and tells so', () => {
    const desk = SlaDesk.opened('mon 10:00');
    expect(desk.clock('resolution#1')).toEqual({
      clock: 'resolution#1',
      kind: 'resolution',
      set: 1,
      policy: 'standard',
      calendar: { id: 'k1', revision: 1 },
      originAt: on('mon 10:00'),
      budgetS: 8 * hour,
      consumedS: 0,
      wallS: 0,
      phase: 'running',
      since: on('mon 10:00'),
      causes: [],
      breach: null,
      fulfilledAt: null,
      reason: null,
      fired: [],
      behind: null,
      dueAt: on('tue 10:00'),
      learned: { at: on('mon 10:00'), cause: 'late_ingest' },
      segments: 0,
      waived: false,
    });
    expect(desk.told('sla.activated')).toEqual([
      {
        ...named,
        at: on('mon 10:00'),
        originAt: on('mon 10:00'),
        budgetS: 8 * hour,
        dueAt: on('tue 10:00'),
        cause: 'created',
      },
    ]);
  });

  test('kinds run in parallel, each by its own budget', () => {
    const targets = { first_response: always(hour), requester_wait: always(2 * hour), agent_work: always(3 * hour) };
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets }));
    expect([...desk.clocks.values()].map(({ clock, dueAt }) => [clock, dueAt])).toEqual([
      ['requester_wait#1', on('mon 11:00')],
      ['agent_work#1', on('mon 12:00')],
      ['first_response#1', on('mon 10:00')],
    ]);
  });

  test('a kind, or a priority, without a target has no clock', () => {
    const targets = { resolution: { urgent: hour } };
    expect(SlaDesk.opened('mon 09:00', aPlan({ targets })).names()).toEqual([]);
    expect(SlaDesk.opened('mon 09:00', aPlan({ targets }), { priority: 'urgent' }).names()).toEqual(['resolution#1']);
  });
});

describe('R2: stretches are kept one after the other', () => {
  test('each closed one with its open and wall-clock seconds; the open one is in the state', () => {
    const desk = SlaDesk.opened('mon 16:00');
    desk.status('mon 18:00', 'waiting_on_customer');
    desk.status('tue 08:00', 'in_progress');
    desk.send('tue 10:00', 'resolve', {});
    const calendar = { id: 'k1', revision: 1 };
    const clock = 'resolution#1';
    expect(desk.segments).toEqual([
      {
        clock,
        n: 1,
        from: on('mon 16:00'),
        to: on('mon 18:00'),
        state: 'running',
        causes: [],
        calendar,
        openS: hour,
        wallS: 2 * hour,
        consumedAfterS: hour,
      },
      {
        clock,
        n: 2,
        from: on('mon 18:00'),
        to: on('tue 08:00'),
        state: 'paused',
        causes: ['status'],
        calendar,
        openS: 0,
        wallS: 14 * hour,
        consumedAfterS: hour,
      },
      {
        clock,
        n: 3,
        from: on('tue 08:00'),
        to: on('tue 10:00'),
        state: 'running',
        causes: [],
        calendar,
        openS: hour,
        wallS: 2 * hour,
        consumedAfterS: 2 * hour,
      },
    ]);
  });

  test('an event within the second of another leaves no empty one', () => {
    const desk = SlaDesk.opened('mon 10:00');
    desk.status('mon 10:00:00.400', 'waiting_on_customer');
    desk.status('mon 10:00:00.900', 'in_progress');
    expect(desk.segments).toEqual([]);
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'running', since: on('mon 10:00'), dueAt: on('tue 10:00') });
  });
});

describe('R3: the origin is the instant its channel received', () => {
  test('a mail that is hours old when it is ingested has its deadline passed already', () => {
    const desk = SlaDesk.opened('mon 12:00', aPlan({ targets: { first_response: always(2 * hour) } }), {}, { receivedAt: on('mon 09:00') });
    expect(desk.clock('first_response#1')).toMatchObject({ originAt: on('mon 09:00'), dueAt: on('mon 11:00'), phase: 'running' });
    const name = { ...named, clock: 'first_response#1', kind: 'first_response' };
    expect(desk.told('sla.breached')).toEqual([
      { ...name, at: on('mon 12:00'), breachedAt: on('mon 11:00'), cause: 'late_ingest', lateMs: hour * 1000 },
    ]);
  });

  test('of a later message too: the desk has worked on since, so it is counted from there, and begins where it was received', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { first_response: always(hour), next_response: always(hour) } }));
    desk.reply('mon 10:00');
    desk.customer('mon 12:00', { receivedAt: on('mon 09:30') });
    expect(desk.clock('next_response#1')).toMatchObject({
      originAt: on('mon 09:30'),
      breach: { at: on('mon 10:30'), cause: 'late_ingest', lateMs: 1.5 * hour * 1000 },
    });
    expect(desk.told('sla.activated', 'next_response#1')).toMatchObject([{ at: on('mon 10:00'), originAt: on('mon 09:30') }]);
  });

  test('an instant in the future is clamped to now', () => {
    const desk = SlaDesk.opened('mon 12:00', aPlan(), {}, { receivedAt: on('mon 15:00') });
    expect(desk.clock('resolution#1')).toMatchObject({ originAt: on('mon 12:00'), dueAt: on('tue 12:00') });
  });

  test('a deadline that ends the very moment it is learned of is in time still', () => {
    const desk = SlaDesk.opened('mon 11:00', aPlan({ targets: { first_response: always(2 * hour) } }), {}, { receivedAt: on('mon 09:00') });
    expect(desk.clock('first_response#1').breach).toBeNull();
    desk.pass('mon 12:00');
    expect(desk.clock('first_response#1').breach).toMatchObject({ at: on('mon 11:00'), cause: 'deadline', lateMs: 1 });
  });
});

describe('R4: whole seconds', () => {
  test('origins and stretches are floored to them', () => {
    const desk = SlaDesk.opened('mon 10:00:00.999');
    expect(desk.clock('resolution#1')).toMatchObject({ originAt: on('mon 10:00'), dueAt: on('tue 10:00') });
    desk.status('mon 12:00:30.500', 'waiting_on_customer');
    expect(desk.clock('resolution#1').consumedS).toBe(2 * hour + 30);
    expect(wholeSecond(on('mon 12:00:30.500'))).toBe(on('mon 12:00:30'));
  });

  test('what a warning says is left is a whole second, even where the rung comes between two', () => {
    const rungs = [{ id: 'r1', clock: 'resolution', when: { percent: 1 }, actions: [] }] as const;
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { resolution: always(150) }, rungs }));
    desk.pass('mon 09:01');
    expect(desk.told('sla.warned')).toMatchObject([{ rungDueAt: on('mon 09:00:01.500'), remainingS: 149 }]);
  });
});

describe('R5: met up to the deadline', () => {
  const plan = aPlan({ targets: { first_response: always(2 * hour) } });

  test.each([
    ['at it', 'mon 11:00', { outcome: 'met', spareS: 0, businessS: 2 * hour, calendarS: 2 * hour }],
    ['a millisecond later', 'mon 11:00:00.001', { outcome: 'breached', overrunS: 0, businessS: 2 * hour, calendarS: 2 * hour }],
    ['a second later', 'mon 11:00:01', { outcome: 'breached', overrunS: 1, businessS: 2 * hour + 1, calendarS: 2 * hour + 1 }],
  ])('%s', (_, when, told) => {
    const desk = SlaDesk.opened('mon 09:00', plan);
    desk.reply(when);
    const name = { ...named, clock: 'first_response#1', kind: 'first_response' };
    expect(desk.told('sla.fulfilled')).toEqual([{ ...name, at: on(when), fulfilledAt: wholeSecond(on(when)), ...told }]);
    expect(outcomeOf(desk.clock('first_response#1'))).toBe(told.outcome);
  });

  test('the timer that came first makes no difference to a reply at the deadline: it wakes a moment later', () => {
    const desk = SlaDesk.opened('mon 09:00', plan);
    desk.wake('mon 11:00');
    desk.reply('mon 11:00');
    expect(outcomeOf(desk.clock('first_response#1'))).toBe('met');
  });

  test('the breach is at the deadline, however late it is noticed', () => {
    const desk = SlaDesk.opened('mon 09:00', plan);
    desk.asleep = true;
    desk.wake('mon 14:00');
    const name = { ...named, clock: 'first_response#1', kind: 'first_response' };
    expect(desk.told('sla.breached')).toEqual([
      { ...name, at: on('mon 14:00'), breachedAt: on('mon 11:00'), cause: 'deadline', lateMs: 3 * hour * 1000 },
    ]);
  });

  test('a timely reply delivered after the breach was recorded fulfils, marked; the breach stays', () => {
    const desk = SlaDesk.opened('mon 09:00', plan);
    desk.reply('mon 11:30', undefined, { receivedAt: on('mon 10:50') });
    expect(desk.clock('first_response#1')).toMatchObject({
      phase: 'fulfilled',
      fulfilledAt: on('mon 10:50'),
      breach: { at: on('mon 11:00') },
      consumedS: 6600,
    });
    expect(desk.told('sla.fulfilled')).toMatchObject([
      { at: on('mon 11:00'), fulfilledAt: on('mon 10:50'), outcome: 'breached', ingestLate: true, overrunS: 0 },
    ]);
  });

  test('sent at the very deadline it was timely', () => {
    const desk = SlaDesk.opened('mon 09:00', plan);
    desk.reply('mon 11:30', undefined, { receivedAt: on('mon 11:00') });
    expect(desk.told('sla.fulfilled')).toMatchObject([{ fulfilledAt: on('mon 11:00'), outcome: 'breached', ingestLate: true }]);
  });

  test('one that was late in its channel too is not marked', () => {
    const desk = SlaDesk.opened('mon 09:00', plan);
    desk.reply('mon 11:30', undefined, { receivedAt: on('mon 11:20') });
    expect(desk.told('sla.fulfilled')).toMatchObject([{ fulfilledAt: on('mon 11:20'), outcome: 'breached', overrunS: 1200 }]);
    expect(desk.told('sla.fulfilled')[0]).not.toHaveProperty('ingestLate');
  });

  test('a late one that nothing has been worked in after is simply counted at its own instant', () => {
    const desk = SlaDesk.opened('mon 09:00', plan);
    desk.asleep = true;
    desk.reply('mon 11:30', undefined, { receivedAt: on('mon 10:50') });
    expect(desk.told('sla.breached')).toEqual([]);
    expect(desk.told('sla.fulfilled')).toMatchObject([{ at: on('mon 10:50'), fulfilledAt: on('mon 10:50'), outcome: 'met', spareS: 600 }]);
  });

  test('a reply written before the message it answers is accepted after it, and ends its clock where that began', () => {
    const desk = SlaDesk.opened('mon 09:00', plan);
    desk.reply('mon 09:30');
    desk.replan('mon 09:30', aPlan({ targets: { next_response: always(hour) } }));
    desk.customer('mon 10:00');
    desk.reply('mon 10:10', undefined, { receivedAt: on('mon 09:50') });
    expect(desk.clock('next_response#1')).toMatchObject({ originAt: on('mon 10:00'), fulfilledAt: on('mon 10:00'), consumedS: 0 });
  });
});

describe('R6: a breach stays', () => {
  test('fulfilment keeps both facts, and what it took over the budget in force at the breach', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { resolution: always(2 * hour) } }));
    desk.send('mon 12:00', 'overrideTarget', { clock: 'resolution#1', budgetS: 8 * hour });
    desk.send('mon 13:00', 'resolve', {});
    expect(desk.clock('resolution#1')).toMatchObject({
      phase: 'fulfilled',
      budgetS: 8 * hour,
      breach: { at: on('mon 11:00'), budgetS: 2 * hour },
    });
    expect(desk.told('sla.fulfilled')).toMatchObject([{ outcome: 'breached', overrunS: 2 * hour, businessS: 4 * hour }]);
  });

  test('from then on it was due when it was breached, paused or not', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { resolution: always(2 * hour) } }));
    desk.status('mon 12:00', 'waiting_on_customer');
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'paused', dueAt: on('mon 11:00') });
    desk.status('mon 13:00', 'in_progress');
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'running', dueAt: on('mon 11:00') });
  });

  test('two clocks that breach in one wake breach in the order of their deadlines, each once', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { resolution: always(3 * hour), first_response: always(hour) } }));
    desk.asleep = true;
    desk.wake('tue 09:00');
    desk.wake('tue 10:00');
    expect(desk.told('sla.breached').map(({ clock, breachedAt }) => [clock, breachedAt])).toEqual([
      ['first_response#1', on('mon 10:00')],
      ['resolution#1', on('mon 12:00')],
    ]);
  });

  test('waiving marks a breach, once, and nothing else can be waived', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { resolution: always(2 * hour) } }));
    const unknown = { ok: false, code: 'sla.unknown_clock', members: { clock: 'resolution#1' } };
    expect(desk.ask('mon 10:00', 'waive', { clock: 'resolution#1' })).toEqual(unknown);
    expect(desk.ask('mon 10:00', 'waive', { clock: 'resolution#2' })).toMatchObject({ code: 'sla.unknown_clock' });
    desk.send('mon 12:00', 'waive', { clock: 'resolution#1' });
    expect(desk.clock('resolution#1')).toMatchObject({ waived: true, breach: { at: on('mon 11:00') }, phase: 'running' });
    expect(desk.types(-2)).toEqual(['ticket.updated', 'sla.waived']);
    expect(desk.told('sla.waived')).toEqual([{ ...named, at: on('mon 12:00') }]);
    expect(desk.send('mon 13:00', 'waive', { clock: 'resolution#1' }).events).toEqual([]);
  });

  test('a breach is waived after the end too', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { resolution: always(2 * hour) } }));
    desk.send('mon 12:00', 'close', { cause: 'spam' });
    desk.send('mon 13:00', 'waive', { clock: 'resolution#1' });
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'cancelled', waived: true });
  });
});

describe('R36: two sums of seconds', () => {
  test('business seconds, open and running; calendar seconds, by the wall and running', () => {
    const desk = SlaDesk.opened('mon 16:00');
    desk.status('mon 18:00', 'waiting_on_customer');
    desk.status('tue 08:00', 'in_progress');
    desk.status('tue 08:30', 'waiting_on_customer');
    desk.status('tue 09:30', 'in_progress');
    desk.send('tue 10:00', 'resolve', {});
    expect(desk.told('sla.fulfilled')).toMatchObject([{ businessS: 1.5 * hour, calendarS: 3 * hour, spareS: 6.5 * hour }]);
    expect(desk.clock('resolution#1')).toMatchObject({ consumedS: 1.5 * hour, wallS: 3 * hour });
  });
});

describe('what became of a clock', () => {
  test.each([
    ['running', aClock(), true, null],
    ['paused', aClock({ phase: 'paused' }), true, null],
    ['fulfilled', aClock({ phase: 'fulfilled' }), false, 'met'],
    ['fulfilled after its breach', aClock({ phase: 'fulfilled', breach }), false, 'breached'],
    ['cancelled', aClock({ phase: 'cancelled' }), false, null],
    ['cancelled after its breach', aClock({ phase: 'cancelled', breach }), false, 'breached'],
    ['running after its breach', aClock({ breach }), true, 'breached'],
  ])('%s', (_, clock, open, outcome) => {
    expect([isOpenClock(clock), outcomeOf(clock)]).toEqual([open, outcome]);
  });
});

describe('what a ticket shows of its clocks: the worst of those open, and the nearest deadline', () => {
  const second = aClock({ clock: 'agent_work#1', kind: 'agent_work', dueAt: on('mon 12:00') });
  const over = aClock({ phase: 'fulfilled', breach });

  test.each([
    ['none', [], { state: 'none', breached: false, dueAt: null }],
    ['one', [aClock()], { state: 'ok', breached: false, dueAt: on('mon 17:00') }],
    ['the nearer of two', [aClock(), second], { state: 'ok', breached: false, dueAt: on('mon 12:00') }],
    ['one of two warned', [aClock(), { ...second, fired: ['half'] }], { state: 'warned', breached: false, dueAt: on('mon 12:00') }],
    [
      'a breach outweighs a warning',
      [aClock({ breach }), { ...second, fired: ['half'] }],
      { state: 'breached', breached: true, dueAt: on('mon 12:00') },
    ],
    ['all paused', [aClock({ phase: 'paused', dueAt: null })], { state: 'paused', breached: false, dueAt: null }],
    ['one of two paused', [aClock({ phase: 'paused', dueAt: null }), second], { state: 'ok', breached: false, dueAt: on('mon 12:00') }],
    ['breached once, and over', [over], { state: 'none', breached: true, dueAt: null }],
    ['beyond the hours that are known', [aClock({ dueAt: null })], { state: 'ok', breached: false, dueAt: null }],
  ] as const)('%s', (_, clocks, expected) => {
    expect(summaryOf(clocks, { ...noSla, set: 3 })).toEqual({ set: 3, ...expected });
  });

  test('a breach once said stays', () => {
    expect(summaryOf([aClock()], { ...noSla, breached: true })).toMatchObject({ state: 'ok', breached: true });
  });
});

describe('a ticket from before its desk kept clocks', () => {
  test('is known by its own fields', () => {
    expect(ledgerOf(aTicket({ status: 'on_hold', priority: 'high' }))).toEqual({
      ...emptyLedger,
      status: 'on_hold',
      priority: 'high',
      cycleAt: noon,
      customerAt: noon,
      unansweredAt: noon,
      lastAt: noon,
    });
    const answered = ledgerOf(aTicket({ firstResponseAt: noon + 1, updatedAt: noon + 2 }));
    expect(answered).toMatchObject({ unansweredAt: null, deskAt: noon + 1, lastAt: noon + 2 });
  });

  test('gets its clocks when a revision reaches it, from then on', () => {
    const desk = new SlaDesk(aPlan({ targets: { resolution: always(8 * hour), first_response: always(2 * hour) } }));
    desk.ticket = aTicket({ createdAt: on('mon 09:00'), updatedAt: on('mon 09:00') });
    desk.ledger = ledgerOf(desk.ticket);
    desk.send('mon 12:00', 'replan', { set: 4 }, { role: 'admin' });
    expect(desk.told('ticket.updated')).toEqual([{ changed: ['policySet'], policySet: 4 }]);
    expect(desk.send('mon 12:00', 'replan', { set: 4 }).events).toEqual([]);
    desk.planFirst('mon 12:00');
    expect([...desk.clocks.values()].map(({ clock, originAt }) => [clock, originAt])).toEqual([
      ['first_response#1', on('mon 12:00')],
      ['resolution#1', on('mon 12:00')],
    ]);
    expect(desk.opened.sla).toEqual({ set: 4, state: 'ok', breached: false, dueAt: on('mon 14:00') });
  });
});
