/**
 * The shape of each command, checked without a package, so that the workflow's validators can refuse what an operator typed by hand.
 * The table names every field once; what it does not name is refused.
 */
import { envelopeFields, errorsIn, field, instant, isRecord, listOf, matching, maybe, oneOf, orNull, truth, uuid } from '../fields.js';
import type { Field, ShapeError } from '../fields.js';
import { keyPattern, ticketIdPattern } from '../ids.js';
import { textFields } from './command.js';
import type { CommandFields, Envelope, TicketCommand, Verb } from './command.js';
import { escalationOutcomes, escalationTargets } from './escalation.js';
import { channels, directCloseCauses, openStatuses, priorities, ticketStatuses } from './status.js';
import { maxCopied } from './ticket.js';

const id = uuid;
const category = matching('a category key', /^[A-Za-z0-9][A-Za-z0-9 _-]{0,63}$/);

const settings = field('the ticket settings', (value) => {
  if (!isRecord(value) || !isRecord(value['mail'])) return false;
  const { reopenWindowS, mail } = value;
  const window = typeof reopenWindowS === 'number' && Number.isSafeInteger(reopenWindowS) && reopenWindowS >= 0;
  return window && ['acknowledgement', 'reply', 'resolved'].every((name) => typeof mail[name] === 'boolean');
});

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const number = field('the number of an escalation', (value) => isCount(value) && value >= 1);
/** A target of at most ten years: what lies further is a slip of the keyboard. */
const seconds = field('whole seconds, at least 1', (value) => isCount(value) && value >= 1 && value <= 315_360_000);
const clock = matching('a clock such as resolution#1', /^[a-z_]{1,30}#[1-9][0-9]{0,5}$/);
const escalationTarget = field(`{"kind": one of ${escalationTargets.join(', ')}, "id"?: a UUID}`, (value) => {
  if (!isRecord(value)) return false;
  const { kind, id: named, ...rest } = value;
  const known = escalationTargets.some((one) => one === kind);
  return known && (named === undefined || id.fits(named)) && Object.keys(rest).length === 0;
});

const reason = maybe(id);
const waiting = { until: maybe(instant), reason };

const envelope: Record<keyof Envelope, Field> = envelopeFields;

type Shapes = { readonly [Kind in Verb]: { readonly [Name in keyof CommandFields[Kind]]-?: Field } };

const shapes: Shapes = {
  open: {
    tenant: id,
    ticketId: matching('a ticket number', ticketIdPattern),
    scope: matching('the scope of the request', /^[A-Za-z0-9._:/-]{1,200}$/),
    product: matching('a product key', keyPattern),
    channel: oneOf(channels),
    priority: oneOf(priorities),
    category: orNull(category),
    requester: id,
    copied: listOf(id, maxCopied),
    content: id,
    team: maybe(id),
    status: maybe(oneOf(openStatuses)),
    settings,
    auto: maybe(truth),
    followUpOf: maybe(matching('a ticket number', ticketIdPattern)),
    sla: maybe(field('{"set": <revision>}', (value) => isRecord(value) && isCount(value['set']) && Object.keys(value).length === 1)),
  },
  reply: {
    content: id,
    to: maybe(listOf(id, maxCopied)),
    then: maybe(oneOf(['waiting_on_customer', 'resolved'])),
    basedOn: maybe(id),
    force: maybe(truth),
  },
  receive: { content: id, author: id, auto: maybe(truth), copied: maybe(listOf(id, maxCopied)) },
  note: { content: id },
  edit: {
    fields: maybe(id),
    changed: maybe(listOf(oneOf(textFields), textFields.length)),
    category: maybe(orNull(category)),
    priority: maybe(oneOf(priorities)),
    team: maybe(orNull(id)),
    assignee: maybe(orNull(id)),
    status: maybe(oneOf(ticketStatuses)),
    ...waiting,
  },
  assign: { agent: maybe(id), team: maybe(id), ifUnassigned: maybe(truth), reason },
  claim: { agent: id },
  unassign: { reason },
  priority: { priority: oneOf(priorities), reason, keepTargets: maybe(truth) },
  start: { reason, cause: maybe(oneOf(['until'])) },
  awaitCustomer: waiting,
  hold: waiting,
  resolve: { resolution: maybe(id) },
  reopen: { reason },
  close: { cause: maybe(oneOf(directCloseCauses)), reason },
  remove: { reason },
  restore: { reason },
  escalate: {
    to: maybe(escalationTarget),
    level: maybe(field('a level from 1 to 9', (value) => isCount(value) && value >= 1 && value <= 9)),
    reason,
    takeOver: maybe(truth),
    ackWithinS: maybe(seconds),
  },
  acknowledgeEscalation: { escalation: number, agent: maybe(id), takeOver: maybe(truth) },
  resolveEscalation: { escalation: number, outcome: oneOf(escalationOutcomes), text: id },
  sendBackEscalation: { escalation: number, reason: id },
  withdrawEscalation: { escalation: number },
  closeEscalation: { escalation: number },
  pauseClocks: { reason },
  resumeClocks: { reason },
  overrideTarget: { clock, budgetS: seconds, reason },
  waive: { clock, reason },
  replan: { set: field('a revision of the policy set', isCount) },
};

/**
 * Checks what a message carries before anything is decided on it.
 *
 * @returns every error, the field and its rule; empty when the shape is right
 */
export const shapeErrors = (verb: Verb, value: unknown): ShapeError[] => errorsIn({ ...envelope, ...shapes[verb] }, value);

/**
 * The command in what `shapeErrors` found no error in.
 *
 * @param missing stands in for what the sender left out
 */
export const asCommand = (kind: Verb, missing: Omit<Envelope, 'actor'>, checked: unknown): TicketCommand =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the caller has checked the shape, field by field
  ({ ...missing, ...(isRecord(checked) ? checked : {}), kind }) as unknown as TicketCommand;

/** The fields of a command besides the envelope, for whoever walks them all. */
export const fieldNames = (verb: Verb): string[] => Object.keys(shapes[verb]);
