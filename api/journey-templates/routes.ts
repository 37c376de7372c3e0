import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, optionalJson, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { notModified } from '../middleware/request.js';
import { onRole } from '../tickets/guard.js';
import {
  DiagramQuery,
  DraftView,
  EntriesQuery,
  EntryPage,
  PublishBody,
  TemplateDiagram,
  TemplateDocument,
  TemplatePage,
  TemplateParams,
  TemplatesQuery,
  TemplateValidation,
  TemplateView,
  VersionParams,
  VersionView,
} from './schema.js';
import type { TemplateService } from './service.js';

const drafts = { permission: 'template.draft', guards: [onRole('template.draft')] } as const;
/** Steps stand in one object; a few more than a template may have, so that the validator says so. */
const writing = { ...drafts, mostKeys: 1_000 } as const;
const publishing = { permission: 'template.publish', guards: [onRole('template.publish')] } as const;
const tags = ['Journey templates'];
const params = TemplateParams;
/** A verb without a body. */
const verbProblems = ['forbidden', 'not_found', 'idempotency_key_invalid', 'idempotency_in_flight', 'idempotency_key_reused'] as const;

const example: TemplateDocument = {
  key: 'contract_renewal',
  name: 'Contract renewal',
  category: 'retention',
  subject: { type: 'customer', id: 'input.customerId' },
  input: { type: 'object', properties: { customerId: { type: 'string' } }, required: ['customerId'] },
  start: 'call',
  steps: {
    call: {
      kind: 'manual',
      name: 'Call the customer',
      assign: { roles: ['agent'] },
      due: 'P2D',
      outcomes: ['renewed', 'declined'],
      transitions: [
        { to: 'won', outcome: 'renewed' },
        { to: 'lost', outcome: 'declined' },
      ],
    },
    won: { kind: 'end', outcome: 'renewed', result: 'won' },
    lost: { kind: 'end', outcome: 'declined', result: 'lost' },
  },
};

const list = contract(
  { ...drafts, problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/journey-templates',
    operationId: 'listTemplates',
    summary: 'List templates by key',
    tags,
    request: { query: TemplatesQuery },
    responses: { 200: answer(TemplatePage, 'One page') },
  },
);

const create = contract(
  { ...writing, problems: [...writeProblems, 'forbidden', 'template_taken'] },
  {
    method: 'post',
    path: '/v1/journey-templates',
    operationId: 'createTemplate',
    summary: 'Save a template as a draft, with everything that is wrong with it',
    tags,
    request: { body: json(TemplateDocument, example) },
    responses: { 201: answer(DraftView, 'The draft at its first revision') },
  },
);

const validate = contract(
  { ...writing, problems: ['malformed_json', 'invalid_request', 'too_deep', 'too_large', 'media_type', 'forbidden'] },
  {
    method: 'post',
    path: '/v1/journey-templates/validate',
    operationId: 'validateTemplate',
    summary: 'Check a template without saving it',
    tags,
    request: { body: json(TemplateDocument, example) },
    responses: { 200: answer(TemplateValidation, 'Every error and every warning') },
  },
);

const get = contract(
  { ...drafts, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/journey-templates/{key}',
    operationId: 'getTemplate',
    summary: 'Read a template: its draft, whose revision is the ETag, and its versions',
    tags,
    request: { params },
    responses: { 200: answer(TemplateView, 'The template') },
  },
);

const edit = contract(
  { ...writing, problems: [...writeProblems, 'forbidden', 'not_found', 'version_required', 'version_mismatch', 'template_invalid'] },
  {
    method: 'put',
    path: '/v1/journey-templates/{key}/draft',
    operationId: 'replaceTemplateDraft',
    summary: 'Replace the draft; needs If-Match',
    tags,
    request: { params, body: json(TemplateDocument, example) },
    responses: { 200: answer(DraftView, 'The draft at its new revision') },
  },
);

