/** How a step is entered: whether it is done at all, whether what it needs is there, then its work begins. Source: journeys.md, section 2. */
import type { Choice } from '../expression.js';
import type { JsonObject } from '../json.js';
import { valueFaults } from '../json-schema.js';
import { beginWork } from './begin.js';
import { foreign, isReference, pathsAtEntry, read, readAll } from './data.js';
import type { Draft, Move } from './draft.js';
import { sceneOf } from './effects.js';
import { park } from './incident.js';
import { complete } from './leave.js';
import { visitKey } from './names.js';
import { bodyOf, stepOf } from './plan.js';
import type { Plan } from './plan.js';
import { faultIn, traceOf } from './traces.js';
import type { Visit } from './visit.js';

type Place = Pick<Visit, 'step' | 'visit' | 'item' | 'index' | 'parent' | 'branch' | 'event'>;

/** Written out without a spread: engines make many such objects much faster. */
function newVisit(draft: Draft, { step, visit, item, index, parent, branch, event }: Place): Visit {
  return {
    key: visitKey(step, visit, item),
    step,
    visit,
    item,
    index,
    parent,
    branch,
    event,
    phase: 'when',
    state: 'open',
    isEntered: false,
    stage: stepOf(draft.plan, step).stage ?? null,
    enteredAt: draft.at,
    endedAt: null,
    incident: null,
    asks: [],
    asked: 0,
    heard: draft.state.heard.count,
    found: {},
    input: {},
    override: {},
    ending: null,
    timers: {},
    effort: null,
    late: null,
    task: null,
    gate: null,
    preparing: null,
    handoff: null,
    child: null,
    branches: null,
    items: null,
    look: [],
    isAsleep: false,
    isStale: false,
  };
}

/** Makes the next visit of a step; one too many is parked at the door. */
export function enter(draft: Draft, { step, parent, branch, event }: Extract<Move, { readonly do: 'enter' }>): void {
  const { plan, state } = draft;
  const { visits, firstAt } = draft.past(step);
  const open = state.visits.filter(({ item }) => item === null).length;
  draft.remember(step, { visits: visits + 1, firstAt: visits === 0 ? draft.at : firstAt });
  const visit = draft.put(newVisit(draft, { step, visit: visits + 1, item: null, index: null, parent, branch, event }));
  if (visits >= plan.maxVisits) return park(draft, visit, 'max_visits', { visits, limit: plan.maxVisits });
  if (open >= plan.maxOpen) return park(draft, visit, 'max_open_steps', { open, limit: plan.maxOpen });
  admit(draft, visit);
}

/** The step of a list begins for one of its items. */
export function enterItem(draft: Draft, list: Visit, index: number, name: string): void {
  const { step, visit, event } = list;
  admit(
    draft,
    draft.put({ ...newVisit(draft, { step, visit, item: name, index, parent: list.key, branch: null, event }), stage: list.stage }),
  );
}

/** Asks whether the step is to be done. */
export function admit(draft: Draft, visit: Visit): void {
  if (bodyOf(draft.plan, visit).when === undefined) prepare(draft, visit);
  else draft.ask(visit, { to: 'when' });
}

export function admitted(draft: Draft, visit: Visit, choice: Choice): void {
  if (choice.chosen !== null) return prepare(draft, visit);
  const fault = faultIn(choice);
  if (fault !== null) return park(draft, visit, 'guard_error', fault);
  complete(draft, visit, { state: 'skipped', cause: 'entry', reason: 'when', trace: traceOf(choice.trace) });
}

/** Looks up what only others know. */
export function prepare(draft: Draft, visit: Visit): void {
  const preparing = draft.put({ ...visit, phase: 'prepare' });
  const wanted = Object.keys(foreign(pathsAtEntry(bodyOf(draft.plan, visit))));
  if (wanted.length > 0) draft.ask(preparing, { to: 'prepare' });
  else start(draft, preparing, {});
}

/** Everything is known: the step is entered, and its work begins. */
export function start(draft: Draft, visit: Visit, found: JsonObject): void {
  const body = bodyOf(draft.plan, visit);
  const data = sceneOf(draft.state, visit, draft.at);
  const input = { ...readAll(body.input ?? {}, data, found), ...visit.override };
  const entered = announce(draft, { ...visit, found, input });
  const missing = missingAt(draft, entered);
  if (missing.length > 0) return park(draft, entered, 'requirement_missing', { paths: missing });
  beginWork(draft, draft.put({ ...entered, phase: 'work' }), (list, index, name) => enterItem(draft, list, index, name));
}

/** Tells of the entry, once; from then on its time counts. */
function announce(draft: Draft, visit: Visit): Visit {
  if (visit.isEntered) return draft.put(visit);
  const { plan } = draft;
  const entered = draft.put(withSla(plan, { ...visit, isEntered: true }));
  const { kind } = bodyOf(plan, visit);
  draft.recordOf(entered, 'journey.step.entered', { kind, ...(visit.stage === null ? {} : { stage: visit.stage }) });
  const { stage } = draft.state;
  if (visit.item === null && visit.stage !== null && visit.stage !== stage) {
    draft.set({ stage: visit.stage });
    draft.record('journey.stage.changed', { from: stage, to: visit.stage, step: visit.step });
  }
  return hasOpenTime(plan, visit) ? draft.ask(entered, { to: 'openTime' }) : entered;
}

const hasOpenTime = (plan: Plan, visit: Visit): boolean =>
  bodyOf(plan, visit).sla !== undefined && plan.template.defaults?.calendar !== undefined;

/** From the entry on, unless the time of a calendar has to be asked for. */
function withSla(plan: Plan, visit: Visit): Visit {
  const { sla } = bodyOf(plan, visit);
  if (sla === undefined || hasOpenTime(plan, visit)) return visit;
  const { target, warnAt = 0.8 } = sla;
  const timers = { warnAt: visit.enteredAt + Math.round(target * warnAt), breachAt: visit.enteredAt + target };
  return { ...visit, timers: { ...visit.timers, ...timers } };
}

/** Paths of what a step needs and does not find, or finds wrong. */
function missingAt(draft: Draft, visit: Visit): readonly string[] {
  const data = sceneOf(draft.state, visit, draft.at);
  return (bodyOf(draft.plan, visit).requires ?? []).flatMap(({ path, schema }) => {
    const value = read(path, data, visit.found);
    if (value === undefined || value === null) return [path];
    return schema === undefined || isReference(value) || valueFaults(schema, value).length === 0 ? [] : [path];
  });
}
