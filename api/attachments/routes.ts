import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, optionalJson, writeProblems } from '../contract.js';
import { Refusal } from '../errors.js';
import { limitedForm } from '../middleware/body.js';
import { write } from '../middleware/idempotency.js';
import { onRole, onTicket } from '../tickets/guard.js';
import { EmptyBody, TicketParams } from '../tickets/schema.js';
import { CreateAttachment, mostBytes } from './announcement.js';
import { AttachmentParams, AttachmentView, FileQuery, NewAttachmentView } from './schema.js';
import type { AttachmentService } from './service.js';

const create = contract(
  { permission: 'attachment.add', guards: [onTicket('attachment.add')], problems: [...writeProblems, 'not_found', 'forbidden'] },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/attachments',
    operationId: 'addAttachment',
    summary: 'Announce a file; the answer says where its bytes go',
    tags: ['Attachments'],
    request: { params: TicketParams, body: json(CreateAttachment, { name: 'invoice.pdf', type: 'application/pdf', size: 48_213 }) },
    responses: { 201: answer(NewAttachmentView, 'The announced attachment') },
  },
);

const upload = contract(
  { permission: 'public', problems: ['not_found', 'erased', 'too_large', 'request_timeout', 'media_type', 'database_unavailable'] },
  {
    method: 'post',
    path: '/v1/uploads/{attachmentId}',
    operationId: 'uploadAttachment',
    summary: 'Send the bytes: the form fields as given, then a part named file',
    tags: ['Attachments'],
    request: { params: AttachmentParams },
    responses: { 204: { description: 'Received' } },
  },
);

const complete = contract(
  { permission: 'attachment.add', guards: [onRole('attachment.add')], problems: [...writeProblems, 'not_found', 'forbidden'] },
  {
    method: 'post',
    path: '/v1/attachments/{attachmentId}/complete',
    operationId: 'completeAttachment',
    summary: 'Say that the bytes are there; they are looked at, and become clean or rejected',
    tags: ['Attachments'],
    request: { params: AttachmentParams, body: optionalJson(EmptyBody, {}) },
    responses: { 200: answer(AttachmentView, 'The attachment') },
  },
);

const get = contract(
  { permission: 'ticket.read', guards: [onRole('ticket.read')], problems: ['not_found', 'erased', 'forbidden'] },
  {
    method: 'get',
    path: '/v1/attachments/{attachmentId}',
    operationId: 'getAttachment',
    summary: 'Read about an attachment',
    tags: ['Attachments'],
    request: { params: AttachmentParams },
    responses: { 200: answer(AttachmentView, 'The attachment') },
  },
);

const content = contract(
  { permission: 'ticket.read', guards: [onRole('ticket.read')], problems: ['not_found', 'erased', 'forbidden'] },
  {
    method: 'get',
    path: '/v1/attachments/{attachmentId}/content',
    operationId: 'getAttachmentContent',
    summary: 'Where to read the bytes; clean attachments only',
    tags: ['Attachments'],
    request: { params: AttachmentParams },
    responses: { 302: { description: 'To a link that is good for 60 seconds' } },
  },
);

const file = contract(
  { permission: 'public', problems: ['not_found', 'erased', 'database_unavailable'] },
  {
    method: 'get',
    path: '/v1/files/{attachmentId}',
    operationId: 'readFile',
    summary: 'The bytes behind a signed link',
    tags: ['Attachments'],
    request: { params: AttachmentParams, query: FileQuery },
    responses: { 200: { description: 'The bytes, as a download' } },
  },
);

/** What a form adds to the bytes of its file. */
const formOverhead = 64 * 1024;

export const attachmentRoutes = (service: AttachmentService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(create, (c) => write(c, (caller) => service.create(caller, c.var.ticket, c.req.valid('json'))))
    .openapi(upload, async (c) => {
      const type = c.req.header('content-type') ?? '';
      if (!type.startsWith('multipart/form-data')) throw new Refusal('media_type');
      const form = await limitedForm(c, mostBytes + formOverhead);
      const fields = FileQuery.safeParse({ tenant: form['tenant'], expires: form['expires'], signature: form['signature'] });
      const part = form['file'];
      if (!fields.success || !(part instanceof File)) throw new Refusal('not_found');
      await service.upload(c.req.valid('param').attachmentId, fields.data, await part.bytes(), c.var.requestId);
      return c.body(null, 204);
    })
    .openapi(complete, (c) => write(c, (caller) => service.complete(caller, c.req.valid('param').attachmentId)))
    .openapi(get, async (c) => c.json(await service.get(readerOf(c.var), c.req.valid('param').attachmentId), 200))
    .openapi(content, async (c) => c.redirect(await service.link(readerOf(c.var), c.req.valid('param').attachmentId), 302))
    .openapi(file, async (c) => {
      const { bytes, headers } = await service.read(c.req.valid('param').attachmentId, c.req.valid('query'));
      return c.body(Uint8Array.from(bytes), 200, headers);
    });
