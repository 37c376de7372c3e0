import { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, commandProblems, contract, inputHook, json, optionalJson } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { notModified } from '../middleware/request.js';
import { createdAnswer, ticketAnswer } from './answers.js';
import { onRole, onTicket, onWholeTicket } from './guard.js';
import type { TicketReads } from './reads.js';
import {
  AcceptedCommand,
  AcceptedTicket,
  AssignBody,
  CountQuery,
  CreateTicket,
  EditTicket,
  EmptyBody,
  EventPage,
  EventsQuery,
  GetQuery,
  HistoryPage,
  ListQuery,
  PriorityBody,
  ReasonBody,
  RemoveQuery,
  ReopenBody,
  ResolveBody,
  StatusBody,
  TicketCount,
  TicketPageView,
  TicketParams,
  TicketView,
  WaitBody,
} from './schema.js';
import type { TicketService } from './service.js';

const Changed = z.union([TicketView, AcceptedTicket]);
export const changed = {
  200: answer(Changed, 'The ticket afterwards; without texts when it has left the caller’s sight'),
  202: answer(z.union([AcceptedTicket, AcceptedCommand]), 'Accepted; reads may lag'),
};
const params = TicketParams;
const moves = [...commandProblems, 'ticket.illegal_move'] as const;

const create = contract(
  { permission: 'ticket.create', guards: [onRole('ticket.create')], problems: [...commandProblems, 'unknown_reference'] },
  {
    method: 'post',
    path: '/v1/tickets',
    operationId: 'createTicket',
    summary: 'Open a ticket',
    tags: ['Tickets'],
    request: {
      body: json(CreateTicket, {
        product: 'demo',
        subject: 'Invoice 4711',
        description: 'The amount is wrong.',
        channel: 'api',
        requester: { email: 'customer@example.com' },
        priority: 'high',
      }),
    },
    responses: {
      201: answer(Changed, 'The new ticket; with the files it announced'),
      202: answer(AcceptedTicket, 'Accepted; reads may lag'),
    },
  },
);

const list = contract(
  {
    permission: 'ticket.read',
    guards: [onRole('ticket.read')],
    problems: ['unknown_parameter', 'product_required', 'cursor_invalid', 'forbidden'],
  },
  {
    method: 'get',
    path: '/v1/tickets',
    operationId: 'listTickets',
    summary: 'List tickets',
    tags: ['Tickets'],
    request: { query: ListQuery },
    responses: { 200: answer(TicketPageView, 'One page') },
  },
);

const count = contract(
  { permission: 'ticket.read', guards: [onRole('ticket.read')], problems: ['unknown_parameter', 'product_required', 'forbidden'] },
  {
    method: 'get',
    path: '/v1/tickets/count',
    operationId: 'countTickets',
    summary: 'Count tickets, exactly up to 10,000',
    tags: ['Tickets'],
    request: { query: CountQuery },
    responses: { 200: answer(TicketCount, 'How many') },
  },
);

const get = contract(
  {
    permission: 'ticket.read',
    guards: [onWholeTicket('ticket.read', { removed: 'asked' })],
    problems: ['not_found', 'forbidden', 'unknown_parameter'],
  },
  {
    method: 'get',
    path: '/v1/tickets/{ticketId}',
    operationId: 'getTicket',
    summary: 'Read a ticket',
    tags: ['Tickets'],
    request: { params, query: GetQuery },
    responses: { 200: answer(TicketView, 'The ticket'), 304: { description: 'Not changed' } },
  },
);

const edit = contract(
  { permission: 'ticket.edit', guards: [onWholeTicket('ticket.edit')], problems: [...moves, 'unknown_reference', 'not_permitted_agent'] },
  {
    method: 'patch',
    path: '/v1/tickets/{ticketId}',
    operationId: 'editTicket',
    summary: 'Change several fields at once, all or nothing',
    tags: ['Tickets'],
    request: { params, body: json(EditTicket, { priority: 'urgent', customFields: { contract: 'A-17' } }) },
    responses: changed,
  },
);

const remove = contract(
  {
    permission: 'ticket.remove',
    guards: [onTicket('ticket.remove', { removed: true })],
    problems: [...commandProblems, 'reason_required', 'ticket.not_closed', 'unknown_parameter'],
  },
  {
    method: 'delete',
    path: '/v1/tickets/{ticketId}',
    operationId: 'removeTicket',
    summary: 'Remove a closed ticket; it can be restored for 30 days',
    tags: ['Tickets'],
    request: { params, query: RemoveQuery },
    responses: { 204: { description: 'Removed' } },
  },
);

