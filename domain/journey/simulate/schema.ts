/** The form of scripts. Every rule stands in words that follow the field's name. Source: scripts.md, section 1. */
import { z } from 'zod';
import { chosen } from '../../choice/schema.js';
import { calendarProblems, calendarRules } from '../../sla/calendar.js';
import { CalendarBody } from '../../sla/schema.js';
import type { Instant } from '../../time.js';
import { closest } from '../closest.js';
import { stepStates } from '../diagram.js';
import { rules } from '../diagnostic.js';
import type { Json, JsonObject } from '../json.js';
import { incidentCodes, journeyStatuses } from '../run/state.js';
import type { Cause } from '../run/state.js';
import { handoffStates } from '../run/effect.js';
import { emittedTypes } from './emitted.js';
import { momentOf, parseDuration, parseInstant } from './instant.js';
import { handoffVerbs, operatorVerbs } from './script.js';
import type { Expectation, Roles, Script, ScriptEvent, StartCall, Subject } from './script.js';

const maybe = z.exactOptional;
const oneOf = <const Values extends readonly string[]>(values: Values) => z.enum(values, { error: `must be one of ${values.join(', ')}` });

const notEmpty = 'must be text that is not empty';
/** A number may stand where an id is meant. */
const Name = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  z.string({ error: notEmpty }).min(1, notEmpty).max(500, 'must have at most 500 characters'),
);
const Text = z.preprocess(
  (value) => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : value),
  z.string({ error: 'must be text' }).max(4_000, 'must have at most 4000 characters'),
);
const Names = z.array(Name, { error: 'must be a list of names' });
const whole = (least: number) => {
  const error = `must be a whole number of at least ${least}`;
  return z.int({ error }).min(least, error);
};
const percentRule = 'must be a whole number from 0 to 100';
const Percent = z.int({ error: percentRule }).min(0, percentRule).max(100, percentRule);
const Anything: z.ZodType<Json> = z.json({ error: 'must be plain JSON' });
const Values: z.ZodType<JsonObject> = z.record(z.string(), Anything, { error: 'must be a map of names to values' });
const People: z.ZodType<Roles> = z.record(z.string(), Names, { error: 'must be a map of people to lists of roles' });
const Duration = z.string({ error: 'must be a duration such as 10s or 1h30m' }).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== null && ms >= 0) return ms;
  context.issues.push({ code: 'custom', input: text, message: 'must be a duration such as 10s or 1h30m' });
  return z.NEVER;
});

const beginning = 'must be an instant with its zone, such as 2026-01-05T09:00:00Z';
const Beginning = z.string({ error: beginning }).transform((text, context) => {
  const at = parseInstant(text);
  if (at !== null) return at;
  context.issues.push({ code: 'custom', input: text, message: beginning });
  return z.NEVER;
});

/** Instants count from the start; while that cannot be read, only their form is checked. */
function momentsOf(start: Instant | null) {
  const error = 'must be an instant: +2d4h after the start, or with its zone, such as 2026-01-05T09:00:00Z';
  return z.string({ error }).transform((text, context) => {
    const at = momentOf(text, start ?? 0);
    const message = at === null ? error : start !== null && at < start ? 'must not be before the start' : null;
    if (at !== null && message === null) return at;
    context.issues.push({ code: 'custom', input: text, message: message ?? error });
    return z.NEVER;
  });
}

const idOf = z
  .looseObject({ type: Name, id: Name, zone: maybe(Name) }, { error: 'must be a map with type and id' })
  .transform(({ type, id, zone, ...rest }, context): Subject => {
    const attributes = Values.safeParse(rest);
    if (attributes.success) return { type, id, ...(zone === undefined ? {} : { zone }), attributes: attributes.data };
    for (const { path, message } of attributes.error.issues) context.issues.push({ code: 'custom', message, input: rest, path: [...path] });
    return z.NEVER;
  });

const call = { subject: idOf, input: Values.default({}), by: maybe(Name) };
const StartOfRun = z
  .strictObject({ at: Beginning, subject: maybe(idOf), input: maybe(Values), by: maybe(Name) }, { error: 'must be a map with at' })
  .superRefine(({ subject, ...rest }, context) => {
    if (subject !== undefined) return;
    for (const field of ['input', 'by'] as const) {
      if (rest[field] !== undefined) context.addIssue({ code: 'custom', path: ['subject'], message: `is required beside ${field}` });
    }
  })
  .transform(({ at, subject, input = {}, by }): Script['start'] => ({
    at,
    call: subject === undefined ? null : { subject, input, ...(by === undefined ? {} : { by }) },
  }));

