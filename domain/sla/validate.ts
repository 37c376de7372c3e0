/** What is wrong with a policy set before it is published: every fault at once, so that nothing is ever kept and left unarmed. Source: sla.md, R23. */
import type { EscalationTarget } from '../ticket/escalation.js';
import { channels, priorities } from '../ticket/status.js';
import type { Priority } from '../ticket/status.js';
import type { Addressee, MatchCondition, Policy, Rung, RungAction, RungTime } from './policy.js';
import { addresseePattern, alwaysOpen } from './policy.js';

/** The rules a policy set can break, each with the words for its reader. */
export const policyRules = {
  duplicate_id: 'is used twice',
  no_value: 'must name at least one value',
  op_for_field: 'does not fit the field: tags know any, all and none, every other field in and not_in',
  unknown_value: 'is not a value of this field',
  unknown_product: 'names no product',
  unknown_calendar: 'names no calendar',
  retired_calendar: 'names a calendar that is retired',
  unknown_user: 'names no active user',
  unknown_team: 'names no team',
  unknown_role: 'names no role: agent, lead and admin are the roles',
  unknown_addressee: 'must be assignee, lead, on-call, role:<role>, team:<id> or user:<id>',
  not_positive: 'must be more than 0',
  percent_range: 'must be from 1 to 100',
  level_range: 'must be from 1 to 9',
  before_target: 'must be less than the target of its clock',
  no_target: 'has no target in this policy',
  sla_horizon_exceeded: 'is more than five years away on this calendar',
  before_breach: 'is only for rungs after the breach',
  no_action: 'must name at least one action',
  names_nobody: 'reaches nobody, and the tenant has no fallbackRecipient',
  no_addressee: 'must name at least one addressee',
  id_for_kind: 'is only for specialist (a user) and team',
} as const satisfies Readonly<Record<string, string>>;
export type PolicyRule = keyof typeof policyRules;

export interface PolicyProblem {
  /** JSON pointer into `{policies}`. */
  readonly field: string;
  readonly rule: PolicyRule;
}

/** What exists in the tenant at the time of the question. */
export interface KnownNames {
  /** By id, without the built-in one. */
  readonly calendars: ReadonlyMap<string, { readonly retired: boolean }>;
  /** Active users by id, with their role. */
  readonly users: ReadonlyMap<string, string>;
  /** Number of active members by team. */
  readonly teams: ReadonlyMap<string, number>;
  readonly products: ReadonlySet<string>;
  /** Somebody is told when nobody else can be. */
  readonly fallbackRecipient: boolean;
  /** Whether so many open seconds of a known calendar pass within five years. */
  readonly reaches: (calendar: string, openS: number) => boolean;
}

/** Every fault of a policy set, in its order; empty: it can be published. */
export function policyProblems(policies: readonly Policy[], known: KnownNames): PolicyProblem[] {
  return [
    ...duplicates(policies, '/policies'),
    ...policies.flatMap((policy, index) => {
      const at = `/policies/${index}`;
      return [
        ...policy.match.flatMap((condition, n) => conditionProblems(condition, `${at}/match/${n}`, known)),
        ...choiceProblems(policy, at, known),
        ...targetProblems(policy, at, known),
        ...duplicates(policy.rungs, `${at}/rungs`),
        ...policy.rungs.flatMap((rung, n) => rungProblems(rung, `${at}/rungs/${n}`, policy, known)),
      ];
    }),
  ];
}

const problem = (field: string, rule: PolicyRule): PolicyProblem => ({ field, rule });
const when = (broken: boolean, field: string, rule: PolicyRule): PolicyProblem[] => (broken ? [problem(field, rule)] : []);

const duplicates = (items: readonly { readonly id: string }[], at: string): PolicyProblem[] =>
  items.flatMap(({ id }, index) => when(items.findIndex((other) => other.id === id) < index, `${at}/${index}/id`, 'duplicate_id'));

const tagOps: readonly string[] = ['any', 'all', 'none'];
const fixedValues: Readonly<Partial<Record<string, readonly string[]>>> = { priority: priorities, channel: channels };

