/** What happens before plan or open hours are there waits, and comes out as if they had been there: sla.md, section 1, R3 and R20. */
import { describe, expect, test } from 'vitest';
import type { SlaFact } from '../../../domain/sla/facts.js';
import { carried, emptyLedger, neededMs, openSeconds, refreshAt, windowsAround, windowsWanted } from '../../../domain/sla/ledger.js';
import type { Ledger } from '../../../domain/sla/ledger.js';
import { day, hour as hourMs, minute, year } from '../../../domain/time.js';
import { aClock, always, aPlan, on, someWindows } from '../../support/builders.js';
import { aRung } from '../../support/policies.js';
import { SlaDesk } from '../../support/sla-desk.js';

const hour = 3600;
const breached = { at: on('mon 12:00'), cause: 'deadline', lateMs: 1, budgetS: 3 * hour, consumedS: 3 * hour } as const;
const plan = aPlan({
  targets: { first_response: always(hour), next_response: always(2 * hour), resolution: { medium: 6 * hour, high: 4 * hour } },
  rungs: [aRung({ id: 'r50', when: { percent: 50 } }), aRung({ id: 'late', when: { after: hour } })],
});

/** What a ticket's story leaves behind, without when it was noticed. */
const outline = (desk: SlaDesk) => ({
  clocks: [...desk.clocks.values()].map((clock) => ({
    ...clock,
    breach: clock.breach === null ? null : { ...clock.breach, lateMs: 0 },
  })),
  segments: desk.segments.toSorted((one, other) => one.clock.localeCompare(other.clock) || one.n - other.n),
  fired: desk.fired,
  status: desk.ledger.status,
  waits: [desk.ledger.unansweredAt, desk.ledger.deskAt, desk.ledger.customerAt, desk.ledger.cycleAt],
});

const story = (desk: SlaDesk, planAt: string | null): SlaDesk => {
  desk.open('mon 09:00', {}, { receivedAt: on('mon 08:30') });
  const steps: [string, (when: string) => unknown][] = [
    ['mon 09:00', (when) => desk.planFirst(when)],
    ['mon 10:30', (when) => desk.status(when, 'waiting_on_customer')],
    ['mon 11:00', (when) => desk.customer(when)],
    ['mon 11:30', (when) => desk.send(when, 'priority', { priority: 'high' })],
    ['mon 12:00', (when) => desk.reply(when)],
    ['mon 13:00', (when) => desk.send(when, 'resolve', {})],
    ['mon 15:00', (when) => desk.customer(when)],
    ['tue 09:30', (when) => desk.planFirst(when)],
  ];
  for (const [index, [when, step]] of steps.entries()) {
    const plans = index === 0 || index === steps.length - 1;
    if (!plans || when === planAt) step(when);
  }
  desk.pass('tue 12:00');
  return desk;
};

