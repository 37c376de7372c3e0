/** The wire shapes of events and of subjects' attributes. */
import { z } from 'zod';
import { isZone } from '../../domain/journey/zone.js';
import { subjectTypes } from '../../domain/journey/template.js';
import { commaList, Moment, PageQuery, pageSchema, storable } from '../contract.js';
import { JourneyId } from '../journeys/schema.js';
import { SubjectId } from '../journeys/start-schema.js';

/** Types that only we give to events: they would set our own clockwork going. */
const reserved = /^usher[.]/;

const EventId = z.string().regex(/^[!-~]{1,128}$/, 'must be 1 to 128 visible ASCII characters');
const EventType = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_.:-]{0,127}$/, 'must be up to 128 letters, digits, _ . : and -, beginning with a letter')
  .refine((type) => !reserved.test(type), 'must not begin with `usher.`');
const Source = z
  .string()
  .regex(/^[!-~]{1,256}$/, 'must be 1 to 256 visible ASCII characters')
  .refine((source) => source !== 'usher', 'must not be `usher`, which is how we sign');

const ids = { customerId: SubjectId, leadId: SubjectId, ticketId: SubjectId, journeyId: JourneyId };

/** One event, as CloudEvents 1.0 in its structured mode or plain; extension names in lower case mean the same. */
export const EventBody = z
  .strictObject({
    specversion: z.exactOptional(z.literal('1.0')),
    id: EventId.describe('the same id again is the same event'),
    type: EventType,
    source: Source,
    subject: z.exactOptional(storable.min(1).max(200)).describe('`<type>/<id>` of a customer, lead, ticket, order or another subject'),
    time: z.exactOptional(z.iso.datetime({ offset: true })).describe('when it happened; absent: now'),
    datacontenttype: z.exactOptional(z.string().regex(/^application\/(?:[a-z.-]+\+)?json\b/i, 'must be JSON')),
    dataschema: z.exactOptional(storable.max(500)),
    traceparent: z.exactOptional(storable.max(200)),
    tracestate: z.exactOptional(storable.max(500)),
    customerId: z.exactOptional(ids.customerId),
    leadId: z.exactOptional(ids.leadId),
    ticketId: z.exactOptional(ids.ticketId),
    journeyId: z.exactOptional(ids.journeyId).describe('for this journey and no other'),
    customerid: z.exactOptional(ids.customerId),
    leadid: z.exactOptional(ids.leadId),
    ticketid: z.exactOptional(ids.ticketId),
    journeyid: z.exactOptional(ids.journeyId),
    data: z.record(z.string().max(128), z.unknown()).default({}),
  })
  .meta({ id: 'EventBody' });
export type EventBody = z.output<typeof EventBody>;

/** The most of one batch. Source: api.md, section 5. */
const mostEvents = 100;
export const EventBodies = z.union([EventBody, z.array(EventBody).min(1).max(mostEvents)]).meta({ id: 'EventBodies' });
export type EventBodies = z.output<typeof EventBodies>;

export const EventReceipt = z.strictObject({ id: z.string(), result: z.enum(['accepted', 'duplicate']) }).meta({ id: 'EventReceipt' });
export type EventReceipt = z.output<typeof EventReceipt>;
export const EventReceipts = z
  .union([EventReceipt, z.strictObject({ data: z.array(EventReceipt) })])
  .meta({ id: 'EventReceipts', description: 'one receipt, or of a batch one for each event, in its order' });

// Reads

export const EventParams = z.object({ eventId: EventId });
export const EventsQuery = z.strictObject({
  type: z.exactOptional(commaList(storable.min(1).max(128))),
  subject: z.exactOptional(storable.min(3).max(200)).describe('`<type>/<id>`; of journeys and handoffs `journey/<id>`, `handoff/<id>`'),
  ...PageQuery,
});
export type EventsQuery = z.output<typeof EventsQuery>;

export const EventView = z
  .strictObject({
    id: z.string(),
    type: z.string(),
    source: z.string(),
    subject: z.string().nullable(),
    time: Moment.describe('when it happened'),
    receivedAt: Moment,
    state: z.enum(['pending', 'routed']).describe('whether every journey and trigger it concerns was told'),
    seq: z.int().nullable().describe('gapless within its subject; null: from outside'),
    customerId: z.string().nullable(),
    leadId: z.string().nullable(),
    ticketId: z.string().nullable(),
    journeyId: z.string().nullable(),
    entityId: z.string().nullable(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'LoggedEvent' });
export type EventView = z.output<typeof EventView>;
export const EventPage = pageSchema('LoggedEventPage', EventView);

export const EventOutcomes = z
  .strictObject({
    state: z.enum(['pending', 'routed']),
    entries: z.array(
      z.strictObject({
        template: z.string(),
        version: z.int().nullable(),
        trigger: z.string().nullable(),
        result: z.enum(['started', 'existing', 'signalled', 'refused']),
        reason: z.string().nullable(),
        journey: z.string().nullable(),
        detail: z.unknown().describe('the guard that decided: paths and verdicts, no values'),
        at: Moment,
      }),
    ),
    effects: z
      .array(
        z.strictObject({
          journey: z.string(),
          seq: z.int(),
          type: z.string(),
          step: z.string().nullable(),
          outcome: z.string().nullable(),
          at: Moment,
        }),
      )
      .describe('what journeys recorded because of it: steps completed, ends, goals'),
  })
  .meta({ id: 'EventOutcomes' });
export type EventOutcomes = z.output<typeof EventOutcomes>;

// Subjects

export const SubjectParams = z.object({ type: z.enum(subjectTypes), subjectId: SubjectId });
export type SubjectParams = z.output<typeof SubjectParams>;

const Attributes = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'must be a name of letters, digits and _'), z.unknown());
const Zone = z.string().refine(isZone, 'must be an IANA time zone');

export const SubjectBody = z
  .strictObject({ attributes: Attributes.default({}), zone: z.exactOptional(Zone.nullable()).describe('IANA time zone') })
  .meta({ id: 'SubjectBody' });
export type SubjectBody = z.output<typeof SubjectBody>;

export const SubjectView = z
  .strictObject({
    type: z.enum(subjectTypes),
    id: z.string(),
    attributes: z
      .record(z.string(), z.unknown())
      .describe('what was noted; guards of tickets and customers see facts of their rows besides'),
    zone: z.string().nullable(),
    updatedAt: Moment,
  })
  .meta({ id: 'Subject' });
export type SubjectView = z.output<typeof SubjectView>;
