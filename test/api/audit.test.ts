/** The audit over HTTP: every acknowledged write has its line, readers see theirs, refusals are counted. Source: security.md, sections 1 and 7. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { keepDenials } from '../../api/audit/denials.js';
import { sealAudit } from '../../db/queries/audit-chain.js';
import { asTicketId } from '../../domain/ids.js';
import { hour, minute } from '../../domain/time.js';
import { createLogger } from '../../logger.js';
import { operations } from './operations.js';
import type { Operation } from './operations.js';
import { demo, secondTeam, useStage } from './support.js';
import type { Reply, Who } from './support.js';
import { upload } from './upload.js';
import { buildWorld } from './world.js';
import type { World } from './world.js';

const stage = useStage();
let world: World;
beforeAll(async () => {
  world = await buildWorld(stage);
});

interface Line {
  readonly actor: string;
  readonly actingFor: string | null;
  readonly source: string;
  readonly action: string;
  readonly subject: string;
  readonly changes: unknown;
  readonly reason: string | null;
}

const linesOf = (requestId: string): Promise<Line[]> =>
  stage.sql((tx) =>
    tx
      .selectFrom('audit')
      .select(['actor', 'actingFor', 'source', 'action', 'subject', 'changes', 'reason'])
      .where('requestId', '=', requestId)
      .orderBy('action')
      .execute(),
  );

/** They answer a question and change nothing that anybody sees. */
const questions = new Set(
  `validateSlaCalendar previewSlaCalendar importSlaHolidays validateSlaPolicySet previewSlaPolicySet explainSla validateTemplate
  previewJourneyBulk previewHandoffBulk verifyAudit`.split(/\s+/),
);

/** What one line per write does not hold for, with the actions of all lines. */
const several: Readonly<Record<string, readonly string[]>> = {
  createTicket: ['customer.created', 'ticket.open'],
  rotateApiKey: ['api_key.issued', 'api_key.rotated'],
};

type Before = (ticket: string) => Promise<unknown>;
const post =
  (verb: string, body: object = {}): Before =>
  (ticket) =>
    stage.call('admin', 'POST', `/v1/tickets/${ticket}/${verb}`, body);
const inTurn =
  (...steps: readonly Before[]): Before =>
  async (ticket) => {
    for (const step of steps) await step(ticket);
  };
const closed = inTurn(post('resolve'), post('close'));
const remove: Before = (ticket) => stage.call('admin', 'DELETE', `/v1/tickets/${ticket}?reason=As+agreed+by+phone`);

/** How a ticket has to stand. */
const standing: Readonly<Record<string, Before>> = {
  unassignTicket: post('assign', { agentId: demo.agents[0] }),
  startTicket: post('hold'),
  reopenTicket: post('resolve'),
  closeTicket: post('resolve'),
  removeTicket: closed,
  restoreTicket: inTurn(closed, remove),
  resumeClocks: post('pause-clocks', { reason: 'Away' }),
};

const uuidLike = '018f3b1e-0000-7000-8000-0000000000ee';
const hours = { zone: 'Europe/Berlin', weekly: { mon: [['09:00', '17:00']] } };

const template = (key: string) => ({
  key,
  name: 'Renewal',
  category: 'retention',
  subject: { type: 'customer', id: 'input.customerId' },
  input: { type: 'object', properties: { customerId: { type: 'string' } }, required: ['customerId'] },
  start: 'call',
  steps: {
    call: { kind: 'manual', name: 'Call', assign: { roles: ['agent'] }, outcomes: ['done'], transitions: [{ to: 'won', outcome: 'done' }] },
    won: { kind: 'end', outcome: 'renewed', result: 'won' },
  },
});

