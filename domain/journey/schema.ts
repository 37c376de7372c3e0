/**
 * Wire shape of templates and of the actions they may call. It says what has the right form; whether it can work, `validate` says.
 * Source: journeys.md, section 2; scripts.md, section 2.
 */
import { z } from 'zod';
import { typeNames } from './json-schema.js';
import type { JsonSchema } from './json-schema.js';
import type { Json } from './json.js';
import type { Shape, ShapeIssue } from './reading.js';
import { operators } from './step.js';
import { categories, concurrencies, duplicateRules, subjectTypes, triggerKinds } from './template.js';

const maybe = z.exactOptional;

/** Ids are looked at by a rule of their own, which tells more. */
const Id = z.string().min(1).max(200);
const Name = z.string().min(1).max(200);
const Text = z.string().max(4_000);
const Duration = z.string().max(64).describe('ISO 8601 of weeks, days, hours, minutes and seconds, such as P1DT12H');
const PathText = z.string().min(1).max(500).describe('from a guard root inwards: context.score, steps.qualify.output.score');
const EventType = z.string().regex(/^[A-Za-z][A-Za-z0-9_.:-]{0,99}$/, 'must be an event type such as crm:lead_qualified');
const ActionName = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,99}@[1-9][0-9]{0,3}$/, 'must be name@major, such as crm.qualify_lead@1');
const ClockTime = z.string().regex(/^(?:[01][0-9]|2[0-3]):[0-5][0-9]$/, 'must be a time of day, HH:MM');
const Names = z.array(z.string().min(1).max(200)).max(500);
const Count = z.int().min(0);
const Positive = z.int().min(1);
const Weight = z.number().min(0);

const Anything: z.ZodType<Json> = z.json();
const Mapping = z.record(z.string(), PathText);
const Match = z.record(PathText, PathText).describe('path within the event → path within the journey');

const Scalar = z.union([z.string(), z.number(), z.boolean(), z.null()], { error: 'must be text, a number, true, false or null' });
const ConditionRow = z.strictObject({
  field: PathText,
  operator: z.enum(operators),
  value: maybe(z.union([Scalar, z.array(Scalar).max(500)], { error: 'must be text, a number, true, false, null or a list of these' })),
});
const Guard = z.union([z.string(), z.array(ConditionRow).min(1).max(50)], {
  error: 'must be an expression, or rows of field, operator and value',
});

const TypeName = z.enum(typeNames);
const Size = maybe(Count);
// The annotation keeps optional what refers to itself.
const Schema: z.ZodType<JsonSchema> = z
  .strictObject({
    type: maybe(z.union([TypeName, z.array(TypeName).min(1)], { error: `must be one of ${typeNames.join(', ')}, or a list of them` })),
    enum: maybe(z.array(Anything).min(1).max(500)),
    const: maybe(Anything),
    get properties() {
      return maybe(z.record(z.string(), Schema));
    },
    required: maybe(Names),
    get additionalProperties() {
      return maybe(z.union([z.boolean(), Schema], { error: 'must be true, false or a schema' }));
    },
    get items() {
      return maybe(Schema);
    },
    minimum: maybe(z.number()),
    maximum: maybe(z.number()),
    minLength: Size,
    maxLength: Size,
    minItems: Size,
    maxItems: Size,
    title: maybe(Text),
    description: maybe(Text),
    default: maybe(Anything),
    format: maybe(Text),
  })
  .meta({ id: 'JourneyValueSchema' });

const Route = Id.describe('an outcome, a step, route:<step>, incident; of approvals also approve and reject');
const People = z.strictObject({ users: maybe(Names), roles: maybe(Names), expr: maybe(z.string()) });
const QuietHours = z.strictObject({ from: ClockTime, to: ClockTime });
const FrequencyCap = z.strictObject({ count: Positive, per: z.enum(['day', 'week']) });
const Timeouts = z.strictObject({
  attempt: maybe(Duration),
  total: maybe(Duration),
  schedule: maybe(Duration),
  heartbeat: maybe(Duration),
});
const Retry = z.strictObject({
  maxAttempts: maybe(z.union([Positive, z.literal('unlimited')], { error: 'must be an integer of at least 1, or "unlimited"' })),
  initial: maybe(Duration),
  factor: maybe(z.number().min(1).max(100)),
  max: maybe(Duration),
  nonRetryable: maybe(Names),
});
const CompleteOn = z.strictObject({ type: EventType, match: maybe(Match), when: maybe(Guard), outcome: maybe(Id), output: maybe(Mapping) });
const Completions = z.array(CompleteOn).max(50);
const Transition = z.strictObject({
  to: Id.describe('a step; $join ends a branch'),
  when: maybe(Guard),
  outcome: maybe(Id),
  label: maybe(Name),
  default: maybe(z.boolean()),
});