describe('before the first plan', () => {
  test('what happens waits; then it is worked in, in order, each at its own instant', () => {
    const early = story(new SlaDesk(plan), 'mon 09:00');
    const late = story(new SlaDesk(plan), 'tue 09:30');
    expect(early.told('sla.breached')).toMatchObject([
      { clock: 'first_response#1', breachedAt: on('mon 10:00'), cause: 'deadline' },
      { clock: 'resolution#1', breachedAt: on('mon 15:30'), cause: 'deadline' },
      { clock: 'next_response#1', breachedAt: on('mon 17:00'), cause: 'deadline' },
    ]);
    expect(outline(late)).toEqual(outline(early));
  });

  test('meanwhile nothing is due, nothing is told of clocks, and the ticket moves on', () => {
    const desk = new SlaDesk(plan);
    desk.open('mon 09:00');
    desk.status('mon 10:30', 'on_hold');
    expect(desk.nextDue()).toBeNull();
    expect(desk.wake('tue 09:00')).toMatchObject({ events: [], sla: null });
    expect(desk.opened).toMatchObject({ status: 'on_hold', sla: { state: 'none' } });
    expect(desk.ledger.backlog.map(({ kind }) => kind)).toEqual(['opened', 'status']);
    expect(windowsWanted(desk.ledger, on('tue 09:00'))).toBeNull();
  });

  test('no policy at all lets it go', () => {
    const desk = new SlaDesk(null);
    desk.open('mon 09:00');
    desk.planFirst('mon 10:00');
    expect(desk.ledger).toMatchObject({ planned: true, plan: null, backlog: [], unansweredAt: on('mon 09:00') });
  });

  test('a late message counts from no earlier than what waits already', () => {
    const desk = new SlaDesk(aPlan({ targets: { next_response: always(2 * hour) } }));
    desk.open('mon 09:00');
    desk.reply('mon 11:00');
    desk.customer('mon 11:30', { receivedAt: on('mon 10:30') });
    expect(desk.ledger.backlog.map(({ at }) => at)).toEqual([on('mon 09:00'), on('mon 11:00'), on('mon 11:00'), on('mon 11:00')]);
    desk.planFirst('mon 11:40');
    expect(desk.clock('next_response#2')).toMatchObject({ originAt: on('mon 10:30'), dueAt: on('mon 12:30') });
  });

  test('a deadline that passed before the desk learned of the message is told as such, one that passed while it was planned is not', () => {
    const targets = { first_response: always(hour), resolution: always(3 * hour) };
    const desk = new SlaDesk(aPlan({ targets }));
    desk.open('mon 11:00', {}, { receivedAt: on('mon 09:00') });
    desk.planFirst('mon 14:00');
    expect(desk.clock('first_response#1').breach).toMatchObject({ at: on('mon 10:00'), cause: 'late_ingest' });
    expect(desk.clock('resolution#1').breach).toMatchObject({ at: on('mon 12:00'), cause: 'deadline' });
  });

  test('a pause and its end, both waiting, are two commands still', () => {
    const desk = new SlaDesk(plan);
    desk.open('mon 09:00');
    desk.send('mon 09:10', 'pauseClocks', {});
    expect(desk.send('mon 09:15', 'pauseClocks', {}).events).toEqual([]);
    desk.send('mon 09:20', 'resumeClocks', {});
    expect(desk.send('mon 09:25', 'resumeClocks', {}).events).toEqual([]);
    desk.planFirst('mon 09:30');
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'running', consumedS: 600 });
    expect(desk.told('sla.paused', 'resolution#1')).toMatchObject([{ at: on('mon 09:10'), cause: 'manual' }]);
  });

  test('the window of an escalation runs out once it is planned', () => {
    const desk = new SlaDesk(plan);
    desk.open('mon 09:00');
    desk.send('mon 09:00', 'escalate', { ackWithinS: 60 });
    expect(desk.nextDue()).toBeNull();
    desk.planFirst('mon 09:30');
    expect(desk.told('sla.escalated')).toMatchObject([{ outcome: 'exhausted' }]);
  });
});

