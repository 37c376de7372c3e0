/** What a journey can say about itself: the roots of guards and mappings it holds. Source: journeys.md, section 5. */
import { toIso } from '../../time.js';
import type { Instant } from '../../time.js';
import type { GuardData } from '../expression.js';
import type { Json, JsonObject } from '../json.js';
import { isObject } from '../json.js';
import { parsePath, itemRoot } from '../path.js';
import type { Mapping, Path } from '../step.js';
import type { JourneyState } from './journey.js';
import { requesterOf } from './names.js';
import type { CompiledBody } from './plan.js';
import { statusOf } from './status.js';
import type { Visit } from './visit.js';
import { valueAt } from './weigh.js';

/** All roots but `subject` and `event`, which whoever evaluates adds. */
export function dataOf(state: JourneyState, now: Instant, item?: Json): GuardData {
  const { start, context } = state;
  const result = state.end?.result ?? null;
  const requester = requesterOf(start);
  return {
    input: start.input,
    context,
    steps: stepsOf(state),
    subject: start.subject,
    journey: {
      id: start.journeyId,
      key: start.template.key,
      templateKey: start.template.key,
      version: start.template.version,
      status: statusOf(state),
      ...(result === null ? {} : { result }),
      ...(state.stage === null ? {} : { stage: state.stage }),
      ...(requester === null ? {} : { requester }),
      startedAt: toIso(start.startedAt),
      progress: state.progress,
    },
    now,
    ...(item === undefined ? {} : { item }),
  };
}

function stepsOf({ past, visits }: JourneyState): JsonObject {
  const open = new Map(visits.filter(({ item }) => item === null).map((visit) => [visit.step, visit]));
  return Object.fromEntries(
    Object.entries(past).map(([step, { visits: count, state, outcome, output }]) => {
      const visit = open.get(step);
      const current = visit?.ending?.outcome ?? (visit === undefined ? outcome : null);
      return [
        step,
        {
          visits: count,
          state: visit?.state ?? state,
          ...(current === null ? {} : { outcome: current }),
          ...(output === null ? {} : { output }),
        },
      ];
    }),
  );
}

/** What lies behind a path that the journey does not hold itself. */
export const isForeign = (path: Path): boolean => {
  const [root, member] = parsePath(path, [itemRoot]) ?? [];
  return root === 'event' || (root === 'subject' && member !== 'id' && member !== 'type');
};

/** Reads a path; what is not the journey's own was looked up before. */
export function read(path: Path, data: GuardData, found: JsonObject): Json | undefined {
  const known = Object.hasOwn(found, path) ? found[path] : undefined;
  if (known !== undefined) return known;
  const value = isForeign(path) ? undefined : valueAt(path, data);
  return path === 'now' && typeof value === 'number' ? toIso(value) : value;
}

/** The values a mapping finds; what is not there is left out. */
export const readAll = (mapping: Mapping, data: GuardData, found: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(mapping).flatMap(([name, path]) => {
      const value = read(path, data, found);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );

/** Foreign paths among some, each as its own name. */
export const foreign = (paths: readonly Path[]): Mapping => Object.fromEntries(paths.filter(isForeign).map((path) => [path, path]));

/** Paths a step reads when it is entered. */
export const pathsAtEntry = (body: CompiledBody): readonly Path[] => [
  ...(body.requires ?? []).map(({ path }) => path),
  ...Object.values(body.input ?? {}),
  ...(body.kind === 'wait' && typeof body.until === 'string' ? [body.until] : []),
  ...(body.kind === 'forEach' ? [body.items] : []),
  ...(body.kind === 'approval' ? (body.evidence ?? []) : []),
  ...(body.kind === 'handoff' ? (body.approval?.evidence ?? []) : []),
];

/** The item a visit is for. */
export function itemOf({ visits }: Pick<JourneyState, 'visits'>, visit: Visit): Json | undefined {
  if (visit.index === null) return undefined;
  return visits.find(({ key }) => key === visit.parent)?.items?.list[visit.index];
}

/** A text that stays in the database. */
export const isReference = (value: Json | undefined): boolean => isObject(value) && typeof value['$ref'] === 'string';
