/** The whole system as its users meet it: HTTP, real mail, a real Temporal server, separate processes. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeskClient } from '../support/desk-client.js';
import { startTestStack } from '../support/stack.js';
import type { TestStack } from '../support/stack.js';

let running: TestStack;
let desk: DeskClient;

beforeAll(async () => {
  running = await startTestStack({ env: { LOG_LEVEL: 'debug' } });
  desk = running.desk;
}, 400_000);
afterAll(() => running[Symbol.asyncDispose]());

const support = 'support+demo@usher.localhost';
const customer = (): string => `c-${randomUUID().slice(0, 8)}@example.com`;
const header = (raw: string, name: string): string | undefined =>
  new RegExp(`^${name}:[ \\t]*((?:.|\\r?\\n[ \\t])*)`, 'im')
    .exec(raw)?.[1]
    ?.replaceAll(/\r?\n[ \t]+/g, ' ')
    .trim();

const ticketsOf = async (email: string): Promise<{ id: string; status: string; subject: string; follow_up_of: string | null }[]> =>
  desk.sql(
    `select t.id, t.status, t.subject, t.follow_up_of from ticket t join customer_contact c on c.customer_id = t.requester_id
     where c.value = $1 order by t.created_at`,
    [email],
  );

/** A ticket opened by real mail, with its acknowledgement. */
const openByMail = async (email = customer(), subject = 'My order') => {
  const messageId = `<${randomUUID()}@example.com>`;
  await desk.mail({ from: email, to: support, subject, text: 'Where is it?\n', messageId });
  const [acknowledgement] = await desk.untilMails(email, 1);
  const [ticket] = await ticketsOf(email);
  if (ticket === undefined || acknowledgement === undefined) throw new Error('no ticket');
  const raw = await desk.raw(acknowledgement);
  return {
    id: ticket.id,
    email,
    messageId,
    acknowledgement,
    raw,
    replyTo: /<([^>]+)>/.exec(header(raw, 'Reply-To') ?? '')?.[1] ?? header(raw, 'Reply-To') ?? '',
  };
};

/** As one text, payloads as what they hold. */
const readable = (value: unknown): string =>
  JSON.stringify(value, function (this: Record<string, unknown>, name, given: unknown) {
    const raw = this[name];
    return raw instanceof Uint8Array ? Buffer.from(raw).toString('utf8') : given;
  });

