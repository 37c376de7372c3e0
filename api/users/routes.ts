import { OpenAPIHono } from '@hono/zod-openapi';
import { etagOf } from '../administration.js';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import { answer, contract, inputHook, json, writeProblems } from '../contract.js';
import { write } from '../middleware/idempotency.js';
import { onRole } from '../tickets/guard.js';
import { ChangeUser, CreateUser, ReplaceIdentities, ReplaceMemberships, UserPage, UserParams, UserQuery, UserView } from './schema.js';
import type { UserService } from './service.js';

const permission = 'admin.manage';
const terms = { permission, guards: [onRole(permission)] } as const;
const tags = ['Administration'];
const changeProblems = [...writeProblems, 'forbidden', 'not_found', 'version_required', 'version_mismatch', 'last_admin'] as const;

const list = contract(
  { ...terms, problems: ['forbidden', 'unknown_parameter', 'cursor_invalid'] },
  {
    method: 'get',
    path: '/v1/users',
    operationId: 'listUsers',
    summary: 'List the people who work here',
    tags,
    request: { query: UserQuery },
    responses: { 200: answer(UserPage, 'One page') },
  },
);

const create = contract(
  { ...terms, problems: [...writeProblems, 'forbidden', 'already_exists', 'unknown_reference'] },
  {
    method: 'post',
    path: '/v1/users',
    operationId: 'createUser',
    summary: 'Add somebody who works here',
    tags,
    request: {
      body: json(CreateUser, {
        name: 'Ada',
        email: 'ada@example.com',
        memberships: [{ role: 'agent', products: ['demo'] }],
        identities: [{ issuer: 'https://login.example.com', subject: 'ada' }],
      }),
    },
    responses: { 201: answer(UserView, 'The person') },
  },
);

const get = contract(
  { ...terms, problems: ['forbidden', 'not_found'] },
  {
    method: 'get',
    path: '/v1/users/{userId}',
    operationId: 'getUser',
    summary: 'Read about somebody; the ETag is the revision',
    tags,
    request: { params: UserParams },
    responses: { 200: answer(UserView, 'The person') },
  },
);

const change = contract(
  { ...terms, problems: [...changeProblems, 'already_exists'] },
  {
    method: 'patch',
    path: '/v1/users/{userId}',
    operationId: 'changeUser',
    summary: 'Rename somebody, or let them in no more; needs If-Match',
    tags,
    request: { params: UserParams, body: json(ChangeUser, { active: false }) },
    responses: { 200: answer(UserView, 'The person') },
  },
);

const memberships = contract(
  { ...terms, problems: [...changeProblems, 'unknown_reference'] },
  {
    method: 'put',
    path: '/v1/users/{userId}/memberships',
    operationId: 'replaceMemberships',
    summary: 'Say what somebody may, in which products and teams; counts from the next request on; needs If-Match',
    tags,
    request: { params: UserParams, body: json(ReplaceMemberships, { memberships: [{ role: 'lead', products: ['demo'] }] }) },
    responses: { 200: answer(UserView, 'The person') },
  },
);

const identities = contract(
  { ...terms, problems: [...changeProblems, 'already_exists'] },
  {
    method: 'put',
    path: '/v1/users/{userId}/identities',
    operationId: 'replaceIdentities',
    summary: 'Say how identity providers name somebody; needs If-Match',
    tags,
    request: {
      params: UserParams,
      body: json(ReplaceIdentities, { identities: [{ issuer: 'https://login.example.com', subject: 'ada-2' }] }),
    },
    responses: { 200: answer(UserView, 'The person') },
  },
);

export const userRoutes = (service: UserService) =>
  new OpenAPIHono<Env>({ defaultHook: inputHook })
    .openapi(list, async (c) => c.json(await service.list(readerOf(c.var), c.req.valid('query')), 200))
    .openapi(create, (c) => write(c, (caller) => service.create(caller, c.req.valid('json'))))
    .openapi(get, async (c) => {
      const found = await service.get(readerOf(c.var), c.req.valid('param').userId);
      return c.json(found, 200, { etag: etagOf(found) });
    })
    .openapi(change, (c) => write(c, (caller) => service.change(caller, c.req.valid('param').userId, c.req.valid('json'))))
    .openapi(memberships, (c) => write(c, (caller) => service.replaceMemberships(caller, c.req.valid('param').userId, c.req.valid('json'))))
    .openapi(identities, (c) => write(c, (caller) => service.replaceIdentities(caller, c.req.valid('param').userId, c.req.valid('json'))));
