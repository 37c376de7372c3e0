/** Puts a question of a visit into words; the same question can be put again from the state. */
import { whoIsWanted } from '../gate/electorate.js';
import type { GateRules } from '../gate/gate.js';
import { timeLimits } from '../attempts.js';
import type { GuardData } from '../expression.js';
import type { Json, JsonObject } from '../json.js';
import type { Mapping } from '../step.js';
import { awaited, candidatesAt } from './candidates.js';
import { personal, personalOutput } from './context.js';
import { dataOf, foreign, itemOf, pathsAtEntry, read } from './data.js';
import type { Effect, HandoffRules, HandoffStart } from './effect.js';
import type { JourneyState } from './journey.js';
import { knownOf, readsOf } from './known.js';
import { bodyOf } from './plan.js';
import type { CompiledBody, Plan } from './plan.js';
import { requesterOf } from './names.js';
import type { Ask, Visit } from './visit.js';
import { guardsOut, waysOut } from './ways.js';

/** What guards and mappings of a visit see. */
export const sceneOf = (state: JourneyState, visit: Visit, at: number): GuardData => dataOf(state, at, itemOf(state, visit));

export function effectOf(plan: Plan, state: JourneyState, visit: Visit, ask: Ask): Effect {
  const { id } = ask;
  const body = bodyOf(plan, visit);
  const data = sceneOf(state, visit, ask.at);
  const event = visit.event === null ? {} : { eventId: visit.event };
  const guards = (...list: readonly (string | null)[]): Effect => ({ kind: 'guards', id, guards: list, data, ...event });
  const values = (paths: Mapping, pii: readonly string[]): Effect => ({ kind: 'values', id, paths, data, pii, ...event });
  switch (ask.to) {
    case 'when':
      return guards(body.when ?? null);
    case 'prepare':
      return values(foreign(pathsAtEntry(body)), []);
    case 'settle':
      return values(foreign(unread(visit, body)), personalPaths(plan, body));
    case 'route':
      return guards(...guardsOut(waysOut(plan, visit)));
    case 'condition':
      return guards(body.kind === 'wait' ? (body.condition ?? null) : null);
    case 'assignees':
      return { kind: 'people', id, who: (body.kind === 'manual' ? body.assign : undefined) ?? {}, data, ...event };
    case 'approvers':
      return { kind: 'people', id, who: gateRules(body).approvers, data, ...event };
    case 'wanted': {
      const who = visit.gate === null ? {} : whoIsWanted(gateRules(body), visit.gate, ask.wanted);
      return { kind: 'people', id, who, data, ...event };
    }
    case 'hash':
    case 'rehash':
      return { kind: 'hash', id, value: evidenceOf(plan, state, visit, ask.at) };
    case 'until':
      return { kind: 'localTime', id, ...localTime(body), after: ask.at, ...zoneOf(plan) };
    case 'quiet': {
      const { from, to } = quietHours(plan, body) ?? { from: '00:00', to: '00:00' };
      return { kind: 'quiet', id, from, to, at: ask.at, ...zoneOf(plan) };
    }
    case 'openTime': {
      const { target = 0, warnAt = 0.8 } = body.sla ?? {};
      const calendar = plan.template.defaults?.calendar ?? '';
      return { kind: 'openTime', id, calendar, from: visit.enteredAt, amountsMs: [Math.round(target * warnAt), target] };
    }
    case 'lookBack':
      return { kind: 'lookBack', id, ...lookedFor(plan, state, visit) };
    case 'look':
      return { kind: 'weigh', id, eventId: ask.event.id, candidates: candidatesAt(plan, state, visit, ask.event, true), data };
    case 'action': {
      const { scheduleMs, heartbeatMs } = timeLimits(body.timeouts, plan.template.defaults?.timeouts);
      const pii = personalOutput(plan, visit.step, body.output ?? {});
      return {
        kind: 'action',
        id,
        step: visit.step,
        visit: visit.visit,
        item: visit.item,
        attempt: ask.attempt,
        action: (body.kind === 'automated' ? body.action : undefined) ?? '',
        input: visit.input,
        timeoutMs: ask.timeoutMs,
        ...(scheduleMs === null ? {} : { scheduleMs }),
        ...(heartbeatMs === null ? {} : { heartbeatMs }),
        recipient: state.start.subject.id,
        ...(pii.length === 0 ? {} : { pii }),
      };
    }
    case 'touchpoint': {
      const { channel, template } = body.kind === 'touchpoint' ? body : { channel: '', template: '' };
      const cap = (body.kind === 'touchpoint' ? body.frequencyCap : undefined) ?? plan.template.defaults?.frequencyCap ?? null;
      return {
        kind: 'touchpoint',
        id,
        step: visit.step,
        visit: visit.visit,
        channel,
        template,
        notBefore: ask.notBefore,
        cap,
        ...(visit.item === null ? {} : { item: visit.item }),
        ...(Object.keys(visit.input).length === 0 ? {} : { input: visit.input }),
      };
    }
    case 'handoff':
      return { kind: 'openHandoff', id, start: handoffStart(state, visit, body, ask.at) };
    case 'child': {
      const { key, version = 'latest_published' } = body.kind === 'journey' ? body : { key: '' };
      return { kind: 'openChild', id, step: visit.step, visit: visit.visit, item: visit.item, key, version, input: visit.input };
    }
  }
}