describe('mail', () => {
  test('a mail opens a ticket and is acknowledged as automatic mail, in its thread, with a reply address of its own', async () => {
    const { id, messageId, acknowledgement, raw, replyTo } = await openByMail();
    expect(id).toMatch(/^TKT-/);
    expect(acknowledgement).toMatchObject({ inReplyTo: messageId, subject: expect.stringContaining(id) as string });
    expect(header(raw, 'Auto-Submitted')).toBe('auto-generated');
    expect(header(raw, 'References')).toContain(messageId);
    expect(replyTo).toMatch(/^reply\+tkt-[0-9a-z]{8}\..+@usher\.localhost$/i);
    expect(raw).toContain('text/plain');
    expect(raw).toContain('text/html');
    expect((await desk.call('GET', `/tickets/${id}`)).body).toMatchObject({
      subject: 'My order',
      channel: 'email',
      status: 'new',
      version: 1,
    });
  });

  test('an agent’s reply goes out once, and the customer’s answer comes back by our Message-ID, by References or by the reply address', async () => {
    const { id, email, replyTo } = await openByMail();
    const sent = await desk.call('POST', `/tickets/${id}/messages`, {
      body: 'It left today.',
      format: 'text',
      then: 'waiting_on_customer',
    });
    expect(sent.status).toBe(201);
    expect(sent.body.deliveries).toHaveLength(1);
    const mails = await desk.untilMails(email, 2);
    const reply = mails[1];
    if (reply === undefined) throw new Error('no reply');
    const raw = await desk.raw(reply);
    expect(raw).toContain('It left today.');
    expect(header(raw, 'Auto-Submitted')).toBeUndefined();
    await expect.poll(async () => (await desk.call('GET', `/messages/${sent.body.id}/deliveries`)).body.data[0].state).toBe('sent');
    const answer = (extra: object) =>
      desk.mail({
        from: email,
        to: support,
        subject: 'Re: whatever',
        text: 'Thank you',
        messageId: `<${randomUUID()}@example.com>`,
        ...extra,
      });
    await answer({ inReplyTo: reply.messageId });
    await expect.poll(async () => (await desk.seqs(id)).length, { timeout: 120_000 }).toBe(5);
    expect((await desk.call('GET', `/tickets/${id}`)).body.status).toBe('in_progress');
    await answer({ references: `<other@example.com> ${reply.messageId}` });
    await expect.poll(async () => (await desk.seqs(id)).length, { timeout: 120_000 }).toBe(6);
    await answer({ to: replyTo });
    await expect.poll(async () => (await desk.seqs(id)).length, { timeout: 120_000 }).toBe(7);
    expect(await ticketsOf(email)).toHaveLength(1);
    await desk.expectSound(id);
  });

  test('G9: a ticket number in a subject alone attaches nothing; a stranger with the reply address gets a ticket of his own, linked', async () => {
    const { id, replyTo } = await openByMail();
    const stranger = customer();
    await desk.mail({ from: stranger, to: support, subject: `Re: [${id}] My order`, text: 'Tell me everything' });
    await desk.untilMails(stranger, 1);
    expect(await ticketsOf(stranger)).toMatchObject([{ follow_up_of: null }]);
    const second = customer();
    await desk.mail({ from: second, to: replyTo, subject: 'Hello', text: 'Tell me everything' });
    await expect.poll(async () => (await ticketsOf(second)).length, { timeout: 120_000 }).toBe(1);
    expect(await ticketsOf(second)).toMatchObject([{ follow_up_of: id }]);
    expect(await desk.seqs(id)).toEqual([1]);
  });

  test('G5: the same Message-ID twice, and eight times at once, is one message and one ticket', async () => {
    const email = customer();
    const mail = { from: email, to: support, subject: 'Twice', text: 'Once', messageId: `<${randomUUID()}@example.com>` };
    await Promise.all(Array.from({ length: 8 }, () => desk.mail(mail)));
    await desk.mail(mail);
    await desk.untilMails(email, 1);
    expect(await ticketsOf(email)).toHaveLength(1);
  });

  test('G7: an out-of-office mail is stored, reopens nothing and gets no answer', async () => {
    const { id, email, replyTo } = await openByMail();
    await desk.call('POST', `/tickets/${id}/resolve`, {});
    await desk.untilMails(email, 2);
    await desk.mail({
      from: email,
      to: replyTo,
      subject: 'Out of office',
      text: 'Back on Monday',
      headers: { 'Auto-Submitted': 'auto-replied' },
    });
    await expect.poll(async () => (await desk.seqs(id)).length, { timeout: 120_000 }).toBe(3);
    expect((await desk.call('GET', `/tickets/${id}`)).body.status).toBe('resolved');
    expect(await desk.inbox(email)).toHaveLength(2);
  });

  test('G4: a reply in the window reopens; after the ticket is closed it opens a linked follow-up', async () => {
    const { id, email, replyTo } = await openByMail();
    await desk.call('POST', `/tickets/${id}/resolve`, {});
    await desk.mail({ from: email, to: replyTo, subject: 'Re', text: 'Still broken' });
    await expect.poll(async () => (await desk.call('GET', `/tickets/${id}`)).body.status, { timeout: 120_000 }).toBe('in_progress');
    await desk.call('POST', `/tickets/${id}/resolve`, {});
    expect((await desk.call('POST', `/tickets/${id}/close`, {})).status).toBe(200);
    await desk.mail({ from: email, to: replyTo, subject: 'Again', text: 'Broken once more' });
    await expect.poll(async () => (await ticketsOf(email)).length, { timeout: 120_000 }).toBe(2);
    expect((await ticketsOf(email))[1]).toMatchObject({ follow_up_of: id, subject: 'Again' });
    expect((await desk.call('GET', `/tickets/${id}`)).body.status).toBe('closed');
  });

  test('what cannot be read is quarantined with its cause, where a lead sees it', async () => {
    const before = (await desk.call('GET', '/inbound/quarantine')).body.data.length as number;
    await desk.mail({ from: customer(), to: support, subject: '', text: '', raw: 'Subject: no sender at all\r\n\r\nHello\r\n' });
    await expect
      .poll(async () => (await desk.call('GET', '/inbound/quarantine', undefined, { as: 'lead' })).body.data.length, { timeout: 120_000 })
      .toBe(before + 1);
    const [entry] = (await desk.call('GET', '/inbound/quarantine')).body.data;
    expect(entry.cause).toBe('unparsable');
    expect((await desk.call('GET', '/inbound/quarantine', undefined, { as: 'agent' })).status).toBe(403);
  });
});