/** What every step may say. */
const common = {
  when: maybe(Guard),
  requires: maybe(z.array(z.strictObject({ path: PathText, schema: maybe(Schema), message: maybe(Text) })).max(100)),
  input: maybe(Mapping),
  output: maybe(Mapping),
  estimatedDuration: maybe(z.union([z.number().min(0), Duration], { error: 'must be minutes of at least 0, or an ISO 8601 duration' })),
  progressWeight: maybe(Weight),
  sla: maybe(z.strictObject({ target: Duration, warnAt: maybe(z.number().gt(0).lt(1)), onBreach: maybe(Route) })),
  timeouts: maybe(Timeouts),
  retry: maybe(Retry),
  catch: maybe(z.array(z.strictObject({ errors: Names.min(1), to: Id, as: maybe(Id) })).max(50)),
  optional: maybe(z.boolean()),
  skippable: maybe(z.boolean()),
  skipOutput: maybe(z.record(z.string(), Anything)),
  compensate: maybe(ActionName),
  pin: maybe(z.boolean()),
};

/** The rules of a vote. Counts and shares are looked at later, where the approvers are known. */
const gate = {
  approvers: People,
  quorum: z.union(
    [
      z.enum(['any', 'all']),
      z.strictObject({ count: z.int() }),
      z.strictObject({ percent: z.int() }),
      z.strictObject({ per_group: z.int() }),
    ],
    { error: 'must be "any", "all", {"count": n}, {"percent": p} or {"per_group": n}' },
  ),
  reject: maybe(z.enum(['quorum', 'first'])),
  veto: maybe(Names),
  fourEyes: maybe(z.boolean()),
  eligible: maybe(z.enum(['snapshot', 'dynamic'])),
  within: maybe(Duration),
  escalation: maybe(z.array(z.strictObject({ after: Duration, action: z.enum(['remind', 'add', 'replace']), to: maybe(People) })).max(50)),
  onTimeout: maybe(Route),
  evidence: maybe(z.array(PathText).max(100)),
  requireComment: maybe(z.enum(['reject', 'always', 'never'])),
  claimFor: maybe(Duration),
};

const completeOn = maybe(Completions);
const Until = z.union([PathText, z.strictObject({ local: ClockTime, zone: maybe(Name) })], {
  error: 'must be an instant, a path, or {"local": "HH:MM", "zone"?}',
});

/** What each kind adds. */
const kinds = {
  automated: { action: maybe(ActionName) },
  manual: {
    assign: maybe(People),
    form: maybe(Schema),
    due: maybe(Duration),
    outcomes: maybe(Names),
    claimFor: maybe(Duration),
    completeOn,
  },
  approval: gate,
  handoff: {
    from: Name,
    to: Name,
    mode: z.enum(['automatic', 'accept', 'approve']),
    then: maybe(z.enum(['automatic', 'accept'])),
    approval: maybe(z.strictObject(gate)),
    requiredData: maybe(Names),
    assign: maybe(People),
    acceptWithin: maybe(Duration),
    completeWithin: maybe(Duration),
    waitFor: maybe(z.enum(['complete', 'accept'])),
    onReturn: maybe(Route),
    onTimeout: maybe(Route),
    completeAs: maybe(Id),
    claimFor: maybe(Duration),
    completeOn,
  },
  wait: {
    for: maybe(Duration),
    until: maybe(Until),
    offset: maybe(Duration),
    event: maybe(Completions.min(1)),
    condition: maybe(Guard),
    max: maybe(Duration),
    onMax: maybe(Route),
    consume: maybe(z.enum(['new', 'since_entry', 'since_start'])),
    completeOn,
  },
  journey: {
    key: Id,
    version: maybe(z.union([z.literal('latest_published'), Positive], { error: 'must be "latest_published" or a version of at least 1' })),
  },
  touchpoint: {
    channel: Name,
    template: Name,
    quietHours: maybe(QuietHours),
    frequencyCap: maybe(FrequencyCap),
    advance: maybe(z.boolean()),
  },
};

