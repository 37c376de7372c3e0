import { describe, expect, test } from 'vitest';
import type { Breach, Clock } from '../../../domain/sla/clock.js';
import { act, follow } from '../../../domain/sla/desk.js';
import { emptyLedger } from '../../../domain/sla/ledger.js';
import { planOf } from '../../../domain/sla/policy.js';
import type { CalendarRef, ClockKind, Policy, SlaPlan, Targets } from '../../../domain/sla/policy.js';
import { effectOf, hoursFor, preview } from '../../../domain/sla/preview.js';
import type { Effect, HeldTicket, PlanInForce } from '../../../domain/sla/preview.js';
import type { TicketCommand } from '../../../domain/ticket/command.js';
import { anEnvelope, anOpen } from '../../support/builders.js';
import { aPolicy, aRung } from '../../support/policies.js';

/** Monday, 20 July 2026, 09:00 UTC. */
const monday = Date.UTC(2026, 6, 20, 9);
const hour = 3_600_000;
const day = 24 * hour;

/** Time counts always, or from 09:00 to 17:00 on each of the next 30 days. */
const calendars = {
  always: [[monday - 30 * day, monday + 60 * day] as const],
  days: Array.from({ length: 60 }, (_, n) => [monday + (n - 30) * day, monday + (n - 30) * day + 8 * hour] as const),
};

const inForce = (policy: Policy, set: number, id: keyof typeof calendars = 'always'): PlanInForce => {
  const calendar: CalendarRef = { id, revision: 1 };
  const windows = { calendar, from: monday - 30 * day, until: monday + 60 * day, windows: calendars[id], zoneData: '' };
  return { plan: planOf(policy, set, calendar), windows };
};
const nothing: PlanInForce = { plan: null, windows: null };

/** The same target for every priority. */
const within = (targets: Partial<Record<ClockKind, number>>): Targets =>
  Object.fromEntries(Object.entries(targets).map(([kind, s]) => [kind, { low: s, medium: s, high: s, urgent: s }]));

const eightHours = aPolicy();
const present = inForce(eightHours, 1);

const twoTargets = inForce(aPolicy({ targets: within({ resolution: 28_800, agent_work: 28_800 }) }), 1);

/** A ticket that a customer opened on Monday at 09:00, after some commands, as PostgreSQL has it. */
function held(plan: PlanInForce, ...later: [at: number, TicketCommand][]): HeldTicket {
  const opening: TicketCommand = { kind: 'open', ...anEnvelope({ role: 'customer' }), ...anOpen({ sla: { set: 1 } }) };
  const opened = act(null, { ...emptyLedger, planned: false }, opening, monday);
  if (!opened.ok) throw new Error(opened.code);
  const first = { kind: 'planned', at: monday, ...plan, rematchOn: [], teamCalendar: false, reason: 'policy' } as const;
  let state = follow(opened.ticket, opened.ledger, [first], monday);
  const clocks = new Map(state.ledger.clocks.map((clock) => [clock.clock, clock]));
  for (const [at, command] of later) {
    const next = act(state.ticket, state.ledger, command, at);
    if (!next.ok) throw new Error(next.code);
    state = next;
    for (const clock of next.sla?.clocks ?? []) clocks.set(clock.clock, clock);
  }
  const { cycleAt, customerAt, unansweredAt, deskAt } = state.ledger;
  return { ticket: state.ticket, clocks: [...clocks.values()], cycleAt, customerAt, unansweredAt, deskAt };
}

const wait: TicketCommand = { kind: 'awaitCustomer', ...anEnvelope({ commandId: 'wait' }) };
const resolve: TicketCommand = { kind: 'resolve', ...anEnvelope({ commandId: 'resolve' }) };
const pauseClocks: TicketCommand = { kind: 'pauseClocks', ...anEnvelope({ commandId: 'pause' }) };
const reply: TicketCommand = { kind: 'reply', ...anEnvelope({ commandId: 'reply', role: 'agent' }), content: anOpen().content };
const receive: TicketCommand = {
  kind: 'receive',
  ...anEnvelope({ commandId: 'receive', role: 'customer' }),
  content: anOpen().content,
  author: anOpen().requester,
};

