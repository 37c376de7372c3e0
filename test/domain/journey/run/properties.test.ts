/** What holds whatever happens, in whatever order. Every run of the driver also carries its state through JSON between any two steps. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asContentId } from '../../../../domain/ids.js';
import { command, nextDue, report, wake } from '../../../../domain/journey/run/reduce.js';
import type { Report } from '../../../../domain/journey/run/effect.js';
import { everything } from '../everything.js';
import { Run, number, run, template, text, to } from './driver.js';

/** Random lives are many; how long they take says nothing. */
const patience = 60_000;

const call = (name: string) => ({ kind: 'automated', action: 'a@1', output: { [name]: `steps.${name}.output.n` }, ...to('$join') });
const names = ['a', 'b', 'c', 'd'];
const context = Object.fromEntries(names.map((name) => [name, number]));
const block = {
  all: { kind: 'parallel', branches: names, ...to('sum') },
  ...Object.fromEntries(names.map((name) => [name, call(name)])),
  sum: {
    kind: 'decision',
    transitions: [
      { to: 'done', when: 'context.a + context.b + context.c + context.d == 10' },
      { to: 'gone', default: true },
    ],
  },
};

/** A life through nearly all kinds of steps, up to the one that nobody can publish. */
function played(pick: (count: number) => number) {
  const journey = new Run(everything, {
    input: { customerId: 'C1', plan: 'basic', items: ['x', 'none', 'y'], dueAt: '2026-01-12T09:00:00Z' },
    people: { ann: ['admin'], bea: [], sam: ['sales'] },
    results: { qualify: [{ score: 60, ok: true }], credit: [{ ok: true }] },
    pick,
  });
  journey.to('+2m');
  for (const name of ['ann', 'bea']) {
    journey.do('vote', {
      step: 'agree',
      decision: 'approve',
      comment: asContentId('fine'),
      actor: `user/${name}`,
      roles: name === 'ann' ? ['admin'] : [],
    });
  }
  journey.handoff('hand_over.1', 'offered').handoff('hand_over.1', 'accepted').say('field-ops:installed', { at: '2026-01-20T09:00:00Z' });
  journey.to('+20d').tell({ kind: 'childEnded', effect: journey.all('openChild')[0]?.id ?? '', outcome: 'fine', result: 'won' });
  journey.say('billing:paid', { amount: 3 });
  return { view: journey.view, trail: [...new Set(journey.trail)] };
}

describe('the order of answers', () => {
  test(
    'of branches does not matter for the end',
    () => {
      fc.assert(
        fc.property(fc.shuffledSubarray(names, { minLength: 4 }), fc.array(fc.nat(9)), (order, picks) => {
          let pick = 0;
          const journey = run(
            block,
            { results: { a: ['wait'], b: ['wait'], c: ['wait'], d: ['wait'] }, pick: (count) => (picks[pick++] ?? 0) % count },
            { context },
          );
          for (const name of order) journey.tell({ kind: 'done', effect: `${name}.1/action.1`, output: { n: names.indexOf(name) + 1 } });
          expect(journey.view).toMatchObject({ status: 'completed', outcome: 'done', context: { a: 1, b: 2, c: 3, d: 4 }, progress: 100 });
        }),
        { numRuns: 20 },
      );
    },
    patience,
  );

  test(
    'of questions does not matter either',
    () => {
      const first = played(() => 0);
      expect(first).toMatchObject({ view: { status: 'incident', currentStep: 'try_out' } });
      fc.assert(
        fc.property(fc.array(fc.nat(9), { minLength: 30, maxLength: 30 }), (picks) => {
          let pick = 0;
          const other = played((count) => (picks[pick++] ?? 0) % count);
          expect(other).toEqual(first);
        }),
        { numRuns: 12 },
      );
    },
    patience,
  );
});