const Config = z.strictObject(
  {
    maxConcurrentJourneys: maybe(whole(0)),
    handoffTimeout: maybe(whole(1)),
    retryAttempts: maybe(whole(1)),
    packageIntegrations: maybe(
      z.record(
        z.string(),
        z.looseObject({ enabled: z.boolean({ error: 'must be true or false' }).default(true) }, { error: 'must be a map with enabled' }),
        { error: 'must be a map of packages' },
      ),
    ),
    // The configuration has more; none of it changes how a journey runs.
    enableRealtime: maybe(z.boolean()),
    enableAnalytics: maybe(z.boolean()),
    enableHandoffs: maybe(z.boolean()),
    enableTouchpointTracking: maybe(z.boolean()),
    enableConversionTracking: maybe(z.boolean()),
    analyticsRetentionDays: maybe(whole(0)),
  },
  { error: 'must be a map of settings' },
);

/** One that cannot work is told with the place of its fault. */
const Calendars = z.record(
  z.string(),
  CalendarBody.superRefine((calendar, context) => {
    for (const { field, rule } of calendarProblems(calendar)) {
      context.addIssue({ code: 'custom', path: field.split('/').slice(1), message: calendarRules[rule] });
    }
  }),
  { error: 'must be a map of names to calendars' },
);

/** The schemas of single events; each ends in what its kind adds. */
function eventsOf(At: z.ZodType<Instant>) {
  const aspects = {
    at: At,
    journey: whole(1).default(1),
    commandId: maybe(Name),
    refused: maybe(z.union([z.literal(true), Name], { error: 'must be a code, or true' })),
  };
  const kind = <const Kind extends ScriptEvent['kind'], Fields extends z.core.$ZodLooseShape>(name: Kind, fields: Fields) =>
    z.strictObject({ ...aspects, ...fields }).transform((value) => ({ kind: name, ...value }));
  const answers = { times: whole(1).default(1), takes: Duration.default(0), item: maybe(Name) };
  const optional = { outcome: maybe(Name), output: maybe(Values), by: maybe(Name) };
  return {
    event: kind('event', { event: z.intersection(Values, z.looseObject({ type: Name }, { error: 'must be a map with type' })) }),
    complete: kind('complete', { complete: Name, item: maybe(Name), ...optional }).transform(({ complete, ...rest }) => ({
      ...rest,
      step: complete,
    })),
    vote: kind('vote', {
      vote: Name,
      item: maybe(Name),
      by: Name,
      onBehalfOf: maybe(Name),
      decision: oneOf(['approve', 'reject']),
      comment: maybe(Text),
    }).transform(({ vote, ...rest }) => ({ ...rest, step: vote })),
    delegate: kind('delegate', { delegate: Name, by: Name, to: Name }).transform(({ delegate, ...rest }) => ({ ...rest, step: delegate })),
    handoff: kind('handoff', { handoff: Name, do: oneOf(handoffVerbs), reason: maybe(Name), ...optional }).transform(
      ({ handoff, ...rest }) => ({ ...rest, step: handoff }),
    ),
    fail: kind('fail', { fail: Name, error: Name, ...answers }).transform(({ fail, takes, ...rest }) => ({
      ...rest,
      step: fail,
      takesMs: takes,
    })),
    result: kind('result', { step: Name, result: Values, ...answers }).transform(({ takes, ...rest }) => ({ ...rest, takesMs: takes })),
    operator: kind('operator', {
      operator: oneOf(operatorVerbs),
      step: maybe(Name),
      item: maybe(Name),
      to: maybe(Name),
      context: maybe(Values),
      input: maybe(Values),
      deadlines: maybe(oneOf(['keep', 'shift'])),
      scope: maybe(z.literal('template', { error: 'must be template' })),
      reason: maybe(Text),
      ...optional,
    })
      .superRefine(({ operator, ...given }, context) => {
        const { needs, takes } = argumentsOf[operator];
        for (const field of needs)
          if (given[field] === undefined) context.addIssue({ code: 'custom', path: [field], message: 'is required' });
        for (const field of verbFields) {
          if (given[field] !== undefined && !needs.includes(field) && !takes.includes(field))
            context.addIssue({ code: 'custom', path: [field], message: `is not a field of ${operator}` });
        }
      })
      .transform(({ operator, ...rest }) => ({ ...rest, verb: operator })),
    people: kind('people', { people: People }),
    start: z
      .strictObject({ ...aspects, start: z.strictObject(call, { error: 'must be a map with subject' }) })
      .transform(({ start, ...rest }) => ({ kind: 'start' as const, ...rest, ...(start satisfies StartCall) })),
    subject: kind('subject', { subject: idOf }),
    context: kind('context', { context: Values, by: maybe(Name) }).transform(({ context, ...rest }) => ({ ...rest, patch: context })),
    advance: z
      .strictObject({
        ...aspects,
        by: maybe(Name),
        advance: z.preprocess(
          (value) => (typeof value === 'string' ? { outcome: value } : (value ?? {})),
          z.strictObject(
            { outcome: maybe(Name), expectStep: maybe(Name), output: maybe(Values) },
            { error: 'must be a map of outcome, expectStep and output' },
          ),
        ),
      })
      .transform(({ advance, ...rest }) => ({ kind: 'advance' as const, ...rest, ...advance })),
  };
}

