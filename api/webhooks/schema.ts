/** The wire shapes of webhook endpoints and of what is sent to them. Source: api-surfaces.md, section 2. */
import { z } from 'zod';
import { keyPattern } from '../../domain/ids.js';
import { OneLine } from '../../domain/configuration/schema.js';
import { commaList, Moment, PageQuery, pageSchema, Uuid } from '../contract.js';

export const EndpointParams = z.object({ endpointId: Uuid });
export const DeliveryParams = z.object({ deliveryId: Uuid });
export const EndpointQuery = z.strictObject(PageQuery);
export type EndpointQuery = z.output<typeof EndpointQuery>;

const TypePattern = z
  .string()
  .max(100)
  .regex(/^[a-z_]+(?:[.][a-z_]+)*(?:[.][*])?$/, 'must be a type such as ticket.created, or a beginning such as ticket.*');
const Types = z
  .array(z.union([z.literal('*'), TypePattern]))
  .min(1)
  .max(50)
  .describe('event types, beginnings such as `ticket.*`, or `*` for all');

const fields = {
  url: z.string().min(1).max(2_000).describe('where events are posted to: https, on port 443 or 8443, at a public address'),
  types: Types,
  product: z
    .string()
    .regex(keyPattern, 'must be a product key')
    .nullable()
    .describe('only events about its tickets; null: all of the tenant'),
  description: OneLine(200),
  includeText: z.boolean().describe('whether the text that an event brought is sent with it'),
};

export const CreateEndpoint = z
  .strictObject({ ...fields, product: fields.product.default(null), includeText: fields.includeText.default(false) })
  .meta({ id: 'CreateWebhookEndpoint' });
export type CreateEndpoint = z.output<typeof CreateEndpoint>;

export const ChangeEndpoint = z
  .strictObject({
    url: z.exactOptional(fields.url),
    types: z.exactOptional(fields.types),
    product: z.exactOptional(fields.product),
    description: z.exactOptional(fields.description),
    includeText: z.exactOptional(fields.includeText),
  })
  .meta({ id: 'ChangeWebhookEndpoint' });
export type ChangeEndpoint = z.output<typeof ChangeEndpoint>;

/** Longest time in which two secrets sign. Source: api-surfaces.md, section 2. */
const mostOverlapHours = 168;
export const RotateSecret = z
  .strictObject({
    overlapHours: z
      .int()
      .min(0)
      .max(mostOverlapHours)
      .default(24)
      .describe('how long the present secret goes on signing beside the new one'),
  })
  .meta({ id: 'RotateWebhookSecret' });
export type RotateSecret = z.output<typeof RotateSecret>;

const shown = {
  id: Uuid,
  url: z.string(),
  types: z.array(z.string()),
  product: z.string().nullable(),
  description: z.string(),
  includeText: z.boolean(),
  state: z.enum(['active', 'disabled']),
  cause: z
    .enum(['admin', 'gone', 'failing'])
    .nullable()
    .describe('why it is disabled: somebody wanted it so, it answered 410, or nothing arrived for three days'),
  failures: z.int().describe('attempts in a row that failed'),
  lastSuccessAt: Moment.nullable().describe('to the minute'),
  disabledAt: Moment.nullable(),
  oldSecretUntil: Moment.nullable().describe('until then the secret before the present one signs too'),
  createdBy: z.string(),
  revision: z.int(),
  createdAt: Moment,
  updatedAt: Moment,
};

export const EndpointView = z.strictObject(shown).meta({ id: 'WebhookEndpoint' });
export type EndpointView = z.output<typeof EndpointView>;
export const EndpointPage = pageSchema('WebhookEndpointPage', EndpointView);

export const NewEndpointView = z
  .strictObject({
    ...shown,
    secret: z.string().nullable().describe('what requests are signed with, shown this once; null in a repeated answer'),
  })
  .meta({ id: 'NewWebhookEndpoint' });
export type NewEndpointView = z.output<typeof NewEndpointView>;

const deliveryStates = ['pending', 'succeeded', 'failed', 'dropped'] as const;
const State = z.enum(deliveryStates);

export const DeliveryQuery = z.strictObject({
  state: z.exactOptional(commaList(State)).describe('one, or several by comma'),
  type: z.exactOptional(commaList(TypePattern)).describe('such as ticket.*,sla.breached'),
  from: z.exactOptional(Moment).describe('planned at this instant or later'),
  until: z.exactOptional(Moment).describe('planned before this instant'),
  ...PageQuery,
});
export type DeliveryQuery = z.output<typeof DeliveryQuery>;

const delivery = {
  id: Uuid,
  endpoint: Uuid,
  event: Uuid.describe('`webhook-id` of every attempt'),
  type: z.string(),
  subject: z.string(),
  seq: z.int().describe('of the event within its subject'),
  state: State.describe('`dropped`: never sent, or no further'),
  reason: z.string().nullable().describe('why it was dropped: `disabled`, `removed`, `cancelled`, `event_gone`'),
  attempts: z.int(),
  nextAttemptAt: Moment.nullable().describe('null: none is due, or its turn has not come'),
  createdAt: Moment,
  settledAt: Moment.nullable(),
};
export const DeliveryView = z.strictObject(delivery).meta({ id: 'WebhookDelivery' });
export type DeliveryView = z.output<typeof DeliveryView>;
export const DeliveryPage = pageSchema('WebhookDeliveryPage', DeliveryView);

export const AttemptView = z
  .strictObject({
    n: z.int(),
    at: Moment,
    durationMs: z.int().nullable(),
    outcome: z.enum(['succeeded', 'failed', 'gone']).nullable().describe('null: under way, or its worker died in it'),
    code: z
      .string()
      .nullable()
      .describe('`http_<status>`, or why no answer came: `timeout`, `connection`, `tls`, `name`, `target_not_allowed`'),
    status: z.int().nullable(),
    answer: z.string().nullable().describe('the first 1,024 bytes of what the receiver said'),
  })
  .meta({ id: 'WebhookAttempt' });
export type AttemptView = z.output<typeof AttemptView>;

export const DeliveryDetail = z
  .strictObject({ ...delivery, log: z.array(AttemptView).describe('the newest 100 attempts, oldest first') })
  .meta({ id: 'WebhookDeliveryDetail' });
export type DeliveryDetail = z.output<typeof DeliveryDetail>;

export const ReplayRange = z
  .strictObject({
    from: Moment.describe('events recorded at this instant or later'),
    until: Moment.describe('events recorded before this instant'),
    types: z.exactOptional(Types).describe('left out: all that the endpoint has asked for'),
  })
  .refine(({ from, until }) => from < until, { path: ['until'], error: 'must be later than from' })
  .meta({ id: 'ReplayWebhooks' });
export type ReplayRange = z.output<typeof ReplayRange>;
