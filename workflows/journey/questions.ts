/** Asks what the rules may not find out by themselves: guards, people, hashes, times of day, events. Every answer is recorded. */
import { ActivityFailure, isCancellation, TemporalFailure } from '@temporalio/workflow';
import type { JourneyQuestionActivities, JourneyRef } from '../../activities/contract.js';
import type { Effect, Report } from '../../domain/journey/run/effect.js';
import { askLater, askNow } from '../proxies.js';
import type { Line } from '../support/line.js';

const questionKinds = ['guards', 'values', 'people', 'hash', 'localTime', 'quiet', 'openTime', 'weigh', 'lookBack'] as const;
export type Question = Effect & { readonly kind: (typeof questionKinds)[number] };

export const isQuestion = (effect: Effect): effect is Question => questionKinds.some((kind) => kind === effect.kind);

/** What activities are asked by, quickly or patiently. */
type Ask = Pick<JourneyQuestionActivities, Exclude<keyof JourneyQuestionActivities, 'loadTemplate'>>;

/**
 * Puts a question: in the workflow task while the database is quick, as an activity when not.
 *
 * @param deferred called when the answer will take its time
 */
export async function answer(line: Line, journey: JourneyRef, question: Question, deferred: () => void): Promise<Report> {
  try {
    return await line.run(() => put(askNow, journey, question));
  } catch (error) {
    // A local activity fails with its cause as it is, not wrapped like a regular one's.
    if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
  }
  deferred();
  try {
    return await put(askLater(`${question.kind} · ${question.id}`), journey, question);
  } catch (error) {
    // Given up for good: what was asked about does not exist.
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return withoutAnswer(question);
  }
}

async function put(ask: Ask, journey: JourneyRef, question: Question): Promise<Report> {
  const { id: effect } = question;
  const asking = { journey, effect };
  switch (question.kind) {
    case 'guards':
      return { kind: 'guards', effect, choice: await ask.evaluateGuards({ ...asking, ...fieldsOf(question) }) };
    case 'values':
      return { kind: 'values', effect, values: await ask.findValues({ ...asking, ...fieldsOf(question) }) };
    case 'people':
      return { kind: 'people', effect, ...(await ask.findPeople({ ...asking, ...fieldsOf(question) })) };
    case 'hash':
      return { kind: 'hash', effect, hash: await ask.hashEvidence({ ...asking, ...fieldsOf(question) }) };
    case 'localTime':
      return { kind: 'instant', effect, at: await ask.nextLocalTime({ ...asking, ...fieldsOf(question) }) };
    case 'quiet':
      return { kind: 'instant', effect, at: await ask.quietUntil({ ...asking, ...fieldsOf(question) }) };
    case 'openTime':
      return { kind: 'instants', effect, at: await ask.afterOpenTime({ ...asking, ...fieldsOf(question) }) };
    case 'weigh':
      return { kind: 'weighed', effect, ...(await ask.weighEvent({ ...asking, ...fieldsOf(question) })) };
    case 'lookBack':
      return { kind: 'found', effect, events: await ask.lookBack({ ...asking, ...fieldsOf(question) }) };
  }
}

/** What is asked, without its name: each kind's fields are what its activity takes, beside who asks. */
function fieldsOf<Asked extends Question>({ id: _id, kind: _kind, ...fields }: Asked): Omit<Asked, 'id' | 'kind'> {
  return fields;
}

/** What is said when nobody ever can: a guard without a value, no people, no events, wall time. */
function withoutAnswer(question: Question): Report {
  const { id: effect } = question;
  const fault = { reason: 'invalid', path: null } as const;
  switch (question.kind) {
    case 'guards': {
      const [expression = null] = question.guards;
      return {
        kind: 'guards',
        effect,
        choice: { chosen: null, trace: [{ expression: expression ?? 'true', verdict: 'error', reads: [], fault }] },
      };
    }
    case 'values':
      return { kind: 'values', effect, values: {} };
    case 'people':
      return { kind: 'people', effect, people: [], fault };
    case 'hash':
      return { kind: 'hash', effect, hash: '' };
    case 'localTime':
      return { kind: 'instant', effect, at: question.after };
    case 'quiet':
      return { kind: 'instant', effect, at: null };
    case 'openTime':
      return { kind: 'instants', effect, at: question.amountsMs.map((amount) => question.from + amount) };
    case 'weigh':
      return {
        kind: 'weighed',
        effect,
        verdicts: question.candidates.map(({ ref }) => ({ ref, taken: false, output: {}, fault })),
        trace: [],
      };
    case 'lookBack':
      return { kind: 'found', effect, events: [] };
  }
}
