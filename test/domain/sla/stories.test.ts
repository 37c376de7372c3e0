/** Whatever happens to a ticket, in whatever order: what holds of its clocks. Each step is checked by `SlaDesk` besides. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asContentId } from '../../../domain/ids.js';
import type { Clock } from '../../../domain/sla/clock.js';
import type { SlaFact } from '../../../domain/sla/facts.js';
import { carried, windowsAround, windowsWanted } from '../../../domain/sla/ledger.js';
import { presets, reopenModes } from '../../../domain/sla/policy.js';
import type { Rung, SlaPlan } from '../../../domain/sla/policy.js';
import type { CommandKind } from '../../../domain/ticket/command.js';
import { day, hour, minute } from '../../../domain/time.js';
import { aPlan, on, requester, someWindows, uuid } from '../../support/builders.js';
import { aRung } from '../../support/policies.js';
import { SlaDesk } from '../../support/sla-desk.js';

const content = asContentId(uuid(0x200));
const start = on('mon 09:00');
const wide = { from: on('mon-2 00:00'), until: on('mon+30 00:00') };
const calendars = { k1: {}, late: { calendar: 'late', opens: 13, closes: 21, days: 6 } };
const hours = (calendar: string, reach: { from: number; until: number }) =>
  someWindows({ ...(calendar === 'late' ? calendars.late : {}), ...reach });

type Action =
  | {
      readonly do: 'command';
      readonly kind: CommandKind;
      readonly fields: object;
      readonly role: 'agent' | 'customer' | 'service' | 'lead';
    }
  | { readonly do: 'cause'; readonly on: boolean }
  | { readonly do: 'plan'; readonly plan: number | null };

interface Step {
  readonly gapMs: number;
  readonly action: Action;
  /** How long its channel held it back. */
  readonly heldMs: number;
}

interface Story {
  readonly plans: readonly SlaPlan[];
  readonly by: 'customer' | 'agent';
  readonly status: 'new' | 'waiting_on_customer';
  readonly steps: readonly Step[];
}

// Quarters of an hour throughout, so that much falls on the very instant of something else.
const quarter = 15 * minute;
const aBudget = fc.integer({ min: 1, max: 60 }).map((quarters) => quarters * 900);
const aGap = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 24 }).map((quarters) => quarters * quarter) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2_500 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 5 }).map((days) => days * day) },
);

const command = (kind: CommandKind, fields: object = {}, role: 'agent' | 'customer' | 'service' | 'lead' = 'agent'): Action => ({
  do: 'command',
  kind,
  fields,
  role,
});
const ofStatus = ['waiting_on_customer', 'on_hold', 'in_progress', 'resolved'].map((status) => command('edit', { status }));
const messages = [
  command('receive', { content, author: requester }, 'customer'),
  command('receive', { content, author: requester }, 'customer'),
  command('receive', { content, author: requester, auto: true }, 'customer'),
  command('reply', { content }),
  command('reply', { content, then: 'waiting_on_customer' }),
  command('reply', { content, then: 'resolved' }),
  command('reply', { content }, 'service'),
  command('note', { content }),
];
const others = [
  command('resolve'),
  command('reopen'),
  command('pauseClocks', {}, 'lead'),
  command('resumeClocks', {}, 'lead'),
  { do: 'cause', on: true },
  { do: 'cause', on: false },
] as const satisfies Action[];
const plain: fc.Arbitrary<Action> = fc.constantFrom<Action>(...ofStatus, ...messages, ...others);
const clock = fc.constantFrom('resolution#1', 'resolution#2', 'first_response#1', 'next_response#1', 'next_response#2', 'agent_work#1');
const changing: fc.Arbitrary<Action> = fc.oneof(
  fc.constantFrom('low', 'medium', 'high', 'urgent').map((priority) => command('priority', { priority })),
  fc.record({ clock, budgetS: aBudget }).map((fields) => command('overrideTarget', fields, 'lead')),
  clock.map((name) => command('waive', { clock: name }, 'lead')),
  fc.constantFrom(0, 1, 2, null).map((plan): Action => ({ do: 'plan', plan })),
);
const escalating: fc.Arbitrary<Action> = fc.oneof(
  fc.constantFrom(900, 7_200, undefined).map((ackWithinS) => command('escalate', ackWithinS === undefined ? {} : { ackWithinS, level: 2 })),
  fc.integer({ min: 1, max: 3 }).map((escalation) => command('acknowledgeEscalation', { escalation })),
  fc.constant(command('close', { cause: 'spam' }, 'lead')),
);

