import { createHash } from 'node:crypto';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, Input } from 'hono';
import { z } from 'zod';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { contract, inputHook } from '../contract.js';
import { onRole } from '../tickets/guard.js';
import { FeedQuery, HandoffStreamQuery, JourneyStreamParams, StreamQuery, TemplateStreamParams } from './schema.js';
import type { Listener, StreamService } from './service.js';
import type { Opened } from './streams.js';

const tags = ['Live streams'];
const events = (description: string) => ({ description, content: { 'text/event-stream': { schema: z.string() } } });
const limits = ['forbidden', 'unknown_parameter', 'rate_limited'] as const;
const ofJourneys = { permission: 'journey.read', guards: [onRole('journey.read')] } as const;

const everything = contract(
  { permission: 'ticket.read', problems: [...limits, 'not_found'] },
  {
    method: 'get',
    path: '/v1/stream',
    operationId: 'streamEvents',
    summary: 'Hear of everything one may see as it happens, narrowed by product, team, assignee, type or subject',
    tags,
    request: { query: StreamQuery },
    responses: { 200: events('Server-sent events; each one’s data is a CloudEvent') },
  },
);

const journey = contract(
  { ...ofJourneys, problems: [...limits, 'not_found'] },
  {
    method: 'get',
    path: '/v1/journeys/{journeyId}/stream',
    operationId: 'subscribe',
    summary: 'Follow one journey: a snapshot, then its events until it ends',
    tags,
    request: { params: JourneyStreamParams, query: FeedQuery },
    responses: {
      200: events('Server-sent events, numbered as the journey numbers them'),
      204: { description: 'It has ended, and the reader knows all of it: do not come back' },
    },
  },
);

const template = contract(
  { ...ofJourneys, problems: [...limits, 'not_found'] },
  {
    method: 'get',
    path: '/v1/journey-templates/{key}/stream',
    operationId: 'streamTemplate',
    summary: 'Follow every instance of a template: a snapshot of those that run, then events',
    tags,
    request: { params: TemplateStreamParams, query: FeedQuery },
    responses: { 200: events('Server-sent events') },
  },
);

const handoffs = contract(
  { ...ofJourneys, problems: limits },
  {
    method: 'get',
    path: '/v1/handoffs/stream',
    operationId: 'streamHandoffs',
    summary: 'Follow handoffs, or one’s own inbox of them: a snapshot of those that are open, then events',
    tags,
    request: { query: HandoffStreamQuery },
    responses: { 200: events('Server-sent events') },
  },
);

export const streamRoutes = (service: StreamService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(everything, async (c) => answer(c, await service.everything(listenerOf(c), c.req.valid('query'))))
    .openapi(journey, async (c) => answer(c, await service.journey(listenerOf(c), c.req.valid('param').journeyId, c.req.valid('query'))))
    .openapi(template, async (c) => answer(c, await service.template(listenerOf(c), c.req.valid('param').key, c.req.valid('query'))))
    .openapi(handoffs, async (c) => answer(c, await service.handoffs(listenerOf(c), c.req.valid('query'))));

function listenerOf<P extends string, I extends Input>(c: Context<Env, P, I>): Listener {
  const credential = createHash('sha256')
    .update(c.req.header('authorization') ?? '')
    .digest('base64');
  return { ...readerOf(c.var), credential, again: c.var.again, lastEventId: c.req.header('last-event-id') };
}

/** A connection that carried a stream carries nothing else, so that it is gone when the stream is. */
async function answer<P extends string, I extends Input>(c: Context<Env, P, I>, opened: Opened | null): Promise<Response> {
  if (opened === null) return c.body(null, 204);
  const outgoing = c.env?.outgoing;
  if (outgoing !== undefined) opened.carriedBy(outgoing);
  if (c.req.method !== 'HEAD') {
    return c.body(opened.body, 200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      connection: 'close',
    });
  }
  // Nobody reads it.
  await opened.body.cancel();
  return c.body(null, 200, { 'content-type': 'text/event-stream; charset=utf-8' });
}