/** Foreign paths of the output mapping that the event did not bring. */
export const unread = ({ ending }: Visit, { output = {} }: CompiledBody): readonly string[] =>
  Object.values(output).filter((path) => !Object.hasOwn(ending?.reads ?? {}, path));

const personalPaths = (plan: Plan, { output = {} }: CompiledBody): readonly string[] =>
  personal(plan, Object.keys(output)).flatMap((name) => output[name] ?? []);

/** The rules of the vote of an approval step. */
const nobody: GateRules = { approvers: {}, quorum: 'any' };
export const gateRules = (body: CompiledBody): GateRules => (body.kind === 'approval' ? body : nobody);

/** What is voted on, by path; what is not there is null, so that its coming is a change. */
export function evidenceOf(plan: Plan, state: JourneyState, visit: Visit, at: number): JsonObject {
  const data = sceneOf(state, visit, at);
  const paths = gateRules(bodyOf(plan, visit)).evidence ?? [];
  return Object.fromEntries(paths.map((path): [string, Json] => [path, read(path, data, visit.found) ?? null]));
}

const zoneOf = ({ template: { defaults } }: Plan): { readonly fallback?: string } =>
  defaults?.timezone === undefined ? {} : { fallback: defaults.timezone };

const localTime = (body: CompiledBody): { readonly local: string; readonly zone: string | null } =>
  body.kind === 'wait' && typeof body.until === 'object'
    ? { local: body.until.local, zone: body.until.zone ?? null }
    : { local: '00:00', zone: null };

export const quietHours = (plan: Plan, body: CompiledBody): { readonly from: string; readonly to: string } | null =>
  (body.kind === 'touchpoint' ? body.quietHours : undefined) ?? plan.template.defaults?.quietHours ?? null;

/** From when on, and which events: those that completed an earlier visit and the one that started the journey are not among them. */
function lookedFor(plan: Plan, { start, past }: JourneyState, visit: Visit) {
  const events = awaited(plan, visit);
  const since = events.map(({ consume }) => {
    if (consume === 'since_start') return start.startedAt;
    return consume === 'since_entry' ? (past[visit.step]?.firstAt ?? visit.enteredAt) : visit.enteredAt;
  });
  const starting = start.trigger?.eventId ?? null;
  const excluded = [...(starting === null ? [] : [starting]), ...(past[visit.step]?.consumed ?? [])];
  return { since: Math.min(...since), types: [...new Set(events.map(({ on }) => on.type))], excluded };
}

function handoffStart(state: JourneyState, visit: Visit, body: CompiledBody, at: number): HandoffStart {
  const { start, context, voters } = state;
  const rules = handoffRules(body);
  const known = knownOf(readsOf(rules), sceneOf(state, visit, at), visit.found);
  const required = (rules.requiredData ?? []).flatMap((name) => {
    const value = read(`context.${name}`, { context }, {});
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    journeyId: start.journeyId,
    tenant: start.tenant,
    step: visit.step,
    visit: visit.visit,
    ...(visit.item === null ? {} : { item: visit.item }),
    extra: false,
    rules,
    data: { ...visit.input, ...Object.fromEntries(required) },
    requester: requesterOf(start),
    earlierVoters: voters,
    ...(known === null ? {} : { known }),
  };
}

function handoffRules(body: CompiledBody): HandoffRules {
  if (body.kind !== 'handoff') return { from: '', to: '', mode: 'automatic' };
  const { kind: _kind, when: _when, requires: _requires, completeOn: _completeOn, catch: _catch, ...rules } = body;
  return rules;
}
