/** Templates close to a fault that have none. */
import type { Surroundings } from '../../../../domain/journey/validate.js';
import {
  aTemplate,
  block,
  call,
  chain,
  decide,
  done,
  handoff,
  input,
  limits,
  lost,
  manual,
  number,
  on,
  previous,
  score,
  vote,
  wait,
} from '../builders.js';

const toJoin = { transitions: [{ to: '$join' }] };
const ssn = { schema: { type: 'string' }, pii: true };
const goals = [{ id: 'g', event: 'crm:bought' }];

export type Faultless = [what: string, template: unknown, changes?: Partial<Surroundings>];

// prettier-ignore
export const faultless: readonly Faultless[] = [
  ['the smallest', aTemplate()],
  ['five hundred steps', aTemplate(chain(499, call))],
  ['guards that leave nothing out', decide({ to: 'done', when: 'context.score >= 50' }, { to: 'done', when: 'context.score < 50' })],
  ['a guard and its opposite', decide({ to: 'done', when: 'size(input.customerId) > 5' }, { to: 'done', when: '!(size(input.customerId) > 5)' })],
  ['a loop that a person slows in one of two joined branches', aTemplate({ split: { kind: 'parallel', branches: ['quick', 'slow'], transitions: [{ to: 'split', when: 'context.score > 5' }, { to: 'done', default: true }] }, quick: { ...call, ...toJoin }, slow: { ...manual, ...toJoin } }, { ...score, ...limits })],
  ['a loop over people', aTemplate({ each: { kind: 'forEach', items: 'subject.list', do: { kind: 'manual', assign: { roles: ['sales'] } }, transitions: [{ to: 'each', when: 'subject.more == true' }, { to: 'done', default: true }] } }, limits)],
  ['output of all joined branches', block({ transitions: [{ to: 'after' }] }, { left: { ...call, ...toJoin }, after: { kind: 'decision', transitions: [{ to: 'done', when: 'steps.left.output.ok' }, { to: 'done', default: true }] } })],
  ['output of the step itself', aTemplate({ one: { ...call, transitions: [{ to: 'done', when: 'steps.one.output.ok' }, { to: 'done', default: true }] } })],
  ['output that is tested first', aTemplate({ one: { ...wait, when: 'has(steps.two.output) && steps.two.output.ok', transitions: [{ to: 'two' }] }, two: call })],
  ['a return that has its way', aTemplate({ one: { ...handoff, mode: 'accept', acceptWithin: 'P1D', onTimeout: 'incident', onReturn: 'two', transitions: [{ to: 'done', outcome: 'completed' }] }, two: wait })],
  ['a way for each answer', aTemplate({ one: { ...handoff, mode: 'accept', acceptWithin: 'P1D', onTimeout: 'late', waitFor: 'accept', transitions: ['accepted', 'rejected', 'returned', 'late'].map((outcome) => ({ to: 'done', outcome })) } })],
  ['an answer instead of a timeout', aTemplate({ one: { ...vote, onTimeout: 'approve', transitions: [{ to: 'done', outcome: 'approved' }, { to: 'done', outcome: 'rejected' }] } })],
  ['the requester and somebody else', aTemplate({ one: { ...vote, approvers: { users: ['ann'], expr: '[journey.requester]' } } })],
  ['an expression over people nobody knows', aTemplate({ one: { ...vote, approvers: { expr: 'subject.bosses' }, quorum: { count: 3 } } })],
  ['its own child after a minute', aTemplate({ slow: { ...wait, for: 'PT1M', transitions: [{ to: 'again' }] }, again: { kind: 'journey', key: 'sample', ...on } })],
  ['its own child after a person', aTemplate({ slow: { ...manual, transitions: [{ to: 'again' }] }, again: { kind: 'journey', key: 'sample', ...on } })],
  ['its own trigger after a minute', aTemplate({}, { triggers: [{ id: 't', kind: 'journey', type: 'sample', delay: 'PT1M' }] })],
  ['a goal that an exit wins', aTemplate({}, { goals, exits: [{ id: 'x', on: 'crm:bought', outcome: 'bought', result: 'won' }], steps: { done: lost } })],
  ['a goal that ends the journey', aTemplate({}, { goals: [{ ...goals[0], endsJourney: true }], steps: { done: lost } })],
  ['a goal that an end wins', aTemplate({}, { goals, steps: { done } })],
  ['a truth that may change', aTemplate({ one: { ...call, output: { flag: 'steps.one.output.ok' } } }, { context: { flag: { schema: { type: 'boolean' } } } })],
  ['a mark that is not set', aTemplate({ one: { ...call, output: { score: 'steps.one.output.score' } } }, { context: { score: { ...number, const: false } } })],
  ['personal data that stays personal', aTemplate({ one: { ...manual, form: { type: 'object', properties: { ssn: { type: 'string' } } }, output: { other: 'steps.one.output.ssn' } } }, { context: { ssn, other: ssn } })],
  ['a whole number for a number', aTemplate({ one: { ...call, action: 'crm.convert@1', input: { leadId: 'input.customerId', score: 'input.count' } } }, { input: { type: 'object', properties: { customerId: { type: 'string' }, count: { type: 'integer' } } } })],
  ['an estimate in words', aTemplate({ one: { ...call, estimatedDuration: 'PT1H', timeouts: { total: 'PT1H' } } })],
  ['a rung at the deadline', aTemplate({ one: { ...vote, escalation: [{ after: 'P1D', action: 'remind' }] } })],
  ['a wider input than before', input({ leadId: { type: ['string', 'number'] }, n: { type: 'number', maximum: 9 } }), previous(input({ leadId: { type: 'string' }, n: { type: 'integer', maximum: 5 } }, ['leadId']))],
  ['anything, where nothing is known', aTemplate({ one: { ...call, action: 'nobody.knows@9' } }, { defaults: { timezone: 'Mars', calendar: 'none' } }), { actions: undefined, isZone: undefined, calendars: undefined } as never],
  ['a version before that cannot be read', aTemplate(), previous('garbage')],
];
