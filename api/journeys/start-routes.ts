import { OpenAPIHono } from '@hono/zod-openapi';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { onRole } from '../tickets/guard.js';
import { StartedJourney, StartJourney, startRefusals } from './start-schema.js';
import type { JourneyStarts } from './start.js';

const start = contract(
  {
    permission: 'journey.start',
    guards: [onRole('journey.start')],
    problems: [
      ...writeProblems,
      'forbidden',
      'unknown_reference',
      'input_invalid',
      ...startRefusals,
      'capacity',
      'context_too_large',
      'engine_busy',
      'engine_unavailable',
      'command_unconfirmed',
    ],
  },
  {
    method: 'post',
    path: '/v1/journeys',
    operationId: 'startJourney',
    summary: 'Enter somebody into a journey, if its template lets them in',
    tags: ['Journeys'],
    request: { body: json(StartJourney, { template: 'customer_acquisition', input: { leadId: 'L-1', leadScore: 75 } }) },
    responses: {
      201: answer(StartedJourney, 'The journey that was started'),
      200: answer(StartedJourney, 'The one that is open already; `entry` says whether what you sent was attached to it'),
      202: answer(StartedJourney, 'Started; reads may lag'),
    },
  },
);

export const journeyStartRoutes = (service: JourneyStarts) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook }).openapi(start, (c) => write(c, (caller) => service.start(caller, c.req.valid('json'))));
