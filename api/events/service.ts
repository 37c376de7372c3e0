/** Events: kept and told of, read with what they led to; and attributes of subjects. Source: journeys.md, section 11. */
import { v7 as newId } from 'uuid';
import { accountable } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso } from '../tickets/view.js';
import type {
  EventBodies,
  EventBody,
  EventOutcomes,
  EventReceipt,
  EventsQuery,
  EventView,
  SubjectBody,
  SubjectParams,
  SubjectView,
} from './schema.js';
import { recordAudit } from '../../db/queries/audit.js';
import { isErased } from '../../db/queries/erasures.js';
import { effectsOfEvent, entriesOfEvent, findEventRecord, listEventRecords } from '../../db/queries/event-log.js';
import type { EventRecord } from '../../db/queries/event-log.js';
import { storeInboundEvents } from '../../db/queries/inbound-events.js';
import type { NewEvent } from '../../db/queries/inbound-events.js';
import { findNoted, lockNoted, noteSubject } from '../../db/queries/journey-subject.js';
import type { NotedSubject } from '../../db/queries/journey-subject.js';
import { uuidPattern } from '../../domain/ids.js';
import { subjectText } from '../../domain/journey/entry/event.js';
import type { SubjectRef } from '../../domain/journey/entry/event.js';
import { subjectChanged } from '../../domain/journey/entry/subject-changes.js';
import { isObject, plainJson } from '../../domain/journey/json.js';
import type { JsonObject } from '../../domain/journey/json.js';
import { fromIso, toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

export type EventService = ReturnType<typeof createEventService>;

/** Attributes of a subject, and the data of an event, in characters of their JSON. */
const most = { attributes: 16 * 1024, data: 64 * 1024 } as const;

export function createEventService({ keys, now }: Pick<Deps, 'keys' | 'now'>, engine: Pick<TicketEngine, 'within'>) {
  return {
    /** Keeps events, each once; what follows from them comes after the answer. */
    async publish(caller: Caller, body: EventBodies): Promise<Answer> {
      const bodies = Array.isArray(body) ? body : [body];
      const events = bodies.map((one, index) => eventOf(one, now(), Array.isArray(body) ? `/${index}` : ''));
      const added = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const stored = await storeInboundEvents(tx, caller.principal.tenant, events, caller.principal.actor);
        const [id] = stored;
        const line = { action: 'event.published', subject: `inbound_event/${id}`, changes: { count: stored.size } };
        if (id !== undefined) await recordAudit(tx, accountable(caller), line);
        return stored;
      });
      const left = new Set(added);
      // The second of two in one batch is the duplicate.
      const receipts = events.map(({ id }): EventReceipt => ({ id, result: left.delete(id) ? 'accepted' : 'duplicate' }));
      const [first] = receipts;
      return { status: added.size > 0 ? 202 : 200, body: Array.isArray(body) ? { data: receipts } : first };
    },

    async list(reader: Reader, query: EventsQuery): Promise<Page<EventView>> {
      const { limit, cursor, ...filter } = query;
      const binding = cursorBinding(reader.principal, 'events', query);
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor) };
      const rows = await engine.within(reader, (tx) => listEventRecords(tx, reader.principal.tenant, filter, { limit, ...after }));
      return pageOf(rows, limit, eventView, (last) => writeCursor(keys, binding, last));
    },

    get: async (reader: Reader, id: string): Promise<EventView> => {
      const found = await engine.within(reader, (tx) => findEventRecord(tx, reader.principal.tenant, id));
      if (found === undefined) throw new Refusal('not_found');
      return eventView(found);
    },

    outcomes: (reader: Reader, id: string): Promise<EventOutcomes> =>
      engine.within(reader, async (tx) => {
        const { tenant } = reader.principal;
        const found = await findEventRecord(tx, tenant, id);
        if (found === undefined) throw new Refusal('not_found');
        const entries = await entriesOfEvent(tx, tenant, id);
        const effects = await effectsOfEvent(tx, tenant, found);
        return {
          state: found.state,
          entries: entries.map(({ at, ...entry }) => ({ ...entry, at: iso(at) })),
          effects: effects.map(({ at, ...effect }) => ({ ...effect, at: iso(at) })),
        };
      }),

    async subject(reader: Reader, { type, subjectId }: SubjectParams): Promise<SubjectView> {
      const ref = { type, id: subjectId };
      const found = await engine.within(reader, (tx) => findNoted(tx, reader.principal.tenant, ref));
      if (found === undefined) throw new Refusal('not_found');
      return subjectView(ref, found);
    },

    /** Notes attributes; an event of our own tells condition triggers to look. */
    async note(caller: Caller, { type, subjectId }: SubjectParams, body: SubjectBody, how: 'replace' | 'merge'): Promise<Answer> {
      const { tenant, actor } = caller.principal;
      const ref: SubjectRef = { type, id: subjectId };
      const at = now();
      const noted = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        if (type === 'customer' && uuidPattern.test(subjectId) && (await isErased(tx, tenant, subjectId))) throw new Refusal('erased');
        const before = how === 'merge' ? await lockNoted(tx, tenant, ref) : undefined;
        const attributes = merged(before?.attributes ?? {}, plainOf(body.attributes));
        if (JSON.stringify(attributes).length > most.attributes) throw new Refusal('too_large', { members: { limit: most.attributes } });
        const zone = body.zone === undefined ? (before?.zone ?? null) : body.zone;
        await noteSubject(tx, tenant, ref, { attributes, zone }, at);
        const change: NewEvent = {
          id: newId(),
          type: subjectChanged,
          source: 'usher',
          at,
          subject: subjectText(ref),
          data: { changed: Object.keys(body.attributes) },
        };
        await storeInboundEvents(tx, tenant, [change], actor);
        await recordAudit(tx, accountable(caller), { action: 'subject.noted', subject: subjectText(ref), changes: change.data });
        return { attributes, zone, updatedAt: new Date(at) };
      });
      return { status: 200, body: subjectView(ref, noted) };
    },
  };
}

