/** The identity provider beside the system it is meant for: processes of their own, HTTP between them. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { docsClient } from '../../local/identity/names.js';
import { signInAs } from '../support/code-flow.js';
import { startTestStack } from '../support/stack.js';
import type { TestStack } from '../support/stack.js';

const open: { stack?: TestStack } = {};
const started = (): TestStack => {
  if (open.stack === undefined) throw new Error('the stack is not up');
  return open.stack;
};
beforeAll(async () => {
  open.stack = await startTestStack();
}, 400_000);
afterAll(() => open.stack?.[Symbol.asyncDispose](), 60_000);

const tokenOf = (login: string): Promise<string> => {
  const { oidcUrl, apiUrl } = started().stack.info;
  return signInAs({ issuer: oidcUrl, clientId: docsClient, redirectUri: `${apiUrl}/docs/signed-in`, login });
};

async function call(
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${started().stack.info.apiUrl}/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('a ticket’s life by people who signed in', async () => {
  const [customer, agent] = await Promise.all([tokenOf('customer1'), tokenOf('agent1')]);
  const opened = await call(customer, 'POST', '/tickets', {
    product: 'demo',
    subject: 'Locked out',
    description: 'Since noon.',
    channel: 'web',
  });
  expect(opened.status).toBe(201);
  const path = `/tickets/${String(opened.body['id'])}`;
  expect((await call(agent, 'POST', `${path}/claim`)).status).toBe(200);
  expect((await call(agent, 'POST', `${path}/resolve`)).body['status']).toBe('resolved');
  expect((await call(customer, 'POST', `${path}/close`)).body['status']).toBe('closed');
  expect((await call(customer, 'GET', `${path}/notes`)).status).toBe(403);
});

test('tokens outlive a restart of provider and API', async () => {
  const { stack } = started();
  const token = await tokenOf('admin');
  expect((await call(token, 'GET', '/users')).status).toBe(200);
  await Promise.all([stack.identity.restart(), stack.api.restart()]);
  await stack.untilReady();
  expect((await call(token, 'GET', '/users')).status).toBe(200);
});

test('the reference page names the provider, and so does the file for scripts', async () => {
  const { info, logsFolder } = started().stack;
  const page = await fetch(`${info.apiUrl}/docs`);
  expect(await page.text()).toContain(`data-token-url="${info.oidcUrl}/token"`);
  expect(page.headers.get('content-security-policy')).toContain(info.oidcUrl);
  const written = JSON.parse(await readFile(join(dirname(logsFolder), 'local.json'), 'utf8')) as { oidcUrl: string };
  expect(written.oidcUrl).toBe(info.oidcUrl);
});