describe('beyond the open hours that are known', () => {
  const near = someWindows({ until: on('wed 00:00') });
  const opened = (): SlaDesk => {
    const desk = new SlaDesk(aPlan({ targets: { resolution: always(8 * hour), next_response: always(hour) } }), near);
    desk.open('mon 09:00');
    desk.planFirst('mon 09:00');
    desk.status('mon 10:00', 'waiting_on_customer');
    return desk;
  };

  test('what happens waits for them', () => {
    const desk = opened();
    expect(windowsWanted(desk.ledger, on('mon 10:00'))).toMatchObject({ from: on('mon 09:00') });
    desk.customer('thu 10:00');
    expect(desk.opened.status).toBe('in_progress');
    expect(desk.clock('resolution#1').phase).toBe('paused');
    desk.tell('thu 11:00', { kind: 'windows', at: on('thu 11:00'), windows: someWindows() });
    expect(desk.ledger.backlog).toEqual([]);
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'running', consumedS: hour, since: on('thu 10:00'), dueAt: on('thu 17:00') });
  });

  test('so does a pause that begins there, and what a lead says of a clock', () => {
    const desk = opened();
    desk.customer('tue 09:00');
    desk.asleep = true;
    desk.send('thu 10:00', 'overrideTarget', { clock: 'resolution#1', budgetS: 40 * hour });
    expect(desk.send('thu 10:05', 'overrideTarget', { clock: 'resolution#1', budgetS: 40 * hour }).events).toEqual([]);
    desk.send('thu 10:10', 'overrideTarget', { clock: 'resolution#1', budgetS: 8 * hour });
    desk.send('thu 10:20', 'waive', { clock: 'next_response#1' });
    expect(desk.send('thu 10:25', 'waive', { clock: 'next_response#1' }).events).toEqual([]);
    desk.status('thu 11:00', 'on_hold');
    desk.tell('thu 12:00', { kind: 'windows', at: on('thu 12:00'), windows: someWindows() });
    expect(desk.told('sla.retargeted').map(({ to, at }) => [to, at])).toEqual([
      [40 * hour, on('thu 10:00')],
      [8 * hour, on('thu 10:10')],
    ]);
    expect(desk.clock('next_response#1')).toMatchObject({ waived: true });
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'running', breach: { at: on('tue 16:00') } });
  });

  test('a target for a clock that ended meanwhile is for nothing', () => {
    const desk = opened();
    desk.customer('thu 10:00');
    desk.send('thu 10:10', 'resolve', {});
    desk.send('thu 10:20', 'overrideTarget', { clock: 'resolution#1', budgetS: 60 });
    desk.tell('thu 11:00', { kind: 'windows', at: on('thu 11:00'), windows: someWindows() });
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'fulfilled', budgetS: 8 * hour });
    expect(desk.told('sla.retargeted')).toEqual([]);
  });

  test('so is a waiver for one that another took the place of', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { next_response: always(hour) } }));
    desk.reply('mon 12:00');
    const gone: SlaFact = { kind: 'waive', at: on('mon 13:00'), clock: 'next_response#1' };
    desk.customer('mon 12:30');
    expect(desk.tell('mon 13:00', gone)).toMatchObject({ events: [], sla: null });
  });

  test('and another plan: the old hours measure what was consumed until then', () => {
    const desk = opened();
    desk.customer('tue 09:00');
    desk.asleep = true;
    desk.reply('wed 10:00');
    const late = someWindows({ calendar: 'late', opens: 13, closes: 21 });
    const moved = aPlan({ targets: { resolution: always(40 * hour) }, calendar: { id: 'late', revision: 1 } });
    desk.replan('wed 11:00', moved, late, 'team');
    expect(desk.ledger.backlog.map(({ kind }) => kind)).toEqual(['desk_message', 'planned']);
    expect(windowsWanted(desk.ledger, on('wed 11:00'))).toMatchObject({ from: on('mon 09:00') });
    desk.tell('wed 12:00', { kind: 'windows', at: on('wed 12:00'), windows: someWindows() });
    // 1 h of Monday, 8 h of Tuesday, 2 h of Wednesday; the deadline of 8 h passed before the change.
    expect(desk.clock('resolution#1')).toMatchObject({
      consumedS: 11 * hour,
      calendar: { id: 'late', revision: 1 },
      breach: { at: on('tue 16:00'), cause: 'deadline' },
    });
    expect(desk.clock('next_response#1')).toMatchObject({ phase: 'fulfilled', fulfilledAt: on('wed 10:00') });
    expect(desk.ledger.backlog).toEqual([]);
  });

  test('another plan needs no more of the old hours than up to it', () => {
    const desk = new SlaDesk(aPlan({ targets: { resolution: always(8 * hour) } }), near);
    desk.open('mon 09:00');
    desk.planFirst('mon 09:00');
    desk.replan('tue 13:00', aPlan({ policy: 'other', targets: { resolution: always(40 * hour) } }), someWindows());
    expect(desk.ledger.backlog).toEqual([]);
    expect(desk.clock('resolution#1')).toMatchObject({ policy: 'other', breach: { at: on('mon 17:00') } });
    desk.replan('tue 14:00', aPlan({ policy: 'third' }), near);
    desk.replan('tue 15:00', aPlan({ policy: 'fourth' }), near);
    expect(desk.clock('resolution#1').policy).toBe('fourth');
  });

  test('that they were fetched is nothing that happened to the ticket', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ targets: { next_response: always(4 * hour) } }));
    desk.tell('mon 12:00', { kind: 'windows', at: on('mon 12:00'), windows: someWindows() });
    desk.reply('mon 12:30', undefined, { receivedAt: on('mon 11:00') });
    expect(desk.told('sla.fulfilled')).toMatchObject([{ at: on('mon 11:00'), fulfilledAt: on('mon 11:00'), spareS: 2 * hour }]);
  });

  test('a message from before them waits too', () => {
    const desk = new SlaDesk(aPlan({ targets: { first_response: always(hour) } }), someWindows({ from: on('mon 12:00') }));
    desk.open('mon 12:00', {}, { receivedAt: on('mon 09:00') });
    desk.planFirst('mon 12:00');
    expect(desk.names()).toEqual([]);
    expect(windowsWanted(desk.ledger, on('mon 12:00'))).toMatchObject({ from: on('mon 09:00'), needFrom: on('mon 12:00') });
    desk.refresh('mon 12:01', someWindows());
    expect(desk.clock('first_response#1').breach).toMatchObject({ at: on('mon 10:00'), cause: 'late_ingest' });
  });

  test('a plan told late counts from no earlier than what is worked in', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan());
    desk.status('mon 12:00', 'waiting_on_customer');
    const fact: SlaFact = {
      kind: 'planned',
      at: on('mon 11:00'),
      plan: aPlan({ policy: 'other', targets: { resolution: always(4 * hour) } }),
      windows: someWindows(),
      rematchOn: [],
      teamCalendar: false,
      reason: 'policy',
    };
    desk.tell('mon 12:30', fact);
    expect(desk.told('sla.retargeted')).toMatchObject([{ at: on('mon 12:00') }]);
    expect(desk.clock('resolution#1')).toMatchObject({ phase: 'paused', consumedS: 3 * hour });
  });
});

