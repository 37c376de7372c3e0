/** A handoff that is created directly, not by a step: what is wrong with it, and the rules it comes to. Source: journeys.md, section 8. */
import { durationMs } from '../journey/duration.js';
import { pointer } from '../journey/json.js';
import type { JsonObject } from '../journey/json.js';
import type { HandoffRules } from '../journey/run/effect.js';
import type { Gate, Handoff, Rung } from '../journey/step.js';
import { missingOf } from './ledger.js';

type StepFields = Pick<
  Handoff,
  'from' | 'to' | 'mode' | 'then' | 'approval' | 'requiredData' | 'assign' | 'acceptWithin' | 'completeWithin' | 'completeAs' | 'claimFor'
>;

/** The body of `POST /v1/handoffs`, its shape checked; durations as authors write them. */
export interface HandoffInput extends StepFields {
  readonly journeyId: string;
  readonly stepId?: string;
  readonly data?: JsonObject;
}

export interface HandoffProblem {
  /** JSON Pointer into the input. */
  readonly path: string;
  /** The rule that was broken. */
  readonly rule: string;
}

/**
 * Every rule a direct handoff breaks, by path; empty: it can be created.
 *
 * @param packages the known ones
 */
export function validateHandoff(input: HandoffInput, packages: readonly string[]): HandoffProblem[] {
  const { journeyId, from, to, mode, approval, requiredData, data = {} } = input;
  const sides = (['from', 'to'] as const).flatMap((side) =>
    packages.includes(input[side]) ? [] : [problem(`must be one of ${packages.join(', ')}`, side)],
  );
  return [
    ...(journeyId.trim() === '' ? [problem('must not be empty', 'journeyId')] : []),
    ...sides,
    ...(from === to ? [problem('must be another package than `from`', 'to')] : []),
    ...(mode === 'approve' && approval === undefined ? [problem('must be there with mode `approve`', 'approval')] : []),
    ...(approval === undefined ? [] : gateProblems(approval)),
    ...missingOf(requiredData, data).map((name) => problem('must be there: it is required data', 'data', name)),
    ...badDurations(input),
  ];
}

const problem = (rule: string, ...path: readonly (string | number)[]): HandoffProblem => ({ path: pointer(...path), rule });

function gateProblems({ approvers, quorum }: Gate): HandoffProblem[] {
  const { users = [], roles = [], expr } = approvers;
  const isNobody = users.length === 0 && roles.length === 0 && expr === undefined;
  return [
    ...(isNobody ? [problem('must name somebody', 'approval', 'approvers')] : []),
    ...(inRange(quorum) ? [] : [problem('must be at least 1, and at most 100 percent', 'approval', 'quorum')]),
  ];
}

function inRange(quorum: Gate['quorum']): boolean {
  if (typeof quorum === 'string') return true;
  if ('percent' in quorum) return quorum.percent >= 1 && quorum.percent <= 100;
  return ('count' in quorum ? quorum.count : quorum.per_group) >= 1;
}

const times = ['acceptWithin', 'completeWithin', 'claimFor'] as const;
const gateTimes = ['within', 'claimFor'] as const;

function badDurations(input: HandoffInput): HandoffProblem[] {
  const rule = 'must be a duration such as PT4H, longer than zero';
  const check = (text: string | undefined, ...path: readonly (string | number)[]): HandoffProblem[] =>
    text === undefined || (durationMs(text) ?? 0) > 0 ? [] : [problem(rule, ...path)];
  const { approval } = input;
  return [
    ...times.flatMap((name) => check(input[name], name)),
    ...gateTimes.flatMap((name) => check(approval?.[name], 'approval', name)),
    ...(approval?.escalation ?? []).flatMap(({ after }, index) => check(after, 'approval', 'escalation', index, 'after')),
  ];
}

/** The rules of a direct handoff that `validateHandoff` finds no fault in. */
export function directRules({ journeyId: _journey, stepId: _step, data: _data, ...fields }: HandoffInput): HandoffRules {
  const { acceptWithin, completeWithin, claimFor, approval, ...rest } = fields;
  return {
    ...rest,
    ...inMs({ acceptWithin, completeWithin, claimFor }),
    ...(approval === undefined ? {} : { approval: gateRulesOf(approval) }),
  };
}

function gateRulesOf({ within, claimFor, escalation, ...rest }: Gate): Gate<number> {
  const rungs = escalation?.map(({ after, ...rung }): Rung<number> => ({ ...rung, after: Number(durationMs(after)) }));
  return { ...rest, ...inMs({ within, claimFor }), ...(rungs === undefined ? {} : { escalation: rungs }) };
}

/** The durations that are there, in milliseconds. */
const inMs = <Name extends string>(durations: Readonly<Record<Name, string | undefined>>): Partial<Record<Name, number>> => {
  const given: Partial<Record<Name, number>> = {};
  for (const name in durations) if (durations[name] !== undefined) given[name] = Number(durationMs(durations[name]));
  return given;
};
