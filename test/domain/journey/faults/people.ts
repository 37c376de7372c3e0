/** People, votes and handoffs: the smallest templates that earn J039 to J055. */
import { aTemplate, on, vote, handoff } from '../builders.js';
import type { Fault } from '../builders.js';

// prettier-ignore
export const peopleFaults: readonly Fault[] = [
  ['J039', 'nobody', aTemplate({ contact_customer: { kind: 'manual', ...on } }), '/steps/contact_customer', '`contact_customer` goes to the default team'],
  ['J050', 'too many votes', aTemplate({ one: { ...vote, approvers: { users: ['a', 'b', 'a'] }, quorum: { count: 3 } } }), '/steps/one/quorum', 'needs 3 approvals but names 2 approvers'],
  ['J050', 'too many of a group', aTemplate({ one: { ...vote, approvers: { users: ['a'], roles: ['admin'] }, quorum: { per_group: 2 } } }), '/steps/one/quorum', 'needs 2 approvals of each group but names 1 of its users'],
  ['J050', 'nobody', aTemplate({ one: { ...vote, approvers: {} } }), '/steps/one/quorum', 'nobody is named as approver'],
  ['J050', 'nobody of that role', aTemplate({ one: { ...vote, approvers: { roles: ['ghost'] } } }), '/steps/one/quorum', 'nobody has the role `ghost`'],
  ['J051', 'percent', aTemplate({ one: { ...vote, quorum: { percent: 101 } } }), '/steps/one/quorum', 'percent must be 1–100 (got 101)'],
  ['J051', 'no percent', aTemplate({ one: { ...vote, quorum: { percent: 0 } } }), '/steps/one/quorum', 'percent must be 1–100 (got 0)'],
  ['J051', 'count', aTemplate({ one: { ...vote, quorum: { count: 0 } } }), '/steps/one/quorum', 'count must be at least 1 (got 0)'],
  ['J051', 'group', aTemplate({ one: { ...vote, quorum: { per_group: 0 } } }), '/steps/one/quorum', 'per_group must be at least 1 (got 0)'],
  ['J052', 'the requester alone', aTemplate({ one: { ...vote, approvers: { expr: '[journey.requester]' } } }), '/steps/one/approvers', /^separation of duties leaves no eligible approver/],
  ['J052', 'by name', aTemplate({ one: { ...vote, approvers: { users: ['journey.requester'] } } }), '/steps/one/approvers', /^separation of duties leaves no eligible approver/],
  ['J053', 'no timeout', aTemplate({ credit_ok: { ...vote, onTimeout: undefined } }), '/steps/credit_ok', '`credit_ok` has no `onTimeout`'],
  ['J053', 'a gate', aTemplate({ one: { ...handoff, mode: 'approve', approval: { approvers: { roles: ['admin'] }, quorum: 'any' } } }), '/steps/one/approval', '`one` has no `within` and no `onTimeout`'],
  ['J053', 'a human handoff', aTemplate({ one: { ...handoff, mode: 'accept', onTimeout: 'incident' } }), '/steps/one', '`one` has no `acceptWithin`'],
  ['J054', 'not increasing', aTemplate({ one: { ...vote, escalation: [{ after: 'PT8H', action: 'remind' }, { after: 'PT4H', action: 'remind' }] } }), '/steps/one/escalation/1/after', 'escalation 2 (4 h) is not later than escalation 1 (8 h)'],
  ['J054', 'past the deadline', aTemplate({ one: { ...vote, escalation: [{ after: 'P2D', action: 'remind' }] } }), '/steps/one/escalation/0/after', 'escalation 1 (2 d) is past the deadline (1 d)'],
  ['J055', 'to itself', aTemplate({ one: { ...handoff, to: 'crm' } }), '/steps/one/to', '`crm` to `crm` is not a handoff'],
  ['J055', 'an unknown package', aTemplate({ one: { ...handoff, to: 'sales' } }), '/steps/one/to', '`sales` is not a package; known are crm, business-logic, field-ops, support-system, billing-system'],
];
