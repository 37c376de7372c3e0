/** Which of the things that wait for an event it serves. Source: journeys.md, section 11, correlation. */
import type { Fault, GuardData, GuardEngine, GuardTrace } from '../expression.js';
import { guardLimits } from '../expression.js';
import { canonical, memberAt, own } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import { parsePath } from '../path.js';
import type { Mapping, Match } from '../step.js';
import type { Candidate, ReportFields } from './effect.js';

export type Weighed = Pick<ReportFields['weighed'], 'verdicts' | 'trace'>;

/** The member of an event that names a subject of this type. */
const keys: Readonly<Record<string, string>> = { lead: 'leadId', customer: 'customerId', ticket: 'ticketId' };

/**
 * Whether an event is about a journey without more being said: it names the journey, or, naming none, its subject.
 *
 * @param event the envelope with its data
 */
export function concerns(event: JsonObject, journeyId: string, subject: { readonly type: string; readonly id: string }): boolean {
  const { journeyId: named = null } = event;
  if (named !== null) return named === journeyId;
  // Events of our own log are about what their source and its business subject are.
  if ([event['subject'], event['entityid']].includes(`${subject.type}/${subject.id}`)) return true;
  const key = own(keys, subject.type);
  if (key !== undefined) return event[key] === subject.id;
  // Orders and subjects of the author's own have no member of the envelope.
  return memberAt(event['data'], `${subject.type}Id`) === subject.id || Object.values(keys).some((name) => event[name] === subject.id);
}

/**
 * Judges every candidate: its `match`, or where it has none that the event concerns the journey, then its guard.
 *
 * @param event the envelope with its data, as guards read it under `event`
 * @param data what guards see besides; `journey.id`, `subject.type` and `subject.id` tell whom an event concerns
 * @param spentMs milliseconds since the judging began; past the budget the next guard fails
 */
export function weigh(
  engine: GuardEngine,
  candidates: readonly Candidate[],
  event: JsonObject,
  data: GuardData,
  spentMs: () => number = () => 0,
): Weighed {
  const scene: GuardData = { ...data, event };
  const trace: GuardTrace[] = [];
  const verdictOf = ({ match, when }: Candidate, here: GuardData): { readonly taken: boolean; readonly fault: Fault | null } => {
    if (!(match === null ? concernsScene(event, data) : matches(match, here))) return { taken: false, fault: null };
    if (when === null) return { taken: true, fault: null };
    if (spentMs() > guardLimits.budgetMs) return { taken: false, fault: { reason: 'budget', path: null } };
    const one = engine.evaluate(when, here);
    trace.push(one);
    return { taken: one.verdict === 'true', fault: one.fault };
  };
  const verdicts = candidates.map((candidate) => {
    const here = candidate.item === undefined ? scene : { ...scene, item: candidate.item };
    const { taken, fault } = verdictOf(candidate, here);
    return { ref: candidate.ref, taken, output: taken ? mapped(candidate.output, here) : {}, fault };
  });
  return { verdicts, trace };
}

function concernsScene(event: JsonObject, { journey, subject }: GuardData): boolean {
  const [id, type, subjectId] = [memberAt(journey, 'id'), memberAt(subject, 'type'), memberAt(subject, 'id')];
  if (typeof id !== 'string' || typeof type !== 'string' || typeof subjectId !== 'string') return false;
  return concerns(event, id, { type, id: subjectId });
}

/** Every pair is there on both sides, and equal; no pairs match nothing. */
function matches(match: Match, scene: GuardData): boolean {
  const pairs = Object.entries(match).map(([theirs, ours]) => [valueAt(theirs, scene), valueAt(ours, scene)] as const);
  return pairs.length > 0 && pairs.every(([one, other]) => one !== undefined && other !== undefined && canonical(one) === canonical(other));
}

/** The values a mapping finds; what is not there is left out. */
export const mapped = (mapping: Mapping, scene: GuardData): JsonObject =>
  Object.fromEntries(
    Object.entries(mapping).flatMap(([name, path]) => {
      const value = valueAt(path, scene);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );

/** What lies at a path; undefined where nothing does, or the text is no path. */
export function valueAt(path: string, scene: GuardData): Json | undefined {
  const segments = parsePath(path, ['item']);
  return segments?.reduce<Json | undefined>(memberAt, scene);
}
