/** How a step can come out, and what the words of `onMax`, `onReturn` and `onTimeout` mean. Source: journeys.md, sections 2, 8 and 9; scripts.md, section 2. */
import type { CompleteOn, Handoff, Route, Step, Wait } from './step.js';

/** Where a word leads: to an outcome, a step, an incident, or the answer of a vote. */
export type Direction =
  | { readonly kind: 'outcome'; readonly outcome: string }
  | { readonly kind: 'step'; readonly to: string }
  | { readonly kind: 'incident' }
  | { readonly kind: 'approve' | 'reject' };

/**
 * Reads such a word. A name that is both is the outcome its step has a transition for, else the step.
 *
 * @param isStep whether a name is a step's
 * @param votes whether the word belongs to a vote, and may answer it
 */
export function directionOf(word: Route, step: Step, isStep: (name: string) => boolean, votes: boolean): Direction {
  if (word === 'incident') return { kind: 'incident' };
  if (word.startsWith('route:')) return { kind: 'step', to: word.slice('route:'.length) };
  if (votes && (word === 'approve' || word === 'reject')) return { kind: word };
  if (namedOutcomes(step).includes(word) || !isStep(word)) return { kind: 'outcome', outcome: word };
  return { kind: 'step', to: word };
}

/** Outcomes that the transitions of a step name, each once. */
const namedOutcomes = ({ transitions = [] }: Step): readonly string[] => [...new Set(transitions.flatMap(({ outcome }) => outcome ?? []))];

export interface Outcomes {
  /** Each of them can happen. */
  readonly certain: readonly string[];
  /** These can happen too; without a transition of their own they are an incident, or go another way. */
  readonly possible: readonly string[];
  /** Nobody can tell: the outcomes are another template's. */
  readonly open: boolean;
}

const closed = (certain: readonly string[], possible: readonly string[] = []): Outcomes => ({
  certain: [...new Set(certain)],
  possible: [...new Set(possible)],
  open: false,
});

/** The outcomes of a step. */
export function outcomesOf(step: Step, isStep: (name: string) => boolean): Outcomes {
  const routed = (word: Route | undefined, votes = step.kind === 'approval'): readonly string[] => {
    const direction = word === undefined ? null : directionOf(word, step, isStep, votes);
    return direction?.kind === 'outcome' ? [direction.outcome] : [];
  };
  const breach = routed(step.sla?.onBreach);
  switch (step.kind) {
    case 'manual':
      return closed([...manualOutcomes(step), ...breach]);
    case 'approval':
      return closed(['approved', 'rejected', ...routed(step.onTimeout), ...breach], ['timeout']);
    case 'handoff':
      return handoffOutcomes(step, [
        ...routed(step.onReturn),
        ...routed(step.onTimeout),
        ...routed(step.approval?.onTimeout, true),
        ...breach,
      ]);
    case 'wait':
      return closed([...waitOutcomes(step), ...routed(step.onMax), ...breach], step.onMax === undefined ? [] : ['timeout']);
    case 'experiment':
      return closed(step.variants.map(({ id }) => id));
    case 'touchpoint':
      return closed(['sent', 'held', 'capped', 'failed', ...breach]);
    case 'journey':
      return { certain: breach, possible: [], open: true };
    default:
      return closed(breach, ['completed']);
  }
}

/** The outcome of an event that names none. */
export const eventOutcome = (event: CompleteOn, fallback: string): string => event.outcome ?? fallback;

/** What the person at a manual step may choose, events included. */
export function manualOutcomes(step: Step & { readonly kind: 'manual' }): readonly string[] {
  const { outcomes = namedOutcomes(step), completeOn = [] } = step;
  const [sole = 'completed', ...others] = outcomes;
  const events = completeOn.map((event) => eventOutcome(event, others.length === 0 ? sole : 'completed'));
  return [...new Set([sole, ...others, ...events])];
}

/** What a handoff is called when it is done. */
export const doneOutcome = (step: Handoff): string => (step.waitFor === 'accept' ? 'accepted' : (step.completeAs ?? 'completed'));

/** Somebody has to accept: the mode says so, or what follows its approval. */
export const isHuman = (step: Handoff): boolean => step.mode === 'accept' || (step.mode === 'approve' && step.then === 'accept');

/** With `onReturn` both a return and a refusal go that way; without, each needs its transition where people decide. */
function handoffOutcomes(step: Handoff, routed: readonly string[]): Outcomes {
  const events = (step.completeOn ?? []).map((event) => eventOutcome(event, doneOutcome(step)));
  const done = [doneOutcome(step), ...events, ...routed];
  const sides = ['rejected', 'returned'];
  const refusals = step.mode === 'automatic' ? [] : isHuman(step) ? sides : ['rejected'];
  return step.onReturn === undefined ? closed([...done, ...refusals], sides) : closed(done, sides);
}

/** What a wait comes to by its own cause; a wait that names none has no outcome. */
function waitOutcomes(step: Wait): readonly string[] {
  const own = [
    ...(step.for === undefined && step.until === undefined ? [] : ['elapsed']),
    ...(step.condition === undefined ? [] : ['met']),
  ];
  const events = [...(step.event ?? []), ...(step.completeOn ?? [])].map((event) => eventOutcome(event, 'received'));
  return [...own, ...events];
}
