/** Access tokens: of a real OpenID provider by its code flow, and of one that signs whatever it is told. Source: security.md, T6, T7, T9. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportSPKI, importJWK, UnsecuredJWT } from 'jose';
import type { CryptoKey } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createApp } from '../../api/app.js';
import { keepDenials } from '../../api/audit/denials.js';
import type { SignInSettings } from '../../api/deps.js';
import { createMetrics } from '../../api/metrics.js';
import { createSigningKeys } from '../../api/signing.js';
import { demoAudience, docsClient } from '../../local/identity/names.js';
import { demoPeople } from '../../local/identity/people.js';
import { startIdentity } from '../../local/identity/server.js';
import type { Identity } from '../../local/identity/server.js';
import { silent } from '../../local/log.js';
import { freePort } from '../../local/ports.js';
import { createLogger } from '../../logger.js';
import { createDiskFiles } from '../../db/files.js';
import { createSecretBox } from '../../db/secret-box.js';
import { signInAs } from '../support/code-flow.js';
import { newKey, TestIssuer } from '../support/issuer.js';
import { countingAlone } from './counting.js';
import { demo, otherTenant, secretKeys, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();
const redirectUri = 'http://api.test/docs/signed-in';
const open: { identity?: Identity; folder?: string } = {};
let issuer: TestIssuer;

beforeAll(async () => {
  open.folder = await mkdtemp(join(tmpdir(), 'usher-identity-'));
  open.identity = await startIdentity({
    port: await freePort(),
    dir: open.folder,
    people: demoPeople,
    redirectUris: [redirectUri],
    log: silent,
  });
});
afterAll(async () => {
  await open.identity?.stop();
  await rm(open.folder ?? '', { recursive: true, force: true });
});
beforeEach(async () => {
  issuer = await TestIssuer.start();
  return () => issuer[Symbol.asyncDispose]();
});

const admin = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call('admin', method, path, body, headers);
const match = (reply: Reply): Record<string, string> => ({ 'if-match': reply.headers.get('etag') ?? '' });
const bearer = (token: string, method = 'GET', path = '/v1/tickets?product=*', body?: unknown): Promise<Reply> =>
  stage.call('nobody', method, path, body, { authorization: `Bearer ${token}` });

/** Trusts the hand-made issuer. */
async function trust(fields: object = {}, who: Who = 'admin'): Promise<Reply> {
  const made = await stage.call(who, 'POST', '/v1/identity-providers', { issuer: issuer.url, name: 'Test', audience: 'desk', ...fields });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made;
}

/** Somebody whom the issuer calls so. */
async function known(subject: string, fields: object = {}): Promise<Reply> {
  const made = await admin('POST', '/v1/users', {
    name: 'Ada',
    email: `${randomUUID()}@example.com`,
    memberships: [{ role: 'agent', products: ['demo'], teams: [demo.team] }],
    identities: [{ issuer: issuer.url, subject }],
    ...fields,
  });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made;
}

/** The same desk as another process would serve it, with settings of its own. */
function another(signIn: SignInSettings) {
  return createApp({
    db: stage.db,
    commands: stage.desk,
    reprojections: stage.jobs,
    batches: stage.batches,
    erasures: stage.erasures,
    journeys: stage.journeys,
    streams: stage.streams,
    metrics: createMetrics(),
    requests: countingAlone(),
    denials: keepDenials({ db: stage.db, log: createLogger({ level: 'silent', pretty: false, name: 'test' }), now: () => Date.now() }),
    files: createDiskFiles('/nowhere'),
    keys: createSigningKeys(secretKeys),
    log: createLogger({ level: 'silent', pretty: false, name: 'test' }),
    now: () => Date.now(),
    answerWithin: 60_000,
    publicUrl: 'http://api.test',
    signIn,
    webhooks: { secrets: createSecretBox(secretKeys), testMs: 0 },
    webUi: { url: 'http://ui.test', namespace: 'usher' },
  });
}

