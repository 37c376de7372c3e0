import { OpenAPIHono } from '@hono/zod-openapi';
import { etagOf } from '../administration.js';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, optionalJson, writeProblems } from '../contract.js';
import { JobView } from '../jobs/schema.js';
import { write } from '../middleware/idempotency.js';
import { onRole } from '../tickets/guard.js';
import type { DeliveryService } from './deliveries.js';
import type { EndpointService } from './endpoints.js';
import {
  ChangeEndpoint,
  CreateEndpoint,
  DeliveryDetail,
  DeliveryPage,
  DeliveryParams,
  DeliveryQuery,
  EndpointPage,
  EndpointParams,
  EndpointQuery,
  EndpointView,
  NewEndpointView,
  ReplayRange,
  RotateSecret,
} from './schema.js';

const permission = 'admin.manage';
const terms = { permission, guards: [onRole(permission)] } as const;
const tags = ['Webhooks'];

const list = contract(
  { ...terms, problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/webhook-endpoints',
    operationId: 'listWebhookEndpoints',
    summary: 'List the endpoints that events are sent to',
    tags,
    request: { query: EndpointQuery },
    responses: { 200: answer(EndpointPage, 'One page') },
  },
);

const create = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'unknown_reference', 'target_not_allowed'] },
  {
    method: 'post',
    path: '/v1/webhook-endpoints',
    operationId: 'createWebhookEndpoint',
    summary: 'Send events to an endpoint from now on; its secret is shown this once',
    tags,
    request: {
      body: json(CreateEndpoint, {
        url: 'https://hooks.example.com/usher',
        types: ['ticket.*', 'sla.breached'],
        product: null,
        description: 'The warehouse',
      }),
    },
    responses: { 201: answer(NewEndpointView, 'The endpoint') },
  },
);

const get = contract(
  { ...terms, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/webhook-endpoints/{endpointId}',
    operationId: 'getWebhookEndpoint',
    summary: 'Read an endpoint; the ETag is its revision',
    tags,
    request: { params: EndpointParams },
    responses: { 200: answer(EndpointView, 'The endpoint') },
  },
);

const change = contract(
  {
    ...terms,
    problems: [
      ...writeProblems,
      'forbidden',
      'not_found',
      'version_required',
      'version_mismatch',
      'unknown_reference',
      'target_not_allowed',
    ],
  },
  {
    method: 'patch',
    path: '/v1/webhook-endpoints/{endpointId}',
    operationId: 'changeWebhookEndpoint',
    summary: 'Change where events go, and which; needs If-Match',
    tags,
    request: { params: EndpointParams, body: json(ChangeEndpoint, { types: ['*'], description: 'The new warehouse' }) },
    responses: { 200: answer(EndpointView, 'The endpoint') },
  },
);

const remove = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'not_found', 'version_required', 'version_mismatch'] },
  {
    method: 'delete',
    path: '/v1/webhook-endpoints/{endpointId}',
    operationId: 'deleteWebhookEndpoint',
    summary: 'Send nothing there any more, and forget the endpoint; needs If-Match',
    tags,
    request: { params: EndpointParams },
    responses: { 204: { description: 'Removed' } },
  },
);

const rotate = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'not_found'] },
  {
    method: 'post',
    path: '/v1/webhook-endpoints/{endpointId}/rotate-secret',
    operationId: 'rotateWebhookSecret',
    summary: 'Replace the secret of an endpoint; both sign for a while',
    tags,
    request: { params: EndpointParams, body: optionalJson(RotateSecret, { overlapHours: 48 }) },
    responses: { 200: answer(NewEndpointView, 'The endpoint with its new secret') },
  },
);

const test = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'not_found'] },
  {
    method: 'post',
    path: '/v1/webhook-endpoints/{endpointId}/test',
    operationId: 'testWebhookEndpoint',
    summary: 'Send a `webhook.test` event now, once, and answer with what came of it',
    tags,
    request: { params: EndpointParams },
    responses: {
      200: answer(DeliveryDetail, 'What the endpoint said, and how long it took'),
      202: answer(DeliveryDetail, 'It has not answered yet: look at the delivery'),
    },
  },
);

