/** Where a template holds durations, guards and steps: the one list that checks and the compiler go by. */
import type { RowRoot } from './condition-rows.js';
import type { Wanted } from './expression.js';
import { pointer } from './json.js';
import type { CompleteOn, Duration, Gate, Guard, People, Retry, Step, StepBody, Timeouts } from './step.js';
import type { JourneyTemplate } from './template.js';

/** A step, or what a `forEach` does for each item. */
export interface Body {
  readonly id: string;
  /** The step itself, around the item's too. */
  readonly step: Step;
  readonly body: StepBody;
  readonly isItem: boolean;
  /** A place within the body. */
  readonly at: (...segments: readonly (string | number)[]) => string;
}

/** All steps in document order, each followed by what it does for its items. */
export const bodiesOf = ({ steps }: JourneyTemplate): Body[] =>
  Object.entries(steps).flatMap(([id, step]) => {
    const self: Body = { id, step, body: step, isItem: false, at: (...segments) => pointer('steps', id, ...segments) };
    if (step.kind !== 'forEach') return [self];
    return [self, { id, step, body: step.do, isItem: true, at: (...segments) => pointer('steps', id, 'do', ...segments) }];
  });

/** `life`: passes while an instance lives; `plan`: only an estimate; `shift`: may be negative; `apart`: passes outside of one. */
export type DurationUse = 'life' | 'plan' | 'shift' | 'apart';

export interface DurationPlace {
  readonly path: string;
  readonly text: string | number;
  readonly use: DurationUse;
}

type Entry = readonly [path: string, text: Duration | number | undefined];

const places = (use: DurationUse, entries: readonly Entry[]): DurationPlace[] =>
  entries.flatMap(([path, text]) => (text === undefined ? [] : [{ path, text, use }]));

/** Every duration of a template. */
export function durationsOf(template: JourneyTemplate): DurationPlace[] {
  const { defaults = {}, limits = {}, triggers = [], goals = [] } = template;
  return [
    ...places('life', [...retryEntries(defaults.retry, '/defaults/retry'), ...timeoutEntries(defaults.timeouts, '/defaults/timeouts')]),
    ...places('apart', [
      ['/limits/maxDuration', limits.maxDuration],
      ...triggers.flatMap((trigger, index): Entry[] => [
        [pointer('triggers', index, 'dedupeWindow'), trigger.dedupeWindow],
        [pointer('triggers', index, 'cooldown'), trigger.cooldown],
        [pointer('triggers', index, 'delay'), trigger.delay],
      ]),
      ...goals.map((goal, index): Entry => [pointer('goals', index, 'window'), goal.window]),
    ]),
    ...bodiesOf(template).flatMap(({ body, at }) => [
      ...places('plan', [[at('estimatedDuration'), body.estimatedDuration]]),
      ...places('life', [
        [at('sla', 'target'), body.sla?.target],
        ...retryEntries(body.retry, at('retry')),
        ...timeoutEntries(body.timeouts, at('timeouts')),
        ...kindEntries(body, at),
      ]),
      ...places('shift', [[at('offset'), body.kind === 'wait' ? body.offset : undefined]]),
    ]),
  ];
}

const retryEntries = (retry: Retry | undefined, at: string): Entry[] => [
  [`${at}/initial`, retry?.initial],
  [`${at}/max`, retry?.max],
];

const timeoutEntries = (timeouts: Timeouts | undefined, at: string): Entry[] => [
  [`${at}/attempt`, timeouts?.attempt],
  [`${at}/total`, timeouts?.total],
  [`${at}/schedule`, timeouts?.schedule],
  [`${at}/heartbeat`, timeouts?.heartbeat],
];

const gateEntries = ({ within, claimFor, escalation = [] }: Gate, at: Body['at']): Entry[] => [
  [at('within'), within],
  [at('claimFor'), claimFor],
  ...escalation.map(({ after }, index): Entry => [at('escalation', index, 'after'), after]),
];

function kindEntries(body: StepBody, at: Body['at']): Entry[] {
  switch (body.kind) {
    case 'manual':
      return [
        [at('due'), body.due],
        [at('claimFor'), body.claimFor],
      ];
    case 'approval':
      return gateEntries(body, at);
    case 'handoff':
      return [
        [at('acceptWithin'), body.acceptWithin],
        [at('completeWithin'), body.completeWithin],
        [at('claimFor'), body.claimFor],
        ...(body.approval === undefined ? [] : gateEntries(body.approval, (...segments) => at('approval', ...segments))),
      ];
    case 'wait':
      return [
        [at('for'), body.for],
        [at('max'), body.max],
      ];
    default:
      return [];
  }
}

export interface GuardPlace {
  readonly path: string;
  readonly guard: Guard;
  readonly wanted: Wanted;
  /** Where rows look up bare names. */
  readonly root: RowRoot;
  readonly stepId: string | null;
  /** `before`: while its step waits or begins; `after`: once it has completed; `apart`: at any time of the instance, or before it. */
  readonly phase: 'before' | 'after' | 'apart';
  readonly isItem: boolean;
}

const apart = (path: string, guard: Guard | undefined, root: RowRoot = 'context'): GuardPlace[] =>
  guard === undefined ? [] : [{ path, guard, wanted: 'verdict', root, stepId: null, phase: 'apart', isItem: false }];

/** Every guard of a template, and every expression that names people. */
export function guardsOf(template: JourneyTemplate): GuardPlace[] {
  const { triggers = [], entry = {}, exits = [], goals = [] } = template;
  return [
    ...triggers.flatMap(({ when }, index) => apart(pointer('triggers', index, 'when'), when, 'subject')),
    ...apart('/entry/audience', entry.audience, 'subject'),
    ...exits.flatMap(({ when }, index) => apart(pointer('exits', index, 'when'), when)),
    ...goals.flatMap(({ when }, index) => apart(pointer('goals', index, 'when'), when)),
    ...bodiesOf(template).flatMap(bodyGuards),
  ];
}

function bodyGuards({ id, step, body, isItem, at }: Body): GuardPlace[] {
  const place = (phase: GuardPlace['phase'], path: string, guard: Guard | undefined, wanted: Wanted = 'verdict'): GuardPlace[] =>
    guard === undefined ? [] : [{ path, guard, wanted, root: 'context', stepId: id, phase, isItem }];
  const people = (who: People | undefined, ...segments: readonly (string | number)[]): GuardPlace[] =>
    place('before', at(...segments, 'expr'), who?.expr, 'people');
  const events = (field: string, list: readonly CompleteOn[] = []): GuardPlace[] =>
    list.flatMap(({ when }, index) => place('before', at(field, index, 'when'), when));
  const gate = (rules: Gate | undefined, ...segments: readonly string[]): GuardPlace[] => [
    ...people(rules?.approvers, ...segments, 'approvers'),
    ...(rules?.escalation ?? []).flatMap(({ to }, index) => people(to, ...segments, 'escalation', index, 'to')),
  ];
  return [
    ...place('before', at('when'), body.when),
    ...('completeOn' in body ? events('completeOn', body.completeOn) : []),
    ...(body.kind === 'wait' ? [...events('event', body.event), ...place('before', at('condition'), body.condition)] : []),
    ...(body.kind === 'manual' || body.kind === 'handoff' ? people(body.assign, 'assign') : []),
    ...(body.kind === 'approval' ? gate(body) : []),
    ...(body.kind === 'handoff' ? gate(body.approval, 'approval') : []),
    ...(isItem ? [] : (step.transitions ?? []).flatMap(({ when }, index) => place('after', at('transitions', index, 'when'), when))),
  ];
}
