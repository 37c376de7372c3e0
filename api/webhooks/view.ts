import type { AttemptRecord, DeliveryRecord } from '../../db/queries/webhook-deliveries.js';
import type { EndpointRecord } from '../../db/queries/webhook-endpoints.js';
import { iso, isoOrNull } from '../tickets/view.js';
import type { AttemptView, DeliveryDetail, DeliveryView, EndpointView } from './schema.js';

export const endpointView = ({
  types,
  succeededAt,
  disabledAt,
  oldSecretUntil,
  createdAt,
  updatedAt,
  ...rest
}: EndpointRecord): EndpointView => ({
  ...rest,
  types: [...types],
  lastSuccessAt: isoOrNull(succeededAt),
  disabledAt: isoOrNull(disabledAt),
  oldSecretUntil: isoOrNull(oldSecretUntil),
  createdAt: iso(createdAt),
  updatedAt: iso(updatedAt),
});

/** Whether its workflow has begun is nobody's business. */
export const deliveryView = ({
  endpointId,
  eventId,
  state,
  tries,
  nextAt,
  createdAt,
  settledAt,
  position: _its,
  ...rest
}: DeliveryRecord): DeliveryView => ({
  ...rest,
  endpoint: endpointId,
  event: eventId,
  state: state === 'waiting' ? 'pending' : state,
  attempts: tries,
  nextAttemptAt: isoOrNull(nextAt),
  createdAt: iso(createdAt),
  settledAt: isoOrNull(settledAt),
});

const attemptView = ({ startedAt, ...rest }: AttemptRecord): AttemptView => ({ ...rest, at: iso(startedAt) });

export const deliveryDetail = (delivery: DeliveryRecord, attempts: readonly AttemptRecord[]): DeliveryDetail => ({
  ...deliveryView(delivery),
  log: attempts.map(attemptView),
});
