import { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, optionalJson, writeProblems } from '../contract.js';
import { onHandoff } from '../journeys/guard.js';
import { journeyProblems } from '../journeys/routes.js';
import { write } from '../middleware/idempotency.js';
import { notModified } from '../middleware/request.js';
import { onRole } from '../tickets/guard.js';
import { EmptyBody } from '../tickets/schema.js';
import {
  AcceptedHandoff,
  ApproveBody,
  AssignBody,
  CancelBody,
  CompleteBody,
  CreateHandoff,
  HandoffPage,
  HandoffParams,
  HandoffsQuery,
  HandoffView,
  RejectBody,
  ReturnBody,
} from './schema.js';
import type { HandoffService } from './service.js';

const tags = ['Handoffs'];
const params = HandoffParams;
const handling = { permission: 'handoff.handle', guards: [onHandoff('handoff.handle')] } as const;
const deciding = { permission: 'handoff.decide', guards: [onHandoff('handoff.decide')] } as const;

const handoffProblems = [
  ...writeProblems,
  'forbidden',
  'not_found',
  'version_mismatch',
  'handoff.illegal_move',
  'journey_paused',
  'engine_busy',
  'engine_unavailable',
  'command_unconfirmed',
] as const;
const workProblems = [...handoffProblems, 'not_eligible', 'already_claimed'] as const;
const voteProblems = [
  ...handoffProblems,
  'handoff.not_ready',
  'requester_excluded',
  'not_eligible',
  'already_voted',
  'approval_closed',
  'comment_required',
] as const;
const changed = {
  200: answer(HandoffView, 'The handoff afterwards'),
  202: answer(z.union([HandoffView, AcceptedHandoff]), 'Accepted; reads may lag'),
};

const list = contract(
  { permission: 'journey.read', guards: [onRole('journey.read')], problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/handoffs',
    operationId: 'listHandoffs',
    summary: 'List handoffs, newest first',
    tags,
    request: { query: HandoffsQuery },
    responses: { 200: answer(HandoffPage, 'One page') },
  },
);

const create = contract(
  {
    permission: 'handoff.create',
    guards: [onRole('handoff.create')],
    problems: [...journeyProblems, 'unknown_reference', 'handoff_invalid', 'step_not_open'],
  },
  {
    method: 'post',
    path: '/v1/handoffs',
    operationId: 'createHandoff',
    summary: 'Hand something of a journey over, apart from its steps',
    tags,
    request: {
      body: json(CreateHandoff, {
        journeyId: 'JRN-3V7K9M2Q3V7K9M2Q',
        from: 'crm',
        to: 'field-ops',
        mode: 'accept',
        data: { customerId: 'C1' },
        requiredData: ['customerId'],
        acceptWithin: 'PT4H',
      }),
    },
    responses: {
      201: answer(HandoffView, 'The new handoff'),
      202: answer(AcceptedHandoff, 'Made; it can be read in a moment'),
    },
  },
);

const get = contract(
  { permission: 'journey.read', guards: [onHandoff('journey.read')], problems: ['not_found', 'forbidden'] },
  {
    method: 'get',
    path: '/v1/handoffs/{handoffId}',
    operationId: 'getHandoff',
    summary: 'Read a handoff',
    tags,
    request: { params },
    responses: { 200: answer(HandoffView, 'The handoff'), 304: { description: 'Not changed' } },
  },
);

const accept = contract(
  { ...handling, problems: workProblems },
  {
    method: 'post',
    path: '/v1/handoffs/{handoffId}/accept',
    operationId: 'acceptHandoff',
    summary: 'Take it over for the receiving package, which owns it from then on',
    tags,
    request: { params, body: optionalJson(EmptyBody, {}) },
    responses: changed,
  },
);

const reject = contract(
  { permission: 'journey.read', guards: [onHandoff('journey.read')], problems: [...voteProblems, 'reason_required', 'already_claimed'] },
  {
    method: 'post',
    path: '/v1/handoffs/{handoffId}/reject',
    operationId: 'rejectHandoff',
    summary: 'Refuse an offer, with a reason; at an open vote a no, with a comment. It needs handoff.handle, or handoff.decide',
    tags,
    request: { params, body: optionalJson(RejectBody, { reason: 'no_capacity', comment: 'Fully booked this week' }) },
    responses: changed,
  },
);

const giveBack = contract(
  { ...handling, problems: [...workProblems, 'reason_required'] },
  {
    method: 'post',
    path: '/v1/handoffs/{handoffId}/return',
    operationId: 'returnHandoff',
    summary: 'Give it back to the sender, with a reason',
    tags,
    request: { params, body: optionalJson(ReturnBody, { reason: 'no_access' }) },
    responses: changed,
  },
);

