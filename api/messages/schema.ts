import { z } from 'zod';
import { Lines } from '../../domain/configuration/schema.js';
import { channels } from '../../domain/ticket/status.js';
import { Moment, PageQuery, pageSchema, Uuid } from '../contract.js';
import { MessageView, TicketNumber } from '../tickets/schema.js';

export const MessageParams = z.object({ messageId: Uuid });

export const PostMessage = z
  .strictObject({
    body: Lines(100_000),
    format: z.enum(['text', 'html']).default('text'),
    channel: z.exactOptional(z.enum(channels)),
    to: z
      .exactOptional(z.array(z.string().min(1).max(320)).min(1).max(20))
      .describe('mail addresses; left out: the requester and everyone copied'),
    attachments: z.exactOptional(z.array(Uuid).max(20)).describe('clean attachments of this ticket'),
    then: z.exactOptional(z.enum(['waiting_on_customer', 'resolved'])),
    basedOn: z.exactOptional(Uuid).describe('the last public message its author has seen'),
    force: z.exactOptional(z.boolean()),
  })
  .meta({ id: 'PostMessage' });
export type PostMessage = z.output<typeof PostMessage>;

export const PostNote = z
  .strictObject({ body: Lines(50_000), attachments: z.exactOptional(z.array(Uuid).max(20)) })
  .meta({ id: 'PostNote' });
export type PostNote = z.output<typeof PostNote>;

export const MessagesQuery = z.strictObject(PageQuery);
export const MessagePage = pageSchema('MessagePage', MessageView);

export const DeliveryView = z
  .strictObject({
    id: Uuid,
    template: z.string(),
    recipient: Uuid,
    channel: z.string(),
    state: z.enum(['planned', 'sending', 'sent', 'failed', 'unknown', 'suppressed', 'cancelled']),
    reason: z.string().nullable(),
    delivery: z.string().nullable().describe('what the provider reports'),
    attempts: z.int(),
    errorCode: z.string().nullable(),
    possibleDuplicate: z.boolean(),
    sentAt: Moment.nullable(),
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: 'Delivery' });
export type DeliveryView = z.output<typeof DeliveryView>;
export const DeliveryList = z.strictObject({ data: z.array(DeliveryView) }).meta({ id: 'DeliveryList' });

export const SentMessage = z.strictObject({ ...MessageView.shape, deliveries: z.array(DeliveryView) }).meta({ id: 'SentMessage' });
export type SentMessage = z.output<typeof SentMessage>;

/** A message as its workflow took it, while PostgreSQL follows. */
export const AcceptedMessage = z.strictObject({ id: Uuid, ticket: TicketNumber, version: z.int() }).meta({ id: 'AcceptedMessage' });
