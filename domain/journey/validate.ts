/** Everything that is wrong with a template, all at once. One function for API, tools and tests. Source: journeys-change.md, section 1. */
import { blocksOf } from './blocks.js';
import { brokenBlocks } from './checks/blocks.js';
import { openGuards, strayOutcomes, uselessTransitions } from './checks/branching.js';
import { typesFor } from './checks/case.js';
import type { Case, Check } from './checks/case.js';
import {
  endlessRetries,
  idleSteps,
  repeatedEffects,
  shadowedCatches,
  undoneEffects,
  unfitInputs,
  unknownActions,
  wrongTimeouts,
} from './checks/actions.js';
import { undeclaredData, unknownPaths, unsafeMappings, wrongValues } from './checks/data.js';
import { doubleStarts, selfStarts, swingingConditions, unwinnable, wrongWeights } from './checks/entry.js';
import { unsafeReads, wrongExpressions } from './checks/guards.js';
import { isHuge, oversize, repeatedIds, tooManySteps, wrongIds } from './checks/ids.js';
import { endlessLoops } from './checks/loops.js';
import { impossibleVotes, openDeadlines, unassignedSteps, wrongHandoffs, wrongLadders } from './checks/people.js';
import { stricterInput, unchanged } from './checks/publishing.js';
import type { Previous } from './checks/publishing.js';
import { incompleteParts } from './checks/shape.js';
import { hopelessPlans, openWaits, unknownTimes, wrongDurations } from './checks/times.js';
import { endlessSteps, endsWithWay, missingStart, missingTargets, stageOrder, stepsWithoutWay, unreachableSteps } from './checks/ways.js';
import { compiledBytes } from './compile.js';
import { found } from './diagnostic.js';
import type { Diagnostic } from './diagnostic.js';
import type { ExpressionReport, GuardEngine, TypeLookup } from './expression.js';
import { graphOf } from './graph.js';
import { bodiesOf } from './places.js';
import { readTemplate } from './reading.js';
import type { Read, Shape } from './reading.js';
import { typesIn } from './scope.js';
import type { Actions } from './scope.js';
import { packages } from './template.js';
import type { JourneyTemplate } from './template.js';

/** What a template is judged by. What is left out is not judged. */
export interface Surroundings {
  /** `templateShape` of the schema. */
  readonly shape: Shape;
  /** `createGuards` of the engine. */
  readonly guards: GuardEngine;
  readonly actions?: Actions;
  /** Absent: the five that come with the product. */
  readonly packages?: readonly string[];
  readonly isZone?: (zone: string) => boolean;
  readonly calendars?: ReadonlySet<string>;
  /** Roles and team keys. */
  readonly roles?: ReadonlySet<string>;
  /** The version published last, in either form, and its number. */
  readonly previous?: { readonly template: unknown; readonly version?: number };
  /** Places of keys that stand twice in one object of the text, where JSON keeps only the last. */
  readonly repeatedKeys?: readonly string[];
}

export interface Validation {
  /** No errors: it can be published. */
  readonly isValid: boolean;
  readonly errors: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
  /** What was read, in today's form; null where errors leave nothing to run. */
  readonly template: JourneyTemplate | null;
}

/** In the order of their codes. */
const checks: readonly Check[] = [
  incompleteParts,
  wrongValues,
  wrongIds,
  repeatedIds,
  oversize,
  missingStart,
  missingTargets,
  unreachableSteps,
  endlessSteps,
  stepsWithoutWay,
  endsWithWay,
  endlessLoops,
  brokenBlocks,
  openGuards,
  uselessTransitions,
  wrongExpressions,
  unknownPaths,
  unsafeReads,
  unsafeMappings,
  unknownActions,
  unfitInputs,
  repeatedEffects,
  endlessRetries,
  wrongTimeouts,
  shadowedCatches,
  undoneEffects,
  idleSteps,
  unassignedSteps,
  wrongDurations,
  openWaits,
  hopelessPlans,
  unknownTimes,
  impossibleVotes,
  openDeadlines,
  wrongLadders,
  wrongHandoffs,
  undeclaredData,
  strayOutcomes,
  wrongWeights,
  doubleStarts,
  swingingConditions,
  selfStarts,
  stageOrder,
  unwinnable,
];

