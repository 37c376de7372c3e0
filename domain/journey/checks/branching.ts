/** Transitions of one step: J020, J021, J057. */
import { guardText } from '../condition-rows.js';
import { found } from '../diagnostic.js';
import type { Diagnostic } from '../diagnostic.js';
import { pointer } from '../json.js';
import { outcomesOf } from '../outcomes.js';
import type { Guard, Step, Transition } from '../step.js';
import type { Case } from './case.js';
import { gapIn } from './gaps.js';
import type { GapJudge } from './gaps.js';

/** What is asked of a step's transitions. */
interface Branching {
  readonly id: string;
  readonly step: Step;
  readonly transitions: readonly Transition[];
  readonly at: (index: number, field?: string) => string;
}

const branchings = ({ graph, isLost }: Case): Branching[] =>
  Array.from(graph.steps).flatMap(([id, step]) => {
    const { transitions = [], kind } = step;
    const at: Branching['at'] = (index, field) => pointer('steps', id, 'transitions', index, ...(field === undefined ? [] : [field]));
    return kind === 'end' || transitions.length === 0 || isLost(pointer('steps', id)) ? [] : [{ id, step, transitions, at }];
  });

const isOpen = ({ when, default: isDefault }: Transition): boolean => when === undefined || isDefault === true;

/** J021. */
export const uselessTransitions = (scene: Case): Diagnostic[] =>
  branchings(scene).flatMap(({ id, transitions, at }) => {
    const closed = new Set<string | null>();
    return transitions.flatMap((transition, index) => {
      const outcome = transition.outcome ?? null;
      const isDead = closed.has(null) || closed.has(outcome);
      if (isOpen(transition)) closed.add(transition.default === true ? null : outcome);
      return isDead ? [found('J021', at(index), `transition ${index + 1} of \`${id}\` can never be taken`)] : [];
    });
  });

/** J057. */
export const strayOutcomes = (scene: Case): Diagnostic[] =>
  branchings(scene).flatMap(({ id, step, transitions, at }) => {
    const { certain, possible, open } = outcomesOf(step, (name) => scene.graph.steps.has(name));
    const unled = certain.filter((outcome) => !transitions.some((transition) => serves(transition, outcome)));
    const unknown = transitions.flatMap(({ outcome }, index) =>
      outcome === undefined || open || certain.includes(outcome) || possible.includes(outcome) ? [] : [[outcome, index] as const],
    );
    return [
      ...unled.map((outcome) =>
        found('J057', pointer('steps', id, 'transitions'), `outcome \`${outcome}\` of \`${id}\` has no transition`),
      ),
      ...unknown.map(([outcome, index]) =>
        found('J057', at(index, 'outcome'), `\`${id}\` never has the outcome \`${outcome}\``, {
          fix: `Name one of its outcomes: ${[...certain, ...possible].map((name) => `\`${name}\``).join(', ')}.`,
        }),
      ),
    ];
  });

const serves = (transition: Transition, outcome: string): boolean => transition.outcome === undefined || transition.outcome === outcome;

/** Evaluations that all steps of a template share; far more than guards need whose gaps can be shown. */
const mostEvaluations = 20_000;

/** J020: for each outcome, the guards of the transitions it could take. */
export function openGuards(scene: Case): Diagnostic[] {
  const steps = branchings(scene).map(({ id, step, transitions }) => {
    const { certain } = outcomesOf(step, (name) => scene.graph.steps.has(name));
    const outcomes = certain.length === 0 ? ['completed'] : certain;
    const lists = outcomes.map((outcome) => transitions.filter((transition) => serves(transition, outcome)));
    return { id, guarded: lists.filter((list) => list.length > 0 && !list.some(isOpen)) };
  });
  const sum = steps.reduce((total, { guarded }) => total + guarded.flat().length, 0);
  const judge: GapJudge = {
    engine: scene.guards,
    typeAt: scene.typeAt,
    report: (source) => scene.report(source, 'verdict', false),
    mostTries: Math.ceil(mostEvaluations / Math.max(sum, 1)),
  };
  return steps.flatMap(({ id, guarded }) => {
    const [gap] = guarded.flatMap(
      (list) =>
        gapIn(
          list.filter(isGuarded).map(({ when }) => guardText(when, 'context')),
          judge,
        ) ?? [],
    );
    return gap === undefined ? [] : [found('J020', pointer('steps', id, 'transitions'), `\`${id}\` has guards but no default; ${gap}`)];
  });
}

const isGuarded = (transition: Transition): transition is Transition & { readonly when: Guard } => transition.when !== undefined;