/** A step of one kind, where it stands in a template. */
const placed = <Kind extends string, Fields extends z.core.$ZodLooseShape>(kind: Kind, fields: Fields) =>
  z.strictObject({
    kind: z.literal(kind),
    name: maybe(Name),
    stage: maybe(Id),
    ...common,
    ...fields,
    transitions: maybe(z.array(Transition).max(100)),
  });
/** A step of one kind, done for each item. */
const within = <Kind extends string, Fields extends z.core.$ZodLooseShape>(kind: Kind, fields: Fields) =>
  z.strictObject({ kind: z.literal(kind), ...common, ...fields });

const ItemStep = z.discriminatedUnion('kind', [
  within('automated', kinds.automated),
  within('manual', kinds.manual),
  within('approval', kinds.approval),
  within('handoff', kinds.handoff),
  within('wait', kinds.wait),
  within('journey', kinds.journey),
  within('touchpoint', kinds.touchpoint),
]);

const StepBody = z.discriminatedUnion('kind', [
  placed('automated', kinds.automated),
  placed('manual', kinds.manual),
  placed('approval', kinds.approval),
  placed('handoff', kinds.handoff),
  placed('wait', kinds.wait),
  placed('decision', {}),
  placed('parallel', {
    branches: z.array(Id).min(1).max(50),
    join: maybe(z.union([z.enum(['all', 'any']), z.int()], { error: 'must be "all", "any" or a number of branches' })),
  }),
  placed('forEach', { items: PathText, do: ItemStep, maxConcurrency: maybe(Positive.max(100)), tolerateFailures: maybe(Count) }),
  placed('experiment', {
    variants: z
      .array(z.strictObject({ id: Id, weight: z.number() }))
      .min(1)
      .max(50),
    salt: Name,
  }),
  placed('journey', kinds.journey),
  placed('touchpoint', kinds.touchpoint),
  placed('end', { outcome: Id, result: z.enum(['won', 'lost']) }),
]);

const Trigger = z.strictObject({
  id: Id,
  name: maybe(Name),
  kind: z.enum(triggerKinds),
  type: maybe(EventType),
  when: maybe(Guard),
  map: maybe(Mapping),
  dedupeKey: maybe(PathText),
  dedupeWindow: maybe(Duration),
  cooldown: maybe(Duration),
  rrule: maybe(Text),
  zone: maybe(Name),
  package: maybe(Name),
  delay: maybe(Duration),
});

const Entry = z.strictObject({
  concurrency: maybe(z.enum(concurrencies)),
  key: maybe(PathText),
  onDuplicate: maybe(z.enum(duplicateRules)),
  reentry: maybe(z.string().regex(/^(?:never|after_exit|after:.{1,64})$/, 'must be never, after_exit or after:<duration>')),
  maxEntries: maybe(Positive),
  audience: maybe(Guard),
});