/** Bodies where the example fits another desk. */
const bodies: Readonly<Record<string, unknown>> = {
  assignTicket: { agentId: demo.agents[1], reason: 'Knows the product' },
  createSlaCalendar: { id: 'hours-walk', name: 'Walk', ...hours },
  createApiKey: { owner: `service/${demo.service}`, name: 'Walk' },
  replaceSlaSettings: { fallbackRecipient: demo.admin },
  publishSlaPolicySet: { policies: [], mode: 'new_tickets' },
  replaceTemplateDraft: { ...template('template_ours'), name: 'Another name' },
  createHandoff: { journeyId: 'JRN-W000000000000002', from: 'crm', to: 'field-ops', mode: 'accept', data: { customerId: 'C1' } },
  startJourney: { template: 'renewal', input: { customerId: 'C-1' } },
  publishEvents: { id: `evt-${randomUUID()}`, type: 'crm:note', source: 'crm', data: {} },
};

async function ticketFor({ id }: Operation): Promise<string> {
  if (id === 'overrideTarget' || id === 'waiveBreach') await withClocks();
  const ticket = await stage.ticket();
  await standing[id]?.(ticket);
  if (id === 'waiveBreach') await stage.desk.pass(asTicketId(ticket), Date.now() + 2 * hour);
  return ticket;
}

/** From now on tickets have to be resolved within an hour. */
async function withClocks(): Promise<void> {
  const resolution = { low: 3_600, medium: 3_600, high: 3_600, urgent: 3_600 };
  const policy = { id: 'standard', name: 'Standard', calendar: { use: 'policy', id: '24x7' }, targets: { resolution } };
  const reply = await stage.call('admin', 'POST', '/v1/sla/policy-sets', { policies: [policy], mode: 'new_tickets' });
  expect(reply.status, JSON.stringify(reply.body)).toBe(201);
}

/** The address of something the operation can be done to. */
async function addressFor(operation: Operation): Promise<string> {
  const { id, path } = operation;
  if (path.includes('{ticketId}')) {
    const address = path.replace('{ticketId}', await ticketFor(operation));
    return id === 'removeTicket' ? `${address}?reason=As+agreed+by+phone` : address;
  }
  if (/\{key\}\/(?:publish|versions)/.test(path)) return path.replace('{key}', await templateFor(id)).replace('{version}', '1');
  if (path.includes('{escalationId}')) return path.replace('{escalationId}', await escalation(id));
  if (path.includes('{attachmentId}')) return path.replace('{attachmentId}', await uploaded());
  if (path.includes('{endpointId}') && path.includes('webhook')) return path.replace('{endpointId}', await webhookEndpoint(id));
  if (path.includes('{deliveryId}')) return path.replace('{deliveryId}', await webhookDelivery());
  if (path.includes('{erasureId}')) return path.replace('{erasureId}', await askedByAnother());
  if (path.includes('{jobId}')) return path.replace('{jobId}', await jobOf(id));
  if (path.includes('{keyId}'))
    return path.replace('{keyId}', await made('/v1/api-keys', { owner: `service/${demo.service}`, name: 'Walk' }));
  if (path.includes('{inboundId}')) return path.replace('{inboundId}', await quarantinedMail());
  if (path.includes('{calendarId}'))
    return path.replace(
      '{calendarId}',
      await made('/v1/sla/calendars', { id: `hours-${randomUUID().slice(0, 8)}`, name: 'Walk', ...hours }),
    );
  return world.address(operation, world.relationsOf(operation)[0]);
}

/** Whoever drafts a template does not publish it. */
async function templateFor(operation: string): Promise<string> {
  const key = `walk_${randomUUID().slice(0, 8)}`;
  expect((await stage.call('lead', 'POST', '/v1/journey-templates', template(key))).status).toBe(201);
  const path = `/v1/journey-templates/${key}`;
  if (operation !== 'publishTemplate') expect((await stage.call('admin', 'POST', `${path}/publish`)).status).toBe(201);
  if (operation === 'archiveTemplateVersion') await stage.call('admin', 'POST', `${path}/versions/1/deprecate`);
  return key;
}

