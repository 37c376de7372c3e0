/** An event as streams tell it: CloudEvents 1.0 on one line, encoded once for all who are told the same. Source: api-surfaces.md, section 4. */
import { iso } from '../tickets/view.js';
import { outside } from '../tickets/envelope.js';
import { messageFrame } from './frame.js';
import type { Numbering } from './streams.js';
import type { LoggedEvent, PublishedEvent } from '../../db/queries/stream.js';
import { publicData } from '../../domain/access/audience.js';
import type { Telling } from '../../domain/access/audience.js';
import type { TenantId } from '../../domain/ids.js';

type Heard = Exclude<Telling, 'nothing'>;

/** A published event with its bytes. */
export interface Item {
  readonly position: number;
  readonly publishedAt: number;
  readonly event: LoggedEvent | null;
  /** The same bytes for everyone who asks for the same. */
  readonly frame: (telling: Heard, numbering: Numbering) => Buffer;
}

export function itemOf(tenant: TenantId, { position, publishedAt, event }: PublishedEvent): Item {
  const frames = new Map<string, Buffer>();
  return {
    position,
    publishedAt,
    event,
    frame: (telling, numbering) => {
      const key = `${telling} ${numbering}`;
      const known = frames.get(key);
      if (known !== undefined) return known;
      if (event === null) throw new Error('nothing is told of a line that is gone');
      const made = eventFrame(tenant, event, telling, numbering === 'seq' ? event.seq : position);
      frames.set(key, made);
      return made;
    },
  };
}

export const eventFrame = (tenant: TenantId, event: LoggedEvent, telling: Heard, id: number): Buffer =>
  messageFrame(id, event.type, telling === 'whole' ? whole(tenant, event) : known(tenant, event));

function envelope(tenant: TenantId, { id, type, subject, at, ticket, seq, commandId, journeyId, entity }: LoggedEvent) {
  return {
    specversion: '1.0',
    id,
    source: 'usher',
    type,
    subject,
    time: iso(at),
    datacontenttype: 'application/json',
    tenant,
    product: ticket?.product ?? null,
    seq,
    causationid: commandId,
    correlationid: journeyId === null ? subject : `journey/${journeyId}`,
    ...(journeyId === null ? {} : { journeyid: journeyId }),
    ...(entity === null ? {} : { entityid: entity }),
  };
}

const whole = (tenant: TenantId, event: LoggedEvent) => ({
  ...envelope(tenant, event),
  version: event.seq,
  actor: event.actor,
  role: event.role,
  via: event.source,
  content: event.content,
  data: { ...outside(event.data), version: event.seq },
});

/** What customers may know; not who of the staff did it. */
const known = (tenant: TenantId, event: LoggedEvent) => ({
  ...envelope(tenant, event),
  version: event.seq,
  data: { ...outside(publicData(event.type, event.data) ?? {}), version: event.seq },
});