test('the demo’s people sign in by the code flow and are who the desk knows', async () => {
  const url = open.identity?.url ?? '';
  await admin('POST', '/v1/identity-providers', { issuer: url, name: 'Demo', audience: demoAudience, people: 'all', linkByEmail: true });
  const tokenOf = (login: string) => signInAs({ issuer: url, clientId: docsClient, redirectUri, login });
  const [boss, agent, customer] = await Promise.all(['admin', 'agent1', 'customer1'].map(tokenOf));
  expect((await bearer(boss ?? '', 'GET', '/v1/users')).status).toBe(200);
  expect((await bearer(agent ?? '', 'GET', '/v1/users')).status).toBe(403);

  const opened = await bearer(customer ?? '', 'POST', '/v1/tickets', { product: 'demo', subject: 's', description: 'd', channel: 'web' });
  expect(opened.body.requester).toBe(demo.customers[0]);
  const { id } = opened.body;
  expect((await bearer(customer ?? '', 'GET', `/v1/tickets/${id}/events`)).status).toBe(403);
  expect((await bearer(agent ?? '', 'POST', `/v1/tickets/${id}/claim`)).body.assignee).toBe(demo.agents[0]);
  const events = (await bearer(boss ?? '', 'GET', `/v1/tickets/${id}/events`)).body.data;
  expect(events.map((event: { actor: string }) => event.actor)).toEqual(
    expect.arrayContaining([`customer/${demo.customers[0]}`, `user/${demo.agents[0]}`]),
  );

  const linked = await admin('GET', `/v1/users/${demo.agents[0]}`);
  expect(linked.body.identities).toEqual([{ issuer: url, subject: 'agent1' }]);
  expect((await bearer(await tokenOf('agent1'), 'GET', `/v1/tickets/${id}`)).status).toBe(200);
  const told = await stage.sql((tx) =>
    tx
      .selectFrom('event')
      .select(['actor', 'source'])
      .where('subject', '=', `user/${demo.agents[0]}`)
      .where('type', '=', 'identity.linked')
      .execute(),
  );
  expect(told).toEqual([{ actor: 'system/sign-in', source: 'system' }]);
  await expect(tokenOf('')).rejects.toThrow('access_denied');
});

test('a person is found by issuer and subject, whatever else the token says', async () => {
  await trust();
  const person = await known('ada', {});
  const reply = await bearer(
    await issuer.token('ada', { claims: { email: 'admin@usher.localhost', email_verified: true } }),
    'GET',
    '/v1/agents',
  );
  expect(reply.status).toBe(200);
  expect((await bearer(await issuer.token('ada', { claims: { role: 'admin', roles: ['admin'] } }), 'GET', '/v1/users')).status).toBe(403);
  expect((await bearer(await issuer.token('Ada'))).body).toMatchObject({ code: 'auth_invalid' });
  const promoted = await admin('PUT', `/v1/users/${person.body.id}/memberships`, { memberships: [{ role: 'admin' }] }, match(person));
  const token = await issuer.token('ada');
  expect((await bearer(token, 'GET', '/v1/users')).status).toBe(200);
  const off = await admin('PATCH', `/v1/users/${person.body.id}`, { active: false }, match(promoted));
  expect((await bearer(token, 'GET', '/v1/users')).body.code).toBe('auth_invalid');
  await admin('PATCH', `/v1/users/${person.body.id}`, { active: true }, match(off));
  expect((await bearer(token, 'GET', '/v1/users')).status).toBe(200);
});

test('identities are written by hand, one person a name', async () => {
  await trust();
  await known('first');
  const other = await known('second');
  const path = `/v1/users/${other.body.id}/identities`;
  const taken = await admin('PUT', path, { identities: [{ issuer: issuer.url, subject: 'first' }] }, match(other));
  expect(taken.body).toMatchObject({ code: 'already_exists', pointer: '/identities' });
  expect((await bearer(await issuer.token('second'))).status).toBe(200);
  const moved = await admin('PUT', path, { identities: [{ issuer: issuer.url, subject: 'third' }] }, match(other));
  expect(moved.body).toMatchObject({ identities: [{ subject: 'third' }], revision: 2 });
  expect((await bearer(await issuer.token('second'))).body.code).toBe('auth_invalid');
  expect((await bearer(await issuer.token('third'))).status).toBe(200);
});