type Unplaced = ScriptEvent extends infer Event ? (Event extends ScriptEvent ? Omit<Event, 'index'> : never) : never;

type VerbField = 'step' | 'to' | 'context' | 'input' | 'deadlines' | 'scope' | 'outcome' | 'output';
const verbFields = ['step', 'to', 'context', 'input', 'deadlines', 'scope', 'outcome', 'output'] as const satisfies readonly VerbField[];
const argumentsOf: Readonly<
  Record<(typeof operatorVerbs)[number], { readonly needs: readonly VerbField[]; readonly takes: readonly VerbField[] }>
> = {
  retry: { needs: ['step'], takes: ['input'] },
  skip: { needs: ['step'], takes: [] },
  complete_with: { needs: ['step', 'outcome'], takes: ['output'] },
  goto: { needs: ['to'], takes: ['step', 'context'] },
  compensate_and_end: { needs: [], takes: [] },
  pause: { needs: [], takes: ['deadlines', 'scope'] },
  resume: { needs: [], takes: ['deadlines', 'scope'] },
  cancel: { needs: [], takes: ['scope'] },
};

/** Of several that are there the first tells the kind. */
const telling = [
  'event',
  'complete',
  'vote',
  'delegate',
  'handoff',
  'fail',
  'operator',
  'result',
  'people',
  'start',
  'subject',
  'advance',
  'context',
] as const;

const eventOf = (At: z.ZodType<Instant>) => {
  const shapes = eventsOf(At);
  return chosen<Unplaced>((value) => {
    if (!isMap(value)) return { rule: 'must be a map' };
    const kind = telling.find((key) => key in value);
    return kind === undefined ? { rule: `must hold one of ${telling.join(', ')}` } : asEvent(shapes[kind]);
  });
};