const exampleOf = (id: string): object => Object(operations.find((operation) => operation.id === id)?.body?.example) as object;
async function webhookEndpoint(operation = ''): Promise<string> {
  const id = await made('/v1/webhook-endpoints', exampleOf('createWebhookEndpoint'));
  if (operation === 'enableWebhookEndpoint') await stage.call('admin', 'POST', `/v1/webhook-endpoints/${id}/disable`);
  return id;
}

async function webhookDelivery(): Promise<string> {
  const endpoint = await webhookEndpoint();
  await stage.call('admin', 'POST', `/v1/webhook-endpoints/${endpoint}/test`);
  return String((await stage.call('admin', 'GET', `/v1/webhook-endpoints/${endpoint}/deliveries`)).body.data[0].id);
}

/** An erasure that another admin has asked for. */
async function askedByAnother(): Promise<string> {
  const email = `${randomUUID()}@example.com`;
  const other = await made('/v1/users', { name: 'Bea', email, memberships: [{ role: 'admin' }] });
  const key = await stage.call('admin', 'POST', '/v1/api-keys', { owner: `user/${other}`, name: 'Walk' });
  const authorization = `Bearer ${key.body.key}`;
  const customer = await made('/v1/customers', { name: 'Quince' });
  const asked = await stage.call('nobody', 'POST', `/v1/customers/${customer}/erase`, {}, { authorization });
  expect(asked.status, JSON.stringify(asked.body)).toBeLessThan(300);
  return String(asked.body.id);
}

const made = async (path: string, body: object): Promise<string> => {
  const reply = await stage.call('admin', 'POST', path, body);
  expect(reply.status, JSON.stringify(reply.body)).toBe(201);
  return String(reply.body.id);
};

async function escalation(operation: string): Promise<string> {
  const ticket = await stage.ticket();
  const raised = await stage.call('admin', 'POST', `/v1/tickets/${ticket}/escalate`, {
    to: { kind: 'lead' },
    level: 1,
    reason: 'It cannot wait',
  });
  const id = raised.headers.get('location')?.split('/').at(-1) ?? '';
  const verb = (name: string, body: object = {}) => stage.call('admin', 'POST', `/v1/escalations/${id}/${name}`, body);
  if (operation === 'resolveEscalation' || operation === 'sendBackEscalation' || operation === 'closeEscalation') await verb('acknowledge');
  if (operation === 'sendBackEscalation' || operation === 'closeEscalation') await verb('resolve', { outcome: 'fixed', text: 'Done' });
  return id;
}

async function uploaded(): Promise<string> {
  const announced = await stage.call('admin', 'POST', `/v1/tickets/${await stage.ticket()}/attachments`, {
    name: 'a.txt',
    type: 'text/plain',
    size: 1,
  });
  const { id, upload: to } = announced.body;
  const { status, headers } = await upload(stage.app, to.url, to.fields, Buffer.from('a'));
  expect(status).toBe(204);
  expect(await linesOf(headers.get('x-request-id') ?? '')).toMatchObject([
    { actor: `user/${demo.admin}`, source: 'api', action: 'attachment.uploaded', changes: { attachment: id, state: 'quarantine' } },
  ]);
  return String(id);
}

const preview = async (): Promise<{ previewToken: string }> => {
  const asked = { verb: 'pause', args: { reason: 'The provider is down' }, filter: { ids: ['JRN-W000000000000002'] } };
  const { body } = await stage.call('admin', 'POST', '/v1/journeys/bulk/preview', asked);
  return { previewToken: body.previewToken };
};
const handoffPreview = async (): Promise<{ previewToken: string }> => {
  const asked = { verb: 'cancel', args: {}, filter: { ids: ['JRN-W000000000000002.install.1'] } };
  const { body } = await stage.call('admin', 'POST', '/v1/handoffs/bulk/preview', asked);
  return { previewToken: body.previewToken };
};

async function jobOf(operation: string): Promise<string> {
  const { body } = await stage.call('admin', 'POST', '/v1/journeys/bulk', await preview());
  if (operation === 'resumeJob') await stage.call('admin', 'POST', `/v1/jobs/${body.id}/pause`);
  return String(body.id);
}