const publish = contract(
  {
    ...publishing,
    problems: [...writeProblems, 'forbidden', 'not_found', 'version_mismatch', 'nothing_changed', 'template_invalid', 'kind_not_available'],
  },
  {
    method: 'post',
    path: '/v1/journey-templates/{key}/publish',
    operationId: 'publishTemplate',
    summary: 'Make the draft the next version; somebody else than its editors has to',
    tags,
    request: { params, body: optionalJson(PublishBody, { mode: 'new_only' }) },
    responses: { 201: answer(VersionView, 'The version') },
  },
);

const version = contract(
  { ...drafts, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/journey-templates/{key}/versions/{version}',
    operationId: 'getTemplateVersion',
    summary: 'Read one version; what it says never changes',
    tags,
    request: { params: VersionParams },
    responses: { 200: answer(VersionView, 'The version'), 304: { description: 'Not changed' } },
  },
);

const deprecate = contract(
  { ...publishing, problems: verbProblems },
  {
    method: 'post',
    path: '/v1/journey-templates/{key}/versions/{version}/deprecate',
    operationId: 'deprecateTemplateVersion',
    summary: 'Let nobody enter any more; what runs goes on',
    tags,
    request: { params: VersionParams },
    responses: { 200: answer(VersionView, 'The version') },
  },
);

const archive = contract(
  { ...publishing, problems: [...verbProblems, 'still_in_use'] },
  {
    method: 'post',
    path: '/v1/journey-templates/{key}/versions/{version}/archive',
    operationId: 'archiveTemplateVersion',
    summary: 'Put away a deprecated version that no open instance runs on',
    tags,
    request: { params: VersionParams },
    responses: { 200: answer(VersionView, 'The version') },
  },
);

const entries = contract(
  { ...drafts, problems: ['forbidden', 'not_found', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/journey-templates/{key}/entries',
    operationId: 'listTemplateEntries',
    summary: 'List who entered and who was refused, with the reason',
    tags,
    request: { params, query: EntriesQuery },
    responses: { 200: answer(EntryPage, 'One page, newest first') },
  },
);

const diagram = contract(
  { ...drafts, problems: ['forbidden', 'not_found', 'unknown_parameter', 'template_invalid'] },
  {
    method: 'get',
    path: '/v1/journey-templates/{key}/diagram',
    operationId: 'getTemplateDiagram',
    summary: 'Draw a template, as Mermaid or as places',
    tags,
    request: { params, query: DiagramQuery },
    responses: { 200: answer(TemplateDiagram, 'The drawing') },
  },
);

export const templateRoutes = (service: TemplateService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(create, (c) => write(c, (caller) => service.create(caller, c.req.valid('json'))))
    .openapi(validate, async (c) => c.json(await service.validate(readerOf(c.var), c.req.valid('json')), 200))
    .openapi(get, async (c) => {
      const { view, etag } = await service.get(readerOf(c.var), c.req.valid('param').key);
      return c.json(view, 200, { etag });
    })
    .openapi(edit, (c) => write(c, (caller) => service.edit(caller, c.req.valid('param').key, c.req.valid('json'))))
    .openapi(publish, (c) => write(c, (caller) => service.publish(caller, c.req.valid('param').key, c.req.valid('json'))))
    .openapi(version, async (c) => {
      const { key, version: number } = c.req.valid('param');
      const view = await service.version(readerOf(c.var), key, number);
      const etag = `"${view.contentHash.slice(0, 16)}-${view.status}-${view.openJourneys}"`;
      return notModified(c.req.header('if-none-match'), etag) ? c.body(null, 304, { etag }) : c.json(view, 200, { etag });
    })
    .openapi(deprecate, (c) => {
      const { key, version: number } = c.req.valid('param');
      return write(c, (caller) => service.deprecate(caller, key, number));
    })
    .openapi(archive, (c) => {
      const { key, version: number } = c.req.valid('param');
      return write(c, (caller) => service.archive(caller, key, number));
    })
    .openapi(entries, async (c) => c.json(await service.entries(readerOf(c.var), c.req.valid('param').key, c.req.valid('query')), 200))
    .openapi(diagram, async (c) => c.json(await service.diagram(readerOf(c.var), c.req.valid('param').key, c.req.valid('query')), 200));