const complete = contract(
  { ...handling, problems: [...workProblems, 'unknown_outcome'] },
  {
    method: 'post',
    path: '/v1/handoffs/{handoffId}/complete',
    operationId: 'completeHandoff',
    summary: 'Say that the work is done',
    tags,
    request: { params, body: optionalJson(CompleteBody, { output: { appointmentId: 'A-7' } }) },
    responses: changed,
  },
);

const cancel = contract(
  { permission: 'handoff.create', guards: [onHandoff('handoff.create')], problems: handoffProblems },
  {
    method: 'post',
    path: '/v1/handoffs/{handoffId}/cancel',
    operationId: 'cancelHandoff',
    summary: 'End it',
    tags,
    request: { params, body: optionalJson(CancelBody, { comment: 'Asked twice' }) },
    responses: changed,
  },
);

const retry = contract(
  { permission: 'journey.repair', guards: [onHandoff('journey.repair')], problems: [...handoffProblems, 'no_incident'] },
  {
    method: 'post',
    path: '/v1/handoffs/{handoffId}/retry',
    operationId: 'retryHandoff',
    summary: 'Offer it again after it failed or expired',
    tags,
    request: { params, body: optionalJson(EmptyBody, {}) },
    responses: changed,
  },
);

const approve = contract(
  { ...deciding, problems: voteProblems },
  {
    method: 'post',
    path: '/v1/handoffs/{handoffId}/approve',
    operationId: 'approveHandoff',
    summary: 'Vote for it while its vote is open',
    tags,
    request: { params, body: optionalJson(ApproveBody, { comment: 'Go ahead' }) },
    responses: changed,
  },
);

const claim = contract(
  { ...handling, problems: workProblems },
  {
    method: 'post',
    path: '/v1/handoffs/{handoffId}/claim',
    operationId: 'claimHandoff',
    summary: 'Begin the work oneself',
    tags,
    request: { params, body: optionalJson(EmptyBody, {}) },
    responses: changed,
  },
);

const unclaim = contract(
  { ...handling, problems: [...workProblems, 'not_claimed'] },
  {
    method: 'post',
    path: '/v1/handoffs/{handoffId}/unclaim',
    operationId: 'unclaimHandoff',
    summary: 'Leave the work to others of the package',
    tags,
    request: { params, body: optionalJson(EmptyBody, {}) },
    responses: changed,
  },
);

const assign = contract(
  { ...handling, problems: [...workProblems, 'unknown_reference'] },
  {
    method: 'post',
    path: '/v1/handoffs/{handoffId}/assign',
    operationId: 'assignHandoff',
    summary: 'Give the work to somebody',
    tags,
    request: { params, body: json(AssignBody, { to: '018f3b1e-0000-7000-8000-000000000022' }) },
    responses: changed,
  },
);

export const handoffRoutes = (service: HandoffService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(create, (c) => write(c, (caller) => service.create(caller, c.req.valid('json'))))
    .openapi(get, async (c) => {
      const etag = `"${c.var.handoff.version}"`;
      if (notModified(c.req.header('if-none-match'), etag)) return c.body(null, 304, { etag });
      return c.json(await service.get(readerOf(c.var), c.var.handoff), 200, { etag });
    })
    .openapi(accept, (c) => write(c, (caller) => service.accept(caller, c.var.handoff)))
    .openapi(reject, (c) => write(c, (caller) => service.reject(caller, c.var.handoff, c.req.valid('json'))))
    .openapi(giveBack, (c) => write(c, (caller) => service.giveBack(caller, c.var.handoff, c.req.valid('json'))))
    .openapi(complete, (c) => write(c, (caller) => service.complete(caller, c.var.handoff, c.req.valid('json'))))
    .openapi(cancel, (c) => write(c, (caller) => service.cancel(caller, c.var.handoff, c.req.valid('json'))))
    .openapi(retry, (c) => write(c, (caller) => service.retry(caller, c.var.handoff)))
    .openapi(approve, (c) => write(c, (caller) => service.approve(caller, c.var.handoff, c.req.valid('json'))))
    .openapi(claim, (c) => write(c, (caller) => service.claim(caller, c.var.handoff)))
    .openapi(unclaim, (c) => write(c, (caller) => service.unclaim(caller, c.var.handoff)))
    .openapi(assign, (c) => write(c, (caller) => service.assign(caller, c.var.handoff, c.req.valid('json'))));