/** A journey that uses much of what there is, and things that may happen to it. */
const busy = template(
  {
    start: { kind: 'parallel', branches: ['ask', 'wait', 'vote'], join: 2, ...to('hand') },
    ask: {
      kind: 'manual',
      claimFor: 'PT1H',
      sla: { target: 'PT6H' },
      transitions: [
        { to: '$join', outcome: 'yes' },
        { to: 'ask', outcome: 'again' },
      ],
    },
    wait: {
      kind: 'wait',
      event: [{ type: 'x', when: 'event.data.n > 1' }],
      condition: 'has(context.score) && context.score > 5',
      max: 'P1D',
      onMax: 'received',
      ...to('$join'),
    },
    vote: {
      kind: 'approval',
      approvers: { users: ['ann', 'bea'] },
      quorum: 'all',
      within: 'P1D',
      onTimeout: 'approve',
      evidence: ['context.score'],
      ...to('$join'),
    },
    hand: {
      kind: 'handoff',
      from: 'crm',
      to: 'field-ops',
      mode: 'accept',
      acceptWithin: 'P1D',
      requiredData: ['score'],
      onReturn: 'start',
      ...to('list'),
    },
    list: {
      kind: 'forEach',
      items: 'input.items',
      maxConcurrency: 2,
      do: { kind: 'automated', action: 'a@1', compensate: 'u@1', retry: { initial: 'PT1M' } },
      ...to('done'),
    },
  },
  {
    context: { score: number, note: text },
    exits: [
      { id: 'left', on: 'y', outcome: 'left', result: 'lost' },
      { id: 'low', when: 'has(context.score) && context.score < 0', outcome: 'low', result: 'lost' },
    ],
    goals: [{ id: 'goal', event: 'x', window: 'P9D' }],
  },
);

const deed = fc.oneof(
  fc.record({ do: fc.constant('pass' as const), minutes: fc.integer({ min: 1, max: 900 }) }),
  fc.record({ do: fc.constant('event' as const), type: fc.constantFrom('x', 'x', 'x', 'y'), n: fc.nat(3) }),
  fc.record({ do: fc.constant('context' as const), score: fc.integer({ min: -1, max: 9 }) }),
  fc.record({ do: fc.constant('advance' as const), outcome: fc.constantFrom('yes', 'again', 'completed') }),
  fc.record({ do: fc.constant('vote' as const), by: fc.constantFrom('ann', 'bea') }),
  fc.record({
    do: fc.constant('handoff' as const),
    state: fc.constantFrom('offered', 'accepted', 'completed', 'returned', 'expired', 'failed'),
  }),
  fc.record({
    do: fc.constant('verb' as const),
    verb: fc.constantFrom('pause', 'resume', 'resume', 'claim', 'retry', 'compensateAndEnd'),
    step: fc.constantFrom('ask', 'vote', 'hand', 'list'),
  }),
);
type Deed = typeof deed extends fc.Arbitrary<infer One> ? One : never;

const world = {
  input: { items: ['i', 'j', 'k'] },
  results: { list: [{ $fail: 'Busy' }, {}, { $fail: 'No', retryable: false }, {}] },
} as const;

function act(journey: Run, one: Deed): void {
  switch (one.do) {
    case 'pass':
      journey.until(journey.now + one.minutes * 60_000);
      return;
    case 'event':
      journey.say(one.type, { n: one.n });
      return;
    case 'context':
      journey.do('updateContext', { patch: { score: one.score } });
      return;
    case 'advance':
      journey.do('advance', { outcome: one.outcome });
      return;
    case 'vote':
      journey.do('vote', { step: 'vote', decision: 'approve', actor: `user/${one.by}` });
      return;
    case 'handoff':
      journey.handoff(`hand.${journey.at('hand')?.visit ?? 1}`, one.state, { incident: 'handoff_timeout' });
      return;
    case 'verb':
      journey.do(one.verb as 'retry', { step: one.step });
  }
}

