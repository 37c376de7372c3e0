import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json } from '../contract.js';
import { onApproval } from '../journeys/guard.js';
import { journeyProblems } from '../journeys/routes.js';
import { write } from '../middleware/idempotency.js';
import { onRole } from '../tickets/guard.js';
import { AcceptedVote, ApprovalPage, ApprovalParams, ApprovalsQuery, ApprovalView, DelegateBody, VoteBody } from './schema.js';
import type { ApprovalService } from './service.js';

const tags = ['Approvals'];
const params = ApprovalParams;
const voting = { permission: 'approval.vote', guards: [onApproval('approval.vote')] } as const;
const voteProblems = [
  ...journeyProblems,
  'handoff.illegal_move',
  'handoff.not_ready',
  'step_not_open',
  'requester_excluded',
  'not_eligible',
  'already_voted',
  'approval_closed',
] as const;
const changed = { 200: answer(ApprovalView, 'The approval afterwards'), 202: answer(AcceptedVote, 'Accepted; reads may lag') };

const list = contract(
  { permission: 'approval.vote', guards: [onRole('approval.vote')], problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/approvals',
    operationId: 'listApprovals',
    summary: 'List approvals, newest first',
    tags,
    request: { query: ApprovalsQuery },
    responses: { 200: answer(ApprovalPage, 'One page') },
  },
);

const get = contract(
  { ...voting, problems: ['not_found', 'forbidden'] },
  {
    method: 'get',
    path: '/v1/approvals/{approvalId}',
    operationId: 'getApproval',
    summary: 'Read an approval with its votes',
    tags,
    request: { params },
    responses: { 200: answer(ApprovalView, 'The approval') },
  },
);

const vote = contract(
  { ...voting, problems: [...voteProblems, 'comment_required'] },
  {
    method: 'post',
    path: '/v1/approvals/{approvalId}/votes',
    operationId: 'castVote',
    summary: 'Vote, for oneself or for somebody who delegated it',
    tags,
    request: { params, body: json(VoteBody, { decision: 'reject', comment: 'The limit is not met' }) },
    responses: changed,
  },
);

const delegate = contract(
  { ...voting, problems: [...voteProblems, 'unknown_reference', 'delegation_invalid'] },
  {
    method: 'post',
    path: '/v1/approvals/{approvalId}/delegate',
    operationId: 'delegateVote',
    summary: 'Give one’s vote and tasks of this approval to somebody else',
    tags,
    request: { params, body: json(DelegateBody, { to: '018f3b1e-0000-7000-8000-000000000022' }) },
    responses: changed,
  },
);

export const approvalRoutes = (service: ApprovalService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(get, (c) => c.json(service.get(c.var.approval), 200))
    .openapi(vote, (c) => write(c, (caller) => service.vote(caller, c.var.approval, c.req.valid('json'))))
    .openapi(delegate, (c) => write(c, (caller) => service.delegate(caller, c.var.approval, c.req.valid('json'))));