describe('a draft on a ticket that is two hours old', () => {
  const now = monday + 2 * hour;
  const open = held(present);

  test.each<[string, HeldTicket, PlanInForce, PlanInForce, Effect]>([
    ['the same target', open, present, inForce(eightHours, 2), 'unchanged'],
    ['four hours instead of eight', open, present, inForce(aPolicy({ targets: within({ resolution: 14_400 }) }), 2), 'earlier'],
    ['sixteen hours', open, present, inForce(aPolicy({ targets: within({ resolution: 57_600 }) }), 2), 'later'],
    ['two hours, which are over', open, present, inForce(aPolicy({ targets: within({ resolution: 7_200 }) }), 2), 'breached'],
    ['no policy', open, present, nothing, 'lost_policy'],
    ['another calendar, shut at night', open, present, inForce(aPolicy({ targets: within({ resolution: 28_801 }) }), 2, 'days'), 'later'],
    ['one target more', open, present, inForce(aPolicy({ targets: within({ resolution: 28_800, agent_work: 60 }) }), 2), 'earlier'],
    ['another target instead', open, present, inForce(aPolicy({ targets: within({ agent_work: 60 }) }), 2), 'earlier'],
    ['one target less', held(twoTargets), twoTargets, present, 'later'],
    ['a policy where there was none', held(nothing), nothing, present, 'gained_policy'],
    ['still none', held(nothing), nothing, nothing, 'unchanged'],
    ['no target for it', held(nothing), nothing, inForce(aPolicy({ targets: {} }), 2), 'unchanged'],
    ['a pause it did not know', held(present, [monday, wait]), present, inForce(aPolicy({ pause: 'none' }), 2), 'earlier'],
    [
      'half its pauses',
      held(inForce(aPolicy({ pause: 'none' }), 1), [monday, wait]),
      inForce(aPolicy({ pause: 'none' }), 1),
      present,
      'later',
    ],
    [
      'less time while it pauses',
      held(present, [monday, wait]),
      present,
      inForce(aPolicy({ targets: within({ resolution: 600 }) }), 2),
      'earlier',
    ],
    ['nothing of a resolved ticket', held(present, [monday, resolve]), present, nothing, 'unchanged'],
    ['a pause by hand stays', held(present, [monday, pauseClocks]), present, inForce(aPolicy({ pause: 'none' }), 2), 'unchanged'],
  ])('%s', (_name, ticket, before, draft, effect) => expect(preview(ticket, before, draft, now)).toBe(effect));

  test('of several clocks the gravest speaks', () => {
    const draft = inForce(aPolicy({ targets: within({ resolution: 57_600, agent_work: 3_600 }) }), 2);
    expect(preview(held(twoTargets), twoTargets, draft, now)).toBe('breached');
    const milder = inForce(aPolicy({ targets: within({ resolution: 57_600, agent_work: 14_400 }) }), 2);
    expect(preview(held(twoTargets), twoTargets, milder, now)).toBe('earlier');
  });

  test('a breach that is recorded already is no effect, and neither is one that is only noticed now', () => {
    const late = monday + 9 * hour;
    const tighter = inForce(aPolicy({ targets: within({ resolution: 60 }) }), 2);
    expect(preview(open, present, tighter, late)).toBe('unchanged');
    expect(preview(held(present, [late, wait]), present, tighter, late)).toBe('unchanged');
  });

  test('replies the draft asks for start with what was said, and only then', () => {
    const replies = inForce(aPolicy({ targets: within({ resolution: 28_800, next_response: 600 }) }), 2);
    const updates = inForce(aPolicy({ targets: within({ resolution: 28_800, periodic_update: 600 }) }), 2);
    const answered = held(present, [monday, reply]);
    const asked = held(present, [monday, reply], [monday + hour, receive]);
    expect(preview(answered, present, replies, now)).toBe('unchanged');
    expect(preview(asked, present, replies, now)).toBe('earlier');
    expect(preview(open, present, updates, now)).toBe('unchanged');
    expect(preview(answered, present, updates, now)).toBe('earlier');
  });

  test('a kind that had several instances starts as the next one', () => {
    const replies = inForce(aPolicy({ targets: within({ next_response: 600, resolution: 28_800 }) }), 1);
    const ticket = held(replies, [monday, reply], [monday + 1_000, receive], [monday + 2_000, reply]);
    expect(ticket.clocks.map(({ clock }) => clock).toSorted()).toEqual(['next_response#1', 'next_response#2', 'resolution#1']);
    const shuffled = { ...ticket, clocks: ticket.clocks.toReversed() };
    expect(preview(shuffled, replies, inForce(aPolicy({ targets: within({ next_response: 60, resolution: 28_800 }) }), 2), now)).toBe(
      'unchanged',
    );
  });
});