async function quarantinedMail(): Promise<string> {
  const id = randomUUID();
  const row = {
    id,
    tenantId: demo.tenant,
    channel: 'email',
    account: 'mail',
    externalId: id,
    state: 'quarantined',
    cause: 'unparsable',
    rawKey: `raw/${id}`,
    size: 1,
  };
  await stage.sql((tx) => tx.insertInto('inboundMessage').values(row).execute());
  return id;
}

async function bodyFor({ id, body }: Operation): Promise<unknown> {
  if (id === 'startJourneyBulk') return preview();
  if (id === 'startHandoffBulk') return handoffPreview();
  if (id in bodies) return bodies[id];
  if (body === null) return undefined;
  if (body.type === 'message/rfc822')
    return `From: a@example.com\r\nMessage-ID: <${randomUUID()}@example.com>\r\nSubject: Hello\r\n\r\nHello\r\n`;
  return body.example;
}

/** Where a version has to be named it is read first. */
async function matchFor({ method, path }: Operation, address: string): Promise<Record<string, string>> {
  if (/\{(?:ticketId|journeyId|handoffId|escalationId|approvalId)\}/.test(path)) return {};
  const readable = [path, path.replace(/\/(?:memberships|identities|members|draft)$/, '')];
  const read = operations.find((one) => one.method === 'GET' && one.path === readable.find((candidate) => candidate === one.path));
  if (read === undefined || (method !== 'PUT' && method !== 'PATCH' && method !== 'DELETE')) return {};
  const shown = await stage.call('admin', 'GET', address.split('?')[0]?.replace(/\/(?:memberships|identities|members|draft)$/, '') ?? '');
  const etag = shown.headers.get('etag');
  return etag === null ? {} : { 'if-match': etag };
}

async function ask(operation: Operation, who: Who, headers: Record<string, string>): Promise<Reply> {
  const address = await addressFor(operation);
  const body = await bodyFor(operation);
  const match = await matchFor(operation, address);
  const type = operation.body === null || operation.body.type === 'application/json' ? {} : { 'content-type': operation.body.type };
  return stage.call(who, operation.method, address, body, { ...match, ...type, ...headers });
}

/** Acknowledged only in a world of its own, where a test beside this one looks at the line. */
const elsewhere: Readonly<Record<string, string>> = {};