const rung = (id: string, when: Rung['when'], changes: Partial<Rung> = {}): Rung => aRung({ id, when, ...changes });
const ladder: readonly Rung[] = [
  rung('r25', { percent: 25 }),
  rung('r50', { percent: 50 }, { actions: [{ notify: { to: ['lead'], channel: 'sms' } }, { reassign: {} }] }),
  rung('vip', { percent: 60 }, { priorities: ['high', 'urgent'] }),
  rung('soon', { before: 900 }),
  rung('next', { percent: 100 }, { clock: 'next_response' }),
  rung('late', { after: 3_600 }),
  rung('anyway', { after: 7_200 }, { whilePaused: true }),
];
const raising = rung('up', { percent: 75 }, { actions: [{ raise_priority: { to: 'high', retarget: true } }] });
const asking = (id: string, when: Rung['when'], level: number): Rung =>
  rung(id, when, { level, actions: [{ open_escalation: { to: { kind: 'lead' }, ackWithin: 5_400 } }] });
const levels = [asking('l1', { percent: 40 }, 1), asking('l2', 'at_breach', 2), asking('l3', { after: 10_800 }, 3)];

const aTarget = fc.option(fc.record({ low: aBudget, medium: aBudget, high: aBudget, urgent: aBudget }, { requiredKeys: ['medium'] }), {
  nil: undefined,
});
const somePlans = (rungs: readonly Rung[]): fc.Arbitrary<SlaPlan[]> =>
  fc
    .tuple(
      fc.array(
        fc.record({ resolution: aTarget, agent_work: aTarget, first_response: aTarget, next_response: aTarget, periodic_update: aTarget }),
        {
          minLength: 3,
          maxLength: 3,
        },
      ),
      fc.constantFrom(...reopenModes),
      fc.constantFrom('default', 'all', 'none'),
      fc.boolean(),
    )
    .map(([targets, reopen, pause, firstInNext]) =>
      targets.map((target, index) =>
        aPlan({
          policy: `p${index}`,
          targets: Object.fromEntries(Object.entries(target).filter(([, budgets]) => budgets !== undefined)),
          calendar: { id: index === 2 ? 'late' : 'k1', revision: 1 },
          reopen,
          pause: presets[pause],
          pauseOnApproval: ['resolution'],
          counts: { bot: false, call: false, firstInNext },
          rungs: index === 1 ? rungs.slice(1) : rungs,
        }),
      ),
    );

const aStory = (rungs: readonly Rung[], action: fc.Arbitrary<Action>, held: fc.Arbitrary<number> = fc.constant(0)): fc.Arbitrary<Story> =>
  fc.record({
    plans: somePlans(rungs),
    by: fc.constantFrom('customer', 'customer', 'agent'),
    status: fc.constantFrom('new', 'new', 'waiting_on_customer'),
    steps: fc.array(fc.record({ gapMs: aGap, action, heldMs: held }), { minLength: 1, maxLength: 18 }),
  });

/** How a story is lived through; by default with every hour known, and a timer for each instant that matters. */
interface Manner {
  /** After how many steps the first plan comes. */
  readonly plannedAfter?: number;
  /** No timer fires on time: the ticket wakes only so many thousandths into each gap. */
  readonly wakes?: readonly number[];
  /** Only the hours that are asked for are known. */
  readonly narrow?: boolean;
  /** Continues as new after each step. */
  readonly again?: boolean;
}