function conditionProblems({ field, op, values }: MatchCondition, at: string, known: KnownNames): PolicyProblem[] {
  const fixed = fixedValues[field];
  return [
    ...when(tagOps.includes(op) !== (field === 'tags'), `${at}/op`, 'op_for_field'),
    ...when(values.length === 0, `${at}/values`, 'no_value'),
    ...values.flatMap((value, index) => [
      ...when(fixed !== undefined && !fixed.includes(value), `${at}/values/${index}`, 'unknown_value'),
      ...when(field === 'product' && !known.products.has(value), `${at}/values/${index}`, 'unknown_product'),
    ]),
  ];
}

function choiceProblems({ calendar }: Policy, at: string, { calendars }: KnownNames): PolicyProblem[] {
  const [id, field] = calendar.use === 'policy' ? [calendar.id, 'id'] : [calendar.fallback, 'fallback'];
  if (id === alwaysOpen) return [];
  const found = calendars.get(id);
  if (found === undefined) return [problem(`${at}/calendar/${field}`, 'unknown_calendar')];
  return when(found.retired, `${at}/calendar/${field}`, 'retired_calendar');
}

const calendarOf = ({ calendar }: Policy): string => (calendar.use === 'policy' ? calendar.id : calendar.fallback);

/** A calendar nobody knows is a fault of its own, and none of what is measured by it. */
const isBeyond = (policy: Policy, openS: number, { calendars, reaches }: KnownNames): boolean => {
  const id = calendarOf(policy);
  return (id === alwaysOpen || calendars.has(id)) && !reaches(id, openS);
};

const targetProblems = (policy: Policy, at: string, known: KnownNames): PolicyProblem[] =>
  Object.entries(policy.targets).flatMap(([kind, byPriority]) =>
    Object.entries(byPriority).flatMap(([priority, budgetS]) => {
      const field = `${at}/targets/${kind}/${priority}`;
      if (budgetS <= 0) return [problem(field, 'not_positive')];
      return when(isBeyond(policy, budgetS, known), field, 'sla_horizon_exceeded');
    }),
  );

/** The budgets a rung may meet, by priority. */
function budgetsOf(rung: Rung, { targets }: Policy): number[] {
  const byPriority = targets[rung.clock] ?? {};
  return (rung.priorities ?? priorities).flatMap((priority) => byPriority[priority] ?? []);
}

function rungProblems(rung: Rung, at: string, policy: Policy, known: KnownNames): PolicyProblem[] {
  const budgets = budgetsOf(rung, policy);
  return [
    ...(policy.targets[rung.clock] === undefined || (rung.priorities === undefined && budgets.length === 0)
      ? [problem(`${at}/clock`, 'no_target')]
      : (rung.priorities ?? []).flatMap((priority, index) =>
          when(!hasTarget(policy, rung, priority), `${at}/priorities/${index}`, 'no_target'),
        )),
    ...timeProblems(rung.when, `${at}/when`, budgets, policy, known),
    ...when(rung.priorities?.length === 0, `${at}/priorities`, 'no_value'),
    ...when(rung.level !== undefined && (rung.level < 1 || rung.level > 9), `${at}/level`, 'level_range'),
    ...when(rung.whilePaused === true && !isAfterBreach(rung.when), `${at}/whilePaused`, 'before_breach'),
    ...when(rung.actions.length === 0, `${at}/actions`, 'no_action'),
    ...rung.actions.flatMap((action, index) => actionProblems(action, `${at}/actions/${index}`, { rung, budgets, policy, known })),
  ];
}

const hasTarget = ({ targets }: Policy, { clock }: Rung, priority: Priority): boolean => targets[clock]?.[priority] !== undefined;

/** A rung at the breach itself has nothing left to count. */
const isAfterBreach = (time: RungTime): boolean => typeof time !== 'string' && 'after' in time;

/** Open seconds from the clock's start to the rung, at most. */
function reachOf(time: RungTime, budgets: readonly number[]): number {
  return Math.max(0, ...budgets) + (typeof time !== 'string' && 'after' in time ? Math.max(0, time.after) : 0);
}

