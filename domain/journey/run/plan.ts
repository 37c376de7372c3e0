/** A compiled template ready to be run: its steps by name and its ways. */
import type { CompiledTemplate } from '../compile.js';
import { graphOf } from '../graph.js';
import type { Graph } from '../graph.js';
import { own } from '../json.js';
import { directionOf, outcomesOf } from '../outcomes.js';
import type { Direction, Outcomes } from '../outcomes.js';
import type { Route, Step, StepBody } from '../step.js';
import type { JourneyTemplate } from '../template.js';
import { day } from '../../time.js';

export type CompiledStep = Step<string, number>;
export type CompiledBody = StepBody<string, number>;
export type BodyOf<Kind extends CompiledBody['kind']> = Extract<CompiledBody, { readonly kind: Kind }>;

export interface Plan {
  readonly template: CompiledTemplate;
  readonly graph: Graph;
  readonly maxVisits: number;
  readonly maxOpen: number;
  readonly maxDurationMs: number;
}

const plans = new WeakMap<CompiledTemplate, Plan>();

/** Worked out once for each template object. */
export function planOf(template: CompiledTemplate): Plan {
  const known = plans.get(template);
  if (known !== undefined) return known;
  const { maxVisitsPerStep = 20, maxOpenSteps = 50, maxDuration = 180 * day } = template.limits ?? {};
  const plan: Plan = {
    template,
    graph: graphOf(authored(template)),
    maxVisits: maxVisitsPerStep,
    maxOpen: maxOpenSteps,
    maxDurationMs: maxDuration,
  };
  plans.set(template, plan);
  return plan;
}

/** What reads ways and outcomes reads authored and compiled forms alike: neither guards nor durations matter to it. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const authored = (template: CompiledTemplate): JourneyTemplate => template as unknown as JourneyTemplate;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
export const authoredStep = (step: CompiledStep): Step => step as unknown as Step;

export const isStep = ({ template }: Plan, name: string): boolean => own(template.steps, name) !== undefined;

/** A step that does not exist leads nowhere. */
const nowhere: CompiledStep = { kind: 'decision' };
export const stepOf = ({ template }: Plan, id: string): CompiledStep => own(template.steps, id) ?? nowhere;

/** The step of a visit, or what it does for an item. */
export function bodyOf(plan: Plan, { step: id, item }: { readonly step: string; readonly item: string | null }): CompiledBody {
  const step = stepOf(plan, id);
  return item !== null && step.kind === 'forEach' ? step.do : step;
}

/** Where a word such as `onTimeout` leads; an item's words are read like those of the step around it. */
export const wayOf = (plan: Plan, id: string, word: Route, votes: boolean): Direction =>
  directionOf(word, authoredStep(stepOf(plan, id)), (name) => isStep(plan, name), votes);

export const outcomesAt = (plan: Plan, id: string, body: CompiledBody): Outcomes =>
  outcomesOf(authoredStep({ ...stepOf(plan, id), ...body }), (name) => isStep(plan, name));
