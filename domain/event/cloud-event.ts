/** An event as it leaves the house: CloudEvents 1.0, thin. Source: api-surfaces.md, section 4. */
import type { TenantId } from '../ids.js';
import { toIso } from '../time.js';
import type { Instant } from '../time.js';

type Data = Readonly<Record<string, unknown>>;

/** A line of the log, as far as it is told. */
export interface ToldEvent {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly seq: number;
  readonly at: Instant;
  readonly commandId: string;
  readonly journeyId: string | null;
  /** `<type>/<id>`: what the journey is about. */
  readonly entity: string | null;
  /** Of the ticket it is about; null: it is about none. */
  readonly product: string | null;
}

/** What an event says of itself, to whomever. */
export const envelopeOf = (tenant: TenantId, { id, type, subject, at, product, seq, commandId, journeyId, entity }: ToldEvent) => ({
  specversion: '1.0',
  id,
  source: 'usher',
  type,
  subject,
  time: toIso(at),
  datacontenttype: 'application/json',
  tenant,
  product,
  seq,
  causationid: commandId,
  correlationid: journeyId === null ? subject : `journey/${journeyId}`,
  ...(journeyId === null ? {} : { journeyid: journeyId }),
  ...(entity === null ? {} : { entityid: entity }),
});

/** Who did it, by which way, and where its text lies. */
export interface EventOrigin {
  readonly actor: string;
  readonly role: string;
  readonly source: string;
  readonly content: string | null;
  readonly data: Data;
}

/** The whole of an event, for those who may hear everything. */
export const wholeEvent = (tenant: TenantId, event: ToldEvent & EventOrigin) => ({
  ...envelopeOf(tenant, event),
  version: event.seq,
  actor: event.actor,
  role: event.role,
  via: event.source,
  content: event.content,
  data: { ...outside(event.data), version: event.seq },
});

/** Inside, instants are numbers. */
export const outside = (data: Data): Record<string, unknown> =>
  Object.fromEntries(Object.entries(data).map(([name, value]) => [name, isInstant(name, value) ? toIso(value) : value]));

const isInstant = (name: string, value: unknown): value is number =>
  typeof value === 'number' && (name === 'at' || name === 'until' || name.endsWith('At'));