describe('every acknowledged write has its line', () => {
  const changing = operations.filter(({ method, permission }) => method !== 'GET' && permission !== 'public');
  // What takes things away comes last.
  const writes = [...changing.filter(({ method }) => method !== 'DELETE'), ...changing.filter(({ method }) => method === 'DELETE')];

  afterAll(() => stage.call('admin', 'POST', '/v1/sla/policy-sets', { policies: [], mode: 'new_tickets' }));

  test.each(writes.map((operation) => [operation.id, operation] as const))('%s', async (id, operation) => {
    const who: Who = id === 'claimTicket' ? 'agent' : 'admin';
    const requestId = `walk-${id}`;
    const reply = await ask(operation, who, { 'x-request-id': requestId, 'idempotency-key': requestId });
    if (id in elsewhere) return expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.status, JSON.stringify(reply.body)).toBeLessThan(300);
    const lines = await linesOf(requestId);
    if (questions.has(id)) return expect(lines).toEqual([]);
    expect(lines.map(({ action }) => action)).toEqual(several[id] ?? [expect.any(String)]);
    for (const line of lines) {
      expect(line).toMatchObject({
        actor: who === 'admin' ? `user/${demo.admin}` : `user/${demo.agents[0]}`,
        actingFor: null,
        source: 'api',
      });
      expect(line.subject).toMatch(/^[a-z_]+\/[\w.:-]+$/);
      expect(line.action).toMatch(/^[a-z_]+[.][A-Za-z_]+$/);
      expect(JSON.stringify(line.changes)).not.toMatch(/ |@/);
    }
  });

  test('a repetition has none, and a refusal neither', async () => {
    const ticket = await stage.ticket();
    const hold = (requestId: string, key: string): Promise<Reply> =>
      stage.call('admin', 'POST', `/v1/tickets/${ticket}/hold`, {}, { 'x-request-id': requestId, 'idempotency-key': key });
    await hold('repeat-1', 'repeat');
    const again = await hold('repeat-2', 'repeat');
    expect(again.headers.get('idempotency-lookup')).toBe('hit');
    expect((await stage.call('admin', 'POST', `/v1/tickets/${ticket}/close`, {}, { 'x-request-id': 'repeat-3' })).status).toBe(409);
    expect([await linesOf('repeat-1'), await linesOf('repeat-2'), await linesOf('repeat-3')]).toMatchObject([
      [{ action: 'ticket.hold' }],
      [],
      [],
    ]);
  });

  test('says for whom a service acted, and where the reason stands', async () => {
    const acting = { 'usher-acting-for': `customer/${demo.customers[0]}`, 'x-request-id': 'acting' };
    const opened = await stage.call(
      'service',
      'POST',
      '/v1/tickets',
      { product: 'demo', subject: 's', description: 'd', channel: 'api' },
      acting,
    );
    expect(opened.status, JSON.stringify(opened.body)).toBe(201);
    expect(await linesOf('acting')).toMatchObject([
      { actor: `service/${demo.service}`, actingFor: `customer/${demo.customers[0]}`, source: 'api', action: 'ticket.open' },
    ]);
    await stage.call(
      'admin',
      'POST',
      `/v1/tickets/${opened.body.id}/hold`,
      { reason: 'Waits for a part' },
      { 'x-request-id': 'with-reason' },
    );
    const [{ reason } = { reason: null }] = await linesOf('with-reason');
    const [text] = await stage.sql((tx) =>
      tx
        .selectFrom('content')
        .select('body')
        .where('id', '=', reason ?? uuidLike)
        .execute(),
    );
    expect(text).toEqual({ body: 'Waits for a part' });
    const { rows } = await stage.sql((tx) => sql`select 1 from audit where audit::text like '%part%'`.execute(tx));
    expect(rows).toEqual([]);
  });
});

test('no event of the log is without its line, whoever caused it', async () => {
  const { rows } = await stage.sql((tx) =>
    sql<{ subject: string; seq: number; type: string }>`
      select e.subject, e.seq, e.type from event e
      where (e.subject like 'ticket/%' or e.subject like 'journey/%' or e.subject like 'handoff/%') and not exists (
        select from audit a, jsonb_array_elements(a.changes -> 'events') as told
        where a.tenant_id = e.tenant_id and a.subject = e.subject and (told ->> 'seq')::int = e.seq and told ->> 'type' = e.type)`.execute(
      tx,
    ),
  );
  expect(rows).toEqual([]);
});

const list = (query: string, who: Who = 'admin'): Promise<Reply> => stage.call(who, 'GET', `/v1/audit${query}`);

