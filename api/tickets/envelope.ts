/** An event as it leaves the house: CloudEvents 1.0. Source: api-surfaces.md, section 4. */
import type { EventRecord } from '../../db/queries/timeline.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import type { EventView } from './schema.js';
import { toIso } from '../../domain/time.js';
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

/** Inside, instants are numbers. */
const outside = (data: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(data).map(([name, value]) => [name, isInstant(name, value) ? toIso(value) : value]));

const isInstant = (name: string, value: unknown): value is number =>
  typeof value === 'number' && (name === 'at' || name === 'until' || name.endsWith('At'));