function live({ plans, by, status, steps }: Story, { plannedAfter = 0, wakes, narrow = false, again = false }: Manner = {}): SlaDesk {
  const desk = new SlaDesk(null);
  desk.asleep = wakes !== undefined;
  let now = start;
  desk.open(now, { status }, { role: by });
  const plan = (which: number | null): void => {
    const next = which === null ? null : (plans[which] ?? null);
    const reach = narrow && next !== null ? windowsAround(desk.ledger, next, now) : wide;
    const windows = next === null ? null : hours(next.calendar.id, { ...reach, until: reach.until + 50 * day });
    const fact: SlaFact = { kind: 'planned', at: now, plan: next, windows, rematchOn: [], teamCalendar: false, reason: 'policy' };
    desk.tell(now, fact);
  };
  const rest = (): void => {
    const wanted = windowsWanted(desk.ledger, now);
    if (wanted !== null && desk.ledger.plan !== null)
      desk.tell(now, {
        kind: 'windows',
        at: now,
        windows: hours(desk.ledger.plan.calendar.id, { from: wanted.from, until: wanted.until + 50 * day }),
      });
    if (!again) return;
    desk.ledger = JSON.parse(JSON.stringify(carried(desk.ledger, now)));
    desk.ticket = JSON.parse(JSON.stringify(desk.ticket));
  };
  const step = ({ action, heldMs }: Step): void => {
    switch (action.do) {
      case 'command': {
        const envelope = { role: action.role, ...(heldMs > 0 ? { receivedAt: now - heldMs } : {}) };
        desk.ask(now, action.kind, action.fields, envelope);
        return;
      }
      case 'cause':
        desk.cause(now, 'approval:1', action.on);
        return;
      case 'plan':
        return plan(action.plan);
    }
  };
  if (plannedAfter === 0) plan(0);
  for (const [index, one] of steps.entries()) {
    for (const wake of wakes ?? []) desk.wake(now + Math.floor((one.gapMs * wake) / 1000));
    now += one.gapMs;
    step(one);
    rest();
    if (index + 1 === plannedAfter) plan(0);
  }
  if (steps.length < plannedAfter) plan(0);
  rest();
  desk.asleep = false;
  desk.pass(now + 6 * hour);
  return desk;
}

/** A clock, but for when its breach was noticed. */
const unnoticed = (one: Clock): Clock => ({ ...one, breach: one.breach === null ? null : { ...one.breach, lateMs: 0 } });

/** What a story leaves behind, but for when it was noticed. */
const outline = (desk: SlaDesk) => ({
  clocks: [...desk.clocks.values()].map(unnoticed).toSorted((one, other) => one.clock.localeCompare(other.clock)),
  stretches: desk.segments.toSorted((one, other) => one.clock.localeCompare(other.clock) || one.n - other.n),
  fired: desk.rungs.map(({ clock: of, rung: id, dueAt, outcome }) => ({ of, id, dueAt, outcome })),
  ticket: [desk.opened.status, desk.opened.priority, desk.opened.assignee, desk.opened.sla],
  ledger: { ...desk.ledger, clocks: desk.ledger.clocks.map(unnoticed), windows: null, lastAt: 0 },
});

/** What was told, but for what was told together: hours that have to be fetched again part one wake into two. */
const toldOf = (desk: SlaDesk) => ({
  events: desk.events.filter(({ type }) => type !== 'sla.collapsed').map(({ type, data }) => ({ type, data })),
  rungs: desk.notices.flatMap(({ about }) => about.rungs.map(({ rung: id }) => `${about.clock}/${id}`)).toSorted(),
  alone: desk.notices.filter(({ about }) => about.clock === null),
});

const runs = { numRuns: 150 };

describe('a ticket’s clocks', () => {
  test('do not depend on when timers fire, or whether they do at all', () => {
    const wakes = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 3 }).map((all) => all.toSorted((one, other) => one - other));
    fc.assert(
      fc.property(aStory([...ladder, raising], fc.oneof(plain, plain, changing)), wakes, (story, some) => {
        const timely = outline(live(story));
        expect(outline(live(story, { wakes: [] }))).toEqual(timely);
        expect(outline(live(story, { wakes: some }))).toEqual(timely);
      }),
      runs,
    );
  });

  test('do not depend on when their plan comes', () => {
    fc.assert(
      fc.property(aStory(ladder, plain), fc.integer({ min: 1, max: 20 }), (story, plannedAfter) => {
        expect(outline(live(story, { plannedAfter }))).toEqual(outline(live(story)));
      }),
      runs,
    );
  });

  test('do not depend on how many open hours are known ahead', () => {
    fc.assert(
      fc.property(aStory([...ladder, raising, ...levels], fc.oneof(plain, plain, changing, escalating)), (story) => {
        expect(outline(live(story, { narrow: true }))).toEqual(outline(live(story)));
      }),
      runs,
    );
  });

  test('go on as they were after continuing as new, whatever is late and whoever is asked', () => {
    const held = fc.oneof(fc.constant(0), aGap);
    fc.assert(
      fc.property(aStory([...ladder, raising, ...levels], fc.oneof(plain, plain, changing, escalating), held), (story) => {
        const straight = live(story, { narrow: true });
        const continued = live(story, { narrow: true, again: true });
        expect(outline(continued)).toEqual(outline(straight));
        expect(toldOf(continued)).toEqual(toldOf(straight));
      }),
      runs,
    );
  });

  test('tell each breach, firing, fulfilment and end once, in an order that can be', () => {
    const held = fc.oneof(fc.constant(0), aGap);
    fc.assert(
      fc.property(aStory([...ladder, raising, ...levels], fc.oneof(plain, plain, changing, escalating), held), (story) => {
        const desk = live(story);
        expect(desk.events.map(({ version }) => version)).toEqual(desk.events.map((_, index) => index + 1));
        for (const { clock: name, breach, phase, consumedS, budgetS, originAt, fulfilledAt, fired } of desk.clocks.values()) {
          expect(desk.told('sla.activated', name)).toHaveLength(1);
          expect(desk.told('sla.breached', name)).toHaveLength(breach === null ? 0 : 1);
          expect(desk.told('sla.cancelled', name)).toHaveLength(phase === 'cancelled' ? 1 : 0);
          const again = desk.told('sla.resumed', name).filter(({ cause }) => cause === 'reopen').length;
          expect(desk.told('sla.fulfilled', name)).toHaveLength(again + (phase === 'fulfilled' ? 1 : 0));
          if (breach === null) expect(consumedS).toBeLessThanOrEqual(budgetS);
          else expect(breach.at).toBeGreaterThanOrEqual(originAt);
          if (fulfilledAt !== null) expect(fulfilledAt).toBeGreaterThanOrEqual(originAt);
          expect(desk.rungs.filter((one) => one.clock === name).map(({ rung: id }) => id)).toEqual(fired);
        }
        expect(new Set(desk.notices.map(({ message }) => message)).size).toBe(desk.notices.length);
      }),
      runs,
    );
  });
});

