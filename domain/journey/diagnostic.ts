/** What can be wrong with a template: a closed list of codes whose meaning never changes. Source: journeys-change.md, section 1. */

import { segmentsOf } from './json.js';

export type Severity = 'error' | 'warning';

interface Rule {
  readonly severity: Severity;
  /** Why it matters. */
  readonly why: string;
  /** What to do, where the place does not tell more. */
  readonly fix: string;
}

const error = (why: string, fix: string): Rule => ({ severity: 'error', why, fix });
const warning = (why: string, fix: string): Rule => ({ severity: 'warning', why, fix });

/** Errors block publishing, warnings do not. */
export const rules = {
  J001: error('A template of the wrong shape cannot be run.', 'Write the field as the message says.'),
  J002: error('An unknown field would be ignored without a word.', 'Remove it, or correct its spelling.'),
  J003: error('Ids become parts of paths, events and addresses.', 'Begin with a letter; use letters, digits, _ and -, at most 64 of them.'),
  J004: error('An id names one thing; with two, one would be lost.', 'Rename one of them.'),
  J005: error(
    'Every instance carries the compiled form in its history.',
    'Split the template: let a step of kind journey run a part of it.',
  ),
  J010: error('A journey begins at its start step.', 'Name one of the steps in `start`.'),
  J011: error('A journey that takes this way would have nowhere to go.', 'Name an existing step, or add the missing one.'),
  J012: error('A step nothing leads to never runs, and is probably a mistake.', 'Add a way to it, or remove it.'),
  J013: error('A journey that gets here can never finish.', 'Add a way to a step of kind end.'),
  J014: error('A journey would stop here without having ended.', 'Add transitions, or make it a step of kind end.'),
  J015: error('An end is where a journey stops.', 'Remove the transitions, or choose another kind.'),
  J016: error('The loop would run as fast as the machine allows.', 'Put a wait, a manual step, an approval or a handoff into it.'),
  J017: warning('An instance stops with an incident when the limit is reached.', 'Set `limits.maxVisitsPerStep` to what you expect.'),
  J018: error(
    'A block waits for its branches, and only for them.',
    'End each branch with a transition to $join, and join no more branches than there are.',
  ),
  J020: error('A value that no guard covers stops the journey with an incident.', 'End the list with {"to": …, "default": true}.'),
  J021: error('Transitions are tried in order, so this one is never reached.', 'Put the default last and keep only one.'),
  J022: error('The expression cannot be read.', 'Correct its syntax.'),
  J023: error('The expression would fail whenever it is evaluated.', 'Declare the field, or correct its name or type.'),
  J024: error('A guard decides, so it must be true or false.', 'Compare the value with something.'),
  J025: error('Guards are a small, bounded language, so that none can stall or surprise.', 'Use the operators and functions guards have.'),
  J026: error('On a way around that step its output does not exist, and the guard fails.', 'Test it with has(…) first.'),
  J027: error('Constants stay, and personal data stays where it can be erased.', 'Map into another variable, or declare it `pii`.'),
  J030: error('The step would park as an incident when it runs.', 'Use a registered action and major.'),
  J031: error('The action would refuse its input.', 'Map a value of the right type to every field it needs.'),
  J032: warning('A second attempt could do it twice.', 'Set `retry.maxAttempts` to 1, or make the action repeatable.'),
  J033: error('The step could go on trying for ever.', 'Set `retry.maxAttempts` or `timeouts.total`.'),
  J034: error('The shorter time always ends the longer one.', 'Choose heartbeat < attempt ≤ total.'),
  J035: error('Errors are caught by the first entry that names them.', 'Move the wider entry last.'),
  J036: error('When the optional step fails, its output does not exist, and the guard fails.', 'Test it with has(…) first.'),
  J037: warning('A lost journey leaves behind what cannot be repeated or undone.', 'Name an action in `compensate`.'),
  J038: warning('An automated step without an action completes at once.', 'Name an action, if something should happen.'),
  J039: warning('Somebody must do the work.', 'Name users or roles in `assign`.'),
  J040: error(
    'Durations are never corrected silently.',
    'Write weeks, days, hours, minutes and seconds, as in P1DT12H, within `limits.maxDuration`.',
  ),
  J041: error('What is waited for may never come.', 'Set `max` and say in `onMax` what happens then.'),
  J042: warning('The step is given up before its planned time is over.', 'Raise `timeouts.total`, or plan less.'),
  J043: error(
    'The time could not be resolved when it is needed.',
    'Use an IANA zone, a calendar of yours, or a rule of the supported parts.',
  ),
  J050: error('The vote could only end by its timeout.', 'Ask for fewer votes, or name more approvers.'),
  J051: error('A quorum outside its range has no meaning.', 'Use a percentage from 1 to 100, or a count of at least 1.'),
  J052: error('Nobody approves their own request.', 'Name somebody else too.'),
  J053: error('People may be away; without a deadline the journey waits for ever.', 'Set the time limit and `onTimeout`.'),
  J054: error(
    'Rungs are climbed in order, before the deadline.',
    'Give each rung a later time than the one before, not past the deadline.',
  ),
  J055: error('A handoff moves work from one known package to another.', 'Name two different packages that exist.'),
  J056: error('The handoff would wait for a value that never comes.', 'Declare the variable in `context`.'),
  J057: error('An outcome without a way stops the journey; a way without its outcome is never taken.', 'Give every outcome a transition.'),
  J060: error('Weights are shares of all journeys.', 'Make the weights add up to 100.'),
  J061: warning('One happening can start two instances for one subject.', 'Set `dedupeKey`, or a concurrency of one_per_subject.'),
  J062: warning('A value that swings starts an instance at every swing.', 'Add `cooldown`.'),
  J063: error('The journey would start itself over and over.', 'Put at least one minute between the end and the next start.'),
  J070: error('Stages are what progress is reported by.', 'Name a declared stage.'),
  J071: warning('A goal counts journeys that are won.', 'Add an end with the result won.'),
  J080: error('A version that changes nothing only confuses its readers.', 'Change something, or keep the published version.'),
  J081: warning(
    'Callers and triggers still send what the version before asked for.',
    'Make the field optional, or change its callers first.',
  ),
} as const satisfies Readonly<Record<string, Rule>>;
export type Code = keyof typeof rules;

export interface Diagnostic {
  readonly code: Code;
  readonly severity: Severity;
  /** JSON Pointer into what the author sent. */
  readonly path: string;
  readonly stepId?: string;
  readonly message: string;
  readonly why: string;
  readonly fix: string;
}

/** What a check says in other words than its code does. */
interface More {
  readonly fix?: string;
  readonly severity?: Severity;
}

/** One finding, with the words of its code where the check has none of its own; a place within a step names the step. */
export function found(code: Code, path: string, message: string, more: More = {}): Diagnostic {
  const [first, stepId] = segmentsOf(path);
  const step = first === 'steps' && stepId !== undefined ? { stepId } : {};
  return { code, ...rules[code], path, ...step, message, ...more };
}