/**
 * Judges a template in either form, whatever it is given.
 *
 * @returns errors and warnings, each in order of codes; all of them, but for a template of too many steps or four times too many bytes, of which only that and its shape is told
 */
export function validate(value: unknown, surroundings: Surroundings): Validation {
  const read = readTemplate(value, surroundings.shape);
  const repeated = (surroundings.repeatedKeys ?? []).map((path) =>
    found('J004', path, `\`${path.slice(path.lastIndexOf('/') + 1)}\` stands here twice`),
  );
  const all = [...read.problems, ...repeated, ...judged(read, surroundings)];
  const sorted = all.toSorted((one, other) => (one.code < other.code ? -1 : Number(one.code > other.code)));
  const errors = sorted.filter(({ severity }) => severity === 'error');
  return {
    isValid: errors.length === 0,
    errors,
    warnings: sorted.filter(({ severity }) => severity === 'warning'),
    template: errors.length === 0 ? read.template : null,
  };
}

function judged({ template, lost, back }: Read, surroundings: Surroundings): Diagnostic[] {
  if (template === null) return [];
  return findingsIn(template, lost, surroundings).map((finding) => ({ ...finding, path: back(finding.path) }));
}

function findingsIn(template: JourneyTemplate, lost: ReadonlySet<string>, surroundings: Surroundings): Diagnostic[] {
  const many = tooManySteps(template);
  if (many.length > 0) return many;
  const bytes = compiledBytes(template);
  if (isHuge(bytes)) return oversize({ bytes });
  const scene = sceneOf(template, bytes, lost, surroundings);
  const previous = previousOf(surroundings);
  return [
    ...checks.flatMap((check) => check(scene)),
    ...(previous === null ? [] : [...unchanged(scene, previous), ...stricterInput(scene, previous)]),
  ];
}

function previousOf({ previous, shape }: Surroundings): Previous | null {
  if (previous === undefined) return null;
  const { template } = readTemplate(previous.template, shape);
  return template === null ? null : { template, version: previous.version ?? null };
}

/** Fields of a step that no way through the template depends on. */
const aside =
  /^\/steps\/[^/]+\/(?:name|stage|estimatedDuration|progressWeight|requires|input|output|sla|timeouts|retry|skippable|skipOutput|compensate|pin|assign|form|due|claimFor|action)(?:\/|$)/;

function sceneOf(template: JourneyTemplate, bytes: number, lost: ReadonlySet<string>, surroundings: Surroundings): Case {
  const { actions = null, isZone = null, calendars = null, roles = null, guards } = surroundings;
  const around = new Set(Array.from(lost).flatMap(placesAround));
  const isLost = (path: string): boolean => around.has(path) || placesAround(path).some((place) => lost.has(place));
  const typeAt = typesIn(template, actions, isLost);
  const graph = graphOf(template);
  return {
    template,
    bytes,
    graph,
    blocks: blocksOf(graph, template.start),
    bodies: bodiesOf(template),
    typeAt,
    guards,
    report: reporting(guards, typeAt),
    known: { actions, packages: surroundings.packages ?? packages, isZone, calendars, roles },
    isLost,
    isWhole: !Array.from(lost).some((place) => /^\/(?:start|steps)(?:\/|$)/.test(place) && !aside.test(place)),
  };
}

/** A place and all it lies in, the whole template included. */
const placesAround = (path: string): string[] => path.split('/').map((_, index, segments) => segments.slice(0, index + 1).join('/'));

function reporting(guards: GuardEngine, typeAt: TypeLookup): Case['report'] {
  const reports = new Map<string, ExpressionReport>();
  return (source, wanted, isItem) => {
    const key = `${wanted} ${isItem} ${source}`;
    const report = reports.get(key) ?? guards.check(source, typesFor({ typeAt }, isItem), wanted);
    reports.set(key, report);
    return report;
  };
}
