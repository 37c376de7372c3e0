/** An event of the bus or of our own log, as triggers, mappings and guards see it. Source: journeys.md, section 11. */
import { toIso } from '../../time.js';
import type { Instant } from '../../time.js';
import type { Json, JsonObject } from '../json.js';
import { subjectTypes } from '../template.js';
import type { SubjectType } from '../template.js';

/** Whom a journey, an event or an attribute is about. */
export interface SubjectRef {
  readonly type: SubjectType;
  readonly id: string;
}

export interface BusEvent {
  /** As its sender named it. */
  readonly id: string;
  readonly type: string;
  readonly source: string;
  /** When it came. */
  readonly at: Instant;
  /** When it happened, as its sender says; absent: when it came. */
  readonly time?: Instant;
  /** `<type>/<id>`, as in CloudEvents. */
  readonly subject?: string;
  readonly customerId?: string;
  readonly leadId?: string;
  readonly ticketId?: string;
  /** It is meant for this journey and for no other. */
  readonly journeyId?: string;
  /** Of our own log: the journey it tells of. */
  readonly ofJourney?: string;
  /** The business subject of an event of a journey or handoff, `<type>/<id>`. */
  readonly entityId?: string;
  readonly data: JsonObject;
}

/** What the root `event` of an expression or a mapping holds. */
export const eventRoot = ({ at, time = at, ofJourney, entityId, ...rest }: BusEvent): JsonObject => ({
  ...definedOf({ ...rest, journeyid: ofJourney, entityid: entityId }),
  time: toIso(time),
});

const definedOf = (members: Readonly<Record<string, Json | undefined>>): JsonObject =>
  Object.fromEntries(Object.entries(members).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));

/** Envelope members that name a subject. */
const idMembers = { customerId: 'customer', leadId: 'lead', ticketId: 'ticket' } as const satisfies Partial<
  Record<keyof BusEvent, SubjectType>
>;
export const envelopeIds: readonly (keyof typeof idMembers)[] = ['customerId', 'leadId', 'ticketId'];

/** Everybody an event is about, each once. */
export function subjectsOf(event: BusEvent): SubjectRef[] {
  const named = envelopeIds.flatMap((name) => {
    const id = event[name];
    return id === undefined ? [] : [{ type: idMembers[name], id }];
  });
  const written = [event.subject, event.entityId].flatMap((text) => (text === undefined ? [] : (parseSubject(text) ?? [])));
  return Array.from(new Map([...named, ...written].map((ref) => [subjectText(ref), ref])).values());
}

export const subjectText = ({ type, id }: SubjectRef): string => `${type}/${id}`;

/** The subject behind `<type>/<id>`; null when it is none that journeys know. */
export function parseSubject(text: string): SubjectRef | null {
  const cut = text.indexOf('/');
  const type = subjectTypes.find((known) => known === text.slice(0, Math.max(0, cut)));
  const id = text.slice(cut + 1);
  return type === undefined || !idPattern.test(id) ? null : { type, id };
}

/** What may stand as an id in a journey's state. */
export const idPattern = /^[A-Za-z0-9_.:-]{1,128}$/;

/** An id as text; undefined for what cannot be one. */
export function idText(value: Json | undefined): string | undefined {
  const text = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
  return typeof text === 'string' && idPattern.test(text) ? text : undefined;
}
