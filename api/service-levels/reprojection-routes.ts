import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json } from '../contract.js';
import { onRole } from '../tickets/guard.js';
import type { ReprojectionService } from './reprojections.js';
import { PolicySetPreview } from './reprojection-schema.js';
import { PolicySetBody } from './schema.js';

const writes = { permission: 'config.write', guards: [onRole('config.write')] } as const;

const preview = contract(
  {
    ...writes,
    problems: [
      'malformed_json',
      'invalid_request',
      'too_deep',
      'too_large',
      'media_type',
      'forbidden',
      'policy_invalid',
      'sla_horizon_exceeded',
    ],
  },
  {
    method: 'post',
    path: '/v1/sla/policy-sets/preview',
    operationId: 'previewSlaPolicySet',
    summary: 'Say what policies would do to open tickets; the token publishes them with `reproject`',
    tags: ['Service levels'],
    request: {
      body: json(PolicySetBody, {
        policies: [
          {
            id: 'standard',
            name: 'Standard',
            calendar: { use: 'policy', id: '24x7' },
            targets: { resolution: { high: 28_800, low: 57_600 } },
          },
        ],
      }),
    },
    responses: { 200: answer(PolicySetPreview, 'Which tickets would be due at another time, breach, lose or gain their policy') },
  },
);

export const reprojectionRoutes = (service: Pick<ReprojectionService, 'preview'>) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook }).openapi(preview, async (c) =>
    c.json(await service.preview(readerOf(c.var), c.req.valid('json')), 200),
  );
