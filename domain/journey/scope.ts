/** What paths exist in a template, and what lies at them. Source: journeys.md, sections 2 and 5. */
import type { TypeLookup } from './expression.js';
import { own, pointer } from './json.js';
import { placeIn, untyped } from './json-schema.js';
import type { JsonSchema, Place } from './json-schema.js';
import type { Segments } from './path.js';
import type { Step, StepBody } from './step.js';
import type { JourneyTemplate } from './template.js';

/** An action as it is registered under `name@major`. */
export interface ActionSpec {
  readonly input?: JsonSchema;
  readonly output?: JsonSchema;
  /** Absent: `idempotent`. */
  readonly effect?: 'none' | 'idempotent' | 'once';
}
export type Actions = ReadonlyMap<string, ActionSpec>;

const text: JsonSchema = { type: 'string' };
const number: JsonSchema = { type: 'number' };

/** Members of an event: the envelope; only `data` is its sender's. */
const event: JsonSchema = {
  type: 'object',
  properties: {
    ...Object.fromEntries(
      ['id', 'type', 'source', 'subject', 'time', 'tenant', 'customerId', 'leadId', 'ticketId', 'journeyId', 'journeyid', 'entityid'].map(
        (name) => [name, text],
      ),
    ),
    seq: number,
    data: {},
  },
};

/** What an instance says about itself. */
const journey: JsonSchema = {
  type: 'object',
  properties: {
    ...Object.fromEntries(['id', 'key', 'templateKey', 'status', 'result', 'stage', 'startedAt', 'requester'].map((name) => [name, text])),
    version: number,
    progress: number,
  },
};

/** What a step leaves behind. */
const traces: Readonly<Record<string, JsonSchema>> = { outcome: text, state: text, visits: number };

/** Types of all paths of a template that begin with a root. Where the declarations could not be read, everything is allowed. */
export function typesIn(template: JourneyTemplate, actions: Actions | null, isLost: (path: string) => boolean): TypeLookup {
  const { input = { type: 'object', properties: {} }, context = {}, steps } = template;
  const variables = Object.keys(context);
  /** What could not be read may be anything. */
  const lostOf = (field: string, name: string): JsonSchema | undefined => (isLost(pointer(field, name)) ? {} : undefined);
  return ([root, ...rest]) => {
    switch (root) {
      case 'now':
        return rest.length === 0 ? { kind: 'instant' } : { kind: 'unknown', known: [] };
      case 'input':
        return isLost('/input') ? untyped : placeIn(input, rest);
      case 'context':
        return placeWithin(rest, variables, (name) => own(context, name)?.schema ?? lostOf('context', name));
      case 'steps':
        return stepPlace(rest, steps, actions, (name) => lostOf('steps', name));
      case 'event':
        return placeIn(event, rest);
      case 'journey':
        return placeIn(journey, rest);
      // The subject's attributes and the item of a list are nobody's to declare.
      default:
        return untyped;
    }
  };
}

function placeWithin([name, ...rest]: Segments, known: readonly string[], schemaOf: (name: string) => JsonSchema | undefined): Place {
  if (name === undefined) return untyped;
  const schema = schemaOf(String(name));
  return schema === undefined ? { kind: 'unknown', known } : placeIn(schema, rest);
}

function stepPlace(
  [id, ...rest]: Segments,
  steps: Readonly<Record<string, Step>>,
  actions: Actions | null,
  lostOf: (name: string) => JsonSchema | undefined,
): Place {
  if (id === undefined) return untyped;
  const step = own(steps, String(id));
  if (step === undefined) return lostOf(String(id)) === undefined ? { kind: 'unknown', known: Object.keys(steps) } : untyped;
  return placeWithin(rest, ['output', ...Object.keys(traces)], (name) => (name === 'output' ? outputOf(step, actions) : own(traces, name)));
}

/** What a step's output looks like; an empty schema where nobody says. */
function outputOf(step: StepBody, actions: Actions | null): JsonSchema {
  if (step.kind === 'automated') return (step.action === undefined ? undefined : actions?.get(step.action)?.output) ?? {};
  return step.kind === 'manual' ? (step.form ?? {}) : {};
}
