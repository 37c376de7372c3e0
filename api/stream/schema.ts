/** What may be asked of streams. */
import { z } from 'zod';
import { commaList, storable, Uuid } from '../contract.js';

const Position = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,14})$/, 'must be the id of an event')
  .describe('as `Last-Event-ID`, for readers that cannot set it');
const Flag = z.stringbool({ truthy: ['true'], falsy: ['false'] });
const TypePattern = z
  .string()
  .regex(/^[a-z_]+(?:[.][a-z_]+)*(?:[.][*])?$/, 'must be a type such as ticket.created, or a beginning such as ticket.*');
const Key = storable.min(1).max(64);

const begin = {
  snapshot: z.exactOptional(Flag).describe('begin with one `snapshot` event: the present state and its position'),
  after: z.exactOptional(Position),
};

export const StreamQuery = z.strictObject({
  product: z.exactOptional(commaList(Key)).describe('keys by comma, or *: events about tickets of these products'),
  team: z.exactOptional(commaList(Uuid)).describe('events about tickets of these teams'),
  assignee: z.exactOptional(commaList(z.union([z.literal('me'), z.literal('none'), Uuid]))).describe('ids, me or none'),
  types: z.exactOptional(commaList(TypePattern)).describe('such as ticket.*,sla.breached'),
  subject: z
    .exactOptional(
      z
        .string()
        .max(256)
        .regex(/^(?:ticket|journey|handoff)\/[A-Za-z0-9_.:-]+$/, 'must be ticket/<number>, journey/<id> or handoff/<id>'),
    )
    .describe('events of this one alone: ticket/<number>, journey/<id> or handoff/<id>'),
  ...begin,
});
export type StreamQuery = z.output<typeof StreamQuery>;

export const JourneyStreamParams = z.object({ journeyId: z.string() });
export const TemplateStreamParams = z.object({ key: z.string() });

/** A stream that begins with a snapshot, unless the reader comes back or does not want one. */
export const FeedQuery = z.strictObject(begin);
export type FeedQuery = z.output<typeof FeedQuery>;

export const HandoffStreamQuery = z.strictObject({
  mine: z.exactOptional(Flag).describe('only those that ask the caller, or his teams'),
  from: z.exactOptional(commaList(Key)),
  to: z.exactOptional(commaList(Key)),
  ...begin,
});
export type HandoffStreamQuery = z.output<typeof HandoffStreamQuery>;