const restore = contract(
  {
    permission: 'ticket.remove',
    guards: [onTicket('ticket.remove', { removed: true })],
    problems: [...commandProblems, 'ticket.not_closed', 'ticket.restore_expired'],
  },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/restore',
    operationId: 'restoreTicket',
    summary: 'Restore a removed ticket',
    tags: ['Tickets'],
    request: { params, body: optionalJson(ReasonBody, { reason: 'As agreed by phone' }) },
    responses: changed,
  },
);

const assign = contract(
  {
    permission: 'ticket.assign',
    guards: [onWholeTicket('ticket.assign')],
    problems: [...commandProblems, 'unknown_reference', 'not_permitted_agent'],
  },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/assign',
    operationId: 'assignTicket',
    summary: 'Give the ticket to an agent or a team',
    tags: ['Tickets'],
    request: { params, body: json(AssignBody, { teamId: '018f3b1e-0000-7000-8000-000000000010', reason: 'Knows the product' }) },
    responses: changed,
  },
);

const claim = contract(
  {
    permission: 'ticket.assign',
    guards: [onWholeTicket('ticket.assign')],
    problems: [...commandProblems, 'ticket.already_assigned', 'not_permitted_agent'],
  },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/claim',
    operationId: 'claimTicket',
    summary: 'Take the ticket, if nobody has it',
    tags: ['Tickets'],
    request: { params, body: optionalJson(EmptyBody, {}) },
    responses: changed,
  },
);

const unassign = contract(
  { permission: 'ticket.assign', guards: [onWholeTicket('ticket.assign')], problems: commandProblems },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/unassign',
    operationId: 'unassignTicket',
    summary: 'Give the ticket back',
    tags: ['Tickets'],
    request: { params, body: optionalJson(ReasonBody, { reason: 'As agreed by phone' }) },
    responses: changed,
  },
);

const priority = contract(
  { permission: 'ticket.edit', guards: [onWholeTicket('ticket.edit')], problems: commandProblems },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/priority',
    operationId: 'setTicketPriority',
    summary: 'Change the priority',
    tags: ['Tickets'],
    request: { params, body: json(PriorityBody, { priority: 'high', reason: 'Payment run tonight' }) },
    responses: changed,
  },
);

const start = contract(
  { permission: 'ticket.wait', guards: [onWholeTicket('ticket.wait')], problems: moves },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/start',
    operationId: 'startTicket',
    summary: 'Begin work: move to in_progress',
    tags: ['Tickets'],
    request: { params, body: optionalJson(ReasonBody, { reason: 'As agreed by phone' }) },
    responses: changed,
  },
);

const awaitCustomer = contract(
  { permission: 'ticket.wait', guards: [onWholeTicket('ticket.wait')], problems: moves },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/await-customer',
    operationId: 'awaitCustomer',
    summary: 'Wait for the customer, until an instant or an answer',
    tags: ['Tickets'],
    request: { params, body: optionalJson(WaitBody, { reason: 'Asked for a screenshot' }) },
    responses: changed,
  },
);

const hold = contract(
  { permission: 'ticket.wait', guards: [onWholeTicket('ticket.wait')], problems: moves },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/hold',
    operationId: 'holdTicket',
    summary: 'Put the ticket on hold',
    tags: ['Tickets'],
    request: { params, body: optionalJson(WaitBody, { reason: 'Asked for a screenshot' }) },
    responses: changed,
  },
);

const resolve = contract(
  { permission: 'ticket.resolve', guards: [onWholeTicket('ticket.resolve')], problems: moves },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/resolve',
    operationId: 'resolveTicket',
    summary: 'Mark as resolved; the reopen window begins',
    tags: ['Tickets'],
    request: { params, body: optionalJson(ResolveBody, { resolution: 'The amount is corrected.' }) },
    responses: changed,
  },
);

const reopen = contract(
  { permission: 'ticket.reopen', guards: [onWholeTicket('ticket.reopen')], problems: moves },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/reopen',
    operationId: 'reopenTicket',
    summary: 'Take up a resolved ticket again',
    tags: ['Tickets'],
    request: { params, body: json(ReopenBody, { reason: 'It came back' }) },
    responses: changed,
  },
);

const close = contract(
  { permission: 'ticket.close', guards: [onWholeTicket('ticket.close')], problems: moves },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/close',
    operationId: 'closeTicket',
    summary: 'Close a resolved ticket before its window ends',
    tags: ['Tickets'],
    request: { params, body: optionalJson(ReasonBody, { reason: 'As agreed by phone' }) },
    responses: changed,
  },
);

