import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { notModified } from '../middleware/request.js';
import { onRole } from '../tickets/guard.js';
import type { PolicyService } from './policies.js';
import {
  ExplainMatch,
  ExplainView,
  PolicySetBody,
  PolicySetPage,
  PolicySetParams,
  PolicySetQuery,
  PolicySetView,
  PublishedPolicySet,
  PublishPolicySet,
  SlaSettings,
  Validation,
} from './schema.js';

const reads = { permission: 'config.read', guards: [onRole('config.read')] } as const;
const writes = { permission: 'config.write', guards: [onRole('config.write')] } as const;
const bodyProblems = ['malformed_json', 'invalid_request', 'too_deep', 'too_large', 'media_type', 'forbidden'] as const;
const tags = ['Service levels'];

const policies = [
  {
    id: 'standard',
    name: 'Standard',
    calendar: { use: 'policy' as const, id: '24x7' },
    targets: { first_response: { high: 7_200 }, resolution: { high: 28_800 } },
    rungs: [
      {
        id: 'soon',
        clock: 'resolution' as const,
        when: { percent: 75 },
        actions: [{ notify: { to: ['assignee'], channel: 'email' as const } }],
      },
    ],
  },
];

const list = contract(
  { ...reads, problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/sla/policy-sets',
    operationId: 'listSlaPolicySets',
    summary: 'List the revisions of the policies, newest first',
    tags,
    request: { query: PolicySetQuery },
    responses: { 200: answer(PolicySetPage, 'One page') },
  },
);

const current = contract(
  { ...reads, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/sla/policy-sets/current',
    operationId: 'getCurrentSlaPolicySet',
    summary: 'Read the policies new tickets run under; the ETag is their revision',
    tags,
    responses: { 200: answer(PolicySetView, 'The newest revision'), 304: { description: 'Not changed' } },
  },
);

const get = contract(
  { ...reads, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/sla/policy-sets/{revision}',
    operationId: 'getSlaPolicySet',
    summary: 'Read one revision of the policies',
    tags,
    request: { params: PolicySetParams },
    responses: { 200: answer(PolicySetView, 'The revision'), 304: { description: 'Not changed' } },
  },
);

const validate = contract(
  { ...writes, problems: bodyProblems },
  {
    method: 'post',
    path: '/v1/sla/policy-sets/validate',
    operationId: 'validateSlaPolicySet',
    summary: 'Check policies without publishing them',
    tags,
    request: { body: json(PolicySetBody, { policies }) },
    responses: { 200: answer(Validation, 'Every fault') },
  },
);

const publish = contract(
  {
    ...writes,
    problems: [
      ...writeProblems,
      'forbidden',
      'policy_invalid',
      'sla_horizon_exceeded',
      'version_mismatch',
      'still_in_use',
      'engine_busy',
      'engine_unavailable',
      'command_unconfirmed',
    ],
  },
  {
    method: 'post',
    path: '/v1/sla/policy-sets',
    operationId: 'publishSlaPolicySet',
    summary: 'Publish policies as the next revision, for new tickets or, after a preview, for open ones too',
    tags,
    request: { body: json(PublishPolicySet, { policies, mode: 'new_tickets' }) },
    responses: { 201: answer(PublishedPolicySet, 'The new revision') },
  },
);

const explain = contract(
  { ...reads, problems: [...bodyProblems, 'unknown_reference'] },
  {
    method: 'post',
    path: '/v1/sla/explain',
    operationId: 'explainSla',
    summary: 'Say under which policy a ticket would fall, why, and when its clocks would be due',
    tags,
    request: { body: json(ExplainMatch, { product: 'demo', priority: 'high', tags: ['vip'], at: '2026-07-20T07:00:00.000Z' }) },
    responses: { 200: answer(ExplainView, 'Policy and clocks') },
  },
);

const settings = contract(
  { ...reads, problems: ['forbidden'] },
  {
    method: 'get',
    path: '/v1/sla/settings',
    operationId: 'getSlaSettings',
    summary: 'Read who is told when nobody else can be; the ETag is the revision',
    tags,
    responses: { 200: answer(SlaSettings, 'The settings'), 304: { description: 'Not changed' } },
  },
);

const replaceSettings = contract(
  {
    ...writes,
    problems: [...writeProblems, 'forbidden', 'unknown_reference', 'still_in_use', 'version_required', 'version_mismatch'],
  },
  {
    method: 'put',
    path: '/v1/sla/settings',
    operationId: 'replaceSlaSettings',
    summary: 'Say who is told when nobody else can be; needs If-Match',
    tags,
    request: { body: json(SlaSettings, { fallbackRecipient: '018f3b1e-0000-7000-8000-000000000020' }) },
    responses: { 200: answer(SlaSettings, 'The settings as stored') },
  },
);

export const policyRoutes = (service: PolicyService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(current, async (c) => {
      const { view, etag } = await service.current(readerOf(c.var));
      return notModified(c.req.header('if-none-match'), etag) ? c.body(null, 304, { etag }) : c.json(view, 200, { etag });
    })
    .openapi(get, async (c) => {
      const { view, etag } = await service.get(readerOf(c.var), c.req.valid('param').revision);
      return notModified(c.req.header('if-none-match'), etag) ? c.body(null, 304, { etag }) : c.json(view, 200, { etag });
    })
    .openapi(validate, async (c) => c.json(await service.validate(readerOf(c.var), c.req.valid('json')), 200))
    .openapi(publish, (c) => write(c, (caller) => service.publish(caller, c.req.valid('json'))))
    .openapi(explain, async (c) => c.json(await service.explain(readerOf(c.var), c.req.valid('json')), 200))
    .openapi(settings, async (c) => {
      const { view, etag } = await service.settings(readerOf(c.var));
      return notModified(c.req.header('if-none-match'), etag) ? c.body(null, 304, { etag }) : c.json(view, 200, { etag });
    })
    .openapi(replaceSettings, (c) => write(c, (caller) => service.replaceSettings(caller, c.req.valid('json'))));
