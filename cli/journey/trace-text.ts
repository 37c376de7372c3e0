/** A run for people: what happened when, to which step, and why. */
import { isObject } from '../../domain/journey/json.js';
import type { Json, JsonObject } from '../../domain/journey/json.js';
import { shownAfter, shownInstant } from '../../domain/journey/simulate/instant.js';
import type { Run, Traced } from '../../domain/journey/simulate/run.js';
import { table } from '../table.js';

export const heads = ['after', 'at', 'journey', 'step', 'what', 'why'];

/** A line of the trace, by those heads. */
export const rowOf = (line: Traced, startedAt: number): string[] => [
  shownAfter(line.at, startedAt),
  shownInstant(line.at),
  line.journey === null ? '' : String(line.journey),
  placeOf(line),
  whatOf(line),
  whyOf(line),
];

/** A table, then the service levels and the messages, where there are any, and how each journey stands. */
export function runText(run: Run): string {
  const { startedAt, trace, breaches, touchpoints, journeys, nextAt, until } = run;
  const when = (at: number): string[] => [shownAfter(at, startedAt), shownInstant(at)];
  const rows = trace.map((line) => rowOf(line, startedAt));
  const late = breaches.map(({ at, step, visit, kind, journey }) => [...when(at), String(journey), visited(step, visit), kind]);
  const sent = touchpoints.map(({ at, journey, step, visit, channel, template, outcome, heldFrom }) => [
    ...when(at),
    String(journey),
    visited(step, visit),
    channel,
    template,
    heldFrom === null ? outcome : `${outcome}, held since ${shownAfter(heldFrom, startedAt)}`,
  ]);
  const standing = journeys.map(({ view }, index) => [
    String(index + 1),
    view.start.template.key,
    `${view.start.subject.type} ${view.start.subject.id}`,
    [view.status, view.result, view.outcome].filter((part) => part !== null).join(' '),
    `${view.progress} %`,
    view.openSteps.join(', '),
  ]);
  const parts = [
    rows.length === 0 ? 'nothing happened' : table([heads, ...rows]),
    late.length === 0 ? null : `service levels\n${table([['after', 'at', 'journey', 'step', 'what'], ...late])}`,
    sent.length === 0 ? null : `touchpoints\n${table([['after', 'at', 'journey', 'step', 'channel', 'message', 'outcome'], ...sent])}`,
    standing.length === 0
      ? 'no journey started'
      : `at the end (${shownAfter(until, startedAt)})\n${table([['journey', 'template', 'subject', 'status', 'progress', 'open steps'], ...standing])}`,
    nextAt === null
      ? null
      : `the clock stops here; by itself something would happen at ${shownAfter(nextAt, startedAt)} ${shownInstant(nextAt)}`,
  ];
  return parts.filter((part) => part !== null).join('\n\n');
}

/** A step, and the visit of it from the second on. */
export const visited = (step: string, visit: number): string => (visit === 1 ? step : `${step} ${visit}`);

const placeOf = ({ step, visit, data }: Traced): string => {
  const { item } = data;
  return step === null ? '' : `${visited(step, visit ?? 1)}${typeof item === 'string' ? ` [${item}]` : ''}`;
};

/** The type without the part all have. */
export const whatOf = ({ type, data }: Pick<Traced, 'type' | 'data'>): string =>
  type === 'event' ? `event ${written(data['type'])}` : type.replace(/^journey\./, '');

const elsewhere: readonly string[] = ['step', 'visit', 'item', 'trace'];

/** What the event says besides, and how its guards came out. */
export function whyOf({ type, data }: Pick<Traced, 'type' | 'data'>): string {
  const members = Object.entries(data).filter(
    ([name, value]) => !elsewhere.includes(name) && value !== null && !(type === 'event' && name === 'type'),
  );
  const said = members.map(([name, value]) => `${name} ${shown(name, value)}`);
  return [...said, ...guardsIn(data)].join(' · ');
}

/** Guards with their verdicts; never the values they read. */
function guardsIn({ trace }: JsonObject): string[] {
  if (!Array.isArray(trace)) return [];
  return trace.flatMap((guard: Json) => {
    if (!isObject(guard)) return [];
    const { expression, verdict, fault } = guard;
    const why = isObject(fault) ? ` (${written(fault['reason'])}${typeof fault['path'] === 'string' ? ` ${fault['path']}` : ''})` : '';
    return [`${written(expression)} → ${written(verdict)}${why}`];
  });
}

/** Members that hold an instant end so. */
const isInstant = (name: string, value: Json): value is number => typeof value === 'number' && /(?:At|Until|Since)$/.test(name);

function shown(name: string, value: Json): string {
  if (isInstant(name, value)) return shownInstant(value);
  // People go by their ids wherever they stand; only who is none of them says so.
  if (name === 'by' && typeof value === 'string') return personIn(value);
  return written(value);
}

/** A person by the id, anybody else as the log has them. */
export const personIn = (actor: string): string => actor.replace(/^user\//, '');

const written = (value: Json = null): string => (typeof value === 'string' ? value : JSON.stringify(value));
