import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { notModified } from '../middleware/request.js';
import { onRole } from '../tickets/guard.js';
import type { CalendarService } from './calendars.js';
import {
  CalendarBody,
  CalendarPage,
  CalendarParams,
  CalendarPreview,
  CalendarPreviewView,
  CalendarQuery,
  CalendarView,
  CreateCalendar,
  HolidaysView,
  ImportHolidays,
  Validation,
  WindowsQuery,
  WindowsView,
} from './schema.js';

const reads = { permission: 'config.read', guards: [onRole('config.read')] } as const;
const writes = { permission: 'config.write', guards: [onRole('config.write')] } as const;
/** A body that is looked at, and changes nothing. */
const bodyProblems = ['malformed_json', 'invalid_request', 'too_deep', 'too_large', 'media_type', 'forbidden'] as const;
const tags = ['Service levels'];

const week: CalendarBody = {
  zone: 'Europe/Berlin',
  weekly: { mon: [['09:00', '17:00']], tue: [['09:00', '17:00']], fri: [['09:00', '12:00']] },
  overrides: { '2026-12-25': [] },
};

const list = contract(
  { ...reads, problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/sla/calendars',
    operationId: 'listSlaCalendars',
    summary: 'List calendars with their newest revisions, but for 24x7, which is built in',
    tags,
    request: { query: CalendarQuery },
    responses: { 200: answer(CalendarPage, 'One page') },
  },
);

const create = contract(
  { ...writes, problems: [...writeProblems, 'forbidden', 'calendar_invalid', 'calendar_taken'] },
  {
    method: 'post',
    path: '/v1/sla/calendars',
    operationId: 'createSlaCalendar',
    summary: 'Add a calendar',
    tags,
    request: { body: json(CreateCalendar, { id: 'office-hours', name: 'Office hours', ...week }) },
    responses: { 201: answer(CalendarView, 'The calendar at its first revision') },
  },
);

const validate = contract(
  { ...writes, problems: bodyProblems },
  {
    method: 'post',
    path: '/v1/sla/calendars/validate',
    operationId: 'validateSlaCalendar',
    summary: 'Check a calendar without saving it',
    tags,
    request: { body: json(CalendarBody, week) },
    responses: { 200: answer(Validation, 'Every fault') },
  },
);

const preview = contract(
  { ...reads, problems: [...bodyProblems, 'calendar_invalid'] },
  {
    method: 'post',
    path: '/v1/sla/calendars/preview',
    operationId: 'previewSlaCalendar',
    summary: 'Say when budgets of open time would be used up',
    tags,
    request: { body: json(CalendarPreview, { calendar: week, samples: [{ start: '2026-07-20T07:00:00.000Z', budgetS: 14_400 }] }) },
    responses: { 200: answer(CalendarPreviewView, 'Due instants, in the order of the samples') },
  },
);

const importing = contract(
  { ...writes, problems: [...bodyProblems, 'calendar_invalid'] },
  {
    method: 'post',
    path: '/v1/sla/calendars/import',
    operationId: 'importSlaHolidays',
    summary: 'Read the holidays of an iCalendar file: all-day events of this year and the two after it. Nothing is saved',
    tags,
    request: {
      body: json(ImportHolidays, {
        ical: 'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=YEARLY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n',
      }),
    },
    responses: { 200: answer(HolidaysView, 'Overrides for a calendar') },
  },
);

const get = contract(
  { ...reads, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/sla/calendars/{calendarId}',
    operationId: 'getSlaCalendar',
    summary: 'Read a calendar’s newest revision; it is the ETag',
    tags,
    request: { params: CalendarParams },
    responses: { 200: answer(CalendarView, 'The calendar'), 304: { description: 'Not changed' } },
  },
);

const publish = contract(
  {
    ...writes,
    problems: [...writeProblems, 'forbidden', 'not_found', 'calendar_invalid', 'sla_horizon_exceeded', 'still_in_use', 'version_mismatch'],
  },
  {
    method: 'post',
    path: '/v1/sla/calendars/{calendarId}/revisions',
    operationId: 'publishSlaCalendar',
    summary: 'Publish the next revision; clocks that run keep theirs',
    tags,
    request: { params: CalendarParams, body: json(CalendarBody, week) },
    responses: { 201: answer(CalendarView, 'The calendar at its new revision') },
  },
);

const retire = contract(
  {
    ...writes,
    problems: [
      'forbidden',
      'not_found',
      'still_in_use',
      'version_mismatch',
      'idempotency_key_invalid',
      'idempotency_in_flight',
      'idempotency_key_reused',
    ],
  },
  {
    method: 'post',
    path: '/v1/sla/calendars/{calendarId}/retire',
    operationId: 'retireSlaCalendar',
    summary: 'Allow no new use; what runs on it goes on',
    tags,
    request: { params: CalendarParams },
    responses: { 200: answer(CalendarView, 'The calendar') },
  },
);

const remove = contract(
  {
    ...writes,
    problems: [
      'forbidden',
      'not_found',
      'still_in_use',
      'version_required',
      'version_mismatch',
      'idempotency_key_invalid',
      'idempotency_in_flight',
      'idempotency_key_reused',
    ],
  },
  {
    method: 'delete',
    path: '/v1/sla/calendars/{calendarId}',
    operationId: 'deleteSlaCalendar',
    summary: 'Remove a calendar that nothing uses; needs If-Match',
    tags,
    request: { params: CalendarParams },
    responses: { 204: { description: 'It is gone' } },
  },
);

const windows = contract(
  { ...reads, problems: ['forbidden', 'not_found', 'unknown_parameter'] },
  {
    method: 'get',
    path: '/v1/sla/calendars/{calendarId}/windows',
    operationId: 'getSlaWindows',
    summary: 'Read when a calendar is open, up to 400 days',
    tags,
    request: { params: CalendarParams, query: WindowsQuery },
    responses: { 200: answer(WindowsView, 'Open windows, in order') },
  },
);

export const calendarRoutes = (service: CalendarService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(create, (c) => write(c, (caller) => service.create(caller, c.req.valid('json'))))
    .openapi(validate, (c) => c.json(service.validate(c.req.valid('json')), 200))
    .openapi(preview, (c) => c.json(service.preview(c.req.valid('json')), 200))
    .openapi(importing, (c) => c.json(service.importHolidays(c.req.valid('json')), 200))
    .openapi(get, async (c) => {
      const { view, etag } = await service.get(readerOf(c.var), c.req.valid('param').calendarId);
      return notModified(c.req.header('if-none-match'), etag) ? c.body(null, 304, { etag }) : c.json(view, 200, { etag });
    })
    .openapi(publish, (c) => write(c, (caller) => service.publish(caller, c.req.valid('param').calendarId, c.req.valid('json'))))
    .openapi(retire, (c) => write(c, (caller) => service.retire(caller, c.req.valid('param').calendarId)))
    .openapi(remove, (c) => write(c, (caller) => service.remove(caller, c.req.valid('param').calendarId)))
    .openapi(windows, async (c) =>
      c.json(await service.windows(readerOf(c.var), c.req.valid('param').calendarId, c.req.valid('query')), 200),
    );
