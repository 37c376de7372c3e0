/** What a batch would do to an instance, typed out from journeys.md, sections 7 to 9, and journeys-change.md, section 6. */
import { describe, expect, test } from 'vitest';
import type { Principal } from '../../../domain/access/principal.js';
import type { HandoffBulk, JourneyBulk } from '../../../domain/bulk/command.js';
import { forecastHandoff, forecastJourney } from '../../../domain/bulk/forecast.js';
import type { Forecast, GateFacts, HandoffFacts, JourneyFacts } from '../../../domain/bulk/forecast.js';
import { handoffStates } from '../../../domain/journey/run/effect.js';
import { compile } from '../../../domain/journey/compile.js';
import type { CompiledTemplate } from '../../../domain/journey/compile.js';
import { tenant } from '../../support/builders.js';

const principal = (role: Principal['role'], id = 'lea'): Principal => ({
  tenant,
  actor: `user/${id}`,
  id,
  role,
  products: '*',
  teams: [],
  scopes: [],
  actingFor: null,
});
const lea = principal('lead');
const agent = principal('agent', 'ann');

const template: CompiledTemplate = compile({
  key: 'renewal',
  name: 'Renewal',
  category: 'retention',
  subject: { type: 'customer', id: 'input.customerId' },
  start: 'charge',
  steps: {
    charge: { kind: 'automated', name: 'Charge', action: 'bill@1', skippable: true, transitions: [{ to: 'call', default: true }] },
    call: { kind: 'manual', name: 'Call', outcomes: ['renewed'], transitions: [{ to: 'won', outcome: 'renewed' }] },
    won: { kind: 'end', outcome: 'renewed', result: 'won' },
  },
});

const at = (step: string, visit = 1, item: string | null = null) => ({ step, visit, item });
const aGate = (changes: Partial<GateFacts> = {}): GateFacts => ({
  ...at('sign'),
  requester: 'bob',
  voters: ['lea', 'ann'],
  voted: [],
  isOpen: true,
  ...changes,
});
const aJourney = (changes: Partial<JourneyFacts> = {}): JourneyFacts => ({
  id: 'JRN-1',
  status: 'active',
  parked: [],
  gates: [],
  ...changes,
});
const foresee = (command: Omit<JourneyBulk, 'target'>, journey: JourneyFacts, known: CompiledTemplate | undefined = template) =>
  forecastJourney({ target: 'journeys', ...command } as JourneyBulk, journey, known, lea);

const would = (place: Forecast['place'] = null): Forecast => ({ code: null, place, isFinal: false });
const wouldNot = (code: Forecast['code'], place: Forecast['place'] = null): Forecast => ({ code, place, isFinal: false });
const never = (code: Forecast['code']): Forecast => ({ code, place: null, isFinal: true });

const vote = (gates: GateFacts[], step?: string): Forecast =>
  foresee({ verb: 'vote', args: { decision: 'approve', ...(step === undefined ? {} : { step }) } }, aJourney({ gates }));

const aHandoff = (changes: Partial<HandoffFacts> = {}): HandoffFacts => ({
  id: 'JRN-1.install.1',
  state: 'offered',
  isMine: false,
  gate: null,
  ...changes,
});

const verdict = (command: Omit<HandoffBulk, 'target'>, changes: Partial<HandoffFacts>, who = lea): Forecast =>
  forecastHandoff({ target: 'handoffs', ...command } as HandoffBulk, aHandoff(changes), who);

describe('of a journey', () => {
  test.each([
    ['pause', 'active', null],
    ['pause', 'incident', null],
    ['pause', 'paused', 'journey_paused'],
    ['pause', 'completed', 'journey_ended'],
    ['pause', 'cancelled', 'journey_ended'],
    ['resume', 'paused', null],
    ['resume', 'active', 'journey_not_paused'],
    ['resume', 'incident', 'journey_not_paused'],
    ['resume', 'completed', 'journey_ended'],
    ['cancel', 'active', null],
    ['cancel', 'paused', null],
    ['cancel', 'cancelled', 'journey_ended'],
    ['compensate_and_end', 'incident', null],
    ['compensate_and_end', 'completed', 'journey_ended'],
  ] as const)('%s of one that is %s: %s', (verb, status, code) => {
    expect(foresee({ verb, args: {} }, aJourney({ status }))).toEqual(code === null ? would() : wouldNot(code));
  });

  test.each(['retry', 'complete_with', 'skip', 'vote'] as const)('%s of one that is over is not even asked', (verb) => {
    const args = verb === 'complete_with' ? { outcome: 'renewed' } : verb === 'vote' ? ({ decision: 'approve' } as const) : {};
    const over = aJourney({ status: 'completed', parked: [at('call')], gates: [aGate()] });
    expect(foresee({ verb, args }, over)).toEqual(never('journey_ended'));
  });

  test('the step that is parked is meant, in the visit and for the item that PostgreSQL knows', () => {
    const parked = aJourney({ status: 'incident', parked: [at('charge', 3)] });
    expect(foresee({ verb: 'retry', args: {} }, parked)).toEqual(would(at('charge', 3)));
    expect(foresee({ verb: 'retry', args: { step: 'charge' } }, parked)).toEqual(would(at('charge', 3)));
    expect(foresee({ verb: 'retry', args: { step: 'call' } }, parked)).toEqual(never('no_incident'));
    expect(foresee({ verb: 'retry', args: { step: 'cal' } }, parked)).toEqual(never('unknown_step'));
    expect(forecastJourney({ target: 'journeys', verb: 'retry', args: { step: 'cal' } }, parked, undefined, lea)).toEqual(
      never('no_incident'),
    );
    expect(foresee({ verb: 'retry', args: {} }, aJourney())).toEqual(never('no_incident'));
  });

  test('of several that are parked one has to be named', () => {
    const parked = aJourney({ status: 'incident', parked: [at('charge'), at('call', 2)] });
    expect(foresee({ verb: 'retry', args: {} }, parked)).toEqual(never('ambiguous'));
    expect(foresee({ verb: 'retry', args: { step: 'call' } }, parked)).toEqual(would(at('call', 2)));
  });

  test('skip asks whether the template lets it; where that is not known, the journey says', () => {
    const on = (step: string) => aJourney({ status: 'incident', parked: [at(step)] });
    expect(foresee({ verb: 'skip', args: {} }, on('charge'))).toEqual(would(at('charge')));
    expect(foresee({ verb: 'skip', args: {} }, on('call'))).toEqual(wouldNot('not_skippable', at('call')));
    expect(forecastJourney({ target: 'journeys', verb: 'skip', args: {} }, on('call'), undefined, lea)).toEqual(would(at('call')));
  });

  test('complete_with asks for an outcome of the step', () => {
    const on = (step: string) => aJourney({ status: 'incident', parked: [at(step)] });
    expect(foresee({ verb: 'complete_with', args: { outcome: 'renewed' } }, on('call'))).toEqual(would(at('call')));
    expect(foresee({ verb: 'complete_with', args: { outcome: 'lost' } }, on('call'))).toEqual(wouldNot('unknown_outcome', at('call')));
    expect(foresee({ verb: 'complete_with', args: { outcome: 'renewed' } }, on('gone'))).toEqual(wouldNot('unknown_outcome', at('gone')));
  });
});

