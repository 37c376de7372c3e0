/** The whole system as its users meet it: HTTP, real mail, a real Temporal server, separate processes. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeskClient } from '../support/desk-client.js';
import { startTestStack } from '../support/stack.js';
import type { TestStack } from '../support/stack.js';

let running: TestStack;
let desk: DeskClient;

beforeAll(async () => {
  running = await startTestStack();
  desk = running.desk;
}, 120_000);
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
    await expect.poll(async () => (await desk.seqs(id)).length, { timeout: 15_000 }).toBe(5);
    expect((await desk.call('GET', `/tickets/${id}`)).body.status).toBe('in_progress');
    await answer({ references: `<other@example.com> ${reply.messageId}` });
    await expect.poll(async () => (await desk.seqs(id)).length, { timeout: 15_000 }).toBe(6);
    await answer({ to: replyTo });
    await expect.poll(async () => (await desk.seqs(id)).length, { timeout: 15_000 }).toBe(7);
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
    await expect.poll(async () => (await ticketsOf(second)).length, { timeout: 15_000 }).toBe(1);
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
    await expect.poll(async () => (await desk.seqs(id)).length, { timeout: 15_000 }).toBe(3);
    expect((await desk.call('GET', `/tickets/${id}`)).body.status).toBe('resolved');
    expect(await desk.inbox(email)).toHaveLength(2);
  });

  test('G4: a reply in the window reopens; after the ticket is closed it opens a linked follow-up', async () => {
    const { id, email, replyTo } = await openByMail();
    await desk.call('POST', `/tickets/${id}/resolve`, {});
    await desk.mail({ from: email, to: replyTo, subject: 'Re', text: 'Still broken' });
    await expect.poll(async () => (await desk.call('GET', `/tickets/${id}`)).body.status, { timeout: 15_000 }).toBe('in_progress');
    await desk.call('POST', `/tickets/${id}/resolve`, {});
    expect((await desk.call('POST', `/tickets/${id}/close`, {})).status).toBe(200);
    await desk.mail({ from: email, to: replyTo, subject: 'Again', text: 'Broken once more' });
    await expect.poll(async () => (await ticketsOf(email)).length, { timeout: 15_000 }).toBe(2);
    expect((await ticketsOf(email))[1]).toMatchObject({ follow_up_of: id, subject: 'Again' });
    expect((await desk.call('GET', `/tickets/${id}`)).body.status).toBe('closed');
  });

  test('what cannot be read is quarantined with its cause, where a lead sees it', async () => {
    const before = (await desk.call('GET', '/inbound/quarantine')).body.data.length as number;
    await desk.mail({ from: customer(), to: support, subject: '', text: '', raw: 'Subject: no sender at all\r\n\r\nHello\r\n' });
    await expect
      .poll(async () => (await desk.call('GET', '/inbound/quarantine', undefined, { as: 'lead' })).body.data.length, { timeout: 15_000 })
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

  test('no free text and no address reaches Temporal', async () => {
    const { id } = await openByMail('canary.person@example.com', 'canary-subject');
    await desk.call('POST', `/tickets/${id}/notes`, { body: 'canary-note' });
    await desk.call('POST', `/tickets/${id}/resolve`, { resolution: 'canary-resolution' });
    const { Connection, Client } = await import('@temporalio/client');
    const connection = await Connection.connect({ address: desk.info.temporalAddress });
    try {
      const client = new Client({ connection, namespace: desk.info.namespace });
      const handle = client.workflow.getHandle(`ticket/${id}`);
      const history = await handle.fetchHistory();
      const text = JSON.stringify(history, (_, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
      );
      expect(text).toContain(id);
      expect(text).not.toMatch(/canary/i);
    } finally {
      await connection.close();
    }
  });
});
