/** Guards, data and outcomes: the smallest templates that earn J020 to J057. */
import { aTemplate, manual, handoff, call, score, number, decide, when } from '../builders.js';
import type { Fault } from '../builders.js';

// prettier-ignore
export const guardsFaults: readonly Fault[] = [
  ['J020', 'a gap', decide({ to: 'done', when: 'context.score > 50' }, { to: 'done', when: 'context.score < 50' }), '/steps/choose/transitions', '`choose` has guards but no default; a `context.score` of exactly 50 matches nothing'],
  ['J021', 'after a default', decide({ to: 'done', when: 'context.score > 5' }, { to: 'done', default: true }, { to: 'done', when: 'context.score > 1' }), '/steps/choose/transitions/2', 'transition 3 of `choose` can never be taken'],
  ['J021', 'two defaults', decide({ to: 'done', default: true }, { to: 'done', default: true }), '/steps/choose/transitions/1', 'transition 2 of `choose` can never be taken'],
  ['J021', 'an outcome twice', aTemplate({ one: { ...manual, outcomes: ['yes'], transitions: [{ to: 'done', outcome: 'yes' }, { to: 'done', outcome: 'yes' }] } }), '/steps/one/transitions/1', 'transition 2 of `one` can never be taken'],
  ['J022', 'a broken guard', when('context.score >='), '/steps/one/when', '`context.score >=`: ends unexpectedly at column 17'],
  ['J023', 'an unknown path', when('context.scor > 5'), '/steps/one/when', '`context.scor` is not declared; closest is `context.score`'],
  ['J023', 'a wrong type', when('context.score > "high"'), '/steps/one/when', '`context.score > "high"`: no such overload: number > string'],
  ['J023', 'no root', when('lead.score > 5'), '/steps/one/when', '`lead.score` is not known; paths begin with input, context, steps, subject, event, journey, now'],
  ['J023', 'an item outside of a list', when('item == 5'), '/steps/one/when', '`item` is not declared'],
  ['J023', 'a mapping from nowhere', aTemplate({ one: { ...call, output: { score: 'steps.one.output.points' } } }, score), '/steps/one/output/score', '`steps.one.output.points` is not declared'],
  ['J023', 'a mapping into nothing', aTemplate({ one: { ...call, output: { scor: 'steps.one.output.score' } } }, score), '/steps/one/output/scor', '`scor` is not a variable of the context; closest is `score`'],
  ['J023', 'a mapping that is no path', aTemplate({ one: { ...call, input: { score: 'high' } } }), '/steps/one/input/score', '`high` is not a path'],
  ['J023', 'an unknown subject', aTemplate({}, { subject: { type: 'lead', id: 'leadId' } }), '/subject/id', '`input.leadId` is not declared'],
  ['J023', 'an error without a variable', aTemplate({ one: { ...call, catch: [{ errors: ['*'], to: 'done', as: 'fault' }] } }), '/steps/one/catch/0/as', '`fault` is not a variable of the context'],
  ['J024', 'no verdict', when('context.score'), '/steps/one/when', '`context.score` yields a number'],
  ['J024', 'no people', aTemplate({ one: { ...manual, assign: { expr: 'context.score' } } }, score), '/steps/one/assign/expr', '`context.score` yields a number; a list of people is needed'],
  ['J025', 'a banned function', when('input.customerId.matches("a.*")'), '/steps/one/when', '`matches` is not available; use `contains` or `glob`'],
  ['J025', 'a long guard', when(`context.score > ${'1'.repeat(2_000)}`), '/steps/one/when', 'the expression has 2016 characters; the limit is 2000'],
  ['J026', 'a step that may not have run', aTemplate({ one: { kind: 'decision', transitions: [{ to: 'credit', when: 'context.score > 5' }, { to: 'manual_check', default: true }] }, credit: { ...call, transitions: [{ to: 'two' }] }, manual_check: { ...manual, transitions: [{ to: 'two' }] }, two: { kind: 'decision', transitions: [{ to: 'done', when: 'steps.credit.output.ok' }, { to: 'done', default: true }] } }, score), '/steps/two/transitions/0/when', '`steps.credit.output.ok` may be absent via `manual_check`; use `has(...)`'],
  ['J026', 'an exit that reads a step', aTemplate({ one: call }, { exits: [{ id: 'x', when: 'steps.one.output.ok', outcome: 'x', result: 'lost' }] }), '/exits/0/when', '`steps.one.output.ok` may be absent; use `has(...)`'],
  ['J027', 'a constant', aTemplate({ one: { ...call, output: { score: 'steps.one.output.score' } } }, { context: { score: { ...number, const: 5 } } }), '/steps/one/output/score', '`score` is a constant and may not be overwritten'],
  ['J027', 'personal data', aTemplate({ one: { ...call, output: { notes: 'context.ssn' } } }, { context: { ssn: { schema: { type: 'string' }, pii: true }, notes: { schema: { type: 'string' } } } }), '/steps/one/output/notes', '`ssn` is pii but is mapped into `notes`'],
  ['J027', 'a form field', aTemplate({ one: { ...manual, form: { type: 'object', properties: { score: { type: 'number' } } } } }, { context: { score: { ...number, const: true, default: 5 } } }), '/steps/one/form/properties/score', '`score` is a constant and may not be overwritten'],
  ['J036', 'an optional step', aTemplate({ enrich: { ...call, optional: true, transitions: [{ to: 'route' }] }, route: { kind: 'decision', transitions: [{ to: 'done', when: 'steps.enrich.output.ok' }, { to: 'done', default: true }] } }), '/steps/route/transitions/0/when', '`enrich` is optional but `route` reads its output `steps.enrich.output.ok`'],
  ['J056', 'undeclared data', aTemplate({ one: { ...handoff, requiredData: ['serviceTier'] } }, { context: { serviceTyp: { schema: {} }, serviceTie: { schema: {} } } }), '/steps/one/requiredData/0', '`serviceTier` is not part of the context; closest is `serviceTie`'],
  ['J057', 'an outcome without a way', aTemplate({ review: { ...manual, outcomes: ['fine', 'returned'], transitions: [{ to: 'done', outcome: 'fine' }] } }), '/steps/review/transitions', 'outcome `returned` of `review` has no transition'],
  ['J057', 'a way without an outcome', aTemplate({ review: { ...manual, outcomes: ['fine'], transitions: [{ to: 'done', outcome: 'fine' }, { to: 'done', outcome: 'odd' }] } }), '/steps/review/transitions/1/outcome', '`review` never has the outcome `odd`'],
];
