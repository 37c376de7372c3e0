/** What a person completes a step with. */
import type { Caller } from '../caller.js';
import { Refusal } from '../errors.js';
import { takeTexts } from './texts.js';
import type { Given } from './texts.js';
import type { JourneyFacts } from '../../db/queries/journeys.js';
import type { CompiledTemplate } from '../../domain/journey/compile.js';
import { plainJson, segmentsOf } from '../../domain/journey/json.js';
import { valueFaults } from '../../domain/journey/json-schema.js';
import { personalOutput, variable } from '../../domain/journey/run/context.js';
import { isStep, outcomesAt, planOf, stepOf } from '../../domain/journey/run/plan.js';
import type { Plan } from '../../domain/journey/run/plan.js';

export interface Completion {
  readonly output?: Readonly<Record<string, unknown>>;
  readonly outcome?: string;
  readonly expectStep?: string;
}

/**
 * Checks an output against the form of its step, then takes the texts out of it. Which step is meant is told as far as that can be told here;
 * the journey decides.
 *
 * @param template null: it is not there, so that nothing is known of the step
 * @throws Refusal `output_invalid`, `invalid_request`
 */
export function takeOutput(caller: Caller, row: JourneyFacts, template: CompiledTemplate | null, { output, ...meant }: Completion): Given {
  const plan = template === null ? null : planOf(template);
  const id = plan === null ? null : stepMeant(plan, row, meant);
  const step = plan === null || id === null ? null : stepOf(plan, id);
  const form = step?.kind === 'manual' ? step.form : undefined;
  const { value } = plainJson(output);
  const faults = form === undefined ? [] : valueFaults(form, value);
  if (faults.length > 0) {
    const errors = faults.map(({ path, rule }) => ({ pointer: `/output${path}`, code: 'output_invalid', message: rule }));
    throw new Refusal('output_invalid', { members: { step: id }, errors });
  }
  const personal = plan === null || id === null ? [] : personalOutput(plan, id, step?.output ?? {});
  const isPersonal = (path: string): boolean => {
    const [member = ''] = segmentsOf(path);
    return personal.includes(member) || (plan !== null && variable(plan, member)?.pii === true);
  };
  return takeTexts(caller, row.id, output, {
    name: 'output',
    pointer: '/output',
    isPersonal,
    ...(form === undefined ? {} : { schema: form }),
  });
}

/** The step that is expected, or the only open one that somebody does and that knows the outcome. */
function stepMeant(plan: Plan, { openSteps }: JourneyFacts, { expectStep, outcome }: Omit<Completion, 'output'>): string | null {
  if (expectStep !== undefined) return isStep(plan, expectStep) ? expectStep : null;
  const known = openSteps.filter((id) => isStep(plan, id) && ['manual', 'handoff', 'wait'].includes(stepOf(plan, id).kind));
  const fitting = known.filter((id) => outcome === undefined || outcomesAt(plan, id, stepOf(plan, id)).certain.includes(outcome));
  const [only = null, ...others] = fitting;
  return others.length > 0 ? null : only;
}
