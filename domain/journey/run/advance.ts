/** `advanceStep`: completes an open step by the outcome it is given, or by the only one there is. Source: journeys.md, section 3. */
import { refused } from '../../decision.js';
import type { Refused } from '../../decision.js';
import type { JsonObject } from '../json.js';
import { valueFaults } from '../json-schema.js';
import { isOpen } from './candidates.js';
import type { JourneyCode, JourneyCommandOf } from './command.js';
import { personal } from './context.js';
import { isReference } from './data.js';
import type { Draft } from './draft.js';
import { complete } from './leave.js';
import { personOf } from './names.js';
import { openOutcomes } from './open-outcomes.js';
import { bodyOf, outcomesAt } from './plan.js';
import type { CompiledBody, Plan } from './plan.js';
import type { Visit } from './visit.js';

type Advance = JourneyCommandOf<'advance'>;
type Answer = Refused<JourneyCode> | undefined;

/** A step that can be advanced now, with what may be chosen there. */
interface Choice {
  readonly visit: Visit;
  readonly outcomes: readonly string[];
}

export function advance(draft: Draft, order: Advance): Answer {
  const { outcome, expectStep, item } = order;
  const { visits } = draft.state;
  const openSteps = [...new Set(visits.filter(({ endedAt }) => endedAt === null).map(({ step }) => step))];
  if (expectStep !== undefined && !openSteps.includes(expectStep)) return refused('step_mismatch', { openSteps });
  const choices = visits
    .filter((visit) => (expectStep ?? visit.step) === visit.step && (item ?? visit.item) === visit.item && isAdvanceable(draft.plan, visit))
    .map((visit): Choice => ({ visit, outcomes: openOutcomes(draft.plan, visit) }));
  return outcome === undefined ? byTheOnlyOne(draft, choices, order) : byOutcome(draft, choices, outcome, order);
}

/** Open and manual, an accepted handoff, or a wait with an outcome that an event names. */
function isAdvanceable(plan: Plan, visit: Visit): boolean {
  if (!isOpen(visit)) return false;
  const isAccepted = visit.handoff === null || visit.handoff.state === 'accepted' || visit.handoff.state === 'in_progress';
  return isAccepted && openOutcomes(plan, visit).length > 0;
}

function byTheOnlyOne(draft: Draft, choices: readonly Choice[], order: Advance): Answer {
  const [only, ...others] = choices;
  if (only === undefined) return refused('nothing_to_advance', { openSteps: stepsOf(draft) });
  if (others.length > 0) return refused('ambiguous', { steps: choices.map(({ visit }) => visit.step) });
  const [outcome, ...more] = only.outcomes;
  if (outcome === undefined || more.length > 0) return refused('outcome_required', { step: only.visit.step, outcomes: only.outcomes });
  return completeBy(draft, only.visit, outcome, order);
}

function byOutcome(draft: Draft, choices: readonly Choice[], outcome: string, order: Advance): Answer {
  const [fitting, ...others] = choices.filter(({ outcomes }) => outcomes.includes(outcome));
  if (others.length > 0 && fitting !== undefined) {
    return refused('ambiguous', { steps: [fitting, ...others].map(({ visit }) => visit.step) });
  }
  if (fitting !== undefined) return completeBy(draft, fitting.visit, outcome, order);
  const { steps } = draft.plan.template;
  const knowing = Object.entries(steps)
    .filter(([id]) => (order.expectStep ?? id) === id)
    .filter(([id, step]) => declared(draft.plan, id, step.kind === 'forEach' ? step.do : step).includes(outcome))
    .map(([id]) => id);
  if (knowing.length === 0) {
    return refused('unknown_outcome', { outcomes: [...new Set(choices.flatMap(({ outcomes }) => outcomes))] });
  }
  const isRecorded = knowing.some((step) => {
    const { last, visits } = draft.past(step);
    return last !== null && last.visit === visits && last.outcome === outcome;
  });
  if (!isRecorded) return refused('step_not_open', { steps: knowing, openSteps: stepsOf(draft) });
  draft.said = { already_recorded: true };
  return undefined;
}

const declared = (plan: Plan, id: string, body: CompiledBody): readonly string[] => {
  const { certain, possible } = outcomesAt(plan, id, body);
  return [...certain, ...possible];
};

const stepsOf = ({ state }: Draft): readonly string[] => [...new Set(state.visits.map(({ step }) => step))];

function completeBy(draft: Draft, visit: Visit, outcome: string, { actor, role, roles, output = {} }: Advance): Answer {
  const barred = role === 'agent' ? barredFrom(visit, personOf(actor), roles) : undefined;
  if (barred !== undefined) return barred;
  const paths = outputFaults(draft.plan, visit, output);
  if (paths.length > 0) return refused('output_invalid', { step: visit.step, paths });
  complete(draft, visit, { cause: 'advance', outcome, output, fills: true });
  return undefined;
}

/** An agent does tasks that are theirs, and none that somebody else has taken. */
export function barredFrom({ task }: Visit, person: string, roles: readonly string[] | undefined): Answer {
  if (task === null) return undefined;
  if (task.assignee !== null) return task.assignee === person ? undefined : refused('already_claimed', { assignee: task.assignee });
  const isAnyones = task.people.length === 0 && task.roles.length === 0;
  const isTheirs = isAnyones || task.people.includes(person) || roles === undefined || task.roles.some((role) => roles.includes(role));
  return isTheirs ? undefined : refused('forbidden');
}

/** Every path at which what a person gave breaks the form. */
export function outputFaults(plan: Plan, visit: Visit, output: JsonObject): readonly string[] {
  const body = bodyOf(plan, visit);
  const open = personal(plan, Object.keys(output)).filter((name) => output[name] !== null && !isReference(output[name]));
  const raw = open.map((name) => `/${name} must be a reference to a text`);
  if (body.kind !== 'manual' || body.form === undefined) return raw;
  const plain = Object.fromEntries(Object.entries(output).filter(([, value]) => !isReference(value)));
  const given = Object.keys(output).filter((name) => isReference(output[name]));
  const faults = valueFaults(body.form, plain).filter(
    ({ path, rule }) => !(rule === 'is required' && given.some((name) => path === `/${name}`)),
  );
  return [...raw, ...faults.map(({ path, rule }) => `${path} ${rule}`)];
}
