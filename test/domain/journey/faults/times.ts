/** Times: the smallest templates that earn J040 to J043. */
import { aTemplate, on, manual, call, wait } from '../builders.js';
import type { Fault } from '../builders.js';

// prettier-ignore
export const timesFaults: readonly Fault[] = [
  ['J040', 'zero', aTemplate({ one: { ...wait, for: 'P0D' } }), '/steps/one/for', '`P0D`: a wait must be longer than zero'],
  ['J040', 'negative', aTemplate({ one: { ...manual, due: '-P1D' } }), '/steps/one/due', '`-P1D`: `due` may not be negative'],
  ['J040', 'months', aTemplate({ one: { ...wait, for: 'P1M' } }), '/steps/one/for', '`P1M` is not a duration'],
  ['J040', 'too long', aTemplate({ one: { ...wait, for: 'P181D' } }), '/steps/one/for', '`P181D` is longer than the journey may last (180 d)'],
  ['J040', 'too long for this one', aTemplate({ one: { ...wait, for: 'P8D' } }, { limits: { maxDuration: 'P7D' } }), '/steps/one/for', '`P8D` is longer than the journey may last (7 d)'],
  ['J040', 're-entry', aTemplate({}, { entry: { reentry: 'after:soon' } }), '/entry/reentry', '`soon` is not a duration'],
  ['J041', 'an event that may not come', aTemplate({ await_payment: { kind: 'wait', event: [{ type: 'billing:paid' }], ...on } }), '/steps/await_payment', '`await_payment` could wait for ever; `max` and `onMax` missing'],
  ['J041', 'a condition without a route', aTemplate({ one: { kind: 'wait', condition: 'true', max: 'P1D', ...on } }), '/steps/one', '`one` could wait for ever; `onMax` missing'],
  ['J041', 'a variable instant', aTemplate({ one: { kind: 'wait', until: 'subject.at', onMax: 'incident', ...on } }), '/steps/one', '`one` could wait for ever; `max` missing'],
  ['J042', 'a plan beyond the end', aTemplate({ triage: { ...call, estimatedDuration: 61, timeouts: { total: 'PT1H' } } }), '/steps/triage/estimatedDuration', '`triage` is planned longer (1 h 1 min) than it may last (1 h)'],
  ['J043', 'no zone', aTemplate({}, { defaults: { timezone: 'Europe/Brusels' } }), '/defaults/timezone', '`Europe/Brusels` is not an IANA zone'],
  ['J043', 'no zone in a wait', aTemplate({ one: { kind: 'wait', until: { local: '09:00', zone: 'Mars' }, ...on } }), '/steps/one/until/zone', '`Mars` is not an IANA zone'],
  ['J043', 'no calendar', aTemplate({}, { defaults: { calendar: 'ofice' } }), '/defaults/calendar', '`ofice` is not a calendar of yours'],
  ['J043', 'no rule', aTemplate({}, { triggers: [{ id: 't', kind: 'schedule', rrule: 'FREQ=YEARLY' }] }), '/triggers/0/rrule', '`FREQ=YEARLY`: `FREQ=YEARLY` has no usable value'],
  ['J040', 'a rung', aTemplate({ one: { kind: 'approval', approvers: { roles: ['admin'] }, quorum: 'any', within: 'P1D', onTimeout: 'incident', escalation: [{ after: 'soon', action: 'remind' }, { after: 'PT1H', action: 'remind' }], ...on } }), '/steps/one/escalation/0/after', '`soon` is not a duration'],
  ['J040', 'an offset too long', aTemplate({ one: { kind: 'wait', until: '2026-01-05T09:00:00Z', offset: '-P200D', ...on } }), '/steps/one/offset', '`-P200D` is longer than the journey may last (180 d)'],
];