const onOff = <const Name extends 'enable' | 'disable'>(name: Name, summary: string) =>
  contract(
    { ...terms, problems: [...writeProblems, 'forbidden', 'not_found'] },
    {
      method: 'post',
      path: `/v1/webhook-endpoints/{endpointId}/${name}`,
      operationId: `${name}WebhookEndpoint`,
      summary,
      tags,
      request: { params: EndpointParams },
      responses: { 200: answer(EndpointView, 'The endpoint') },
    },
  );
const enable = onOff('enable', 'Send there what happens from now on; what was missed is fetched by a replay');
const disable = onOff('disable', 'Send nothing there until it is enabled; what was on its way is dropped');

const deliveries = contract(
  { ...terms, problems: ['forbidden', 'not_found', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/webhook-endpoints/{endpointId}/deliveries',
    operationId: 'listWebhookDeliveries',
    summary: 'List what was sent to an endpoint, newest first, for as long as it is kept',
    tags,
    request: { params: EndpointParams, query: DeliveryQuery },
    responses: { 200: answer(DeliveryPage, 'One page') },
  },
);

const replayRange = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'not_found', 'endpoint_disabled'] },
  {
    method: 'post',
    path: '/v1/webhook-endpoints/{endpointId}/replay',
    operationId: 'replayWebhooks',
    summary: 'Send again what was, or would have been, sent in a time',
    tags,
    request: {
      params: EndpointParams,
      body: json(ReplayRange, { from: '2026-11-20T00:00:00.000Z', until: '2026-11-21T00:00:00.000Z', types: ['ticket.*'] }),
    },
    responses: { 202: answer(JobView, 'The job') },
  },
);

const delivery = contract(
  { ...terms, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/webhook-deliveries/{deliveryId}',
    operationId: 'getWebhookDelivery',
    summary: 'Read what came of each attempt of a delivery',
    tags,
    request: { params: DeliveryParams },
    responses: { 200: answer(DeliveryDetail, 'The delivery') },
  },
);

const replay = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'not_found', 'endpoint_disabled'] },
  {
    method: 'post',
    path: '/v1/webhook-deliveries/{deliveryId}/replay',
    operationId: 'replayWebhookDelivery',
    summary: 'Send an event again, under the same id',
    tags,
    request: { params: DeliveryParams },
    responses: { 202: answer(DeliveryDetail, 'The delivery, opened again') },
  },
);

export const webhookRoutes = (endpoints: EndpointService, sent: DeliveryService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await endpoints.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(create, (c) => write(c, (caller) => endpoints.create(caller, c.req.valid('json'))))
    .openapi(get, async (c) => {
      const found = await endpoints.get(readerOf(c.var), c.req.valid('param').endpointId);
      return c.json(found, 200, { etag: etagOf(found) });
    })
    .openapi(change, (c) => write(c, (caller) => endpoints.change(caller, c.req.valid('param').endpointId, c.req.valid('json'))))
    .openapi(remove, (c) => write(c, (caller) => endpoints.remove(caller, c.req.valid('param').endpointId)))
    .openapi(rotate, (c) => write(c, (caller) => endpoints.rotate(caller, c.req.valid('param').endpointId, c.req.valid('json'))))
    .openapi(test, (c) => write(c, (caller) => sent.test(caller, c.req.valid('param').endpointId)))
    .openapi(enable, (c) => write(c, (caller) => endpoints.enable(caller, c.req.valid('param').endpointId)))
    .openapi(disable, (c) => write(c, (caller) => endpoints.disable(caller, c.req.valid('param').endpointId)))
    .openapi(deliveries, async (c) => c.json(await sent.list(readerOf(c.var), c.req.valid('param').endpointId, c.req.valid('query')), 200))
    .openapi(replayRange, (c) => write(c, (caller) => sent.replayRange(caller, c.req.valid('param').endpointId, c.req.valid('json'))))
    .openapi(delivery, async (c) => c.json(await sent.get(readerOf(c.var), c.req.valid('param').deliveryId), 200))
    .openapi(replay, (c) => write(c, (caller) => sent.replay(caller, c.req.valid('param').deliveryId)));