test('a plan without its open hours is a bug, and says so', () => {
  const desk = SlaDesk.opened('mon 09:00', aPlan());
  const fact = { kind: 'planned', at: on('mon 10:00'), plan: aPlan({ policy: 'other' }), windows: null } as const;
  expect(() => desk.tell('mon 10:00', { ...fact, rematchOn: [], teamCalendar: false, reason: 'policy' })).toThrow('without open hours');
});

const near = someWindows({ until: on('mon+2 00:00') });
const ledger = (changes: Partial<Ledger> = {}): Ledger => ({
  ...emptyLedger,
  plan: aPlan(),
  windows: near,
  clocks: [aClock()],
  ...changes,
});
const begin = (changes: Partial<Ledger>): number => windowsAround(ledger(changes), aPlan(), on('wed 12:00')).from;

describe('which open hours are wanted', () => {
  test('from what is counted, ahead 35 days and as far as anything of the plan may need', () => {
    const rungs = [
      aRung({ id: 'late', when: { after: 2 * hour } }),
      aRung({ id: 'level', when: 'at_breach', actions: [{ open_escalation: { to: { kind: 'lead' }, ackWithin: 900 } }] }),
    ];
    const now = on('wed 12:00');
    expect(neededMs({ targets: { resolution: { low: hour, high: 9 * hour } }, rungs })).toBe(11 * hourMs + 15 * minute);
    expect(neededMs({ targets: {}, rungs: [] })).toBe(0);
    expect(neededMs(aPlan(), [aClock({ budgetS: 80 * hour }), aClock({ budgetS: 90 * hour, phase: 'fulfilled' })])).toBe(80 * hourMs);
    expect(windowsAround(ledger(), aPlan(), now)).toEqual({
      from: on('mon 09:00'),
      until: now + 35 * day,
      needMs: 8 * hourMs,
      needFrom: now,
    });
    expect(windowsAround(ledger({ clocks: [aClock({ phase: 'paused' })] }), aPlan(), now)).toMatchObject({ from: now });
    const waiting: SlaFact = { kind: 'customer_message', at: on('tue 10:00'), receivedAt: on('tue 09:00') };
    const cause: SlaFact = { kind: 'cause', at: on('tue 09:30'), cause: 'manual', on: true };
    expect(windowsAround(ledger({ clocks: [], backlog: [cause, waiting] }), aPlan(), now)).toMatchObject({ from: on('tue 09:00') });
  });

  test('back to a breach while a rung after it counts through pauses', () => {
    const paused = aClock({ phase: 'paused', since: on('tue 09:00'), breach: breached });
    const rungs = [aRung({ when: { after: hour }, whilePaused: true })];
    expect(begin({ clocks: [paused], plan: aPlan({ rungs }) })).toBe(on('mon 12:00'));
    expect(begin({ clocks: [{ ...paused, breach: null }], plan: aPlan({ rungs }) })).toBe(on('wed 12:00'));
    expect(begin({ clocks: [paused] })).toBe(on('wed 12:00'));
    expect(begin({ clocks: [paused], plan: null })).toBe(on('wed 12:00'));
  });

  test('they are asked for again when less than seven days are left while a clock runs, never while none does', () => {
    const end = near.until;
    expect(refreshAt(ledger())).toBe(end - 7 * day);
    expect(windowsWanted(ledger(), end - 7 * day - 1)).toBeNull();
    expect(windowsWanted(ledger(), end - 7 * day)).not.toBeNull();
    for (const none of [{ clocks: [aClock({ phase: 'paused' })] }, { clocks: [] }, { plan: null }]) {
      expect(refreshAt(ledger(none))).toBeNull();
      expect(windowsWanted(ledger(none), end)).toBeNull();
    }
    expect(refreshAt(ledger({ windows: null }))).toBeNull();
    expect(windowsWanted(ledger({ windows: null }), on('mon 10:00'))).not.toBeNull();
  });

  test('a reopening may bring a breach back from before them', () => {
    const through = aPlan({
      targets: { resolution: always(hour) },
      rungs: [aRung({ id: 'late', when: { after: 40 * hour }, whilePaused: true })],
    });
    const desk = SlaDesk.opened('mon 09:00', through);
    desk.send('mon 12:00', 'resolve', {});
    desk.replan('wed 09:00', { ...through, policy: 'other' }, someWindows({ from: on('wed 09:00') }));
    expect(windowsWanted(desk.ledger, on('wed 09:00'))).toBeNull();
    desk.send('thu 09:00', 'reopen', {});
    expect(windowsWanted(desk.ledger, on('thu 09:00'))).toMatchObject({ from: on('mon 10:00') });
    desk.refresh('thu 09:00', someWindows());
    expect(windowsWanted(desk.ledger, on('thu 09:00'))).toBeNull();
    expect(desk.nextDue()).toBe(on('mon+1 10:00'));
  });

  test('a target that a lead set beyond them asks for more', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan());
    desk.send('mon 10:00', 'overrideTarget', { clock: 'resolution#1', budgetS: 600 * hour });
    expect(desk.clock('resolution#1').dueAt).toBeNull();
    expect(windowsWanted(desk.ledger, on('mon 10:00'))).toMatchObject({ needMs: 600 * hourMs });
    desk.refresh('mon 10:00', someWindows({ until: on('mon+20 00:00') }));
    expect(desk.clock('resolution#1').dueAt).toBe(on('fri+14 17:00'));
    expect(windowsWanted(desk.ledger, on('mon 10:00'))).toBeNull();
    expect(desk.told('sla.recalendared')).toEqual([]);
  });

  test('beyond the horizon nothing more is asked for', () => {
    const far = { ...near, until: near.from + 5 * year };
    expect(windowsWanted(ledger({ windows: far, clocks: [aClock({ dueAt: null })] }), on('mon 10:00'))).toBeNull();
    const waiting: SlaFact = { kind: 'customer_message', at: on('mon 10:00'), receivedAt: on('mon 10:00') };
    expect(windowsWanted(ledger({ windows: far, backlog: [waiting] }), on('mon 10:00'))).toBeNull();
  });

  test('what they do not reach counts for nothing', () => {
    expect(openSeconds(near, on('mon 09:00'), on('mon 10:00'))).toBe(hour);
    expect(openSeconds(near, near.from - 1, on('mon 10:00'))).toBe(0);
  });
});

describe('continuing as new', () => {
  test('leaves behind the hours that count for nothing any more', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan());
    expect(carried(desk.ledger, on('mon 12:00')).windows?.from).toBe(on('mon 12:00') - day);
    expect(carried(desk.ledger, on('fri 12:00')).windows?.from).toBe(on('mon 09:00'));
    desk.send('fri 12:00', 'resolve', {});
    expect(carried(desk.ledger, on('fri+1 12:00')).windows?.from).toBe(on('thu+1 12:00'));
    const { windows, ...rest } = carried(desk.ledger, on('fri+1 12:00'));
    expect(rest).toEqual({ ...desk.ledger, windows: undefined });
    expect(windows?.until).toBe(desk.ledger.windows?.until);
    expect(carried(emptyLedger, on('mon 09:00'))).toBe(emptyLedger);
  });

  test('but not what a reopening may count', () => {
    const desk = SlaDesk.opened('mon 09:00', aPlan({ reopen: 'count_closed_time' }));
    desk.send('mon 12:00', 'resolve', {});
    expect(carried(desk.ledger, on('fri+1 12:00')).windows?.from).toBe(on('mon 12:00'));
  });
});