describe('reading', () => {
  test('an admin sees every line, newest first, page by page', async () => {
    const first = await list('?limit=3');
    const second = await list(`?limit=3&cursor=${encodeURIComponent(first.body.page.next)}`);
    const all = await list('?limit=6');
    expect([...first.body.data, ...second.body.data]).toEqual(all.body.data);
    const times = all.body.data.map(({ at }: { at: string }) => at);
    expect(times).toEqual(times.toSorted().toReversed());
    expect((await list(`?limit=3&actor=user/x&cursor=${encodeURIComponent(first.body.page.next)}`)).body.code).toBe('cursor_invalid');
  });

  test('filters by actor, action, subject and time', async () => {
    const ticket = await stage.ticket();
    await stage.call('lead', 'POST', `/v1/tickets/${ticket}/assign`, { agentId: demo.agents[0] });
    await stage.call('lead', 'POST', `/v1/tickets/${ticket}/hold`, {});
    const subject = `subject=ticket/${ticket}`;
    const actions = async (query: string): Promise<string[]> =>
      (await list(`?${subject}${query}`)).body.data.map(({ action }: { action: string }) => action);
    expect(await actions('')).toEqual(['ticket.hold', 'ticket.assign', 'ticket.open']);
    expect(await actions(`&actor=user/${demo.lead}`)).toEqual(['ticket.hold', 'ticket.assign']);
    expect(await actions('&action=ticket.open,ticket.hold')).toEqual(['ticket.hold', 'ticket.open']);
    const [{ at }] = (await list(`?${subject}&action=ticket.assign`)).body.data;
    expect(await actions(`&from=${at}`)).toEqual(['ticket.hold', 'ticket.assign']);
    expect(await actions(`&to=${at}`)).toEqual(['ticket.open']);
  });

  test.each([
    ['actor=Ada', 'actor'],
    ['action=everything', 'action'],
    ['subject=TKT-1', 'subject'],
    ['from=yesterday', 'from'],
    ['who=me', 'who'],
    ['limit=0', 'limit'],
  ])('%s is refused by name', async (query, pointer) => {
    expect((await list(`?${query}`)).body).toMatchObject({
      status: 400,
      code: 'unknown_parameter',
      errors: [{ pointer: expect.stringContaining(pointer) as string }],
    });
  });

  test('a lead sees what was done to tickets of their teams, and nothing else; the others see nothing', async () => {
    const theirs = await stage.ticket();
    const others = await stage.ticket();
    await stage.call('admin', 'POST', `/v1/tickets/${others}/assign`, { teamId: secondTeam });
    const seen = (await list('?limit=100', 'lead')).body.data.map(({ subject }: { subject: string }) => subject);
    expect(seen).toContain(`ticket/${theirs}`);
    expect(seen).not.toContain(`ticket/${others}`);
    expect(seen.filter((subject: string) => !subject.startsWith('ticket/'))).toEqual([]);
    expect((await list(`?subject=ticket/${others}`, 'lead')).body.data).toEqual([]);
    expect((await list(`?subject=ticket/${theirs}`, 'foreign')).body.data).toEqual([]);
    for (const who of ['agent', 'customer', 'service', 'reader'] as const) expect((await list('', who)).status, who).toBe(403);
    expect((await list('', 'nobody')).status).toBe(401);
  });
});

const verify = (body?: object, who: Who = 'admin'): Promise<Reply> => stage.call(who, 'POST', '/v1/audit/verify', body);
const seal = async (): Promise<void> => {
  while (((await sealAudit(stage.database.relay, demo.tenant, 500)) ?? 1) > 0);
};

describe('verifying', () => {
  test('a chain that nobody touched is good, from any line on; what is too new is told apart', async () => {
    await seal();
    const ticket = await stage.ticket();
    const whole = await verify();
    expect(whole.body).toMatchObject({ ok: true, next: null, unsealed: 1 });
    expect(whole.body.checked).toBe(whole.body.head.seq);
    expect(whole.body.firstBad).toBeUndefined();
    const rest = await verify({ after: whole.body.head.seq - 2 }, 'lead');
    expect(rest.body).toMatchObject({ ok: true, checked: 2, head: whole.body.head });
    const [newest] = (await stage.call('admin', 'GET', `/v1/audit?subject=ticket/${ticket}`)).body.data;
    expect(newest).toMatchObject({ seq: null, hash: null });
    await seal();
    expect((await verify()).body).toMatchObject({ ok: true, unsealed: 0, checked: whole.body.checked + 1 });
  });

  test('a line that is no line, or a field that is none, is refused by name', async () => {
    expect((await verify({ after: 1_000_000 })).body).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: '/after', code: 'unknown_line' }],
    });
    expect((await verify({ after: -1 })).body).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/after' }] });
    expect((await verify({ before: 1 })).body).toMatchObject({ errors: [{ pointer: '/before', code: 'unknown_field' }] });
    expect((await verify(undefined, 'agent')).status).toBe(403);
  });

  test('the first line that was changed is named', async () => {
    await seal();
    const client = new (await import('pg')).default.Client({ connectionString: stage.database.superuser });
    await client.connect();
    const { rows } = await client.query<{ id: string }>(`select id from audit where tenant_id = $1 and seq = 7`, [demo.tenant]);
    try {
      await client.query('set session_replication_role = replica');
      await client.query(`update audit set actor = 'user/eve' where tenant_id = $1 and seq in (7, 9)`, [demo.tenant]);
    } finally {
      await client.end();
    }
    const { body } = await verify();
    expect(body).toMatchObject({
      ok: false,
      checked: 6,
      head: { seq: 6 },
      next: null,
      firstBad: { seq: 7, id: rows[0]?.id, fault: 'altered' },
    });
  });
});

