import { OpenAPIHono } from '@hono/zod-openapi';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { onRole } from '../tickets/guard.js';
import { CreateCustomer, CustomerHistory, CustomerPage, CustomerParams, CustomerQuery, CustomerView, HistoryQuery } from './schema.js';
import type { CustomerService } from './service.js';

const create = contract(
  { permission: 'customer.write', guards: [onRole('customer.write')], problems: [...writeProblems, 'forbidden', 'contact_taken'] },
  {
    method: 'post',
    path: '/v1/customers',
    operationId: 'createCustomer',
    summary: 'Add a customer',
    tags: ['Customers'],
    request: { body: json(CreateCustomer, { name: 'Example Customer', email: 'example.customer@example.com' }) },
    responses: { 201: answer(CustomerView, 'The new customer') },
  },
);

const list = contract(
  { permission: 'customer.read', guards: [onRole('customer.read')], problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/customers',
    operationId: 'listCustomers',
    summary: 'Find customers, newest first',
    tags: ['Customers'],
    request: { query: CustomerQuery },
    responses: { 200: answer(CustomerPage, 'One page') },
  },
);

const get = contract(
  { permission: 'customer.read', guards: [onRole('customer.read')], problems: ['forbidden', 'not_found', 'erased'] },
  {
    method: 'get',
    path: '/v1/customers/{customerId}',
    operationId: 'getCustomer',
    summary: 'Read a customer',
    tags: ['Customers'],
    request: { params: CustomerParams },
    responses: { 200: answer(CustomerView, 'The customer') },
  },
);

const history = contract(
  {
    permission: 'customer.read',
    guards: [onRole('customer.read')],
    problems: ['forbidden', 'not_found', 'erased', 'unknown_parameter', 'cursor_invalid'],
  },
  {
    method: 'get',
    path: '/v1/customers/{customerId}/history',
    operationId: 'getCustomerHistory',
    summary: 'Tickets and messages in one line of time, newest first',
    tags: ['Customers'],
    request: { params: CustomerParams, query: HistoryQuery },
    responses: { 200: answer(CustomerHistory, 'One page') },
  },
);

export const customerRoutes = (service: CustomerService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(create, (c) => write(c, (caller) => service.create(caller, c.req.valid('json'))))
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(get, async (c) => c.json(await service.get(readerOf(c.var), c.req.valid('param').customerId), 200))
    .openapi(history, async (c) =>
      c.json(await service.history(readerOf(c.var), c.req.valid('param').customerId, c.req.valid('query')), 200),
    );
