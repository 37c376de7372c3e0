import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { Refusal } from '../errors.js';
import { receive } from '../middleware/body.js';
import { write } from '../middleware/idempotency.js';
import { onRole } from '../tickets/guard.js';
import {
  InboundParams,
  InboundReceipt,
  QuarantineDecision,
  QuarantineOutcome,
  QuarantinePage,
  QuarantineQuery,
  RawMail,
} from './schema.js';
import type { InboundService } from './service.js';

const submit = contract(
  {
    permission: 'inbound.submit',
    guards: [onRole('inbound.submit')],
    problems: ['forbidden', 'media_type', 'request_timeout', 'database_unavailable'],
  },
  {
    method: 'post',
    path: '/v1/inbound/email',
    operationId: 'submitEmail',
    summary: 'Hand over one received mail; it is kept before the answer and worked off after it',
    tags: ['Inbound'],
    request: { body: { content: { 'message/rfc822': { schema: RawMail } }, required: true } },
    responses: {
      202: answer(InboundReceipt, 'Kept; also when it is too large or cannot be read, for a person to look at'),
      200: answer(InboundReceipt, 'It was here before'),
    },
  },
);

const list = contract(
  { permission: 'inbound.release', guards: [onRole('inbound.release')], problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/inbound/quarantine',
    operationId: 'listQuarantine',
    summary: 'Mail that waits for a person, newest first',
    tags: ['Inbound'],
    request: { query: QuarantineQuery },
    responses: { 200: answer(QuarantinePage, 'One page') },
  },
);

const decision = (verb: 'release' | 'discard', summary: string, description: string) =>
  contract(
    { permission: 'inbound.release', guards: [onRole('inbound.release')], problems: [...writeProblems, 'forbidden', 'not_found'] },
    {
      method: 'post',
      path: `/v1/inbound/quarantine/{inboundId}/${verb}`,
      operationId: `${verb}Inbound`,
      summary,
      tags: ['Inbound'],
      request: { params: InboundParams, body: json(QuarantineDecision, { reason: 'Known sender' }) },
      responses: { 200: answer(QuarantineOutcome, description) },
    },
  );
const release = decision('release', 'Let a mail through', 'It is worked off again');
const discard = decision('discard', 'Drop a mail', 'It is never worked off');

/** A mail may be on its way this long, in milliseconds. Source: security.md, section 8. */
const receiveWithin = 120_000;

export const inboundRoutes = (service: InboundService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(submit, async (c) => {
      if (!/^message\/rfc822\s*(?:;|$)/i.test(c.req.header('content-type') ?? '')) throw new Refusal('media_type');
      const receipt = await service.submit(readerOf(c.var), receive(c, receiveWithin));
      return c.json(receipt, receipt.result === 'accepted' ? 202 : 200);
    })
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(release, (c) => write(c, (caller) => service.release(caller, c.req.valid('param').inboundId, c.req.valid('json'))))
    .openapi(discard, (c) => write(c, (caller) => service.discard(caller, c.req.valid('param').inboundId, c.req.valid('json'))));