test('an address links only where the tenant says so, only when verified, and only once', async () => {
  const provider = await trust();
  const person = await known('x', { identities: [], email: `link-${randomUUID()}@example.com` });
  const { email, id } = person.body;
  const claims = { email: email.toUpperCase(), email_verified: true };
  expect((await bearer(await issuer.token('ada', { claims }))).body.code).toBe('auth_invalid');
  const settings = { name: 'Test', audience: 'desk', linkByEmail: true };
  await admin('PUT', `/v1/identity-providers/${provider.body.id}`, settings, match(provider));
  for (const unverified of [undefined, false, 'true', 1, null])
    expect((await bearer(await issuer.token('ada', { claims: { ...claims, email_verified: unverified } }))).body.code).toBe('auth_invalid');
  expect((await bearer(await issuer.token('ada', { claims: { ...claims, email: [email] } }))).body.code).toBe('auth_invalid');
  expect((await admin('GET', `/v1/users/${id}`)).body.identities).toEqual([]);
  expect((await bearer(await issuer.token('ada', { claims }))).status).toBe(200);
  // Somebody else who has come to the address is somebody else.
  expect((await bearer(await issuer.token('eve', { claims }))).body.code).toBe('auth_invalid');
  expect((await bearer(await issuer.token('ada'))).status).toBe(200);
  expect((await admin('GET', `/v1/users/${id}`)).body.identities).toEqual([{ issuer: issuer.url, subject: 'ada' }]);
});

test('many first requests at once link one person once', async () => {
  await trust({ linkByEmail: true });
  const person = await known('x', { identities: [] });
  const claims = { email: person.body.email, email_verified: true };
  const tokens = await Promise.all(
    Array.from({ length: 8 }, (_, index) => issuer.token('ada', { claims: { ...claims, jti: String(index) } })),
  );
  expect((await Promise.all(tokens.map((token) => bearer(token)))).map(({ status }) => status)).toEqual(Array(8).fill(200));
  const told = await stage.sql((tx) =>
    tx.selectFrom('event').select('type').where('subject', '=', `user/${person.body.id}`).where('type', '=', 'identity.linked').execute(),
  );
  expect(told).toHaveLength(1);
});

test('a provider speaks only for those it may speak for', async () => {
  const provider = await trust({ people: 'customers', linkByEmail: true });
  const asCustomer = { claims: { email: 'customer2@example.com', email_verified: true } };
  expect((await bearer(await issuer.token('c2', asCustomer), 'GET', `/v1/customers/${demo.customers[1]}`)).status).toBe(200);
  const asStaff = { claims: { email: 'lead@usher.localhost', email_verified: true } };
  expect((await bearer(await issuer.token('lead', asStaff))).body.code).toBe('auth_invalid');
  const settings = { name: 'Test', audience: 'desk', linkByEmail: true, people: 'users' };
  await admin('PUT', `/v1/identity-providers/${provider.body.id}`, settings, match(provider));
  expect((await bearer(await issuer.token('c2', asCustomer))).body.code).toBe('auth_invalid');
});