describe('of a vote', () => {
  test.each<[string, Partial<GateFacts>, Forecast['code']]>([
    ['who is eligible votes', {}, null],
    ['who asked for it does not', { requester: 'lea' }, 'requester_excluded'],
    ['who is not eligible does not', { voters: ['ann'] }, 'not_eligible'],
    ['who has voted does not vote twice', { voters: ['ann'], voted: ['lea'] }, 'already_voted'],
  ])('%s', (_, changes, code) => {
    expect(vote([aGate(changes)])).toEqual(code === null ? would(at('sign')) : wouldNot(code, at('sign')));
  });

  test('there has to be one, and only one', () => {
    expect(vote([])).toEqual(never('step_not_open'));
    expect(vote([aGate({ isOpen: false })])).toEqual(never('approval_closed'));
    expect(vote([aGate(), aGate({ step: 'pay' })])).toEqual(never('ambiguous'));
    expect(vote([aGate(), aGate({ ...at('pay', 2) }), aGate({ isOpen: false })], 'pay')).toEqual(would(at('pay', 2)));
    expect(vote([aGate({ item: 'i2' })])).toEqual(would(at('sign', 1, 'i2')));
    expect(vote([aGate()], 'pay')).toEqual(never('step_not_open'));
  });
});

describe('of a handoff', () => {
  const gated: Partial<HandoffFacts> = { state: 'awaiting_approval', gate: aGate() };

  test.each<[HandoffBulk['verb'], HandoffFacts['state'][]]>([
    ['retry', ['failed', 'expired']],
    ['reassign', ['offered', 'accepted', 'in_progress']],
    ['cancel', ['created', 'awaiting_data', 'awaiting_approval', 'offered', 'accepted', 'in_progress', 'failed', 'expired']],
  ])('%s concerns those that are %j', (verb, states) => {
    const args = verb === 'reassign' ? { to: 'ann' } : {};
    for (const state of handoffStates) {
      const otherwise = wouldNot(verb === 'retry' ? 'no_incident' : 'handoff.illegal_move');
      expect(verdict({ verb, args }, { state }), state).toEqual(states.includes(state) ? would() : otherwise);
    }
  });

  test('approve and reject are votes while the gate is open', () => {
    for (const verb of ['approve', 'reject'] as const) {
      expect(verdict({ verb, args: {} }, gated)).toEqual(would());
      expect(verdict({ verb, args: {} }, { ...gated, gate: aGate({ requester: 'lea' }) })).toEqual(wouldNot('requester_excluded'));
      expect(verdict({ verb, args: {} }, { ...gated, gate: aGate({ voters: [] }) })).toEqual(wouldNot('not_eligible'));
      expect(verdict({ verb, args: {} }, { ...gated, gate: null })).toEqual(wouldNot('handoff.not_ready'));
      expect(verdict({ verb, args: {} }, { ...gated, gate: aGate({ isOpen: false }) })).toEqual(wouldNot('handoff.not_ready'));
      expect(verdict({ verb, args: {} }, { state: 'completed' })).toEqual(wouldNot('handoff.illegal_move'));
    }
    expect(verdict({ verb: 'approve', args: {} }, {})).toEqual(wouldNot('handoff.illegal_move'));
  });

  test('an offer is refused with a reason', () => {
    expect(verdict({ verb: 'reject', args: {} }, {})).toEqual(wouldNot('reason_required'));
    expect(verdict({ verb: 'reject', args: { reason: 'no_capacity' } }, {})).toEqual(would());
  });

  test('an agent handles what asks them, and votes where they are eligible', () => {
    const reject = { verb: 'reject', args: { reason: 'no_capacity' } } as const;
    const reassign = { verb: 'reassign', args: { to: 'bea' } } as const;
    for (const command of [reject, reassign]) {
      expect(verdict(command, {}, agent)).toEqual(never('forbidden'));
      expect(verdict(command, { isMine: true }, agent)).toEqual(would());
      expect(verdict(command, {}, lea)).toEqual(would());
    }
    expect(verdict({ verb: 'reject', args: {} }, gated, agent)).toEqual(would());
    expect(verdict({ verb: 'cancel', args: {} }, {}, agent)).toEqual(would());
  });
});