const status = contract(
  { permission: 'ticket.read', guards: [onWholeTicket('ticket.read')], problems: moves },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/status',
    operationId: 'setTicketStatus',
    summary: 'Send the verb that leads to a status; it needs that verb’s permission',
    tags: ['Tickets'],
    request: { params, body: json(StatusBody, { status: 'on_hold', reason: 'Waits for a part' }) },
    responses: changed,
  },
);

const events = contract(
  {
    permission: 'ticket.events',
    guards: [onTicket('ticket.events')],
    problems: ['not_found', 'forbidden', 'unknown_parameter', 'cursor_invalid'],
  },
  {
    method: 'get',
    path: '/v1/tickets/{ticketId}/events',
    operationId: 'listTicketEvents',
    summary: 'The event log, by version',
    tags: ['Tickets'],
    request: { params, query: EventsQuery },
    responses: { 200: answer(EventPage, 'One page, oldest first') },
  },
);

const history = contract(
  {
    permission: 'ticket.events',
    guards: [onTicket('ticket.events')],
    problems: ['not_found', 'forbidden', 'unknown_parameter', 'cursor_invalid'],
  },
  {
    method: 'get',
    path: '/v1/tickets/{ticketId}/history',
    operationId: 'getTicketHistory',
    summary: 'What happened, in words',
    tags: ['Tickets'],
    request: { params, query: EventsQuery },
    responses: { 200: answer(HistoryPage, 'One page, oldest first') },
  },
);

export const ticketRoutes = (service: TicketService, reads: TicketReads) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(create, (c) => write(c, async (caller) => createdAnswer(await service.create(caller, c.req.valid('json')))))
    .openapi(list, async (c) => c.json(await reads.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(count, async (c) => c.json(await reads.count(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(get, async (c) => {
      const query = c.req.valid('query');
      const etag = `"${c.var.whole.version}"`;
      // What an include brings has versions of its own.
      if (query.include === undefined && notModified(c.req.header('if-none-match'), etag)) return c.body(null, 304, { etag });
      const ticket = await reads.get(readerOf(c.var), c.var.whole, query);
      return c.json(ticket, 200, query.include === undefined ? { etag: `"${ticket.version}"` } : {});
    })
    .openapi(edit, (c) => write(c, async (caller) => ticketAnswer(await service.edit(caller, c.var.whole, c.req.valid('json')))))
    .openapi(remove, (c) =>
      write(c, async (caller) => {
        await service.remove(caller, c.var.ticket, c.req.valid('query').reason);
        return { status: 204 };
      }),
    )
    .openapi(restore, (c) =>
      write(c, async (caller) => ticketAnswer(await service.restore(caller, c.var.ticket, c.req.valid('json').reason))),
    )
    .openapi(assign, (c) => write(c, async (caller) => ticketAnswer(await service.assign(caller, c.var.whole, c.req.valid('json')))))
    .openapi(claim, (c) => write(c, async (caller) => ticketAnswer(await service.claim(caller, c.var.whole))))
    .openapi(unassign, (c) =>
      write(c, async (caller) => ticketAnswer(await service.unassign(caller, c.var.whole, c.req.valid('json').reason))),
    )
    .openapi(priority, (c) => write(c, async (caller) => ticketAnswer(await service.priority(caller, c.var.whole, c.req.valid('json')))))
    .openapi(start, (c) => write(c, async (caller) => ticketAnswer(await service.start(caller, c.var.whole, c.req.valid('json').reason))))
    .openapi(awaitCustomer, (c) =>
      write(c, async (caller) => ticketAnswer(await service.awaitCustomer(caller, c.var.whole, c.req.valid('json')))),
    )
    .openapi(hold, (c) => write(c, async (caller) => ticketAnswer(await service.hold(caller, c.var.whole, c.req.valid('json')))))
    .openapi(resolve, (c) =>
      write(c, async (caller) => ticketAnswer(await service.resolve(caller, c.var.whole, c.req.valid('json').resolution))),
    )
    .openapi(reopen, (c) => write(c, async (caller) => ticketAnswer(await service.reopen(caller, c.var.whole, c.req.valid('json').reason))))
    .openapi(close, (c) => write(c, async (caller) => ticketAnswer(await service.close(caller, c.var.whole, c.req.valid('json').reason))))
    .openapi(status, (c) => write(c, async (caller) => ticketAnswer(await service.status(caller, c.var.whole, c.req.valid('json')))))
    .openapi(events, async (c) => c.json(await reads.events(readerOf(c.var), c.var.ticket, c.req.valid('query')), 200))
    .openapi(history, async (c) => c.json(await reads.history(readerOf(c.var), c.var.ticket, c.req.valid('query')), 200));
