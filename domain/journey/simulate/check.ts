/** Holds what a script expects against its run. Source: scripts.md, section 1. */
import type { Instant } from '../../time.js';
import type { GateState } from '../gate/gate.js';
import { canonical, own } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import type { HandoffView } from '../run/record.js';
import type { VisitView } from '../run/state.js';
import { shownInstant } from './instant.js';
import type { Answered, Run, Standing, Told } from './run.js';
import type { Expectation, ExpectationFields, ExpectedApproval, Script } from './script.js';

export interface Difference {
  /** Where in the script: an expectation or an event by its place; null: the start. */
  readonly of: { readonly list: 'expect' | 'events'; readonly index: number } | null;
  readonly at: Instant | null;
  readonly journey: number | null;
  /** The step, or what else it is about. */
  readonly what: string;
  readonly field: string;
  readonly expected: Json;
  readonly got: Json;
}

type Finding = Omit<Difference, 'of'>;

/** @returns events that were answered otherwise first, then the expectations in their order */
export const differences = ({ expect }: Script, run: Run): Difference[] => [
  ...run.answers.flatMap(answerDifference),
  ...expect.flatMap((expected, index) => findings(expected, run).map((found): Difference => ({ of: { list: 'expect', index }, ...found }))),
];

function answerDifference({ index, at, journey, expected, code }: Answered): Difference[] {
  const fits = expected === true ? code !== null : expected === code;
  if (fits) return [];
  const wanted = expected === null ? 'accepted' : expected === true ? 'refused' : expected;
  const of = index === null ? null : ({ list: 'events', index } as const);
  return [
    { of, at, journey, what: index === null ? 'start' : `event ${index + 1}`, field: 'answer', expected: wanted, got: code ?? 'accepted' },
  ];
}

function findings(expected: Expectation, run: Run): Finding[] {
  switch (expected.kind) {
    case 'step':
      return ofStep(expected, standingOf(run, expected));
    case 'handoff':
      return ofHandoff(expected, standingOf(run, expected));
    case 'journey':
      return ofJourney(expected, standingOf(run, expected));
    case 'ended':
      return ofEnd(expected, run);
    case 'emitted':
      return ofEmitted(expected, run);
  }
}

const numberOf = ({ journey = 1 }: { readonly journey?: number }): number => journey;

const standingOf = (run: Run, expected: { readonly at: Instant; readonly journey?: number }): Standing | undefined =>
  run.at(expected.at)[numberOf(expected) - 1];

/** Fields that are named and differ; instants are shown as such. */
function compared(
  base: Pick<Finding, 'at' | 'journey' | 'what'>,
  pairs: readonly (readonly [field: string, expected: Json | undefined, got: Json])[],
) {
  return pairs.flatMap(([field, expected, got]): Finding[] =>
    expected === undefined || canonical(expected) === canonical(got) ? [] : [{ ...base, field, expected, got }],
  );
}

/** An instant as JSON, for the comparison and for the reader. */
const written = (at: Instant | null | undefined): Json | undefined => (typeof at === 'number' ? shownInstant(at) : at);
const writtenNow = (at: Instant | null): Json => (at === null ? null : shownInstant(at));

const noJourney = (expected: { readonly at: Instant; readonly journey?: number }, what: string): Finding => ({
  at: expected.at,
  journey: numberOf(expected),
  what,
  field: 'journey',
  expected: numberOf(expected),
  got: 'not started',
});

function ofStep(expected: Of<'step'>, standing: Standing | undefined): Finding[] {
  const { at, step } = expected;
  if (standing === undefined) return [noJourney(expected, step)];
  const base = { at, journey: numberOf(expected), what: step };
  const visit = visitOf(standing.visits, step, expected.visit);
  if (visit === undefined && expected.visit !== undefined) return [{ ...base, field: 'visit', expected: expected.visit, got: null }];
  const gate = gateOf(standing, step, visit?.visit);
  const handoff = standing.handoffs.find((one) => one.step === step && one.visit === visit?.visit);
  return [
    ...compared(base, [
      ['state', expected.state, visit?.state ?? 'pending'],
      ['reason', expected.reason, visit?.incident?.code ?? null],
      ['outcome', expected.outcome, visit?.outcome ?? null],
      ['cause', expected.cause, visit?.cause ?? null],
      ['due', written(expected.due), writtenNow(visit?.dueAt ?? handoff?.dueAt ?? null)],
      ['attempts', expected.attempts, handoff?.attempts ?? visit?.attempts ?? 0],
    ]),
    ...(expected.approval === undefined ? [] : ofApproval(base, expected.approval, gate)),
  ];
}

/** The newest visit unless one is named; of a list the step itself before its items. */
function visitOf(visits: readonly VisitView[], step: string, number: number | undefined): VisitView | undefined {
  const all = visits.filter((visit) => visit.step === step && (number === undefined || visit.visit === number));
  const newest = Math.max(...all.map(({ visit }) => visit));
  const of = all.filter(({ visit }) => visit === newest);
  return of.find(({ item }) => item === null) ?? of[0];
}

