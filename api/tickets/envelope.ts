/** An event as it leaves the house: CloudEvents 1.0. Source: api-surfaces.md, section 4. */
import type { EventRecord } from '../../db/queries/timeline.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import { outside } from '../../domain/event/cloud-event.js';
import type { EventView } from './schema.js';
import { iso } from './view.js';

export const envelope =
  (tenant: TenantId, ticket: TicketId) =>
  ({ id, seq, type, at, product, actor, role, source, commandId, data, content }: EventRecord): EventView => {
    const subject = `ticket/${ticket}`;
    return {
      specversion: '1.0',
      id,
      source: 'usher',
      type,
      subject,
      time: iso(at),
      datacontenttype: 'application/json',
      tenant,
      product,
      seq,
      causationid: commandId,
      correlationid: subject,
      version: seq,
      actor,
      role,
      via: source,
      content,
      data: { ...outside(data), version: seq },
    };
  };
