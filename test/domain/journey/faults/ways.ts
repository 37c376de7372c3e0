/** Ways through a template: the smallest templates that earn J010 to J070. */
import { aTemplate, done, on, manual, handoff, call, wait, score, block, limits } from '../builders.js';
import type { Fault } from '../builders.js';

// prettier-ignore
export const waysFaults: readonly Fault[] = [
  ['J010', 'an unknown start', aTemplate({}, { start: 'don' }), '/start', '`start` names `don`, which is not a step; closest is `done`'],
  ['J010', 'no start', aTemplate({}, { start: undefined }), '/start', '`start` is missing'],
  ['J011', 'a missing target', aTemplate({ one: { ...call, transitions: [{ to: 'done', when: 'true' }, { to: 'elsewhere', default: true }] } }), '/steps/one/transitions/1/to', 'transition 2 of `one` goes to `elsewhere`, which does not exist'],
  ['J011', 'a missing catch', aTemplate({ one: { ...call, catch: [{ errors: ['*'], to: 'dome' }] } }), '/steps/one/catch/0/to', 'catch 1 of `one` goes to `dome`, which does not exist; closest is `done`'],
  ['J011', 'a missing branch', aTemplate({ one: { kind: 'parallel', branches: ['elsewhere'], ...on } }), '/steps/one/branches/0', 'branch 1 of `one` goes to `elsewhere`, which does not exist'],
  ['J011', 'a missing route', aTemplate({ one: { ...handoff, onReturn: 'route:elsewhere' } }), '/steps/one/onReturn', '`onReturn` of `one` goes to `elsewhere`, which does not exist'],
  ['J012', 'an unreachable step', aTemplate({}, { steps: { done, notify_legacy: wait } }), '/steps/notify_legacy', '`notify_legacy` cannot be reached from `start`'],
  ['J013', 'no end', aTemplate({}, { ...limits, start: 'await_docs', steps: { await_docs: { ...wait, transitions: [{ to: 'await_docs' }] } } }), '/steps/await_docs', 'from `await_docs` no `end` can be reached'],
  ['J014', 'no way out', aTemplate({}, { start: 'activate', steps: { activate: { kind: 'automated', action: 'crm.qualify@1' } } }), '/steps/activate', '`activate` has neither transitions nor is it an `end`'],
  ['J015', 'an end that goes on', aTemplate({}, { start: 'end_won', steps: { end_won: { ...done, transitions: [] } } }), '/steps/end_won/transitions', '`end_won` is an end step and may not have transitions'],
  ['J016', 'a quick loop', aTemplate({ score: { kind: 'decision', transitions: [{ to: 'rescore', when: 'context.score > 5' }, { to: 'done', default: true }] }, rescore: { ...call, transitions: [{ to: 'score' }] } }, score), '/steps/score', '`score` and `rescore` form a loop that nothing slows'],
  ['J016', 'a step that leads back to itself', aTemplate({ again: { ...call, catch: [{ errors: ['*'], to: 'again' }] } }), '/steps/again', '`again` leads back to itself and nothing slows it'],
  ['J016', 'a loop over a block that need not wait', aTemplate({ split: { kind: 'parallel', branches: ['inner'], transitions: [{ to: 'split', when: 'context.score > 5' }, { to: 'done', default: true }] }, inner: { kind: 'parallel', branches: ['quick', 'slow'], join: 'any', transitions: [{ to: '$join' }] }, quick: { ...call, transitions: [{ to: '$join' }] }, slow: { ...manual, transitions: [{ to: '$join' }] } }, score), '/steps/split', '`split` leads back to itself and nothing slows it'],
  ['J017', 'a slow loop', aTemplate({ remind: { ...manual, outcomes: ['again', 'fine'], transitions: [{ to: 'remind', outcome: 'again' }, { to: 'done' }] } }), '/steps/remind', 'loop through `remind` is bounded only by 20 visits'],
  ['J018', 'too large a join', block({ join: 3 }), '/steps/split/join', '`split` joins 3 of 2 branches'],
  ['J018', 'no join at all', block({ join: 0 }), '/steps/split/join', '`split` joins 0 of 2 branches'],
  ['J018', 'a branch that leaves', block({ transitions: [{ to: 'archive' }] }, { right: { ...wait, transitions: [{ to: 'archive' }] }, archive: wait }), '/steps/right/transitions/0/to', 'branch `right` of `split` leaves the block to `archive`'],
  ['J018', 'a branch that ends', block({}, { right: { ...wait, transitions: [{ to: 'done' }] } }), '/steps/right/transitions/0/to', 'branch `right` of `split` leaves the block to `done`'],
  ['J018', 'a step in two branches', block({}, { right: { ...wait, transitions: [{ to: 'left' }] } }), '/steps/right/transitions/0/to', 'branch `right` of `split` leaves the block to `left`'],
  ['J018', 'a branch that is none', block({ branches: ['left', 'right', 'done'] }), '/steps/split/branches/2', 'branch `done` of `split` leaves the block to `done`'],
  ['J018', 'a join outside', aTemplate({ one: { ...wait, transitions: [{ to: '$join', when: 'true' }, { to: 'done', default: true }] } }), '/steps/one/transitions/0/to', '`one` goes to `$join` but stands in no branch'],
  ['J018', 'four blocks deep', aTemplate({ a: { kind: 'parallel', branches: ['b'], ...on }, b: { kind: 'parallel', branches: ['c'], transitions: [{ to: '$join' }] }, c: { kind: 'parallel', branches: ['d'], transitions: [{ to: '$join' }] }, d: { kind: 'parallel', branches: ['e'], transitions: [{ to: '$join' }] }, e: { ...wait, transitions: [{ to: '$join' }] } }), '/steps/d', '`d` is nested 4 blocks deep; the limit is 3'],
  ['J070', 'an unknown stage', aTemplate({ one: { ...wait, stage: 'leed' } }, { stages: [{ id: 'lead', name: 'Lead', order: 1 }] }), '/steps/one/stage', '`one` is in stage `leed`, which is not declared; closest is `lead`'],
  ['J070', 'only back', aTemplate({ activate: { ...wait, stage: 'active_service', transitions: [{ to: 'after' }] }, after: { ...wait, stage: 'lead' } }, { stages: [{ id: 'lead', name: 'Lead', order: 1 }, { id: 'active_service', name: 'Active', order: 2 }] }), '/steps/activate/stage', '`activate` is in `active_service`, followed only by `lead`'],
];