function timeProblems(time: RungTime, at: string, budgets: readonly number[], policy: Policy, known: KnownNames): PolicyProblem[] {
  if (time === 'at_breach') return [];
  if ('percent' in time) return when(time.percent < 1 || time.percent > 100, `${at}/percent`, 'percent_range');
  if ('before' in time) {
    if (time.before <= 0) return [problem(`${at}/before`, 'not_positive')];
    return when(
      budgets.some((budgetS) => time.before >= budgetS),
      `${at}/before`,
      'before_target',
    );
  }
  if (time.after <= 0) return [problem(`${at}/after`, 'not_positive')];
  return when(isBeyond(policy, reachOf(time, budgets), known), `${at}/after`, 'sla_horizon_exceeded');
}

interface ActionScene {
  readonly rung: Rung;
  readonly budgets: readonly number[];
  readonly policy: Policy;
  readonly known: KnownNames;
}

function actionProblems(action: RungAction, at: string, { rung, budgets, policy, known }: ActionScene): PolicyProblem[] {
  if ('notify' in action) return noticeProblems(action.notify.to, `${at}/notify/to`, known);
  if ('reassign' in action) {
    const { team } = action.reassign;
    return when(team !== undefined && !known.teams.has(team), `${at}/reassign/team`, 'unknown_team');
  }
  if ('raise_priority' in action) {
    const { to, retarget } = action.raise_priority;
    return when(retarget === true && !hasTarget(policy, rung, to), `${at}/raise_priority/to`, 'no_target');
  }
  const { to, ackWithin } = action.open_escalation;
  const here = `${at}/open_escalation`;
  return [
    ...escalationProblems(to, `${here}/to`, known),
    ...(ackWithin <= 0
      ? [problem(`${here}/ackWithin`, 'not_positive')]
      : when(isBeyond(policy, reachOf(rung.when, budgets) + ackWithin, known), `${here}/ackWithin`, 'sla_horizon_exceeded')),
  ];
}

function noticeProblems(to: readonly Addressee[], at: string, known: KnownNames): PolicyProblem[] {
  if (to.length === 0) return [problem(at, 'no_addressee')];
  const unknown = to.flatMap((addressee, index) => {
    const rule = addresseeRule(addressee, known);
    return rule === null ? [] : [problem(`${at}/${index}`, rule)];
  });
  return unknown.length > 0 ? unknown : when(!known.fallbackRecipient && to.every((name) => isEmpty(name, known)), at, 'names_nobody');
}

function addresseeRule(addressee: Addressee, { users, teams }: KnownNames): PolicyRule | null {
  const [kind = '', name = ''] = addressee.split(':', 2);
  if (!addresseePattern.test(addressee)) return kind === 'role' ? 'unknown_role' : 'unknown_addressee';
  if (kind === 'user' && !users.has(name)) return 'unknown_user';
  if (kind === 'team' && !teams.has(name)) return 'unknown_team';
  return null;
}

/**
 * Whether an addressee surely means nobody. The assignee may be anybody; on call is nobody yet, for there is no rota.
 */
function isEmpty(addressee: Addressee, known: KnownNames): boolean {
  const [kind = '', name = ''] = addressee.split(':', 2);
  switch (kind) {
    case 'on-call':
      return true;
    case 'lead':
      return !isHeld('lead', known);
    case 'role':
      return !isHeld(name, known);
    case 'team':
      return known.teams.get(name) === 0;
    default:
      return false;
  }
}

const isHeld = (role: string, { users }: KnownNames): boolean => [...users.values()].includes(role);

function escalationProblems(to: EscalationTarget, at: string, known: KnownNames): PolicyProblem[] {
  const { kind, id } = to;
  switch (kind) {
    case 'admin':
    case 'lead':
      return id === undefined
        ? when(!known.fallbackRecipient && !isHeld(kind, known), at, 'names_nobody')
        : [problem(`${at}/id`, 'id_for_kind')];
    case 'specialist':
      return when(id !== undefined && !known.users.has(id), `${at}/id`, 'unknown_user');
    case 'team':
      if (id === undefined) return [];
      if (!known.teams.has(id)) return [problem(`${at}/id`, 'unknown_team')];
      return when(!known.fallbackRecipient && known.teams.get(id) === 0, at, 'names_nobody');
  }
}