const plainOf = (value: Readonly<Record<string, unknown>>): JsonObject => {
  const { value: plain } = plainJson(value);
  return isObject(plain) ? plain : {};
};

/** Null takes an attribute away. */
const merged = (before: JsonObject, patch: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries({ ...before, ...patch }).filter(([, value]) => value !== null));

/** @param at where the event stands in the body */
export function eventOf({ customerid, leadid, ticketid, journeyid, time, data, ...body }: EventBody, now: Instant, at: string): NewEvent {
  const { id, type, source, subject } = body;
  const plain = plainOf(data);
  if (JSON.stringify(plain).length > most.data) {
    throw new Refusal('too_large', {
      members: { limit: most.data },
      errors: [{ pointer: `${at}/data`, code: 'too_large', message: `must have at most ${most.data} characters as JSON` }],
    });
  }
  const [customerId, leadId, ticketId, journeyId] = [
    body.customerId ?? customerid,
    body.leadId ?? leadid,
    body.ticketId ?? ticketid,
    body.journeyId ?? journeyid,
  ];
  return {
    id,
    type,
    source,
    at: time === undefined ? now : fromIso(time),
    ...(subject === undefined ? {} : { subject }),
    ...(customerId === undefined ? {} : { customerId }),
    ...(leadId === undefined ? {} : { leadId }),
    ...(ticketId === undefined ? {} : { ticketId }),
    ...(journeyId === undefined ? {} : { journeyId }),
    data: plain,
  };
}

const eventView = ({ event, receivedAt, state, seq }: EventRecord): EventView => ({
  id: event.id,
  type: event.type,
  source: event.source,
  subject: event.subject ?? null,
  time: toIso(event.time ?? event.at),
  receivedAt: iso(receivedAt),
  state,
  seq,
  customerId: event.customerId ?? null,
  leadId: event.leadId ?? null,
  ticketId: event.ticketId ?? null,
  journeyId: event.journeyId ?? event.ofJourney ?? null,
  entityId: event.entityId ?? null,
  data: { ...event.data },
});

const subjectView = ({ type, id }: SubjectRef, { attributes, zone, updatedAt }: NotedSubject): SubjectView => ({
  type,
  id,
  attributes: { ...attributes },
  zone,
  updatedAt: iso(updatedAt),
});
