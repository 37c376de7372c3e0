import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, commandProblems, contract, inputHook, json, optionalJson } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { ticketAnswer } from '../tickets/answers.js';
import { onTicket, onWholeTicket } from '../tickets/guard.js';
import { changed } from '../tickets/routes.js';
import { TicketParams } from '../tickets/schema.js';
import { ClockExplanation, ClockList, ClockParams, ClocksBody, ExplainQuery, OverrideTargetBody, WaiveBody } from './schema.js';
import type { ClockService } from './service.js';

const tags = ['Service levels'];
const params = TicketParams;

const list = contract(
  { permission: 'ticket.events', guards: [onTicket('ticket.events')], problems: ['not_found', 'forbidden'] },
  {
    method: 'get',
    path: '/v1/tickets/{ticketId}/clocks',
    operationId: 'listClocks',
    summary: 'How the ticket’s clocks stand, those that are over too; for staff',
    tags,
    request: { params },
    responses: { 200: answer(ClockList, 'Every clock, in order of origin') },
  },
);

const explain = contract(
  {
    permission: 'ticket.events',
    guards: [onTicket('ticket.events')],
    problems: ['not_found', 'sla.unknown_clock', 'forbidden', 'unknown_parameter'],
  },
  {
    method: 'get',
    path: '/v1/tickets/{ticketId}/clocks/{clock}/explain',
    operationId: 'explainClock',
    summary: 'Why a clock stands as it does: every stretch, change and rung, counted again',
    tags,
    request: { params: ClockParams, query: ExplainQuery },
    responses: { 200: answer(ClockExplanation, 'The explanation') },
  },
);

const commands = [...commandProblems, 'reason_required'] as const;

const pause = contract(
  { permission: 'sla.pause', guards: [onWholeTicket('sla.pause')], problems: commands },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/pause-clocks',
    operationId: 'pauseClocks',
    summary: 'Stop every clock of the ticket until they are resumed',
    tags,
    request: { params, body: optionalJson(ClocksBody, { reason: 'The customer is away until Monday' }) },
    responses: changed,
  },
);

const resume = contract(
  { permission: 'sla.pause', guards: [onWholeTicket('sla.pause')], problems: commands },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/resume-clocks',
    operationId: 'resumeClocks',
    summary: 'Let the clocks run again',
    tags,
    request: { params, body: optionalJson(ClocksBody, { reason: 'The customer is back' }) },
    responses: changed,
  },
);

const override = contract(
  { permission: 'sla.override', guards: [onWholeTicket('sla.override')], problems: [...commands, 'sla.unknown_clock'] },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/override-target',
    operationId: 'overrideTarget',
    summary: 'Give one open clock another budget; what is used up stays used up',
    tags,
    request: { params, body: json(OverrideTargetBody, { clock: 'resolution.1', budgetS: 28_800, reason: 'Agreed with the customer' }) },
    responses: changed,
  },
);

const waive = contract(
  { permission: 'sla.waive', guards: [onWholeTicket('sla.waive')], problems: [...commands, 'sla.unknown_clock'] },
  {
    method: 'post',
    path: '/v1/tickets/{ticketId}/waive',
    operationId: 'waiveBreach',
    summary: 'Excuse a breach; it stays on record',
    tags,
    request: { params, body: json(WaiveBody, { clock: 'resolution.1', reason: 'Outage of the carrier' }) },
    responses: changed,
  },
);

export const clockRoutes = (service: ClockService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.var.ticket), 200))
    .openapi(explain, async (c) =>
      c.json(await service.explain(readerOf(c.var), c.var.ticket, c.req.valid('param').clock, c.req.valid('query')), 200),
    )
    .openapi(pause, (c) => write(c, async (caller) => ticketAnswer(await service.pause(caller, c.var.whole, c.req.valid('json').reason))))
    .openapi(resume, (c) => write(c, async (caller) => ticketAnswer(await service.resume(caller, c.var.whole, c.req.valid('json').reason))))
    .openapi(override, (c) => write(c, async (caller) => ticketAnswer(await service.override(caller, c.var.whole, c.req.valid('json')))))
    .openapi(waive, (c) => write(c, async (caller) => ticketAnswer(await service.waive(caller, c.var.whole, c.req.valid('json')))));