const gateOf = ({ gates }: Standing, step: string, visit: number | undefined): GateState | undefined =>
  gates.find((one) => one.step === step && one.visit === visit)?.gate;

function ofApproval(base: Pick<Finding, 'at' | 'journey' | 'what'>, expected: ExpectedApproval, gate: GateState | undefined): Finding[] {
  if (gate === undefined) return [{ ...base, field: 'approval', expected: 'a record', got: null }];
  const { votes: wanted } = expected;
  const votes = gate.votes.filter(({ round }) => round === gate.round);
  const found = votes.map(({ by, onBehalfOf, decision }, index): JsonObject => {
    const named = Object.keys(wanted?.[index] ?? { by, onBehalfOf, decision });
    return Object.fromEntries(Object.entries({ by, onBehalfOf, decision }).filter(([key]) => named.includes(key)));
  });
  return compared(base, [
    ['approval.round', expected.round, gate.round],
    ['approval.required', expected.required, gate.required],
    ['approval.eligible', expected.eligible?.toSorted(), gate.eligible.map(({ id }) => id).toSorted()],
    ['approval.votes', wanted?.map((vote) => ({ ...vote })), found],
    ['approval.outcome', expected.outcome, gate.outcome],
  ]);
}

function ofHandoff(expected: Of<'handoff'>, standing: Standing | undefined): Finding[] {
  const { at, handoff: step } = expected;
  if (standing === undefined) return [noJourney(expected, step)];
  const base = { at, journey: numberOf(expected), what: step };
  const all = standing.handoffs.filter((one) => one.step === step);
  const found: HandoffView | undefined =
    expected.visit === undefined
      ? all.toSorted((one, other) => other.visit - one.visit)[0]
      : all.find(({ visit }) => visit === expected.visit);
  if (found === undefined) return [{ ...base, field: 'handoff', expected: expected.state ?? 'opened', got: null }];
  return compared(base, [
    ['state', expected.state, found.state],
    ['owner', expected.owner, found.owner],
    ['reason', expected.reason, found.reason],
    ['outcome', expected.outcome, found.outcome],
    ['due', written(expected.due), writtenNow(found.dueAt)],
    ['attempts', expected.attempts, found.attempts],
  ]);
}

const ofJourney = (expected: Of<'journey'>, standing: Standing | undefined): Finding[] =>
  standing === undefined
    ? [noJourney(expected, 'journey')]
    : fieldsOf({ at: expected.at, journey: numberOf(expected), what: 'journey' }, expected, standing);

function fieldsOf(
  base: Pick<Finding, 'at' | 'journey' | 'what'>,
  expected: Partial<ExpectationFields['journey']>,
  { view }: Standing,
): Finding[] {
  const context = Object.entries(expected.context ?? {});
  return compared(base, [
    ['status', expected.status, view.status],
    ['stage', expected.stage, view.stage],
    ['progress', expected.progress, view.progress],
    ['outcome', expected.outcome, view.outcome],
    ...context.map(([name, value]) => [`context.${name}`, value, own(view.context, name) ?? null] as const),
  ]);
}

function ofEnd(expected: Of<'ended'>, run: Run): Finding[] {
  const journey = numberOf(expected);
  const standing = run.journeys[journey - 1];
  const base = { at: expected.at ?? null, journey, what: 'journey' };
  if (standing === undefined) return [{ ...base, field: 'journey', expected: journey, got: 'not started' }];
  const { endedAt, result } = standing.view;
  const { at: _, ...fields } = expected;
  return [
    ...compared(base, [
      ['ended', expected.ended, endedAt === null ? null : (result ?? 'cancelled')],
      ['endedAt', written(expected.at), writtenNow(endedAt)],
    ]),
    ...fieldsOf(base, fields, standing),
  ];
}

function ofEmitted(expected: Of<'emitted'>, { events }: Run): Finding[] {
  const count = events.filter((event) => isMeant(expected, event)).length;
  if (count === expected.times) return [];
  const details = [expected.step, expected.reason].filter((part) => part !== undefined);
  const what = [expected.emitted, ...details].join(' ');
  return [{ at: expected.at ?? null, journey: expected.journey ?? null, what, field: 'times', expected: expected.times, got: count }];
}

/** An event of no instance, such as a refused entry, is meant whatever instance is named. */
const isMeant = ({ emitted, step, reason, at, journey }: Of<'emitted'>, event: Told): boolean =>
  event.type === emitted &&
  (step === undefined || event.data['step'] === step) &&
  (reason === undefined || reasonOf(event.data) === reason) &&
  (at === undefined || event.at === at) &&
  (journey === undefined || event.journey === null || event.journey === journey);

/** A refusal and a return call it reason, an incident code. */
const reasonOf = (data: JsonObject): Json => data['reason'] ?? data['code'] ?? null;

type Of<Kind extends Expectation['kind']> = { readonly kind: Kind; readonly journey?: number } & ExpectationFields[Kind];