describe('whatever happens', () => {
  test(
    'nothing throws, versions have no gaps, time and progress never go back, and an ended journey is quiet',
    () => {
      fc.assert(
        fc.property(fc.array(deed, { maxLength: 40 }), (deeds) => {
          const journey = new Run(busy, world);
          let { progress } = journey.view;
          for (const one of deeds) {
            act(journey, one);
            expect(journey.view.progress).toBeGreaterThanOrEqual(progress);
            ({ progress } = journey.view);
            const due = nextDue(journey.template, journey.state);
            if (due !== null) expect(due.at).toBeGreaterThan(journey.now);
          }
          expect(journey.state.version).toBe(journey.events.length);
          if (journey.view.endedAt !== null) expect([journey.state.visits, nextDue(journey.template, journey.state)]).toEqual([[], null]);
          expect(journey.view.result === 'won').toBe(journey.view.progress === 100);
        }),
        { numRuns: 40 },
      );
    },
    patience,
  );

  test(
    'a new run that asks again what was not answered comes to the same',
    () => {
      fc.assert(
        fc.property(fc.array(deed, { maxLength: 25 }), fc.nat(24), (deeds, when) => {
          const straight = new Run(busy, world);
          const restarted = new Run(busy, world);
          for (const [index, one] of deeds.entries()) {
            act(straight, one);
            act(restarted, one);
            if (index === when) restarted.restart();
          }
          expect(restarted.events).toEqual(straight.events);
          expect(restarted.state).toEqual(straight.state);
        }),
        { numRuns: 20 },
      );
    },
    patience,
  );

  test(
    'an answer that comes twice counts once',
    () => {
      fc.assert(
        fc.property(fc.array(deed, { maxLength: 25 }), (deeds) => {
          const journey = new Run(busy, world);
          for (const one of deeds) act(journey, one);
          const answers: Report[] = journey.effects.flatMap(({ kind, id }): Report[] => {
            if (kind === 'guards') return [{ kind, effect: id, choice: { chosen: 0, trace: [] } }];
            if (kind === 'weigh') return [{ kind: 'weighed', effect: id, verdicts: [], trace: [] }];
            return kind === 'action' ? [{ kind: 'done', effect: id, output: {} }] : [];
          });
          const open = new Set(journey.open.map(({ id }) => id));
          for (const said of answers) {
            const known = 'effect' in said && (open.has(said.effect) || journey.view.status === 'paused');
            if (!known)
              expect(report(journey.template, journey.state, said, journey.now)).toMatchObject({
                events: [],
                effects: [],
                state: journey.state,
              });
          }
        }),
        { numRuns: 20 },
      );
    },
    patience,
  );

  test(
    'many timers at once are the same as one after another',
    () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 4_000 }), (minutes) => {
          const steps = {
            a: { kind: 'parallel', branches: ['b', 'c', 'd'], ...to('done') },
            b: { kind: 'wait', for: 'PT7H', sla: { target: 'PT5H' }, ...to('$join') },
            c: { kind: 'wait', for: 'P1D', ...to('e') },
            d: { kind: 'wait', for: 'P2D', ...to('$join') },
            e: { kind: 'wait', for: 'P1D', ...to('$join') },
          };
          const slow = run(steps).to(`+${minutes}m`);
          const fast = run(steps);
          const at = fast.now + minutes * 60_000;
          const { state, events } = wake(fast.template, fast.state, at);
          expect(events).toEqual(slow.events.slice(fast.events.length));
          expect(state).toEqual(slow.state);
          const late = command(
            fast.template,
            fast.state,
            { commandId: 'c', kind: 'cancel', actor: 'user/ada', role: 'system', source: 'api' },
            at + 1,
          );
          expect(late.ok ? late.events.slice(0, events.length) : late).toEqual(
            state.end === null ? events : { ok: false, code: 'journey_ended', members: { outcome: 'done' } },
          );
        }),
        { numRuns: 40 },
      );
    },
    patience,
  );
});
