/** Actions and attempts: the smallest templates that earn J030 to J038. */
import { aTemplate, lost, on, call, score } from '../builders.js';
import type { Fault } from '../builders.js';

// prettier-ignore
export const actionsFaults: readonly Fault[] = [
  ['J030', 'an unknown major', aTemplate({ one: { ...call, action: 'crm.qualify@3' } }), '/steps/one/action', '`crm.qualify@3` is not registered (known: @1, @2)'],
  ['J030', 'an unknown action', aTemplate({ one: { ...call, action: 'crm.qualfy@1' } }), '/steps/one/action', '`crm.qualfy@1` is not registered; closest is `crm.qualify@1`'],
  ['J030', 'an unknown compensation', aTemplate({ one: { ...call, compensate: 'nobody.knows@1' } }), '/steps/one/compensate', '`nobody.knows@1` is not registered'],
  ['J031', 'a field that is never set', aTemplate({ one: { ...call, action: 'crm.convert@1' } }), '/steps/one/input', '`crm.convert@1` needs `leadId`; the mapping never sets it'],
  ['J031', 'a field of another type', aTemplate({ one: { ...call, action: 'crm.convert@1', input: { leadId: 'context.score' } } }, score), '/steps/one/input/leadId', '`crm.convert@1` takes `leadId` as string; `context.score` is number'],
  ['J031', 'a field nobody takes', aTemplate({ one: { ...call, action: 'crm.convert@1', input: { leadId: 'input.customerId', color: 'input.customerId' } } }), '/steps/one/input/color', '`crm.convert@1` does not take `color`'],
  ['J032', 'a charge that is tried again', aTemplate({ charge: { ...call, action: 'billing.charge@1' } }), '/steps/charge/retry', '`charge` cannot be repeated safely'],
  ['J033', 'no bound', aTemplate({ charge: { ...call, retry: { maxAttempts: 'unlimited' } } }), '/steps/charge/retry', '`charge` may retry for ever: set maxAttempts or timeouts.total'],
  ['J033', 'no bound for all', aTemplate({ charge: call }, { defaults: { retry: { maxAttempts: 'unlimited' } } }), '/defaults/retry', '`charge` may retry for ever: set maxAttempts or timeouts.total'],
  ['J034', 'an attempt longer than all', aTemplate({ one: { ...call, timeouts: { attempt: 'PT2H', total: 'PT1H' } } }), '/steps/one/timeouts', 'attempt timeout 2 h exceeds total 1 h'],
  ['J034', 'a slow heartbeat', aTemplate({ one: { ...call, timeouts: { heartbeat: 'PT25S' } } }), '/steps/one/timeouts', 'heartbeat 25 s is not shorter than the attempt timeout 25 s'],
  ['J034', 'for all', aTemplate({ one: call }, { defaults: { timeouts: { attempt: 'PT2H', total: 'PT1H' } } }), '/defaults/timeouts', 'attempt timeout 2 h exceeds total 1 h'],
  ['J035', 'behind a star', aTemplate({ one: { ...call, catch: [{ errors: ['*'], to: 'done' }, { errors: ['Refused'], to: 'done' }] } }), '/steps/one/catch/1', 'catch 2 is shadowed by `*` in catch 1'],
  ['J035', 'behind its own names', aTemplate({ one: { ...call, catch: [{ errors: ['A', 'B'], to: 'done' }, { errors: ['B'], to: 'done' }] } }), '/steps/one/catch/1', 'catch 2 is shadowed by `B` in catch 1'],
  ['J037', 'not undone', aTemplate({ charge: { ...call, action: 'billing.charge@1', retry: { maxAttempts: 1 }, transitions: [{ to: 'end_lost' }] }, end_lost: lost }, { steps: { charge: { ...call, action: 'billing.charge@1', retry: { maxAttempts: 1 }, transitions: [{ to: 'end_lost' }] }, end_lost: lost } }), '/steps/charge', '`charge` is not undone before `end_lost`'],
  ['J038', 'output of no action', aTemplate({ one: { kind: 'automated', transitions: [{ to: 'done', when: 'steps.one.output.x == 5' }, { to: 'done', default: true }] } }), '/steps/one', '`one` names no action; it completes at once'],
  ['J038', 'no action', aTemplate({ analyze_usage: { kind: 'automated', ...on } }), '/steps/analyze_usage', '`analyze_usage` names no action; it completes at once'],
];
