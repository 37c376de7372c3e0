/** Deny by default: a part of the API that does not say who may does not become one. Source: security.md, section 1. */
import { createRoute, OpenAPIHono } from '@hono/zod-openapi';
import { expect, test } from 'vitest';
import type { Env } from '../../api/caller.js';
import { contract } from '../../api/contract.js';
import { routeTable } from '../../api/route-table.js';

const plain = { method: 'get', path: '/v1/x', responses: { 200: { description: 'x' } } } as const;
const part = () => new OpenAPIHono<Env>();

test('a route with its permission is one', () => {
  const app = part().openapi(contract({ permission: 'config.read' }, plain), (c) => c.text('x'));
  expect(routeTable([app])).toEqual([{ method: 'get', path: '/v1/x', permission: 'config.read' }]);
});

test('a route without a permission does not start', () => {
  const app = part().openapi(createRoute(plain), (c) => c.text('x'));
  expect(() => routeTable([app])).toThrow('get /v1/x names no permission');
});

test.each(['nothing.at_all', 'toString', '', 1, null])('%j is no permission', (permission) => {
  const app = part().openapi(createRoute(Object.assign({ 'x-permission': permission }, plain)), (c) => c.text('x'));
  expect(() => routeTable([app])).toThrow('names no permission');
});

test('a route that is not in the document does not start', () => {
  const app = part();
  app.get('/v1/hidden', (c) => c.text('x'));
  expect(() => routeTable([app])).toThrow('GET /v1/hidden is not declared');
});