describe('one ticket over HTTP', () => {
  test('lives through every verb, and its log has no gaps', async () => {
    const email = customer();
    const created = await desk.createTicket(email, { as: 'lead' });
    expect(created.status).toBe(201);
    expect(created.headers.get('location')).toContain(created.body.id);
    expect(created.headers.get('etag')).toBe('"1"');
    const id: string = created.body.id;
    const agents = await desk.call('GET', '/agents');
    const agent = agents.body.data.find((person: { role: string }) => person.role === 'agent').id as string;
    const steps: [string, object, object][] = [
      ['assign', { agentId: agent }, { version: 2 }],
      ['priority', { priority: 'high' }, { priority: 'high' }],
      ['start', {}, { status: 'in_progress' }],
      ['await-customer', {}, { status: 'waiting_on_customer' }],
      ['hold', {}, { status: 'on_hold' }],
      ['unassign', {}, { assignee: null }],
      ['resolve', { resolution: 'Sent again' }, { status: 'resolved' }],
      ['reopen', { reason: 'Not yet' }, { status: 'in_progress' }],
      ['status', { status: 'resolved' }, { status: 'resolved' }],
      ['close', {}, { status: 'closed' }],
    ];
    for (const [verb, body, expected] of steps) {
      const answer = await desk.call('POST', `/tickets/${id}/${verb}`, body, { as: 'lead' });
      expect(answer.body, verb).toMatchObject(expected);
      expect(answer.status, verb).toBe(200);
    }
    const events = await desk.call('GET', `/tickets/${id}/events?limit=100`);
    expect(events.body.data.map((event: { version: number }) => event.version)).toEqual(
      events.body.data.map((_: unknown, index: number) => index + 1),
    );
    const late = await desk.call('POST', `/tickets/${id}/start`, {}, { as: 'lead' });
    expect([late.status, late.body.code]).toEqual([409, 'ticket.closed']);
    expect((await desk.call('DELETE', `/tickets/${id}?reason=test%20data`)).status).toBe(204);
    expect((await desk.call('GET', `/tickets/${id}`)).status).toBe(404);
    expect((await desk.call('POST', `/tickets/${id}/restore`, {})).status).toBe(200);
    expect((await desk.call('GET', `/tickets/${id}`)).status).toBe(200);
    await desk.expectSound(id);
  });

  test('the same key is the same ticket, other content under it is refused, and twenty at once are one', async () => {
    const email = customer();
    const key = randomUUID();
    const first = await desk.createTicket(email, { key });
    const again = await desk.createTicket(email, { key });
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotency-lookup')).toBe('hit');
    const other = await desk.createTicket(customer(), { key });
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
    const burst = randomUUID();
    const person = customer();
    const answers = await Promise.all(Array.from({ length: 20 }, () => desk.createTicket(person, { key: burst })));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(
      new Set(answers.some((answer) => answer.status === 409) ? [201, 409] : [201]),
    );
    expect(await ticketsOf(person)).toHaveLength(1);
    await desk.untilMails(person, 1);
  });

  test('a customer sees own tickets, never notes', async () => {
    const mine = await desk.call(
      'POST',
      '/tickets',
      { product: 'demo', subject: 'Mine', description: 'Text', channel: 'web' },
      { as: 'customer' },
    );
    expect(mine.status).toBe(201);
    const id: string = mine.body.id;
    await desk.call('POST', `/tickets/${id}/notes`, { body: 'a secret among us' }, { as: 'lead' });
    await desk.call('POST', `/tickets/${id}/messages`, { body: 'Hello', format: 'text' }, { as: 'lead' });
    const seen = await desk.call('GET', `/tickets/${id}/messages`, undefined, { as: 'customer' });
    expect(JSON.stringify(seen.body)).toContain('Hello');
    expect(JSON.stringify(seen.body)).not.toContain('secret');
    expect((await desk.call('GET', `/tickets/${id}/notes`, undefined, { as: 'customer' })).status).toBe(403);
    const foreign = await desk.createTicket(customer());
    expect((await desk.call('GET', `/tickets/${foreign.body.id}`, undefined, { as: 'customer' })).status).toBe(404);
    const answer = await desk.call('POST', `/tickets/${id}/messages`, { body: 'Thanks', format: 'text' }, { as: 'customer' });
    expect(answer.status).toBe(201);
  });
});

