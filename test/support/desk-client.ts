/** Talks to a running stack as callers, customers and onlookers do: HTTP, SMTP, and a look into the database. */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { createTransport } from 'nodemailer';
import pg from 'pg';
import { expect } from 'vitest';
import type { StackInfo } from '../../local/stack.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // What a route answers is for each test to look into.
  readonly body: any; // oxlint-disable-line typescript/no-explicit-any
}

export interface CaughtMail {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly messageId: string;
  readonly inReplyTo: string | null;
}

export interface CallOptions {
  readonly as?: keyof StackInfo['credentials'];
  readonly key?: string;
  readonly headers?: Record<string, string>;
  /** Takes the first answer. */
  readonly impatient?: boolean;
}

/** One stack's outside. */
export class DeskClient {
  readonly info: StackInfo;
  private readonly pool: pg.Pool;

  constructor(info: StackInfo) {
    this.info = info;
    this.pool = new pg.Pool({ connectionString: info.databaseUrl, max: 3 });
    this.pool.on('error', () => undefined);
  }

  /** Calls as callers are told to: what was not done, not confirmed in time or is yet to be shown is asked for again with the same key. */
  async call(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
    const { key = method === 'GET' ? undefined : randomUUID(), impatient = false } = options;
    const patience = Date.now() + 120_000;
    for (;;) {
      const answer = await this.ask(method, path, body, { ...options, ...(key === undefined ? {} : { key }) });
      const isFinal = answer.status !== 503 && answer.headers.get('usher-projection') !== 'pending';
      if (isFinal || impatient || Date.now() > patience) return answer;
      await setTimeout(Number(answer.headers.get('retry-after') ?? 1) * 1_000);
    }
  }

  private async ask(method: string, path: string, body: unknown, { as = 'admin', key, headers = {} }: CallOptions): Promise<Answer> {
    const response = await fetch(`${this.info.apiUrl}/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.info.credentials[as]}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
  }

  /** A ticket of a customer with this address. */
  async createTicket(email: string, options: CallOptions = {}): Promise<Answer> {
    const body = {
      product: 'demo',
      subject: 'Order has not arrived',
      description: 'It was due on Monday.',
      channel: 'api',
      requester: { email },
    };
    return this.call('POST', '/tickets', body, options);
  }

  /** Sends a real mail, as the customer's mail program would. */
  async mail(mail: {
    from: string;
    to: string;
    subject: string;
    text: string;
    messageId?: string;
    inReplyTo?: string;
    references?: string;
    headers?: Record<string, string>;
    raw?: string;
  }): Promise<void> {
    const transport = createTransport(this.info.smtpUrl);
    const { from, to, raw } = mail;
    await transport.sendMail(
      raw === undefined
        ? { ...mail, from: { name: '', address: from }, to: { name: '', address: to } }
        : { envelope: { from, to: [to] }, raw },
    );
    transport.close();
  }

  /** What the mail server caught for an address, oldest first. */
  async inbox(address: string): Promise<CaughtMail[]> {
    const all = (await (await fetch(`${this.info.mailUrl}/api/messages`)).json()) as CaughtMail[];
    return all.filter((mail) => mail.to.includes(address)).toReversed();
  }

  raw(mail: CaughtMail): Promise<string> {
    return fetch(`${this.info.mailUrl}/api/messages/${mail.id}/raw`).then((response) => response.text());
  }

  async untilMails(address: string, count: number, timeout = 120_000): Promise<CaughtMail[]> {
    await expect.poll(async () => (await this.inbox(address)).length, { timeout, interval: 100 }).toBe(count);
    return this.inbox(address);
  }

  /** Lets the mail server misbehave; `ok` ends it. */
  async fault(rule: { mode: string; match?: string; times?: number; delayMs?: number }): Promise<void> {
    const response = await fetch(`${this.info.mailUrl}/api/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(rule),
    });
    if (!response.ok) throw new Error(`the mail server refused the fault: ${response.status}`);
  }

  async sql<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    const { rows } = await this.pool.query<Row>(text, values);
    return rows;
  }

  /** Keeps every projection waiting until the returned function is called. */
  async holdProjections(): Promise<() => Promise<void>> {
    const client = new pg.Client({ connectionString: this.info.databaseUrl });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('begin');
    await client.query('lock table event in share mode');
    return () => client.end();
  }

  /** Sequence numbers of a ticket's events, as stored. */
  async seqs(ticketId: string): Promise<number[]> {
    const rows = await this.sql<{ seq: number }>('select seq from event where subject = $1 order by seq', [`ticket/${ticketId}`]);
    return rows.map((row) => row.seq);
  }

  /** What must hold after every fault: no gaps in the versions, each in the audit, the row at the last of them, at most one mail per planned message. */
  async expectSound(ticketId: string): Promise<void> {
    const seqs = await this.seqs(ticketId);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    const unaudited = await this.sql<{ seq: number }>(
      `select e.seq from event e where e.subject = $1 and not exists (
        select from audit a, jsonb_array_elements(a.changes -> 'events') as told
        where a.tenant_id = e.tenant_id and a.subject = e.subject and (told ->> 'seq')::int = e.seq)`,
      [`ticket/${ticketId}`],
    );
    expect(unaudited).toEqual([]);
    const [row] = await this.sql<{ version: number }>('select version from ticket where id = $1', [ticketId]);
    expect(row?.version).toBe(seqs.length);
    const planned = await this.sql<{ message_id: string | null }>('select message_id from outbound_message where ticket_id = $1', [
      ticketId,
    ]);
    const caught = (await (await fetch(`${this.info.mailUrl}/api/messages`)).json()) as CaughtMail[];
    for (const { message_id: id } of planned)
      expect(caught.filter((mail) => mail.messageId === id).length, `mails ${id ?? ''}`).toBeLessThanOrEqual(1);
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}