const seconds = (): number => Math.floor(Date.now() / 1_000);
/** What is wrong with each, and the code it is refused with. */
const forged: readonly [what: string, token: (issuer: TestIssuer) => Promise<string>, code?: string][] = [
  ['not signed', ({ url }) => Promise.resolve(new UnsecuredJWT({ iss: url, sub: 'ada', aud: 'desk', exp: seconds() + 600 }).encode())],
  ['signed with another key', async (one) => one.token('ada', { key: (await newKey('RS256')).key })],
  [
    'signed with the public key as a shared secret',
    async (one) => {
      const secret = new TextEncoder().encode(await exportSPKI((await importJWK(one.jwk, 'RS256')) as CryptoKey));
      return one.token('ada', { header: { alg: 'HS256' }, key: secret });
    },
  ],
  [
    'signed by an algorithm the tenant does not allow',
    async (one) => one.token('ada', { header: { alg: 'ES256' }, key: (await newKey('ES256')).key }),
  ],
  [
    'with a key of its own in the header',
    async (one) => {
      const { key, jwk } = await newKey('RS256');
      return one.token('ada', { header: { jwk, kid: 'mine' }, key });
    },
  ],
  [
    'with an address of keys in the header',
    async (one) =>
      one.token('ada', { header: { jku: 'https://evil.example/keys', x5u: 'https://evil.example/x' }, key: (await newKey('RS256')).key }),
  ],
  ['with an unknown critical header', (one) => one.token('ada', { header: { crit: ['level'], level: 1 }, crit: { level: true } })],
  ['with the name of a key that is not there', (one) => one.token('ada', { header: { kid: '../../etc/passwd' } })],
  ['of another issuer', (one) => one.token('ada', { claims: { iss: 'https://other.example.com' } })],
  ['of an issuer that looks the same', (one) => one.token('ada', { claims: { iss: `${one.url}/` } })],
  ['of two issuers', (one) => one.token('ada', { claims: { iss: [one.url] } })],
  ['for somebody else', (one) => one.token('ada', { claims: { aud: 'other' } })],
  ['for nobody', (one) => one.token('ada', { claims: { aud: undefined } })],
  ['an ID token', (one) => one.token('ada', { header: { typ: 'JWT' } })],
  ['of no type', (one) => one.token('ada', { header: { typ: undefined } as object })],
  ['without a subject', (one) => one.token('ada', { claims: { sub: undefined } })],
  ['with an empty subject', (one) => one.token('ada', { claims: { sub: '' } })],
  ['with a number for a subject', (one) => one.token('ada', { claims: { sub: 7 } })],
  ['with several subjects', (one) => one.token('ada', { claims: { sub: ['ada', 'admin'] } })],
  ['without an end', (one) => one.token('ada', { claims: { exp: undefined } })],
  ['with text for an end', (one) => one.token('ada', { claims: { exp: '2999-01-01' } })],
  ['that is over', (one) => one.token('ada', { claims: { exp: seconds() - 40 } }), 'auth_expired'],
  ['that begins later', (one) => one.token('ada', { claims: { nbf: seconds() + 40 } })],
  ['cut off', async (one) => (await one.token('ada')).slice(0, -4)],
  ['changed', async (one) => (await one.token('ada')).replace(/\.eyJ/, '.eyK')],
  ['in five parts', async (one) => `${await one.token('ada')}.eyJhbGciOi.eyJhbGciOi`],
];

test.each(forged)('T6: a token %s is refused', async (_, make, code = 'auth_invalid') => {
  await trust();
  await known('ada');
  const reply = await bearer(await make(issuer));
  expect([reply.status, reply.body.code]).toEqual([401, code]);
  expect(reply.headers.get('www-authenticate')).toBe('Bearer realm="usher", error="invalid_token"');
  expect((await bearer(await issuer.token('ada'))).status).toBe(200);
});

test('T6: clocks may differ by what the tenant allows, a minute at most', async () => {
  const provider = await trust({ leewayS: 60 });
  await known('ada');
  expect((await bearer(await issuer.token('ada', { claims: { exp: seconds() - 40 } }))).status).toBe(200);
  expect((await bearer(await issuer.token('ada', { claims: { exp: seconds() - 70 } }))).body.code).toBe('auth_expired');
  const settings = { name: 'x', audience: 'desk', leewayS: 61 };
  expect((await admin('PUT', `/v1/identity-providers/${provider.body.id}`, settings, match(provider))).body.errors).toMatchObject([
    { pointer: '/leewayS' },
  ]);
});

test('a token is remembered no longer than it lasts', async () => {
  await trust({ leewayS: 0 });
  await known('ada');
  const token = await issuer.token('ada', { claims: { exp: seconds() + 4 } });
  expect((await bearer(token)).status).toBe(200);
  await expect.poll(async () => (await bearer(token)).body.code, { timeout: 120_000 }).toBe('auth_expired');
});

test('a token in an address counts as lost', async () => {
  await trust();
  await known('ada');
  const token = await issuer.token('ada');
  expect((await bearer(token, 'GET', `/v1/tickets?product=*&access_token=${token}`)).body.code).toBe('auth_invalid');
  expect((await stage.call('nobody', 'GET', '/v1/tickets?product=*', undefined, { authorization: `bearer ${token}` })).body.code).toBe(
    'auth_invalid',
  );
});

test('T7: keys that change are found; while the issuer is away nobody is believed on its word alone', async () => {
  issuer.isAway = true;
  await trust();
  await known('ada');
  const away = await bearer(await issuer.token('ada'));
  expect([away.status, away.body.code, away.headers.get('retry-after')]).toEqual([503, 'keys_unavailable', '2']);
  issuer.isAway = false;
  await expect.poll(async () => (await bearer(await issuer.token('ada'))).status).toBe(200);
  issuer.isAway = true;
  expect((await bearer(await issuer.token('ada'))).status).toBe(200);
  expect(issuer.asked).toBe(1);
  await issuer.rotate('second');
  expect((await bearer(await issuer.token('ada'))).body.code).toBe('auth_invalid');
  expect(issuer.asked).toBe(1);
});

