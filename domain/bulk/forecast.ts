/** What a batch would do to each instance, as far as PostgreSQL knows; the instance itself decides when its turn comes. Source: journeys-change.md, section 6. */
import { permit } from '../access/permit.js';
import type { Principal } from '../access/principal.js';
import { allowed } from '../handoff/verbs.js';
import type { CompiledTemplate } from '../journey/compile.js';
import { own } from '../journey/json.js';
import type { HandoffState } from '../journey/run/effect.js';
import { isStep, outcomesAt, planOf, stepOf } from '../journey/run/plan.js';
import type { JourneyStatus } from '../journey/run/state.js';
import type { HandoffBulk, JourneyBulk, Place } from './command.js';
import type { SkipCode } from './outcome.js';

/** A vote that is open, or is over. */
export interface GateFacts extends Place {
  readonly requester: string | null;
  /** Who may still vote. */
  readonly voters: readonly string[];
  /** Who has, in this round. */
  readonly voted: readonly string[];
  readonly isOpen: boolean;
}

export interface JourneyFacts {
  readonly id: string;
  readonly status: JourneyStatus;
  /** Where an incident is open. */
  readonly parked: readonly Place[];
  /** The newest of each step. */
  readonly gates: readonly GateFacts[];
}

export interface HandoffFacts {
  readonly id: string;
  readonly state: HandoffState;
  /** It asks the one who asks: to take it, or to work on it. */
  readonly isMine: boolean;
  readonly gate: GateFacts | null;
}

export interface Forecast {
  /** Null: it would be done. */
  readonly code: SkipCode | null;
  /** The step that is meant; null: the instance as a whole, or none that could be. */
  readonly place: Place | null;
  /** It is not even asked: there is nothing to ask, or who asks may not. */
  readonly isFinal: boolean;
}

const would = (place: Place | null = null): Forecast => ({ code: null, place, isFinal: false });
/** It is asked all the same: by then it may stand otherwise. */
const wouldNot = (code: SkipCode, place: Place | null = null): Forecast => ({ code, place, isFinal: false });
const never = (code: SkipCode): Forecast => ({ code, place: null, isFinal: true });

/** @param template of the version the journey is on; absent: not known, so that nothing is said of its steps */
export function forecastJourney(
  command: JourneyBulk,
  { status, parked, gates }: JourneyFacts,
  template: CompiledTemplate | undefined,
  principal: Principal,
): Forecast {
  const isOver = status === 'completed' || status === 'cancelled';
  switch (command.verb) {
    case 'pause':
      return isOver ? wouldNot('journey_ended') : status === 'paused' ? wouldNot('journey_paused') : would();
    case 'resume':
      return isOver ? wouldNot('journey_ended') : status === 'paused' ? would() : wouldNot('journey_not_paused');
    case 'cancel':
    case 'compensate_and_end':
      return isOver ? wouldNot('journey_ended') : would();
    // What is over has no open step, and will have none.
    case 'vote':
      return isOver ? never('journey_ended') : forecastVote(gates, command.args.step, principal.id);
    case 'retry':
    case 'skip':
    case 'complete_with':
      return isOver ? never('journey_ended') : forecastRepair(command, parked, template);
  }
}

type Repair = Extract<JourneyBulk, { readonly verb: 'retry' | 'skip' | 'complete_with' }>;

function forecastRepair({ verb, args }: Repair, parked: readonly Place[], template: CompiledTemplate | undefined): Forecast {
  const { step } = args;
  const [place, another] = parked.filter((one) => step === undefined || one.step === step);
  if (place === undefined) {
    const isKnown = step === undefined || template === undefined || hasStep(template, step);
    return never(isKnown ? 'no_incident' : 'unknown_step');
  }
  if (another !== undefined) return never('ambiguous');
  if (template === undefined || verb === 'retry') return would(place);
  if (verb === 'skip') return isSkippable(template, place.step) ? would(place) : wouldNot('not_skippable', place);
  return mayEndWith(template, place.step, args.outcome) ? would(place) : wouldNot('unknown_outcome', place);
}

const hasStep = (template: CompiledTemplate, step: string): boolean => own(template.steps, step) !== undefined;
const isSkippable = (template: CompiledTemplate, step: string): boolean => own(template.steps, step)?.skippable === true;

function mayEndWith(template: CompiledTemplate, step: string, outcome: string): boolean {
  const plan = planOf(template);
  if (!isStep(plan, step)) return false;
  const { certain, possible, open } = outcomesAt(plan, step, stepOf(plan, step));
  return open || certain.includes(outcome) || possible.includes(outcome);
}

function forecastVote(gates: readonly GateFacts[], step: string | undefined, person: string): Forecast {
  const asked = gates.filter((gate) => step === undefined || gate.step === step);
  const [gate, another] = asked.filter(({ isOpen }) => isOpen);
  if (gate === undefined) return never(asked.length === 0 ? 'step_not_open' : 'approval_closed');
  if (another !== undefined) return never('ambiguous');
  const { step: name, visit, item } = gate;
  const place = { step: name, visit, item };
  const code = barred(gate, person);
  return code === null ? would(place) : wouldNot(code, place);
}

/** Where who is eligible is asked anew with each vote, a person may be without being listed: that is for the instance to say. */
function barred({ requester, voters, voted }: GateFacts, person: string): SkipCode | null {
  if (requester === person) return 'requester_excluded';
  if (voters.includes(person)) return null;
  return voted.includes(person) ? 'already_voted' : 'not_eligible';
}

const verbOf = { approve: 'approve', reject: 'reject', retry: 'retry', reassign: 'assign', cancel: 'cancel' } as const;

export function forecastHandoff({ verb, args }: HandoffBulk, { state, isMine, gate }: HandoffFacts, principal: Principal): Forecast {
  const isVote = state === 'awaiting_approval';
  // Offers are for those whom the handoff asks; votes for those who are eligible, which the gate knows.
  const handles = verb === 'reassign' || (verb === 'reject' && !isVote);
  if (handles && permit(principal, 'handoff.handle', { addressed: isMine }) !== 'allowed') {
    return never('forbidden');
  }
  if (!allowed[state].includes(verbOf[verb])) return wouldNot(verb === 'retry' ? 'no_incident' : 'handoff.illegal_move');
  if (verb === 'reject' && !isVote) return args.reason === undefined ? wouldNot('reason_required') : would();
  if (verb !== 'approve' && verb !== 'reject') return would();
  if (gate === null || !gate.isOpen) return wouldNot('handoff.not_ready');
  const code = barred(gate, principal.id);
  return code === null ? would() : wouldNot(code);
}
