/** Beginnings, shares, goals and the version before: the smallest templates that earn J060 to J081. */
import { aTemplate, lost, on, wait, previous, input } from '../builders.js';
import type { Fault } from '../builders.js';

// prettier-ignore
export const entryFaults: readonly Fault[] = [
  ['J060', 'weights', aTemplate({ one: { kind: 'experiment', salt: 's', variants: [{ id: 'a', weight: 50 }, { id: 'b', weight: 45 }], ...on } }), '/steps/one/variants', 'weights add up to 95, must be 100'],
  ['J060', 'a negative weight', aTemplate({ one: { kind: 'experiment', salt: 's', variants: [{ id: 'a', weight: 150 }, { id: 'b', weight: -50 }], ...on } }), '/steps/one/variants/1/weight', 'a weight may not be negative (got -50)'],
  ['J061', 'two triggers', aTemplate({}, { entry: { concurrency: 'unlimited' }, triggers: [{ id: 'a', kind: 'event', type: 'crm:lead_converted' }, { id: 'b', kind: 'event', type: 'crm:customer_created' }] }), '/triggers', '`crm:lead_converted` and `crm:customer_created` both start this'],
  ['J062', 'no cooldown', aTemplate({}, { triggers: [{ id: 't', kind: 'condition', when: 'subject.usage > 5' }] }), '/triggers/0', 'fires on every false-to-true; add `cooldown`'],
  ['J063', 'its own trigger', aTemplate({}, { triggers: [{ id: 't', kind: 'journey', type: 'sample', delay: 'PT59S' }] }), '/triggers/0', 'link to own key `sample` needs a `delay` of at least 1 minute'],
  ['J063', 'its own child', aTemplate({ again: { kind: 'journey', key: 'sample', ...on } }), '/steps/again', '`again` starts its own key `sample`; link to own key needs at least 1 minute'],
  ['J063', 'its own children', aTemplate({ short: { ...wait, for: 'PT59S', transitions: [{ to: 'again' }] }, again: { kind: 'forEach', items: 'subject.list', do: { kind: 'journey', key: 'sample' }, ...on } }), '/steps/again', /^`again` starts its own key/],
  ['J071', 'never won', aTemplate({}, { key: 'upsell', goals: [{ id: 'g', event: 'crm:bought' }], steps: { done: lost } }), '/goals', '`upsell` can never be won'],
  ['J080', 'nothing changed', aTemplate(), '', 'nothing changed since version 7', previous(aTemplate())],
  ['J081', 'a field that became required', input({ leadId: { type: 'string' } }, ['leadId']), '/input/required', '`leadId` became required; callers of version 7 do not send it', previous(input({ leadId: { type: 'string' } }))],
  ['J081', 'a narrower type', input({ leadId: { type: 'string' } }), '/input/properties/leadId/type', '`leadId` may no longer be number; callers of version 7 may send something else', previous(input({ leadId: { type: ['string', 'number'] } }))],
  ['J081', 'fewer values', input({ plan: { enum: ['a'] } }), '/input/properties/plan', '`plan` takes fewer values; callers of version 7 may send something else', previous(input({ plan: { enum: ['a', 'b'] } }))],
  ['J081', 'values where there were none', input({ plan: { type: 'string', const: 'a' } }), '/input/properties/plan', '`plan` takes fewer values; callers of version 7 may send something else', previous(input({ plan: { type: 'string' } }))],
  ['J081', 'a higher minimum', input({ n: { items: { minimum: 5 } } }), '/input/properties/n/items', '`n` has a higher minimum; callers of version 7 may send something else', previous(input({ n: { items: { minimum: 4 } } }))],
  ['J081', 'a lower maximum', input({ n: { maxLength: 5 } }), '/input/properties/n', '`n` has a lower maxLength; callers of the version before may send something else', { previous: { template: input({ n: {} }) } }],
  ['J081', 'no other fields', input({}, [], { input: { type: 'object', properties: { customerId: {} }, additionalProperties: false } }), '/input/additionalProperties', 'the input takes no other fields any more; callers of version 7 may send something else', previous(input({}))],
  ['J081', 'a field within that became required', input({ lead: { properties: { id: {} }, required: ['id'] } }), '/input/properties/lead/required', '`lead.id` became required; callers of version 7 do not send it', previous(input({ lead: { properties: { id: {} } } }))],
  ['J063', 'its own trigger at once', aTemplate({}, { triggers: [{ id: 't', kind: 'journey', type: 'sample' }] }), '/triggers/0', 'link to own key `sample` needs a `delay` of at least 1 minute'],
];
