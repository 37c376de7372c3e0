/** Scenarios of case files: what their verbs mean is typed out from sla.md, section 10. The files themselves hold the cases of its tables. */
import { describe, expect, test } from 'vitest';
import { play, viewOf } from '../../../domain/sla/play.js';
import { presets } from '../../../domain/sla/policy.js';
import type { PlainVerb, Scenario, ScenarioEvent } from '../../../domain/sla/scenario.js';
import type { Windows } from '../../../domain/sla/windows.js';
import { aClock, on, someWindows } from '../../support/builders.js';
import { aRung } from '../../support/policies.js';

const hour = 3600;
type EventTimes<Event> = Event extends unknown ? Omit<Event, 'at'> : never;
const event = (when: string, what: EventTimes<ScenarioEvent>): ScenarioEvent => ({ at: on(when), ...what });
const plain = (when: string, verb: PlainVerb): ScenarioEvent => ({ at: on(when), verb });
const opened = (by: 'customer' | 'agent' = 'customer', status: 'new' | 'resolved' = 'new'): ScenarioEvent =>
  event('mon 09:00', { verb: 'open', by, status, receivedAt: on('mon 09:00') });

const aScenario = (events: readonly ScenarioEvent[], changes: Partial<Scenario> = {}): Scenario => ({
  id: 'case',
  calendar: 'k1',
  pause: presets.default,
  pauseOnApproval: ['resolution'],
  reopen: 'resume',
  counts: { bot: false, call: true, firstInNext: false },
  targets: { first_response: 2 * hour, resolution: 8 * hour },
  rungs: [],
  events: [opened(), ...events],
  ...changes,
});

const hours: Record<string, Windows> = { k1: someWindows(), late: someWindows({ calendar: 'late', opens: 13, closes: 21 }) };
const expand = (calendar: string): Windows => {
  const windows = hours[calendar];
  if (windows === undefined) throw new Error(`no calendar ${calendar}`);
  return windows;
};
const played = (events: readonly ScenarioEvent[], changes: Partial<Scenario> = {}, until = 'fri 17:00') =>
  play(aScenario(events, changes), expand, on(until));
const standing = (trace: ReturnType<typeof play>, when: string): string[] =>
  trace.clocksAt(on(when)).map(({ clock, phase, outcome }) => `${clock} ${phase} ${outcome ?? '–'}`);

const level = (id: string, when: { after: number } | 'at_breach', of: number) =>
  aRung({ id, when, level: of, actions: [{ open_escalation: { to: { kind: 'lead' }, ackWithin: 1800 } }] });

