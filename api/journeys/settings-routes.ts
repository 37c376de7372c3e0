import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { notModified } from '../middleware/request.js';
import { onRole } from '../tickets/guard.js';
import { JourneySettings } from './settings.js';
import type { JourneySettingsService } from './settings.js';

const path = '/v1/journey-settings';
const tags = ['Journeys'];

const get = contract(
  { permission: 'config.read', guards: [onRole('config.read')], problems: ['forbidden'] },
  {
    method: 'get',
    path,
    operationId: 'getJourneySettings',
    summary: 'Read how many journeys may be open, and whose events may start some; the ETag is the revision',
    tags,
    responses: { 200: answer(JourneySettings, 'The settings'), 304: { description: 'Not changed' } },
  },
);

const replace = contract(
  {
    permission: 'admin.manage',
    guards: [onRole('admin.manage')],
    problems: [...writeProblems, 'forbidden', 'version_required', 'version_mismatch'],
  },
  {
    method: 'put',
    path,
    operationId: 'replaceJourneySettings',
    summary: 'Say how many journeys may be open, and whose events may start some; needs If-Match',
    tags,
    request: { body: json(JourneySettings, { maxConcurrentJourneys: 500, packageIntegrations: { crm: { enabled: false } } }) },
    responses: { 200: answer(JourneySettings, 'The settings as stored') },
  },
);

export const journeySettingsRoutes = (service: JourneySettingsService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(get, async (c) => {
      const { view, etag } = await service.get(readerOf(c.var));
      return notModified(c.req.header('if-none-match'), etag) ? c.body(null, 304, { etag }) : c.json(view, 200, { etag });
    })
    .openapi(replace, (c) => write(c, (caller) => service.replace(caller, c.req.valid('json'))));