test('a provider that is off, or gone, lets nobody in', async () => {
  const provider = await trust();
  const path = `/v1/identity-providers/${provider.body.id}`;
  const person = await known('ada');
  const token = await issuer.token('ada');
  expect((await bearer(token)).status).toBe(200);
  const settings = { name: 'Test', audience: 'desk' };
  const off = await admin('PUT', path, { ...settings, active: false }, match(provider));
  expect((await bearer(token)).body.code).toBe('auth_invalid');
  const on = await admin('PUT', path, settings, match(off));
  expect((await bearer(token)).status).toBe(200);
  expect((await admin('DELETE', path)).body.code).toBe('version_required');
  expect((await admin('DELETE', path, undefined, match(off))).body).toMatchObject({ code: 'version_mismatch', current: 3 });
  expect((await admin('DELETE', path, undefined, match(on))).status).toBe(204);
  expect((await bearer(token)).body.code).toBe('auth_invalid');
  // Whom it named is forgotten with it.
  await trust();
  expect((await bearer(token)).body.code).toBe('auth_invalid');
  expect((await admin('GET', `/v1/users/${person.body.id}`)).body.identities).toEqual([]);
  expect((await admin('GET', path)).status).toBe(404);
  const types = await stage.sql((tx) =>
    tx.selectFrom('event').select('type').where('subject', '=', `identity_provider/${provider.body.id}`).orderBy('seq').execute(),
  );
  expect(types.map(({ type }) => type)).toEqual([
    'identity_provider.added',
    'identity_provider.changed',
    'identity_provider.changed',
    'identity_provider.removed',
  ]);
});

test('providers are kept by field and rule', async () => {
  const make = (fields: object) => admin('POST', '/v1/identity-providers', { issuer: issuer.url, name: 'x', audience: 'x', ...fields });
  for (const algorithm of ['none', 'HS256', 'HS512', 'RS1']) {
    expect((await make({ algorithms: [algorithm] })).body.errors, algorithm).toMatchObject([{ pointer: '/algorithms/0' }]);
  }
  expect((await make({ algorithms: [] })).body.errors).toMatchObject([{ pointer: '/algorithms' }]);
  expect((await make({ tenantId: otherTenant })).body.errors).toMatchObject([{ pointer: '/tenantId', code: 'unknown_field' }]);
  expect((await make({ issuer: 'login', jwksUri: 'file:///etc/passwd' })).body).toMatchObject({
    code: 'target_not_allowed',
    errors: [{ pointer: '/issuer' }, { pointer: '/jwksUri' }],
  });
  const made = await make({});
  expect(made.body).toMatchObject({
    algorithms: ['RS256'],
    tokenType: 'at+jwt',
    leewayS: 30,
    people: 'users',
    linkByEmail: false,
    active: true,
  });
  expect((await make({})).body).toMatchObject({ code: 'already_exists', pointer: '/issuer' });
  expect((await admin('GET', `/v1/identity-providers/${made.body.id}`)).body).toEqual(made.body);
  const first = await admin('GET', '/v1/identity-providers?limit=1');
  const rest = await admin('GET', `/v1/identity-providers?limit=100&cursor=${encodeURIComponent(first.body.page.next)}`);
  expect([...first.body.data, ...rest.body.data]).toContainEqual(made.body);
  expect((await stage.call('foreign', 'GET', `/v1/identity-providers/${made.body.id}`)).status).toBe(404);
});

test('outside a system of one’s own providers have to be public', async () => {
  const app = another({ privateTargets: false });
  for (const address of ['http://login.example.com', 'https://127.0.0.1', 'https://localhost', 'https://10.0.0.1:443', 'https://[::1]']) {
    const response = await app.request('http://api.test/v1/identity-providers', {
      method: 'POST',
      headers: { authorization: `Bearer ${stage.keys.admin}`, 'content-type': 'application/json' },
      body: JSON.stringify({ issuer: address, name: 'x', audience: 'x' }),
    });
    expect(await response.json(), address).toMatchObject({ code: 'target_not_allowed', errors: [{ pointer: '/issuer' }] });
  }
  // One that was let in before is not asked either.
  await trust();
  await known('ada');
  const response = await app.request('http://api.test/v1/agents', { headers: { authorization: `Bearer ${await issuer.token('ada')}` } });
  expect(response.status).toBe(503);
  expect(issuer.asked).toBe(0);
});

