import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { onRole } from '../tickets/guard.js';
import {
  EventBodies,
  EventOutcomes,
  EventPage,
  EventParams,
  EventReceipts,
  EventsQuery,
  EventView,
  SubjectBody,
  SubjectParams,
  SubjectView,
} from './schema.js';
import type { EventService } from './service.js';

const publishing = { permission: 'event.publish', guards: [onRole('event.publish')] } as const;
const reading = { permission: 'report.read', guards: [onRole('report.read')] } as const;

const publish = contract(
  { ...publishing, problems: [...writeProblems, 'forbidden', 'too_large'] },
  {
    method: 'post',
    path: '/v1/events',
    operationId: 'publishEvents',
    summary: 'Hand over events; they are kept before the answer, and journeys hear of them after it',
    tags: ['Events'],
    request: {
      body: json(EventBodies, {
        id: 'evt-4711',
        type: 'crm:lead_qualified',
        source: 'crm',
        leadId: 'L-1',
        data: { score: 75, services: ['fiber'] },
      }),
    },
    responses: {
      202: answer(EventReceipts, 'Kept'),
      200: answer(EventReceipts, 'All of it was here before'),
    },
  },
);

const list = contract(
  { ...reading, problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/events',
    operationId: 'listEvents',
    summary: 'Events from outside, newest first; with `subject` those of our own log about it too',
    tags: ['Events'],
    request: { query: EventsQuery },
    responses: { 200: answer(EventPage, 'One page') },
  },
);

const get = contract(
  { ...reading, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/events/{eventId}',
    operationId: 'getEvent',
    summary: 'Read one event',
    tags: ['Events'],
    request: { params: EventParams },
    responses: { 200: answer(EventView, 'The event') },
  },
);

const outcomes = contract(
  { ...reading, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/events/{eventId}/outcomes',
    operationId: 'getEventOutcomes',
    summary: 'Which triggers and journeys an event met, and why others refused',
    tags: ['Events'],
    request: { params: EventParams },
    responses: { 200: answer(EventOutcomes, 'What it led to so far') },
  },
);

const subjectPath = '/v1/subjects/{type}/{subjectId}';
const note = (method: 'put' | 'patch', operationId: string, summary: string) =>
  contract(
    { ...publishing, problems: [...writeProblems, 'forbidden', 'not_found', 'too_large'] },
    {
      method,
      path: subjectPath,
      operationId,
      summary,
      tags: ['Events'],
      request: { params: SubjectParams, body: json(SubjectBody, { attributes: { monthlyUsage: 85 }, zone: 'Europe/Berlin' }) },
      responses: { 200: answer(SubjectView, 'The subject as it is noted now; condition triggers look at it after the answer') },
    },
  );
const replace = note('put', 'replaceSubject', 'Note the attributes of a subject, instead of all that were noted before');
const merge = note('patch', 'mergeSubject', 'Note attributes of a subject beside those that were noted before; null takes one away');

const subject = contract(
  { ...reading, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: subjectPath,
    operationId: 'getSubject',
    summary: 'Read what was noted of a subject',
    tags: ['Events'],
    request: { params: SubjectParams },
    responses: { 200: answer(SubjectView, 'The subject') },
  },
);

export const eventRoutes = (service: EventService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(publish, (c) => write(c, (caller) => service.publish(caller, c.req.valid('json'))))
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(get, async (c) => c.json(await service.get(readerOf(c.var), c.req.valid('param').eventId), 200))
    .openapi(outcomes, async (c) => c.json(await service.outcomes(readerOf(c.var), c.req.valid('param').eventId), 200))
    .openapi(subject, async (c) => c.json(await service.subject(readerOf(c.var), c.req.valid('param')), 200))
    .openapi(replace, (c) => write(c, (caller) => service.note(caller, c.req.valid('param'), c.req.valid('json'), 'replace')))
    .openapi(merge, (c) => write(c, (caller) => service.note(caller, c.req.valid('param'), c.req.valid('json'), 'merge')));
