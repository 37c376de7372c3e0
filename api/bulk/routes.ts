import { OpenAPIHono } from '@hono/zod-openapi';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { JobView } from '../jobs/schema.js';
import { write } from '../middleware/idempotency.js';
import { onRole } from '../tickets/guard.js';
import { BulkPreview, HandoffBulkBody, JourneyBulkBody, StartBulkBody } from './schema.js';
import type { BulkService } from './service.js';

/** What the verb needs besides is asked once it is known. */
const onJourneys = { permission: 'approval.vote', guards: [onRole('approval.vote')] } as const;
const onHandoffs = { permission: 'handoff.decide', guards: [onRole('handoff.decide')] } as const;
const startProblems = [...writeProblems, 'forbidden', 'preview_stale', 'engine_busy', 'engine_unavailable', 'command_unconfirmed'] as const;
const token = '018f3b1e-0000-7000-8000-000000000001.k1.AAAAAAAAAAAAAAAAAAAAAA';
const previewed = { 200: answer(BulkPreview, 'What it would do, as far as is known now; nothing has happened') };
const started = { 202: answer(JobView, 'The job; `/v1/jobs` pauses, resumes and cancels it') };

const previewJourneys = contract(
  { ...onJourneys, problems: [...writeProblems, 'forbidden', 'reason_required', 'kind_not_available'] },
  {
    method: 'post',
    path: '/v1/journeys/bulk/preview',
    operationId: 'previewJourneyBulk',
    summary: 'Say what a verb would do to many journeys; the token starts it',
    tags: ['Journeys'],
    request: {
      body: json(JourneyBulkBody, {
        verb: 'pause',
        args: { reason: 'The provider is down' },
        filter: { template: 'contract_renewal', status: ['active'] },
      }),
    },
    responses: previewed,
  },
);

const startJourneys = contract(
  { ...onJourneys, problems: startProblems },
  {
    method: 'post',
    path: '/v1/journeys/bulk',
    operationId: 'startJourneyBulk',
    summary: 'Do to many journeys what was previewed; the same token again finds the job',
    tags: ['Journeys'],
    request: { body: json(StartBulkBody, { previewToken: token, rate: 20 }) },
    responses: started,
  },
);

const previewHandoffs = contract(
  { ...onHandoffs, problems: [...writeProblems, 'forbidden', 'unknown_reference'] },
  {
    method: 'post',
    path: '/v1/handoffs/bulk/preview',
    operationId: 'previewHandoffBulk',
    summary: 'Say what a verb would do to many handoffs; the token starts it',
    tags: ['Handoffs'],
    request: { body: json(HandoffBulkBody, { verb: 'approve', args: { comment: 'As agreed' }, filter: { state: ['awaiting_approval'] } }) },
    responses: previewed,
  },
);

const startHandoffs = contract(
  { ...onHandoffs, problems: startProblems },
  {
    method: 'post',
    path: '/v1/handoffs/bulk',
    operationId: 'startHandoffBulk',
    summary: 'Do to many handoffs what was previewed; the same token again finds the job',
    tags: ['Handoffs'],
    request: { body: json(StartBulkBody, { previewToken: token, rate: 20 }) },
    responses: started,
  },
);

export const bulkRoutes = (service: BulkService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(previewJourneys, (c) => write(c, (caller) => service.previewJourneys(caller, c.req.valid('json'))))
    .openapi(startJourneys, (c) => write(c, (caller) => service.start(caller, 'journeys', c.req.valid('json'))))
    .openapi(previewHandoffs, (c) => write(c, (caller) => service.previewHandoffs(caller, c.req.valid('json'))))
    .openapi(startHandoffs, (c) => write(c, (caller) => service.start(caller, 'handoffs', c.req.valid('json'))));