interface Change {
  readonly at: number;
  readonly what: 'pause' | 'run' | number;
}

/** R15, R18, R19 and R33 read aloud: minute by minute from the origin, with the pauses and budgets as they came. */
function slowly(budgetS: number, changes: readonly Change[], until: number) {
  const office = someWindows(wide);
  const isOpen = (at: number): boolean => office.windows.some(([open, close]) => open <= at && at < close);
  let [budget, used, runsNow] = [budgetS / 60, 0, true];
  let breach: { at: number; cause: string } | null = null;
  let consumed = 0;
  for (let at = start; at < until || (breach === null && runsNow); at += minute) {
    for (const { what } of changes.filter((change) => change.at === at)) {
      if (typeof what !== 'number') runsNow = what === 'run';
      else if (what !== budget * 60) {
        budget = what / 60;
        if (breach === null && used >= budget) breach = { at, cause: 'retarget' };
      }
    }
    if (breach === null && runsNow && used >= budget) breach = { at, cause: 'deadline' };
    if (runsNow && isOpen(at)) used += 1;
    if (at + minute === until) consumed = used * 60;
  }
  return { breach, consumed };
}

test('R18: every change of budget equals counting again from the origin, with the pauses', () => {
  const change = fc.record({
    gap: fc.integer({ min: 0, max: 40 }),
    what: fc.oneof(fc.constantFrom('pause' as const, 'run' as const), aBudget),
  });
  fc.assert(
    fc.property(aBudget, fc.array(change, { maxLength: 8 }), fc.boolean(), (budgetS, gaps, asleep) => {
      const desk = SlaDesk.opened(start, aPlan({ targets: { resolution: { medium: budgetS } } }));
      desk.asleep = asleep;
      let at = start;
      const changes = gaps.map(({ gap, what }) => ({ at: (at += gap * quarter), what }));
      for (const { at: when, what } of changes) {
        if (typeof what === 'number') desk.send(when, 'overrideTarget', { clock: 'resolution#1', budgetS: what });
        else desk.send(when, what === 'pause' ? 'pauseClocks' : 'resumeClocks', {});
      }
      const end = at + quarter;
      const { breach, consumed } = slowly(budgetS, changes, end);
      desk.send(end, 'note', { content });
      const seen = desk.clock('resolution#1');
      const deadline = breach === null || breach.at < end ? null : breach.at;
      expect(seen.dueAt).toBe(seen.breach === null && seen.phase === 'paused' ? null : (deadline ?? breach?.at));
      expect(seen.breach === null ? null : { at: seen.breach.at, cause: seen.breach.cause }).toEqual(deadline === null ? breach : null);
      desk.send(end, 'close', { cause: 'spam' });
      expect(desk.clock('resolution#1').consumedS).toBe(consumed);
    }),
    { numRuns: 150 },
  );
});