describe('verbs', () => {
  test('open by an agent, in any status', () => {
    const byAgent = aScenario([], { events: [opened('agent')] });
    expect(standing(play(byAgent, expand, on('mon 10:00')), 'mon 10:00')).toEqual(['resolution#1 running –']);
    const imported = aScenario([], { events: [opened('customer', 'resolved')] });
    expect(play(imported, expand, on('mon 10:00')).clocksAt(on('mon 10:00'))).toEqual([]);
  });

  test('messages, notes and calls', () => {
    for (const verb of ['bot', 'auto_ack', 'note', 'snooze', 'unsnooze'] as const) {
      const trace = played([verb === 'snooze' ? event('mon 10:00', { verb, until: null }) : plain('mon 10:00', verb)]);
      expect([verb, ...standing(trace, 'mon 10:00')]).toEqual([verb, 'resolution#1 running –', 'first_response#1 running –']);
    }
    for (const verb of ['reply', 'call'] as const) {
      expect(standing(played([plain('mon 10:00', verb)]), 'mon 10:00')).toEqual([
        'resolution#1 running –',
        'first_response#1 fulfilled met',
      ]);
    }
    expect(standing(played([plain('mon 10:00', 'reply_resolve')]), 'mon 10:00')).toEqual([
      'resolution#1 fulfilled met',
      'first_response#1 fulfilled met',
    ]);
  });

  test('statuses, resolve, reopen, close and merge', () => {
    const trace = played([
      event('mon 10:00', { verb: 'status', status: 'waiting_on_customer' }),
      plain('mon 11:00', 'customer'),
      plain('mon 12:00', 'resolve'),
      plain('mon 13:00', 'reopen'),
    ]);
    expect(standing(trace, 'mon 10:30')[0]).toBe('resolution#1 paused –');
    expect(standing(trace, 'mon 11:00')[0]).toBe('resolution#1 running –');
    expect(standing(trace, 'mon 12:00')[0]).toBe('resolution#1 fulfilled met');
    expect(standing(trace, 'mon 13:00')[0]).toBe('resolution#1 running –');
    expect(standing(played([plain('mon 10:00', 'close')]), 'mon 10:00')[0]).toBe('resolution#1 cancelled –');
    expect(standing(played([plain('mon 10:00', 'merge')]), 'mon 10:00')[0]).toBe('resolution#1 cancelled –');
    const closed = played([plain('mon 10:00', 'resolve'), plain('mon 11:00', 'close')]);
    expect(standing(closed, 'mon 11:00')[0]).toBe('resolution#1 fulfilled met');
  });

  test('another target, another calendar, no policy and one again', () => {
    const trace = played([
      event('mon 10:00', { verb: 'target', targets: { resolution: 4 * hour } }),
      event('mon 12:00', { verb: 'calendar', calendar: 'late' }),
      plain('mon 13:30', 'no_policy'),
      event('mon 14:00', { verb: 'target', targets: { resolution: 6 * hour } }),
      plain('mon 15:00', 'policy_again'),
    ]);
    expect(trace.clocksAt(on('mon 10:00'))[0]).toMatchObject({ dueAt: on('mon 13:00') });
    expect(trace.clocksAt(on('mon 12:00'))[0]).toMatchObject({ consumedS: 3 * hour, dueAt: on('mon 14:00') });
    expect(trace.clocksAt(on('mon 13:30'))[0]).toMatchObject({ reason: 'no_policy', consumedS: 3.5 * hour });
    expect(trace.clocksAt(on('mon 15:00')).at(-1)).toMatchObject({ clock: 'resolution#2', consumedS: 3.5 * hour, dueAt: on('mon 17:30') });
  });

  test('causes', () => {
    const trace = played([
      event('mon 10:00', { verb: 'cause+', cause: 'approval:1' }),
      event('mon 11:00', { verb: 'cause-', cause: 'approval:1' }),
    ]);
    expect(standing(trace, 'mon 10:30')).toEqual(['resolution#1 paused –', 'first_response#1 running –']);
    expect(trace.clocksAt(on('mon 11:00'))[0]).toMatchObject({ phase: 'running', dueAt: on('tue 10:00') });
  });

  test('acknowledging the escalation that waits, if one does', () => {
    const rungs = [level('l1', 'at_breach', 1), level('l2', { after: 4 * hour }, 2)];
    const nobody = played([plain('mon 10:00', 'acknowledge')], { rungs });
    expect([nobody.rung('resolution#1', 'l1'), nobody.rung('resolution#1', 'l2')]).toEqual([on('mon 17:00'), on('tue 09:30')]);
    const somebody = played([plain('tue 09:20', 'acknowledge')], { rungs });
    expect(somebody.rung('resolution#1', 'l2')).toBe(on('tue 13:00'));
    expect(somebody.rung('resolution#1', 'l3')).toBeNull();
  });

  test('a worker that is down works nothing in until it is up again', () => {
    const rungs = [aRung({ id: 'half' })];
    const events = [plain('mon 12:30', 'worker_down'), plain('mon 14:00', 'reply'), plain('mon 17:30', 'worker_up')];
    const trace = played(events, { rungs });
    expect(standing(trace, 'mon 14:00')).toEqual(['resolution#1 running –', 'first_response#1 running breached']);
    expect(trace.clocksAt(on('mon 17:30'))).toMatchObject([
      { clock: 'resolution#1', breachedAt: on('mon 17:00'), cause: 'deadline', lateMs: 1_800_000 },
      { clock: 'first_response#1', fulfilledAt: on('mon 14:00'), breachedAt: on('mon 11:00'), overrunS: 3 * hour },
    ]);
    expect(trace.rung('resolution#1', 'half')).toBe(on('mon 17:30'));
  });

  test('and may be down before the ticket opens', () => {
    const before = [plain('mon 07:00', 'worker_down'), plain('mon 07:30', 'worker_up'), plain('mon 08:00', 'worker_down')];
    const events = [...before, opened(), plain('mon 12:00', 'worker_up')];
    expect(play(aScenario([], { events }), expand, on('mon 13:00')).clocksAt(on('mon 12:00'))[1]).toMatchObject({
      clock: 'first_response#1',
      breachedAt: on('mon 11:00'),
    });
  });
});

