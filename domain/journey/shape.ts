/**
 * The shape of each command to a journey, checked without a package, so that the workflow's validators can refuse what an operator typed by hand.
 * The table names every field once; what it does not name is refused.
 */
import { envelopeFields, errorsIn, field, instant, isRecord, listOf, matching, maybe, oneOf, orNull, truth, uuid } from '../fields.js';
import type { Field, ShapeError } from '../fields.js';
import { plainJson } from './json.js';
import type { JourneyCommand, JourneyCommandFields, JourneyEnvelope, JourneyVerb } from './run/command.js';
import type { JourneyStart } from './run/state.js';

/** What comes with the first command; the rest of the start is known to the workflow. */
export type OpenJourneyFields = Omit<JourneyStart, 'journeyId' | 'tenant' | 'template' | 'entryKey' | 'startedAt'>;

/** Deep enough for any form, and far below what a history may hold. */
const mostBytes = 65_536;

const name = matching('a step, outcome or name of at most 128 characters', /^[A-Za-z0-9_.:$-]{1,128}$/);
const person = matching('the id of a person', /^[A-Za-z0-9_.:-]{1,128}$/);
const key = matching('a text of 1 to 300 characters', /^\P{Cc}{1,300}$/u);
const count = field('a whole number, at least 1', (value) => Number.isSafeInteger(value) && Number(value) >= 1);
const object = field('an object of plain JSON', (value) => isRecord(value) && isPlain(value));
const json = field('plain JSON', isPlain);
const names = listOf(name, 100);
const item = maybe(person);
const atStep = { step: name, visit: maybe(count), item };

function isPlain(value: unknown): boolean {
  return plainJson(value).faults.length === 0 && JSON.stringify(value).length <= mostBytes;
}

/** Fields that are all there, and of the right kind, as a template or a trigger names them. */
const named = (fields: Readonly<Record<string, Field>>): Field =>
  field(
    `{${Object.entries(fields)
      .map(([member, { wants }]) => `"${member}": ${wants}`)
      .join(', ')}}`,
    (value) => errorsIn(fields, value).length === 0,
  );

const envelope: Record<keyof JourneyEnvelope, Field> = { ...envelopeFields, roles: maybe(names), reason: maybe(uuid) };

type Shape<Fields> = { readonly [Name in keyof Fields]-?: Field };
const open: Shape<OpenJourneyFields> = {
  subject: named({ type: name, id: key }),
  entry: count,
  input: object,
  requester: orNull(person),
  trigger: orNull(named({ id: name, eventId: orNull(key) })),
  parent: orNull(named({ journeyId: name, effect: key })),
};

const shapes: { readonly [Kind in JourneyVerb]: Shape<JourneyCommandFields[Kind]> } = {
  advance: { outcome: maybe(name), expectStep: maybe(name), item, output: maybe(object) },
  updateContext: { patch: object },
  pause: { deadlines: maybe(oneOf(['shift', 'keep'])), freezeTasks: maybe(truth) },
  resume: { deadlines: maybe(oneOf(['shift', 'keep'])) },
  cancel: { cause: maybe(name) },
  retry: { ...atStep, input: maybe(object) },
  completeWith: { ...atStep, outcome: name, output: maybe(object) },
  skip: atStep,
  goto: { ...atStep, to: name, context: maybe(object) },
  compensateAndEnd: {},
  vote: { ...atStep, decision: oneOf(['approve', 'reject']), comment: maybe(uuid), onBehalfOf: maybe(person) },
  delegate: { ...atStep, to: person, toRoles: maybe(names), until: maybe(instant) },
  claim: atStep,
  unclaim: atStep,
  assign: { ...atStep, to: person },
  createHandoff: {
    step: maybe(name),
    from: name,
    to: name,
    mode: oneOf(['automatic', 'accept', 'approve']),
    data: maybe(object),
    requiredData: maybe(names),
    rules: maybe(json),
  },
  attach: { input: object, eventId: maybe(key) },
};

export const journeyVerbs: readonly JourneyVerb[] = [
  'advance',
  'updateContext',
  'pause',
  'resume',
  'cancel',
  'retry',
  'completeWith',
  'skip',
  'goto',
  'compensateAndEnd',
  'vote',
  'delegate',
  'claim',
  'unclaim',
  'assign',
  'createHandoff',
  'attach',
];

/**
 * Checks what a message carries before anything is decided on it.
 *
 * @returns every error, the field and its rule; empty when the shape is right
 */
export const journeyShapeErrors = (verb: JourneyVerb | 'open', value: unknown): ShapeError[] =>
  errorsIn({ ...envelope, ...(verb === 'open' ? open : shapes[verb]) }, value);

/**
 * The command in what `journeyShapeErrors` found no error in.
 *
 * @param missing stands in for what the sender left out
 */
export const asJourneyCommand = (kind: JourneyVerb, missing: Omit<JourneyEnvelope, 'actor'>, checked: unknown): JourneyCommand =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the caller has checked the shape, field by field
  ({ ...missing, ...(isRecord(checked) ? checked : {}), kind }) as unknown as JourneyCommand;
