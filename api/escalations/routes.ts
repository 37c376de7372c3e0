import { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, commandProblems, contract, inputHook, json, optionalJson } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { notModified } from '../middleware/request.js';
import { onRole, onWholeTicket } from '../tickets/guard.js';
import { changed } from '../tickets/routes.js';
import { EmptyBody, TicketParams } from '../tickets/schema.js';
import { onEscalation } from './guard.js';
import {
  AcceptedEscalation,
  AcknowledgeBody,
  EscalateBody,
  EscalationPage,
  EscalationParams,
  EscalationsQuery,
  EscalationSummary,
  EscalationView,
  ResolveEscalationBody,
  SendBackBody,
} from './schema.js';
import { etagOf } from './service.js';
import type { EscalationService } from './service.js';

const tags = ['Escalations'];
const params = EscalationParams;
const moves = [...commandProblems, 'escalation.illegal_move'] as const;
const moved = {
  200: answer(EscalationView, 'The escalation afterwards'),
  202: answer(z.union([EscalationSummary, AcceptedEscalation]), 'Accepted; reads may lag'),
};

const raise = contract(
  {
    permission: 'ticket.escalate',
    guards: [onWholeTicket('ticket.escalate')],
    problems: [...commandProblems, 'unknown_reference', 'not_permitted_agent'],
  },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/escalate',
    operationId: 'escalateTicket',
    summary: 'Ask somebody to step in; from a customer it is a request to the desk. Location names the escalation',
    tags,
    request: {
      params: TicketParams,
      body: json(EscalateBody, { to: { kind: 'lead' }, level: 1, reason: 'The customer threatens to leave' }),
    },
    responses: changed,
  },
);

const list = contract(
  {
    permission: 'ticket.events',
    guards: [onRole('ticket.events')],
    problems: ['forbidden', 'unknown_parameter', 'product_required', 'cursor_invalid'],
  },
  {
    method: 'get',
    path: '/v1/escalations',
    operationId: 'listEscalations',
    summary: 'List escalations, newest first; for staff',
    tags,
    request: { query: EscalationsQuery },
    responses: { 200: answer(EscalationPage, 'One page') },
  },
);

const get = contract(
  { permission: 'ticket.events', guards: [onEscalation('ticket.events')], problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/escalations/{escalationId}',
    operationId: 'getEscalation',
    summary: 'Read an escalation with its history; its ETag is its ticket’s',
    tags,
    request: { params },
    responses: { 200: answer(EscalationView, 'The escalation'), 304: { description: 'Not changed' } },
  },
);

const acknowledge = contract(
  { permission: 'escalation.handle', guards: [onEscalation('escalation.handle')], problems: moves },
  {
    method: 'post',
    path: '/v1/escalations/{escalationId}/acknowledge',
    operationId: 'acknowledgeEscalation',
    summary: 'Say that you are at it; with takeOver the ticket becomes yours',
    tags,
    request: { params, body: optionalJson(AcknowledgeBody, { takeOver: true }) },
    responses: moved,
  },
);

const resolve = contract(
  { permission: 'escalation.handle', guards: [onEscalation('escalation.handle')], problems: moves },
  {
    method: 'post',
    path: '/v1/escalations/{escalationId}/resolve',
    operationId: 'resolveEscalation',
    summary: 'Say what came of it; a ticket that was taken over goes back',
    tags,
    request: { params, body: json(ResolveEscalationBody, { outcome: 'fixed', text: 'A credit note is on its way.' }) },
    responses: moved,
  },
);

const sendBack = contract(
  { permission: 'ticket.escalate', guards: [onEscalation('ticket.escalate')], problems: moves },
  {
    method: 'post',
    path: '/v1/escalations/{escalationId}/send-back',
    operationId: 'sendBackEscalation',
    summary: 'Not resolved after all: by whoever raised it, a lead or an admin',
    tags,
    request: { params, body: json(SendBackBody, { reason: 'The amount is still wrong' }) },
    responses: moved,
  },
);

const withdraw = contract(
  { permission: 'ticket.escalate', guards: [onEscalation('ticket.escalate')], problems: moves },
  {
    method: 'post',
    path: '/v1/escalations/{escalationId}/withdraw',
    operationId: 'withdrawEscalation',
    summary: 'Take back what nobody acknowledged: by whoever raised it, a lead or an admin',
    tags,
    request: { params, body: optionalJson(EmptyBody, {}) },
    responses: moved,
  },
);

const close = contract(
  { permission: 'ticket.escalate', guards: [onEscalation('ticket.escalate')], problems: moves },
  {
    method: 'post',
    path: '/v1/escalations/{escalationId}/close',
    operationId: 'closeEscalation',
    summary: 'Agree that a resolved escalation is done: by whoever raised it, a lead or an admin',
    tags,
    request: { params, body: optionalJson(EmptyBody, {}) },
    responses: moved,
  },
);

export const escalationRoutes = (service: EscalationService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(raise, (c) => write(c, (caller) => service.raise(caller, c.var.whole, c.req.valid('json'))))
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(get, async (c) => {
      const known = etagOf(c.var.escalation.facts.version);
      if (notModified(c.req.header('if-none-match'), known)) return c.body(null, 304, { etag: known });
      const { view, etag } = await service.get(readerOf(c.var), c.var.escalation);
      return c.json(view, 200, { etag });
    })
    .openapi(acknowledge, (c) => write(c, (caller) => service.acknowledge(caller, c.var.escalation, c.req.valid('json'))))
    .openapi(resolve, (c) => write(c, (caller) => service.resolve(caller, c.var.escalation, c.req.valid('json'))))
    .openapi(sendBack, (c) => write(c, (caller) => service.sendBack(caller, c.var.escalation, c.req.valid('json').reason)))
    .openapi(withdraw, (c) => write(c, (caller) => service.withdraw(caller, c.var.escalation)))
    .openapi(close, (c) => write(c, (caller) => service.close(caller, c.var.escalation)));