describe('the trace', () => {
  test('before the ticket opens there is nothing to see', () => {
    expect(played([]).clocksAt(on('mon 08:00'))).toEqual([]);
  });

  test('at an instant: all that was due before it, and the events of the instant', () => {
    const trace = played([plain('mon 17:00', 'note')]);
    expect(trace.clocksAt(on('mon 11:00'))[1]).toMatchObject({ outcome: null, breaches: 0 });
    expect(trace.clocksAt(on('mon 11:00:01'))[1]).toMatchObject({ outcome: 'breached', breaches: 1, lateMs: 0 });
    expect(trace.clocksAt(on('mon 17:00'))[0]).toMatchObject({ outcome: null, consumedS: 8 * hour, remainingS: 0, spareS: 0 });
  });

  test('what comes after the end is not played', () => {
    const trace = played([plain('tue 10:00', 'resolve')], {}, 'mon 12:00');
    expect(standing(trace, 'wed 10:00')).toEqual(['resolution#1 running –', 'first_response#1 running breached']);
  });

  test('what the rules refuse is told by its place', () => {
    const trace = played([plain('mon 10:00', 'merge'), plain('mon 11:00', 'customer')]);
    expect(trace.refused).toEqual([{ event: 2, code: 'ticket.closed' }]);
  });
});

describe('a clock as a case sees it', () => {
  test('counts up to the instant', () => {
    expect(viewOf(aClock(), someWindows(), on('mon 10:30:00.900'))).toEqual({
      clock: 'resolution#1',
      kind: 'resolution',
      phase: 'running',
      dueAt: on('mon 17:00'),
      consumedS: 5400,
      remainingS: 23_400,
      spareS: 23_400,
      overrunS: null,
      outcome: null,
      breaches: 0,
      breachedAt: null,
      fulfilledAt: null,
      reason: null,
      cause: null,
      lateMs: null,
    });
  });

  test('as far as the hours are known, and not while it pauses', () => {
    expect(viewOf(aClock({ consumedS: 60 }), null, on('mon 10:30')).consumedS).toBe(60);
    expect(viewOf(aClock({ consumedS: 60 }), someWindows({ until: on('mon 10:00') }), on('mon 10:30')).consumedS).toBe(60);
    expect(viewOf(aClock({ consumedS: 60, phase: 'paused' }), someWindows(), on('mon 10:30')).consumedS).toBe(60);
  });

  test('lateness by the whole second, overrun never below zero', () => {
    const breach = { at: on('mon 17:00'), cause: 'deadline', lateMs: 1001, budgetS: 8 * hour, consumedS: 8 * hour } as const;
    expect(viewOf(aClock({ breach, phase: 'fulfilled', consumedS: hour }), someWindows(), on('tue 10:00'))).toMatchObject({
      lateMs: 1000,
      overrunS: 0,
      breaches: 1,
      outcome: 'breached',
    });
  });
});