const denied = async (subject: string): Promise<unknown[]> =>
  stage.sql((tx) =>
    tx
      .selectFrom('audit')
      .select(['actor', 'source', 'action', 'changes'])
      .where('subject', '=', subject)
      .orderBy('at')
      .orderBy('id')
      .execute(),
  );
const counts = async (): Promise<unknown[]> =>
  (await denied('permission/flood')).map((line) => (line as { changes: { count: number } }).changes.count);

describe('what is refused for want of a right', () => {
  test('stands in the audit: who, by which right, how often', async () => {
    for (let n = 0; n < 3; n += 1) expect((await stage.call('agent', 'GET', '/v1/users')).status).toBe(403);
    await stage.denials.write();
    expect(await denied('permission/admin.manage')).toMatchObject([
      { actor: `user/${demo.agents[0]}`, source: 'api', action: 'access.denied', changes: { code: 'forbidden', count: 3 } },
    ]);
  });

  test('a key that was revoked is a failed sign-in; one that nobody has is nobody’s', async () => {
    const key = await stage.call('admin', 'POST', '/v1/api-keys', { owner: `user/${demo.admin}`, name: 'Short' });
    await stage.call('admin', 'DELETE', `/v1/api-keys/${key.body.id}`);
    const authorization = `Bearer ${key.body.key}`;
    expect((await stage.call('nobody', 'GET', '/v1/users', undefined, { authorization })).status).toBe(401);
    await stage.denials.write();
    expect(await denied(`api_key/${key.body.id}`)).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ actor: `key/${key.body.id}`, action: 'sign_in.failed' })]) as unknown[],
    );
  });

  test('a flood of it is two lines a minute', async () => {
    let now = Date.now();
    const log = createLogger({ level: 'silent', pretty: false, name: 'test' });
    const denial = {
      tenant: demo.tenant,
      actor: 'user/flood',
      action: 'access.denied',
      subject: 'permission/flood',
      code: 'forbidden',
    } as const;
    {
      await using denials = keepDenials({ db: stage.db, log, now: () => now });
      denials.note(denial);
      await denials.write();
      for (let n = 0; n < 10_000; n += 1) denials.note({ ...denial, requestId: `r-${n}` });
      await denials.write();
      expect(await counts()).toEqual([1]);
      now += minute;
      await denials.write();
      await denials.write();
      expect(await counts()).toEqual([1, 10_000]);
      denials.note(denial);
    }
    expect(await counts()).toEqual([1, 10_000, 1]);
  });

  test('a database that is away loses no count', async () => {
    const log = createLogger({ level: 'silent', pretty: false, name: 'test' });
    const denial = {
      tenant: demo.tenant,
      actor: 'user/away',
      action: 'access.denied',
      subject: 'permission/away',
      code: 'forbidden',
    } as const;
    let away = true;
    const db = new Proxy(stage.db, {
      get: (target, name) => {
        if (name === 'connection' && away) throw new Error('no connection');
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    await using denials = keepDenials({ db, log, now: () => Date.now() });
    denials.note(denial);
    await denials.write();
    expect(await denied('permission/away')).toEqual([]);
    away = false;
    denials.note(denial);
    await denials.write();
    expect(await denied('permission/away')).toMatchObject([{ changes: { count: 2 } }]);
  });
});
