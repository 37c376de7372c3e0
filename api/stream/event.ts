/** An event as streams tell it: CloudEvents 1.0 on one line, encoded once for all who are told the same. Source: api-surfaces.md, section 4. */
import { messageFrame } from './frame.js';
import type { Numbering } from './streams.js';
import { toldOf } from '../../db/queries/stream.js';
import type { LoggedEvent, PublishedEvent } from '../../db/queries/stream.js';
import { publicData } from '../../domain/access/audience.js';
import type { Telling } from '../../domain/access/audience.js';
import { envelopeOf, outside, wholeEvent } from '../../domain/event/cloud-event.js';
import type { EventOrigin, ToldEvent } from '../../domain/event/cloud-event.js';
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
  messageFrame(id, event.type, telling === 'whole' ? wholeEvent(tenant, toldOf(event)) : known(tenant, toldOf(event)));

/** What customers may know; not who of the staff did it. */
const known = (tenant: TenantId, event: ToldEvent & EventOrigin) => ({
  ...envelopeOf(tenant, event),
  version: event.seq,
  data: { ...outside(publicData(event.type, event.data) ?? {}), version: event.seq },
});