test('one tenant’s word about an issuer counts for that tenant only', async () => {
  await trust();
  await known('ada');
  // Another tenant claims the same issuer, with keys of its own.
  await using evil = await TestIssuer.start();
  await stage.call('foreign', 'POST', '/v1/identity-providers', {
    issuer: issuer.url,
    name: 'x',
    audience: 'desk',
    jwksUri: `${evil.url}/keys`,
  });
  const forgedToken = await evil.token('ada', { claims: { iss: issuer.url } });
  expect((await bearer(forgedToken)).body.code).toBe('auth_invalid');
  const theirs = await stage.call('foreign', 'POST', '/v1/users', {
    name: 'Eve',
    email: 'eve@example.com',
    memberships: [{ role: 'lead' }],
    identities: [{ issuer: issuer.url, subject: 'eve' }],
  });
  const agents = await bearer(await evil.token('eve', { claims: { iss: issuer.url } }), 'GET', '/v1/agents?limit=100');
  expect(agents.body.data.map(({ id }: { id: string }) => id)).toContain(theirs.body.id);
  expect(agents.body.data.map(({ id }: { id: string }) => id)).not.toContain(demo.admin);
});

test('who is known in several tenants says in which, by the configured claim', async () => {
  await trust();
  await trust({}, 'foreign');
  await known('ada');
  const foreign = await stage.call('foreign', 'POST', '/v1/users', {
    name: 'Ada',
    email: `${randomUUID()}@example.com`,
    memberships: [{ role: 'agent' }],
    identities: [{ issuer: issuer.url, subject: 'ada' }],
  });
  expect((await bearer(await issuer.token('ada'))).body.code).toBe('auth_invalid');
  const app = another({ privateTargets: true, tenantClaim: 'tenant' });
  const agentsOf = async (tenant: unknown): Promise<{ status: number; ids: string[] }> => {
    const headers = { authorization: `Bearer ${await issuer.token('ada', { claims: { tenant } })}` };
    const response = await app.request('http://api.test/v1/agents?limit=100', { headers });
    const body = (await response.json()) as { data?: { id: string }[] };
    return { status: response.status, ids: (body.data ?? []).map(({ id }) => id) };
  };
  expect((await agentsOf('demo')).ids).toContain(demo.admin);
  expect((await agentsOf(demo.tenant)).ids).toContain(demo.admin);
  const other = await agentsOf('other');
  expect(other.ids).toContain(foreign.body.id);
  expect(other.ids).not.toContain(demo.admin);
  for (const tenant of ['third', undefined, ['demo'], true]) expect((await agentsOf(tenant)).status).toBe(401);
});

test('the reference page offers the provider’s sign-in and lets its script go there only', async () => {
  const url = open.identity?.url ?? '';
  const page = await another({ privateTargets: true, docs: { issuer: url, clientId: docsClient } }).request('http://api.test/docs');
  const text = await page.text();
  expect(text).toContain(`data-client-id="${docsClient}"`);
  expect(text).toContain(`data-authorization-url="${url}/auth"`);
  expect(page.headers.get('content-security-policy')).toContain(`connect-src 'self' ${url};`);
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self';");
  const back = await stage.call('nobody', 'GET', '/docs/signed-in?code=x&state=y');
  expect(back.body).toContain('/docs/assets/oauth2-redirect.js');
  const script = await stage.call('nobody', 'GET', '/docs/assets/oauth2-redirect.js');
  expect(script.body).toContain('swaggerUIRedirectOauth2');
  const without = await another({ privateTargets: true, docs: { issuer: 'http://127.0.0.1:9', clientId: 'x' } }).request(
    'http://api.test/docs',
  );
  expect([without.status, await without.text()]).toEqual([200, expect.stringContaining('data-client-id=""')]);
  expect(without.headers.get('content-security-policy')).toContain("connect-src 'self';");
});
