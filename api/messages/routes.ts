import { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, commandProblems, contract, inputHook, json } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { onRole, onTicket } from '../tickets/guard.js';
import { AcceptedCommand, TicketParams } from '../tickets/schema.js';
import { AcceptedMessage, DeliveryList, MessagePage, MessageParams, MessagesQuery, PostMessage, PostNote, SentMessage } from './schema.js';
import type { MessageService } from './service.js';

const sent = {
  201: answer(SentMessage, 'The message, with its deliveries as planned'),
  202: answer(z.union([AcceptedMessage, AcceptedCommand]), 'Accepted; reads may lag'),
};
const readProblems = ['not_found', 'forbidden', 'unknown_parameter', 'cursor_invalid'] as const;

const list = contract(
  { permission: 'ticket.read', guards: [onTicket('ticket.read')], problems: readProblems },
  {
    method: 'get',
    path: '/v1/tickets/{ticketId}/messages',
    operationId: 'listMessages',
    summary: 'The conversation, oldest first; with notes for staff',
    tags: ['Messages'],
    request: { params: TicketParams, query: MessagesQuery },
    responses: { 200: answer(MessagePage, 'One page') },
  },
);

const post = contract(
  {
    permission: 'message.reply',
    guards: [onTicket('message.reply')],
    problems: [...commandProblems, 'ticket.illegal_move', 'ticket.stale_reply', 'unknown_reference', 'recipient_invalid'],
  },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/messages',
    operationId: 'postMessage',
    summary: 'Reply to the customer, or write to the desk',
    tags: ['Messages'],
    request: { params: TicketParams, body: json(PostMessage, { body: 'Please try again now.', then: 'waiting_on_customer' }) },
    responses: sent,
  },
);

const notes = contract(
  { permission: 'note.read', guards: [onTicket('note.read')], problems: readProblems },
  {
    method: 'get',
    path: '/v1/tickets/{ticketId}/notes',
    operationId: 'listNotes',
    summary: 'Internal notes, oldest first',
    tags: ['Messages'],
    request: { params: TicketParams, query: MessagesQuery },
    responses: { 200: answer(MessagePage, 'One page') },
  },
);

const note = contract(
  { permission: 'note.add', guards: [onTicket('note.add')], problems: [...commandProblems, 'unknown_reference'] },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/notes',
    operationId: 'addNote',
    summary: 'Add an internal note; the customer never sees it',
    tags: ['Messages'],
    request: { params: TicketParams, body: json(PostNote, { body: 'Waits for the spare part.' }) },
    responses: sent,
  },
);

const deliveries = contract(
  { permission: 'ticket.read', guards: [onRole('ticket.read')], problems: ['not_found', 'forbidden'] },
  {
    method: 'get',
    path: '/v1/messages/{messageId}/deliveries',
    operationId: 'listDeliveries',
    summary: 'What became of a message on its way out',
    tags: ['Messages'],
    request: { params: MessageParams },
    responses: { 200: answer(DeliveryList, 'One entry per recipient') },
  },
);

export const messageRoutes = (service: MessageService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.var.ticket, c.req.valid('query')), 200))
    .openapi(post, (c) => write(c, (caller) => service.post(caller, c.var.ticket, c.req.valid('json'))))
    .openapi(notes, async (c) => c.json(await service.list(readerOf(c.var), c.var.ticket, c.req.valid('query'), 'note'), 200))
    .openapi(note, (c) => write(c, (caller) => service.note(caller, c.var.ticket, c.req.valid('json'))))
    .openapi(deliveries, async (c) => c.json(await service.deliveries(readerOf(c.var), c.req.valid('param').messageId), 200));