describe('for people', () => {
  test('the pages answer, and readiness names what it checked', async () => {
    for (const path of ['/docs', '/operators', '/problems/ticket.closed']) {
      expect((await fetch(`${desk.info.apiUrl}${path}`)).status, path).toBe(200);
    }
    expect((await fetch(`${desk.info.adminUrl}/readyz`)).status).toBe(200);
    expect((await fetch(`${desk.info.adminUrl}/livez`)).status).toBe(200);
    expect(await (await fetch(`${desk.info.adminUrl}/metrics`)).text()).toContain('usher_command_seconds');
  });

  /** What a person typed, wherever one can: found elsewhere than in PostgreSQL and in the mails themselves it has leaked. */
  const typed = {
    email: 'canary.person@example.com',
    bounced: 'canary.bounced@example.com',
    phone: '+49 30 5550 1990',
    name: 'Canary Person',
    subject: 'canary-subject of the mail',
    field: 'canary-field',
    tag: 'canary-tag',
    note: 'canary-note for us alone',
    reply: 'canary-reply to you',
    reason: 'canary-reason, because',
    resolution: 'canary-resolution at last',
    file: 'canary-file.txt',
    remark: 'canary-remark of a journey',
    provider: 'canary-provider says no',
  } as const;
  const leaked = /.{0,80}(?:canary|5550[ ]?1990).{0,80}/i;

  /** A ticket’s life. */
  const ticketOfCanary = async (): Promise<string> => {
    const { id } = await openByMail(typed.email, typed.subject);
    const call = async (method: string, path: string, body: object): Promise<void> => {
      const { status, body: answer } = await desk.call(method, path, body);
      expect(status, `${path} ${JSON.stringify(answer)}`).toBeLessThan(300);
    };
    await call('POST', '/customers', { name: typed.name, phone: typed.phone });
    await call('PATCH', `/tickets/${id}`, { subject: typed.subject, tags: [typed.tag], customFields: { hobby: typed.field } });
    await call('POST', `/tickets/${id}/notes`, { body: typed.note });
    await call('POST', `/tickets/${id}/messages`, { body: typed.reply, format: 'text' });
    await call('POST', `/tickets/${id}/hold`, { reason: typed.reason });
    await call('POST', `/tickets/${id}/attachments`, { name: typed.file, type: 'text/plain', size: 1 });
    await call('POST', `/tickets/${id}/escalate`, { to: { kind: 'lead' }, level: 1, reason: typed.reason });
    await call('POST', `/tickets/${id}/resolve`, { resolution: typed.resolution });
    // An address stands in what the mail server says of it.
    await desk.fault({ mode: 'reject', match: typed.bounced });
    const bounced = await desk.createTicket(typed.bounced);
    const history = async (): Promise<string[]> =>
      (await desk.call('GET', `/tickets/${bounced.body.id}/history`)).body.data.map(({ type }: { type: string }) => type);
    await expect.poll(history, { timeout: 120_000 }).toContain('message.failed');
    await desk.fault({ mode: 'ok' });
    expect((await desk.call('GET', '/users', undefined, { as: 'agent' })).status).toBe(403);
    return id;
  };

  /** A journey of which somebody speaks, and its provider too. */
  const journeyOfCanary = async (): Promise<string> => {
    const template = {
      key: 'plan_check',
      name: 'Plan check',
      category: 'custom',
      subject: { type: 'customer', id: 'input.customerId' },
      input: { type: 'object', properties: { customerId: { type: 'string' }, remark: { type: 'string' } }, required: ['customerId'] },
      context: { told: { schema: { type: 'string' } } },
      start: 'choose',
      steps: {
        choose: {
          kind: 'automated',
          action: 'crm.recommend_plan@1',
          input: { customerId: 'input.customerId' },
          transitions: [{ to: 'done' }],
        },
        done: { kind: 'end', outcome: 'done', result: 'won' },
      },
    };
    expect((await desk.call('POST', '/journey-templates', template, { as: 'lead' })).status).toBe(201);
    expect((await desk.call('POST', '/journey-templates/plan_check/publish', { mode: 'new_only' })).status).toBe(201);
    await running.stack.packages.behave({ path: '/crm/plans/recommend', status: 404, code: typed.provider, times: 1 });
    const started = await desk.call('POST', '/journeys', { template: 'plan_check', input: { customerId: 'C42', remark: typed.remark } });
    expect(started.status, JSON.stringify(started.body)).toBe(201);
    const path = `/journeys/${started.body.id}`;
    await expect.poll(async () => (await desk.call('GET', path)).body.status, { timeout: 120_000 }).toBe('incident');
    expect((await desk.call('PATCH', `${path}/context`, { told: `${typed.remark} again` })).status).toBe(200);
    expect((await desk.call('POST', `${path}/cancel`, { reason: typed.reason })).status).toBe(200);
    return started.body.id as string;
  };

  test('T31: no free text and no address reaches Temporal; T35, T36: nor logs, metrics, events or the audit, which is whole', async () => {
    const ticket = await ticketOfCanary();
    const journey = await journeyOfCanary();

    const { Connection, Client } = await import('@temporalio/client');
    const connection = await Connection.connect({ address: desk.info.temporalAddress });
    const temporal: string[] = [];
    try {
      const client = new Client({ connection, namespace: desk.info.namespace });
      for await (const { workflowId, runId, raw } of client.workflow.list()) {
        const handle = client.workflow.getHandle(workflowId, runId);
        // With search attributes, memo and summaries, and all that commands, activities and their failures held.
        temporal.push(readable(raw), readable((await handle.describe()).raw), readable(await handle.fetchHistory()));
      }
    } finally {
      await connection.close();
    }
    const histories = temporal.join('\n');
    for (const id of [ticket, journey]) expect(histories).toContain(id);
    expect(histories).toContain('requestId'); // payloads are read as well
    expect(leaked.exec(histories)?.[0]).toBeUndefined();

    const { logsFolder } = running.stack;
    const logs = await Promise.all(['api', 'worker'].map((part) => readFile(join(logsFolder, `${part}.log`), 'utf8')));
    for (const log of logs) expect(log).toContain('"level"');
    expect(leaked.exec(logs.join('\n'))?.[0]).toBeUndefined();

    for (const address of [desk.info.adminUrl, desk.info.workerAdminUrl]) {
      const metrics = await (await fetch(`${address}/metrics`)).text();
      expect(metrics).toContain('usher_');
      expect(leaked.exec(metrics)?.[0]).toBeUndefined();
    }

    // What the live stream and webhooks tell is made of these rows.
    for (const table of ['event', 'audit']) {
      const rows = await desk.sql<{ row: string }>(`select t::text as row from ${table} t`);
      expect(rows.length).toBeGreaterThan(10);
      expect(rows.flatMap(({ row }) => leaked.exec(row)?.[0] ?? [])).toEqual([]);
    }
    const late = `select 1 from audit where seq is null and at < now() - interval '5 seconds'`;
    await expect.poll(() => desk.sql(late), { timeout: 120_000 }).toEqual([]);
    expect((await desk.call('POST', '/audit/verify', {})).body).toMatchObject({ ok: true });
  });
});
