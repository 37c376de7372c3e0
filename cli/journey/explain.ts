import type { GuardTrace } from '../../domain/journey/expression.js';
import type { WouldEnter } from '../../domain/journey/simulate/entrance.js';
import type { EntryAttempt } from '../../domain/journey/simulate/entry-desk.js';
import { shownAfter, shownInstant } from '../../domain/journey/simulate/instant.js';
import { castOf } from './cast.js';
import { jsonText } from './output.js';
import type { ExitCode, Output } from './output.js';
import { playScript } from './simulator.js';
import { readScript } from './script-file.js';

export interface ExplainOptions {
  /** An id, or `<type>/<id>`. */
  readonly subject: string;
  readonly script: string;
  readonly json: boolean;
}

/** The checks of an entry in their order, by the reason each refuses with. */
const checks: Readonly<Record<string, string>> = {
  input_invalid: 'input',
  trigger_disabled: 'enabled',
  duplicate_event: 'dedupe',
  audience: 'audience',
  guard_error: 'guard',
  reentry_not_allowed: 'reentry',
  max_entries: 'reentry',
  already_active: 'concurrency',
  capacity: 'capacity',
};

/** An answer to "would it enter", or to "did it". */
interface Answer {
  readonly enters: boolean;
  /** The check that stops it; null: none does. */
  readonly check: string | null;
  readonly reason: string | null;
  readonly guards: readonly GuardTrace[];
  readonly faults: readonly { readonly path: string; readonly rule: string }[];
}

/**
 * `usher journey explain`: whether somebody enters, and what stops them. Every time the script lets them ask is told; where it never does, whether they
 * would be let in at its end.
 *
 * @throws Unreadable, Invalid
 */
export async function explainFile(
  template: string,
  { subject: whom, script: name, json }: ExplainOptions,
  output: Output,
): Promise<ExitCode> {
  const file = await readScript(name);
  const casting = await castOf(file, template);
  const { entries, wouldEnter } = await playScript(file.script, casting);
  const { key, subject: about } = casting.template;
  const slash = whom.indexOf('/');
  const subject = { type: slash < 0 ? about.type : whom.slice(0, slash), id: whom.slice(slash + 1) };
  const asked = entries.filter((one) => one.template === key && one.subject?.type === subject.type && one.subject.id === subject.id);
  const { start } = file.script;
  const input = start.call?.subject.type === subject.type && start.call.subject.id === subject.id ? start.call.input : {};
  const hypothetical = wouldEnter(subject, input);
  const last = asked.at(-1);
  const answer = last === undefined ? hypotheticalAnswer(hypothetical) : attemptAnswer(last);
  const attempts = asked.map((one) => ({
    at: shownInstant(one.at),
    after: shownAfter(one.at, start.at),
    trigger: one.trigger,
    ...attemptAnswer(one),
  }));
  const triggers = last === undefined ? hypothetical.triggers : [];
  if (json) output.print(jsonText({ template: key, subject, ...answer, attempts, triggers }));
  else output.print(explanation(`${subject.type} ${subject.id}`, key, answer, attempts, triggers, last === undefined));
  return 0;
}

function attemptAnswer({ outcome, match }: EntryAttempt): Answer {
  const matched = match === null ? [] : [match];
  switch (outcome.kind) {
    case 'none':
      return { enters: false, check: 'match', reason: null, guards: matched, faults: [] };
    case 'started':
      return { enters: true, check: null, reason: null, guards: matched, faults: [] };
    case 'existing':
    case 'signalled':
      return { enters: false, check: 'concurrency', reason: 'already_active', guards: matched, faults: [] };
    case 'refused':
      return refusal(outcome.reason, [...matched, ...(outcome.trace === null ? [] : [outcome.trace])]);
    case 'invalid':
      return { ...refusal('input_invalid', matched), faults: outcome.faults };
  }
}

const refusal = (reason: string, guards: readonly GuardTrace[]): Answer => ({
  enters: false,
  check: checks[reason] ?? reason,
  reason,
  guards: Array.from(new Map(guards.map((guard) => [guard.expression, guard])).values()),
  faults: [],
});

function hypotheticalAnswer({ outcome, audience }: WouldEnter): Answer {
  const guards = audience === null ? [] : [audience];
  switch (outcome.kind) {
    case 'start':
      return { enters: true, check: null, reason: null, guards, faults: [] };
    case 'existing':
    case 'signal':
      return { enters: false, check: 'concurrency', reason: 'already_active', guards, faults: [] };
    case 'refuse':
      return refusal(outcome.reason, guards);
    case 'invalid':
      return { ...refusal('input_invalid', guards), faults: outcome.faults };
    case 'none':
      return { enters: false, check: 'match', reason: null, guards, faults: [] };
  }
}

function explanation(
  whom: string,
  key: string,
  answer: Answer,
  attempts: readonly (Answer & { readonly at: string; readonly after: string; readonly trigger: string | null })[],
  triggers: WouldEnter['triggers'],
  isHypothetical: boolean,
): string {
  const verb = isHypothetical ? (answer.enters ? 'would enter' : 'would not enter') : answer.enters ? 'enters' : 'does not enter';
  const why = answer.check === null ? '' : `: stopped by ${stopOf(answer)}`;
  return [
    `${whom} ${verb} ${key}${why}`,
    ...answer.faults.map(({ path, rule }) => `  ${path} ${rule}`),
    ...answer.guards.map((guard) => `  ${guardText(guard)}`),
    ...triggers.map(({ id, match }) => `  trigger ${id}: ${guardText(match)}`),
    ...(attempts.length > 1 ? ['', 'asked:'] : []),
    ...(attempts.length > 1
      ? attempts.map((one) => `  ${one.after} ${one.at} ${one.trigger ?? 'by a call'}: ${one.enters ? 'entered' : stopOf(one)}`)
      : []),
  ].join('\n');
}

const stopOf = ({ check, reason }: Answer): string =>
  reason === null || reason === check ? String(check) : `${String(check)} (${reason})`;

/** The expression, what came of it, and what it read: paths, never values. */
function guardText({ expression, verdict, reads, fault }: GuardTrace): string {
  const found = reads.map(({ path, found: what }) => `${path} ${what}`).join(', ');
  const why = fault === null ? '' : ` (${fault.reason}${fault.path === null ? '' : ` ${fault.path}`})`;
  return `${expression} → ${verdict}${why}${found === '' ? '' : ` [${found}]`}`;
}
