import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { onRole } from '../tickets/guard.js';
import { JobItemPage, JobItemsQuery, JobPage, JobParams, JobQuery, JobResult, JobView } from './schema.js';
import type { JobService } from './service.js';

const reads = { permission: 'config.read', guards: [onRole('config.read')] } as const;
const tags = ['Jobs'];

const list = contract(
  { ...reads, problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/jobs',
    operationId: 'listJobs',
    summary: 'List jobs, newest first',
    tags,
    request: { query: JobQuery },
    responses: { 200: answer(JobPage, 'One page') },
  },
);

const get = contract(
  { ...reads, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/jobs/{jobId}',
    operationId: 'getJob',
    summary: 'Read how far a job is',
    tags,
    request: { params: JobParams },
    responses: { 200: answer(JobView, 'The job') },
  },
);

const items = contract(
  { ...reads, problems: ['forbidden', 'not_found', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/jobs/{jobId}/items',
    operationId: 'listJobItems',
    summary: 'List what came of each item',
    tags,
    request: { params: JobParams, query: JobItemsQuery },
    responses: { 200: answer(JobItemPage, 'One page, in the order of their turns') },
  },
);

const result = contract(
  { ...reads, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/jobs/{jobId}/result',
    operationId: 'getJobResult',
    summary: 'Read how many items came to what',
    tags,
    request: { params: JobParams },
    responses: { 200: answer(JobResult, 'Counts, of a running job so far') },
  },
);

const control = <const Name extends string>(name: Name, summary: string) =>
  contract(
    {
      // Who may depends on what the job works on.
      ...reads,
      problems: [
        'forbidden',
        'not_found',
        'idempotency_key_invalid',
        'idempotency_in_flight',
        'idempotency_key_reused',
        'engine_busy',
        'engine_unavailable',
        'command_unconfirmed',
      ],
    },
    {
      method: 'post',
      path: `/v1/jobs/{jobId}/${name}`,
      operationId: `${name}Job`,
      summary,
      tags,
      request: { params: JobParams },
      responses: { 200: answer(JobView, 'The job; one that has ended stays as it is') },
    },
  );

const pause = control('pause', 'Start nothing more until it is resumed; what is under way is finished');
const resume = control('resume', 'Go on where it was paused');
const cancel = control('cancel', 'End it; what is done stays done');

export const jobRoutes = (service: JobService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(get, async (c) => c.json(await service.get(readerOf(c.var), c.req.valid('param').jobId), 200))
    .openapi(items, async (c) => c.json(await service.items(readerOf(c.var), c.req.valid('param').jobId, c.req.valid('query')), 200))
    .openapi(result, async (c) => c.json(await service.result(readerOf(c.var), c.req.valid('param').jobId), 200))
    .openapi(pause, (c) => write(c, (caller) => service.control(caller, c.req.valid('param').jobId, 'pause')))
    .openapi(resume, (c) => write(c, (caller) => service.control(caller, c.req.valid('param').jobId, 'resume')))
    .openapi(cancel, (c) => write(c, (caller) => service.control(caller, c.req.valid('param').jobId, 'cancel')));
