/**
 * The shape of each command to a handoff, checked without a package, so that the workflow's validators can refuse what an operator typed by hand.
 * The table names every field once; what it does not name is refused.
 */
import { envelopeFields, errorsIn, field, instant, isRecord, listOf, matching, maybe, oneOf, uuid } from '../fields.js';
import type { Field, ShapeError } from '../fields.js';
import { plainJson } from '../journey/json.js';
import type { HandoffCommand, HandoffCommandFields, HandoffEnvelope, HandoffVerb } from './command.js';

/** Deep enough for any form, and far below what a history may hold. */
const mostBytes = 65_536;

const name = matching('a name of at most 128 characters', /^[A-Za-z0-9_.:-]{1,128}$/);
const person = matching('the id of a person', /^[A-Za-z0-9_.:-]{1,128}$/);
const names = listOf(name, 100);
const object = field(
  'an object of plain JSON',
  (value) => isRecord(value) && plainJson(value).faults.length === 0 && JSON.stringify(value).length <= mostBytes,
);

const comment = maybe(uuid);
const reason = maybe(name);
const onBehalfOf = maybe(person);

const envelope: Record<keyof HandoffEnvelope, Field> = { ...envelopeFields, roles: maybe(names) };

const shapes: { readonly [Kind in HandoffVerb]: { readonly [Name in keyof HandoffCommandFields[Kind]]-?: Field } } = {
  accept: {},
  reject: { reason, comment, onBehalfOf },
  return: { reason, comment },
  complete: { outcome: maybe(name), output: maybe(object) },
  cancel: { comment },
  retry: {},
  approve: { comment, onBehalfOf },
  vote: { decision: oneOf(['approve', 'reject']), comment, onBehalfOf },
  delegate: { to: person, toRoles: maybe(names), until: maybe(instant) },
  claim: {},
  unclaim: {},
  assign: { to: person },
};

/**
 * Checks what a message carries before anything is decided on it.
 *
 * @returns every error, the field and its rule; empty when the shape is right
 */
export const handoffShapeErrors = (verb: HandoffVerb, value: unknown): ShapeError[] => errorsIn({ ...envelope, ...shapes[verb] }, value);

/**
 * The command in what `handoffShapeErrors` found no error in.
 *
 * @param missing stands in for what the sender left out
 */
export const asHandoffCommand = (kind: HandoffVerb, missing: Omit<HandoffEnvelope, 'actor'>, checked: unknown): HandoffCommand =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the caller has checked the shape, field by field
  ({ ...missing, ...(isRecord(checked) ? checked : {}), kind }) as unknown as HandoffCommand;