test('a policy that is given back finds what was consumed', () => {
  const open = held(present);
  const cancelled = open.clocks.map((clock): Clock => ({
    ...clock,
    phase: 'cancelled',
    reason: 'no_policy',
    since: monday + hour,
    consumedS: 3_600,
  }));
  const dropped = { ...open, clocks: cancelled };
  const back = (resolution: number) =>
    preview(dropped, nothing, inForce(aPolicy({ targets: within({ resolution }) }), 2), monday + 2 * hour + 1);
  expect(back(28_800)).toBe('gained_policy');
  expect(back(3_600)).toBe('breached');
});

test('hours are asked for back to what is counted, and ahead for all the plan may need', () => {
  const plan: SlaPlan = planOf(aPolicy({ rungs: [aRung({ when: { after: 600 } })] }), 2, { id: 'always', revision: 1 });
  const request = hoursFor(held(present), plan, monday + day);
  expect(request).toEqual({ from: monday, until: monday + 36 * day, needMs: (28_800 + 600) * 1_000, needFrom: monday + day });
});

describe('what became of a ticket', () => {
  const [clock] = held(present).clocks;
  if (clock === undefined) throw new Error('a ticket without a clock');
  const breach: Breach = { at: monday, cause: 'retarget', lateMs: 0, budgetS: 60, consumedS: 60 };
  const met: Clock = { ...clock, clock: 'agent_work#1', kind: 'agent_work', phase: 'fulfilled' };
  const again: Clock = { ...clock, clock: 'resolution#2' };
  const paused: Clock = { ...clock, phase: 'paused', dueAt: null };

  test.each<[string, Clock[], Clock[], Effect]>([
    ['nothing', [clock], [clock], 'unchanged'],
    ['another deadline', [clock], [{ ...clock, dueAt: monday }], 'earlier'],
    ['a deadline beyond its calendar', [clock], [{ ...clock, dueAt: null }], 'later'],
    ['a breach', [clock], [{ ...clock, breach }], 'breached'],
    ['an older breach', [{ ...clock, breach }], [{ ...clock, breach, dueAt: monday }], 'unchanged'],
    ['it runs again', [paused], [clock], 'earlier'],
    ['it pauses', [clock], [paused], 'later'],
    ['more left of a pause', [paused], [{ ...paused, budgetS: paused.budgetS + 1 }], 'later'],
    ['no policy', [clock], [{ ...clock, phase: 'cancelled', reason: 'no_policy' }], 'lost_policy'],
    ['a kind without target', [clock], [{ ...clock, phase: 'cancelled', reason: 'not_in_policy' }], 'later'],
    ['it was resolved meanwhile', [clock], [{ ...clock, phase: 'fulfilled' }], 'unchanged'],
    ['it was answered and asked again meanwhile', [clock], [{ ...clock, clock: 'resolution#2', dueAt: monday }], 'unchanged'],
    ['it is not told of any more', [clock], [], 'unchanged'],
    ['a first clock', [], [clock], 'gained_policy'],
    ['a first clock, breached', [], [{ ...clock, breach }], 'breached'],
    [
      'a clock after the last policy was lost',
      [met, { ...clock, phase: 'cancelled', reason: 'no_policy', since: met.since + 1 }],
      [again],
      'gained_policy',
    ],
    [
      'a clock after one that was met',
      [{ ...clock, phase: 'cancelled', reason: 'no_policy', since: met.since - 1 }, met],
      [again],
      'earlier',
    ],
    ['another kind', [{ ...clock, phase: 'fulfilled' }], [{ ...clock, kind: 'agent_work', clock: 'agent_work#1' }], 'earlier'],
  ])('%s', (_name, before, after, effect) => expect(effectOf(before, after)).toBe(effect));
});