/** Optional members that are absent are absent in both. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const asEvent = (schema: z.ZodType<{ readonly kind: ScriptEvent['kind'] }>) => schema as unknown as z.ZodType<Unplaced>;

const causes = [
  'advance',
  'event',
  'condition',
  'elapsed',
  'max',
  'action',
  'vote',
  'timeout',
  'handoff',
  'child',
  'join',
  'operator',
  'entry',
] as const satisfies readonly Cause[];

const EventType = z.enum(emittedTypes, {
  error: ({ input }) => {
    const meant = typeof input === 'string' ? closest(input, emittedTypes) : null;
    return `must be the type of an event that journeys emit${meant === null ? ', such as journey.step.completed' : `; did you mean ${meant}?`}`;
  },
});

function expectationsOf(At: z.ZodType<Instant>) {
  const of = { journey: maybe(whole(1)) };
  const standing = { stage: maybe(Name.nullable()), progress: maybe(Percent), outcome: maybe(Name.nullable()), context: maybe(Values) };
  const Approval = z.strictObject(
    {
      round: maybe(whole(1)),
      required: maybe(whole(0)),
      eligible: maybe(Names),
      votes: maybe(
        z.array(
          z.strictObject(
            { by: maybe(Name), onBehalfOf: maybe(Name.nullable()), decision: maybe(oneOf(['approve', 'reject'])) },
            { error: 'must be a map of by, onBehalfOf and decision' },
          ),
          { error: 'must be a list of votes' },
        ),
      ),
      outcome: maybe(Name.nullable()),
    },
    { error: 'must be a map of round, required, eligible, votes and outcome' },
  );
  return {
    emitted: z
      .strictObject({
        ...of,
        emitted: EventType,
        step: maybe(Name),
        reason: maybe(Name),
        at: maybe(At),
        times: whole(0).default(1),
      })
      .transform((value) => ({ kind: 'emitted' as const, ...value })),
    ended: z
      .strictObject({ ...of, ended: oneOf(['won', 'lost', 'cancelled']), at: maybe(At), ...standing })
      .transform((value) => ({ kind: 'ended' as const, ...value })),
    handoff: z
      .strictObject({
        ...of,
        at: At,
        handoff: Name,
        visit: maybe(whole(1)),
        state: maybe(oneOf(handoffStates)),
        owner: maybe(Name),
        reason: maybe(Name.nullable()),
        outcome: maybe(Name.nullable()),
        due: maybe(At.nullable()),
        attempts: maybe(whole(0)),
      })
      .transform((value) => ({ kind: 'handoff' as const, ...value })),
    step: z
      .strictObject({
        ...of,
        at: At,
        step: Name,
        visit: maybe(whole(1)),
        state: maybe(oneOf(stepStates)),
        reason: maybe(oneOf(incidentCodes)),
        outcome: maybe(Name.nullable()),
        cause: maybe(oneOf(causes).nullable()),
        due: maybe(At.nullable()),
        attempts: maybe(whole(0)),
        approval: maybe(Approval),
      })
      .transform((value) => ({ kind: 'step' as const, ...value })),
    journey: z
      .strictObject({ ...of, at: At, status: maybe(oneOf(journeyStatuses)), ...standing })
      .transform((value) => ({ kind: 'journey' as const, ...value })),
  } satisfies Record<Expectation['kind'], z.ZodType<Expectation>>;
}

const expectationOf = (At: z.ZodType<Instant>) => {
  const shapes = expectationsOf(At);
  return chosen<Expectation>((value) => {
    if (!isMap(value)) return { rule: 'must be a map' };
    const kind = (['emitted', 'ended', 'handoff', 'step'] as const).find((key) => key in value);
    if (kind !== undefined) return shapes[kind];
    const isOfJourney = ['status', 'stage', 'progress', 'context', 'outcome'].some((key) => key in value);
    return isOfJourney ? shapes.journey : { rule: 'must hold one of step, handoff, ended, emitted, status, stage, progress, context' };
  });
};

const isMap = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);
const member = (value: unknown, key: string): unknown => (isMap(value) ? Reflect.get(value, key) : undefined);

/** A heading with nothing under it is an empty list or map. */
const orEmpty = <Schema extends z.ZodType>(empty: unknown, schema: Schema) => z.preprocess((value) => value ?? empty, schema);

/**
 * The schema of a script.
 *
 * @param value what is to be read: its own start tells what instants count from
 */
export function scriptSchema(value: unknown): z.ZodType<Script> {
  const written = member(member(value, 'start'), 'at');
  const start = typeof written === 'string' ? parseInstant(written) : null;
  const At = momentsOf(start);
  const known = Object.keys(rules);
  return z
    .strictObject(
      {
        template: maybe(Name),
        templates: orEmpty([], Names),
        actions: maybe(Name),
        people: orEmpty({}, People),
        config: orEmpty({}, Config),
        calendars: orEmpty({}, Calendars),
        allow: orEmpty(
          [],
          z.array(
            z.string().refine((code) => known.includes(code), 'must be a code of validation, such as J020'),
            { error: 'must be a list of codes' },
          ),
        ),
        start: StartOfRun,
        events: orEmpty([], z.array(eventOf(At), { error: 'must be a list of events' })),
        expect: orEmpty([], z.array(expectationOf(At), { error: 'must be a list of expectations' })),
      },
      { error: 'must be a map with start and events' },
    )
    .transform(({ events, ...rest }): Script => {
      const placed = events.map((event, index) => ({ ...event, index }));
      const instants = [rest.start.at, ...events.map(({ at }) => at), ...rest.expect.flatMap(({ at }) => at ?? [])];
      return { ...rest, events: placed.toSorted((one, other) => one.at - other.at), until: Math.max(...instants) };
    });
}