/** The whole template. Sizes are bounded generously here; the limits a reader is told of have their own code. */
export const TemplateBody = z
  .strictObject({
    schemaVersion: maybe(z.literal(1)),
    key: Id,
    name: Name,
    description: maybe(Text),
    category: z.enum(categories),
    subject: z.strictObject({ type: z.enum(subjectTypes), id: PathText }),
    input: maybe(Schema),
    context: maybe(
      z.record(z.string(), z.strictObject({ schema: Schema, pii: maybe(z.boolean()), default: maybe(Anything), const: maybe(Anything) })),
    ),
    stages: maybe(z.array(z.strictObject({ id: Id, name: Name, order: z.number() })).max(100)),
    triggers: maybe(z.array(Trigger).max(100)),
    entry: maybe(Entry),
    exits: maybe(
      z
        .array(
          z.strictObject({
            id: Id,
            on: maybe(EventType),
            match: maybe(Match),
            when: maybe(Guard),
            outcome: Id,
            result: z.enum(['won', 'lost']).nullable(),
            waitForStep: maybe(z.boolean()),
          }),
        )
        .max(100),
    ),
    goals: maybe(
      z
        .array(
          z.strictObject({
            id: Id,
            event: EventType,
            match: maybe(Match),
            when: maybe(Guard),
            window: maybe(Duration),
            value: maybe(PathText),
            endsJourney: maybe(z.boolean()),
          }),
        )
        .max(100),
    ),
    defaults: maybe(
      z.strictObject({
        retry: maybe(Retry),
        timeouts: maybe(Timeouts),
        calendar: maybe(Name),
        timezone: maybe(Name),
        quietHours: maybe(QuietHours),
        frequencyCap: maybe(FrequencyCap),
      }),
    ),
    limits: maybe(z.strictObject({ maxDuration: maybe(Duration), maxVisitsPerStep: maybe(Positive), maxOpenSteps: maybe(Positive) })),
    start: Id,
    steps: z.record(z.string(), StepBody),
  })
  .meta({ id: 'JourneyTemplate' });

/** Actions by `name@major`: what they take, what they give, whether they may be repeated. */
export const ActionsBody = z
  .record(
    ActionName,
    z.strictObject({ input: maybe(Schema), output: maybe(Schema), effect: maybe(z.enum(['none', 'idempotent', 'once'])) }),
  )
  .meta({ id: 'JourneyActions' });

/** Every field of a template, to find what a wrong one was meant to be. */
const fields: ReadonlySet<string> = new Set(
  [TemplateBody, Trigger, Entry, Transition, CompleteOn, Retry, Timeouts, People, ConditionRow]
    .flatMap(({ shape }) => Object.keys(shape))
    .concat(
      [common, gate, ...Object.values(kinds)].flatMap((shape) => Object.keys(shape)),
      ['kind', 'name', 'stage', 'transitions', 'branches', 'join', 'items', 'do', 'maxConcurrency', 'tolerateFailures', 'variants', 'salt'],
      ['outcome', 'result', 'pii', 'schema', 'order', 'weight', 'maxDuration', 'maxVisitsPerStep', 'maxOpenSteps', 'timezone', 'calendar'],
      ['window', 'endsJourney', 'waitForStep', 'event', 'target', 'warnAt', 'onBreach'],
    ),
);

/** Checks the shape of a template, for `validate`. */
export const templateShape: Shape = {
  fields,
  parse: (value) => {
    const parsed = TemplateBody.safeParse(value);
    return parsed.success
      ? { ok: true, template: parsed.data }
      : { ok: false, issues: parsed.error.issues.flatMap((issue) => issuesOf(issue)) };
  },
};

type Issue = z.core.$ZodIssue;
type Path = ShapeIssue['path'];

/** Of several shapes the one whose faults all lie within is the one that was meant. */
function issuesOf(issue: Issue, before: Path = []): ShapeIssue[] {
  const path: Path = [...before, ...issue.path.map((segment) => (typeof segment === 'number' ? segment : String(segment)))];
  if (issue.code === 'invalid_union' && issue.discriminator === undefined) {
    const meant = issue.errors.find((errors) => errors.every((error) => error.path.length > 0));
    if (meant !== undefined) return meant.flatMap((error) => issuesOf(error, path));
  }
  return [{ path, unknown: issue.code === 'unrecognized_keys' ? issue.keys : [], rule: ruleOf(issue) }];
}

const typeWords: Readonly<Record<string, string>> = {
  array: 'a list',
  int: 'an integer',
  string: 'text',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
};

/** What the place must be, to stand after its name. */
function ruleOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${typeWords[issue.expected] ?? `a ${issue.expected}`}`;
    case 'too_small':
      return isCounted(issue.origin)
        ? 'must not be empty'
        : `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      return isCounted(issue.origin)
        ? `must have at most ${issue.maximum} ${issue.origin === 'string' ? 'characters' : 'items'}`
        : `must be ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`;
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'invalid_union':
      return issue.discriminator === undefined ? issue.message : 'must be a kind of step';
    default:
      return issue.message;
  }
}

const isCounted = (origin: string): boolean => origin === 'string' || origin === 'array';
