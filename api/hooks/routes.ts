import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { etagOf } from '../administration.js';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { readLimited } from '../middleware/body.js';
import { write } from '../middleware/idempotency.js';
import type { ProblemCode } from '../problems.js';
import { onRole } from '../tickets/guard.js';
import type { CallbackService, GivenCallback } from './callback.js';
import type { ReportService } from './delivery-report.js';
import type { HookOpener } from './known.js';
import type { MailService } from './mail.js';
import {
  Callback,
  CallbackParams,
  CallbackReceipt,
  CreateHook,
  Form,
  HookPage,
  HookParams,
  HookQuery,
  HookView,
  NewHookView,
  RotateHook,
} from './schema.js';
import type { HookService } from './service.js';
import type { EventProvider, HookProvider, MailProvider } from '../../domain/webhook/incoming.js';

const permission = 'admin.manage';
const terms = { permission, guards: [onRole(permission)] } as const;
const tags = ['Webhooks'];

const list = contract(
  { ...terms, problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/hook-endpoints',
    operationId: 'listHooks',
    summary: 'List where others may send signed events',
    tags,
    request: { query: HookQuery },
    responses: { 200: answer(HookPage, 'One page') },
  },
);

const create = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'already_exists'] },
  {
    method: 'post',
    path: '/v1/hook-endpoints',
    operationId: 'createHook',
    summary: 'Let somebody send signed events; the secret is shown this once',
    tags,
    request: { body: json(CreateHook, { provider: 'standard', name: 'shop', description: 'Orders of the shop' }) },
    responses: { 201: answer(NewHookView, 'The hook') },
  },
);

const get = contract(
  { ...terms, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/hook-endpoints/{hookId}',
    operationId: 'getHook',
    summary: 'Read a hook; the ETag is its revision',
    tags,
    request: { params: HookParams },
    responses: { 200: answer(HookView, 'The hook') },
  },
);

const rotate = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'not_found'] },
  {
    method: 'post',
    path: '/v1/hook-endpoints/{hookId}/rotate-secret',
    operationId: 'rotateHookSecret',
    summary: 'Replace the secret of a hook; both count for a while',
    tags,
    request: { params: HookParams, body: json(RotateHook, { overlapHours: 48 }) },
    responses: { 200: answer(NewHookView, 'The hook with its new secret') },
  },
);

const remove = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'not_found', 'version_required', 'version_mismatch'] },
  {
    method: 'delete',
    path: '/v1/hook-endpoints/{hookId}',
    operationId: 'deleteHook',
    summary: 'Take no more events there; needs If-Match',
    tags,
    request: { params: HookParams },
    responses: { 204: { description: 'Removed' } },
  },
);

const problems = [
  'not_found',
  'signature_invalid',
  'invalid_request',
  'too_large',
  'request_timeout',
  'database_unavailable',
] as const satisfies readonly ProblemCode[];

/** The bytes as they are: what is signed. */
const taking = (schema: typeof Callback) => ({
  params: CallbackParams,
  body: { content: { 'application/octet-stream': { schema } }, required: true },
});

const callback = <const Provider extends EventProvider>(provider: Provider, summary: string) =>
  contract(
    { permission: 'public', problems: [...problems, 'malformed_json', 'too_deep'] },
    {
      method: 'post',
      path: `/v1/hooks/${provider}/{address}`,
      operationId: provider === 'crm' ? 'takeCrmCallback' : 'takeStandardCallback',
      summary,
      tags,
      request: taking(Callback),
      responses: { 200: answer(CallbackReceipt, 'Kept, or here before') },
    },
  );
const standard = callback('standard', 'Take an event signed by the rules of Standard Webhooks');
const crm = callback('crm', 'Take an event of a CRM, signed over instant and body');

const report = contract(
  { permission: 'public', problems },
  {
    method: 'post',
    path: '/v1/hooks/twilio/{address}',
    operationId: 'takeTwilioReport',
    summary: 'Take what Twilio reports of an SMS; it only moves forward',
    tags,
    request: taking(Form),
    responses: { 200: answer(CallbackReceipt, 'Kept, or here before') },
  },
);

const mail = <const Provider extends MailProvider>(provider: Provider, summary: string) =>
  contract(
    { permission: 'public', problems: [...problems, 'media_type'] },
    {
      method: 'post',
      path: `/v1/hooks/${provider}/{address}`,
      operationId: provider === 'mailgun' ? 'takeMailgunMail' : 'takeSendGridMail',
      summary,
      tags,
      request: taking(Form),
      responses: { 200: answer(CallbackReceipt, 'Kept, or here before; it is worked off after the answer') },
    },
  );
const mailgun = mail('mailgun', 'Take a mail that Mailgun received, as it came');
const sendgrid = mail('sendgrid', 'Take a mail that SendGrid received, as it came');

interface BodyLimits {
  readonly most: number;
  /** Milliseconds it may be on its way. */
  readonly within: number;
}

/** Of an event or a report. Source: security.md, section 8. */
const usual: BodyLimits = { most: 1024 * 1024, within: 30_000 };
/** Of a form with a mail: the largest mail, and what a form makes of it. SendGrid drops for good what is refused. */
const withMail: BodyLimits = { most: 32 * 1024 * 1024, within: 120_000 };

export interface CallbackServices {
  readonly open: HookOpener;
  readonly events: CallbackService;
  readonly reports: ReportService;
  readonly mails: MailService;
}

export const hookRoutes = (hooks: HookService, { open, events, reports, mails }: CallbackServices) => {
  const given = async (c: Context<Env>, provider: HookProvider, address: string, limits = usual): Promise<GivenCallback> => {
    const hook = await open(provider, address);
    const bytes = await readLimited(c, limits.most, limits.within);
    return { hook, header: (name) => c.req.header(name) ?? null, bytes, requestId: c.var.requestId };
  };
  return new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await hooks.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(create, (c) => write(c, (caller) => hooks.create(caller, c.req.valid('json'))))
    .openapi(get, async (c) => {
      const found = await hooks.get(readerOf(c.var), c.req.valid('param').hookId);
      return c.json(found, 200, { etag: etagOf(found) });
    })
    .openapi(rotate, (c) => write(c, (caller) => hooks.rotate(caller, c.req.valid('param').hookId, c.req.valid('json'))))
    .openapi(remove, (c) => write(c, (caller) => hooks.remove(caller, c.req.valid('param').hookId)))
    .openapi(standard, async (c) => c.json(await events.take('standard', await given(c, 'standard', c.req.valid('param').address)), 200))
    .openapi(crm, async (c) => c.json(await events.take('crm', await given(c, 'crm', c.req.valid('param').address)), 200))
    .openapi(report, async (c) => {
      const { pathname, search } = new URL(c.req.url);
      return c.json(await reports.take(await given(c, 'twilio', c.req.valid('param').address), pathname + search), 200);
    })
    .openapi(mailgun, async (c) => c.json(await mails.takeMailgun(await given(c, 'mailgun', c.req.valid('param').address, withMail)), 200))
    .openapi(sendgrid, async (c) =>
      c.json(await mails.takeSendGrid(await given(c, 'sendgrid', c.req.valid('param').address, withMail)), 200),
    );
};
