/** Reports of Twilio, mails of Mailgun and SendGrid: who may be believed, and what becomes of it. Source: api-surfaces.md, section 3; security.md, T14 to T16. */
import { createHmac, createSign, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { settleFound } from '../../db/queries/notice-claim.js';
import { settleOutbound } from '../../db/queries/outbound-settle.js';
import type { TenantTx } from '../../db/client.js';
import { ticketIdFrom } from '../../domain/ids.js';
import { conforms } from './conforms.js';
import { demo, otherTenant, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();
let count = 0;

const now = (): number => Math.floor(Date.now() / 1_000);
const authToken = randomBytes(16).toString('hex');
const signingKey = randomBytes(16).toString('hex');
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const publicKey = pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
const secrets = { twilio: authToken, mailgun: signingKey, sendgrid: publicKey } as const;
type Provider = keyof typeof secrets;

const create = (fields: object, who: Who = 'admin'): Promise<Reply> =>
  stage.call(who, 'POST', '/v1/hook-endpoints', { name: `n${(count += 1)}-mime`, description: 'Provider', ...fields });

async function made(provider: Provider, who: Who = 'admin'): Promise<Reply['body']> {
  const reply = await create({ provider, secret: secrets[provider] }, who);
  expect(reply.status, JSON.stringify(reply.body)).toBe(201);
  return reply.body;
}

/** Bytes, as they are. */
async function post(path: string, body: Uint8Array<ArrayBuffer> | string, headers: Record<string, string>) {
  const response = await stage.app.request(`http://api.test${path}`, { method: 'POST', body, headers });
  const reply = { status: response.status, headers: response.headers, body: (await response.json()) as Record<string, string> };
  expect(conforms('POST', path.split('?')[0] ?? '', reply)).toEqual([]);
  return { status: reply.status, said: reply.body['result'] ?? reply.body['code'], body: reply.body };
}

/** By Twilio's rule alone: HMAC-SHA1 over the address and each name with its value, sorted. */
const twilioSignature = (
  path: string,
  fields: Readonly<Record<string, string>>,
  { token = authToken, at = 'http://api.test' } = {},
): string =>
  createHmac('sha1', token)
    .update(
      at +
        path +
        Object.keys(fields)
          .toSorted()
          .map((name) => name + fields[name])
          .join(''),
    )
    .digest('base64');
const formType = 'application/x-www-form-urlencoded';
const sendReport = (path: string, fields: Record<string, string>, signature = twilioSignature(path, fields)) =>
  post(path, new URLSearchParams(fields).toString(), { 'content-type': formType, 'x-twilio-signature': signature });
const sidOf = (): string => `SM${randomBytes(16).toString('hex')}`;

const lease = randomUUID();
const ledgerRow = (fields: object) => ({
  tenantId: demo.tenant,
  id: randomUUID(),
  dedupeKey: randomUUID(),
  ticketId: ticketIdFrom(randomBytes(5)),
  message: 'notice/resolution#1/r100',
  template: 'notice',
  recipientId: demo.agents[0] ?? '',
  recipientKind: 'agent',
  automatic: true,
  cycle: 1,
  channel: 'sms',
  ...fields,
});
const sms = async (sid: string) => {
  const values = ledgerRow({ state: 'sent', providerId: sid, delivery: 'accepted' });
  await stage.sql((tx) => tx.insertInto('outboundMessage').values(values).execute());
  return values;
};
const settle = async (tx: TenantTx, id: string, sid: string): Promise<boolean> => {
  const end = { state: 'sent', code: null, providerId: sid, providerText: 'queued', bouncedAddress: null, notBefore: null } as const;
  const ending = { holder: { tenant: demo.tenant, id, lease, attempt: 1 }, end, now: Date.now() };
  const [mine = false] = await settleOutbound(tx, demo.tenant, [ending]);
  return mine;
};
const stands = (id: string) =>
  stage.sql((tx) =>
    tx.selectFrom('outboundMessage').select(['state', 'delivery', 'errorCode']).where('id', '=', id).executeTakeFirstOrThrow(),
  );
const said = (id: string) =>
  stage.sql(async (tx) => {
    const rows = await tx.selectFrom('audit').select(['action', 'actor', 'changes']).orderBy('id').execute();
    return rows.filter(({ changes }) => JSON.stringify(changes).includes(id)).map(({ action, actor }) => [action, actor]);
  });

/** Asked past all rules for rows. */
async function ask(text: string, values: readonly unknown[] = []): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: stage.database.superuser });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text, values: [...values], rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}
/** Transactions of this database that wait for an SMS. */
const waiting = async (): Promise<unknown> =>
  (
    await ask(
      `select count(*)::int from pg_locks where locktype = 'advisory' and not granted
       and database = (select oid from pg_database where datname = current_database())`,
    )
  )[0]?.[0];

describe('reports of Twilio', () => {
  test('move a message forward, once each, in whatever order they come', async () => {
    const { path, name } = await made('twilio');
    const sid = sidOf();
    const { id } = await sms(sid);
    const report = (status: string) =>
      sendReport(path, { MessageSid: sid, MessageStatus: status, AccountSid: 'AC1', To: '+1 202 555 0122' });
    expect((await report('delivered')).said).toBe('accepted');
    expect((await report('delivered')).said).toBe('duplicate');
    expect((await report('sent')).said).toBe('accepted');
    expect(await stands(id)).toEqual({ state: 'sent', delivery: 'delivered', errorCode: null });
    expect(await said(id)).toEqual([['message.delivered', `system/hook-${name}`]]);
  });

  test('say why a message did not arrive', async () => {
    const { path } = await made('twilio');
    const sid = sidOf();
    const { id } = await sms(sid);
    await sendReport(path, { MessageSid: sid, MessageStatus: 'undelivered', ErrorCode: '30003' });
    expect(await stands(id)).toEqual({ state: 'sent', delivery: 'bounced', errorCode: 'twilio_30003' });
  });

  test('that are quicker than the answer to the request count once the message is known', async () => {
    const { path } = await made('twilio');
    const sid = sidOf();
    expect((await sendReport(path, { MessageSid: sid, MessageStatus: 'delivered' })).said).toBe('accepted');
    const values = ledgerRow({ state: 'sending', leaseToken: lease, attempts: 1 });
    await stage.sql(async (tx) => {
      await tx.insertInto('outboundMessage').values(values).execute();
      expect(await settle(tx, values.id, sid)).toBe(true);
    });
    expect(await stands(values.id)).toEqual({ state: 'sent', delivery: 'delivered', errorCode: null });
  });

  test('that come while the answer to the request is written down wait for it', async () => {
    const { path } = await made('twilio');
    const sid = sidOf();
    const values = ledgerRow({ state: 'sending', leaseToken: lease, attempts: 1 });
    await stage.sql((tx) => tx.insertInto('outboundMessage').values(values).execute());
    const report = await stage.sql(async (tx) => {
      await settle(tx, values.id, sid);
      const reply = sendReport(path, { MessageSid: sid, MessageStatus: 'delivered' });
      await expect.poll(() => waiting()).toBe(1);
      return { reply };
    });
    expect((await report.reply).said).toBe('accepted');
    expect(await stands(values.id)).toMatchObject({ delivery: 'delivered' });
  });

  test('count for a message that is found at Twilio only later', async () => {
    const { path } = await made('twilio');
    const sid = sidOf();
    const wireAt = Date.now() - 60_000;
    const { id } = await stage.sql(async (tx) => {
      const values = ledgerRow({ state: 'planned', wireAt: new Date(wireAt), attempts: 1 });
      await tx.insertInto('outboundMessage').values(values).execute();
      return values;
    });
    await sendReport(path, { MessageSid: sid, MessageStatus: 'undelivered', ErrorCode: '30005' });
    expect(await stands(id)).toMatchObject({ state: 'planned', delivery: null });
    await stage.sql((tx) => settleFound(tx, { tenant: demo.tenant, id, wireAt, providerId: sid }, Date.now()));
    expect(await stands(id)).toEqual({ state: 'sent', delivery: 'bounced', errorCode: 'twilio_30005' });
  });

  test('T14: that are not signed with the account’s token over our public address are not believed', async () => {
    const { path } = await made('twilio');
    const sid = sidOf();
    const { id } = await sms(sid);
    const fields = { MessageSid: sid, MessageStatus: 'delivered' };
    const bad = [
      '',
      'x',
      twilioSignature(path, fields, { token: signingKey }),
      twilioSignature(path, fields, { at: 'http://elsewhere.test' }),
      twilioSignature(`${path}?a=1`, fields),
      twilioSignature(path, { ...fields, MessageStatus: 'failed' }),
    ];
    for (const signature of bad)
      expect(await sendReport(path, fields, signature)).toMatchObject({ status: 401, said: 'signature_invalid' });
    const body = new URLSearchParams(fields).toString();
    expect(await post(path, body, { 'content-type': formType })).toMatchObject({ status: 401, said: 'signature_invalid' });
    expect(await stands(id)).toMatchObject({ delivery: 'accepted' });
    expect((await sendReport(`${path}?a=1`, fields)).status).toBe(200);
  });

  test('T14: of another tenant’s account say nothing of our messages', async () => {
    const theirs = await made('twilio', 'foreign');
    const sid = sidOf();
    const { id } = await sms(sid);
    expect((await sendReport(theirs.path, { MessageSid: sid, MessageStatus: 'delivered' })).said).toBe('accepted');
    expect(await stands(id)).toMatchObject({ delivery: 'accepted' });
  });

  test.each([
    [{ MessageStatus: 'sent' }, '/MessageSid'],
    [{ MessageSid: 'SM1', MessageStatus: 'sent' }, '/MessageSid'],
    [{ MessageSid: `SM${'0'.repeat(32)}` }, '/MessageStatus'],
    [{ MessageSid: `SM${'0'.repeat(32)}`, MessageStatus: 'a b' }, '/MessageStatus'],
  ])('signed, but %o: refused', async (fields, pointer) => {
    const { path } = await made('twilio');
    expect(await sendReport(path, fields)).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
  });

  test('that are too large, or for nobody, are not looked at', async () => {
    const { path } = await made('twilio');
    expect((await sendReport(path, { MessageSid: 'x'.repeat(1024 * 1024) })).said).toBe('too_large');
    expect((await sendReport('/v1/hooks/twilio/demo.nobody', { MessageSid: 'x' })).status).toBe(404);
    expect((await sendReport(path.replace('demo.', 'other.'), { MessageSid: 'x' })).status).toBe(404);
  });
});

/** A mail that is no UTF-8. */
const aMail = (id: string = randomUUID()) =>
  Buffer.concat([
    Buffer.from(`Message-ID: <${id}@mail.example>\r\nFrom: Ann <ann@example.com>\r\nTo: support+demo@desk.example\r\nSubject: Caf`),
    Buffer.from([0xe9]),
    Buffer.from(`\r\nContent-Type: text/plain; charset=latin1\r\n\r\nOne & two = 100%+\r\n--not the end\r\n`),
  ]);

const kept = (mail: Buffer, tenant = demo.tenant) => {
  const [, id = ''] = /^Message-ID: (<.+>)/.exec(mail.toString('latin1')) ?? [];
  return stage.sql(async (tx) => {
    const rows = await tx
      .selectFrom('inboundMessage')
      .select(['id', 'rawKey', 'state', 'size', 'product'])
      .where('externalId', '=', id)
      .execute();
    return Promise.all(
      rows.map(async (one) => {
        const audit = await tx.selectFrom('audit').select(['actor', 'source']).where('subject', '=', `inbound/${one.id}`).execute();
        return { ...one, audit };
      }),
    );
  }, tenant);
};
const bytesOf = (key: string): Promise<Buffer> => stage.deps.files.read(key);

/** Each byte of a mail as browsers never send it. */
const encoded = (bytes: Buffer): string =>
  [...bytes]
    .map((byte) =>
      /[A-Za-z0-9]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : byte === 32
          ? '+'
          : `%${byte.toString(16).padStart(2, '0')}`,
    )
    .join('');

const boundary = 'xYzZY';
const multipart = (fields: Readonly<Record<string, string | Buffer>>): Buffer<ArrayBuffer> =>
  Buffer.concat([
    ...Object.entries(fields).map(([name, value]) =>
      Buffer.concat([
        Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`),
        Buffer.from(value),
        Buffer.from('\r\n'),
      ]),
    ),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
const multipartType = `multipart/form-data; boundary=${boundary}`;

interface Signing {
  readonly key?: string;
  readonly at?: number;
  readonly token?: string;
}
const mailgunFields = ({ key = signingKey, at = now(), token = randomBytes(25).toString('hex') }: Signing = {}) => ({
  timestamp: String(at),
  token,
  signature: createHmac('sha256', key).update(`${at}${token}`).digest('hex'),
});
const sendMailgun = (path: string, mail: Buffer, fields: Record<string, string> = mailgunFields()) =>
  post(path, multipart({ recipient: 'support+demo@desk.example', ...fields, 'body-mime': mail }), { 'content-type': multipartType });

describe('mails of Mailgun', () => {
  test('are kept as they came, once, in either kind of form', async () => {
    const { path, name } = await made('mailgun');
    const [one, other] = [aMail(), aMail()];
    expect((await sendMailgun(path, one)).body).toEqual({ result: 'accepted' });
    expect((await sendMailgun(path, one)).body).toEqual({ result: 'duplicate' });
    const body = `${new URLSearchParams(mailgunFields()).toString()}&body-mime=${encoded(other)}&subject=`;
    expect((await post(path, body, { 'content-type': 'application/x-www-form-urlencoded' })).said).toBe('accepted');
    // The envelope stands before the mail, as a mail server would have noted it.
    const asDelivered = Buffer.concat([Buffer.from('Delivered-To: support+demo@desk.example\r\n'), one]);
    for (const [mail, bytes] of [
      [one, asDelivered],
      [other, other],
    ] as const) {
      const [row, ...more] = await kept(mail);
      expect(more).toEqual([]);
      const audit = [{ actor: `system/hook-${name}`, source: 'mail' }];
      expect(row).toMatchObject({ state: 'received', size: bytes.length, product: 'demo', audit });
      expect(await bytesOf(row?.rawKey ?? '')).toEqual(bytes);
    }
  });

  test('are the same mail as one that a gateway brought', async () => {
    const { path } = await made('mailgun');
    const mail = aMail();
    const brought = await stage.app.request('http://api.test/v1/inbound/email', {
      method: 'POST',
      body: mail,
      headers: { authorization: `Bearer ${stage.keys.service}`, 'content-type': 'message/rfc822' },
    });
    expect(brought.status).toBe(202);
    expect((await sendMailgun(path, mail)).said).toBe('duplicate');
  });

  test('T15: a token brings one mail, and no other', async () => {
    const { path } = await made('mailgun');
    const [mail, another] = [aMail(), aMail()];
    const once = mailgunFields();
    expect((await sendMailgun(path, mail, once)).said).toBe('accepted');
    expect((await sendMailgun(path, another, once)).said).toBe('duplicate');
    expect(await kept(another)).toEqual([]);
    expect((await sendMailgun(path, another)).said).toBe('accepted');
  });

  test('that could not be taken come again hours later, signed as they were', async () => {
    const { path } = await made('mailgun');
    const mail = aMail();
    expect((await sendMailgun(path, mail, mailgunFields({ at: now() - 8 * 3_600 }))).said).toBe('accepted');
    expect(await kept(mail)).toHaveLength(1);
  });

  test('T15: that are not signed, or not in their time, are not believed', async () => {
    const { path } = await made('mailgun');
    const mail = aMail();
    const { signature: _, ...unsigned } = mailgunFields();
    const bad = [
      {},
      unsigned,
      { ...unsigned, signature: 'x' },
      { ...mailgunFields(), token: 'a'.repeat(50) },
      { ...mailgunFields(), timestamp: String(now() - 1) },
      mailgunFields({ key: authToken }),
      mailgunFields({ at: now() - 10 * 3_600 }),
      mailgunFields({ at: now() + 400 }),
    ];
    for (const fields of bad)
      expect(await sendMailgun(path, mail, fields), JSON.stringify(fields)).toMatchObject({ status: 401, said: 'signature_invalid' });
    expect(await kept(mail)).toEqual([]);
  });

  test('that are not raw, no form, too large or for nobody are refused', async () => {
    const { path } = await made('mailgun');
    const parsed = multipart({ ...mailgunFields(), 'body-plain': 'Hello' });
    expect(await post(path, parsed, { 'content-type': multipartType })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/body-mime' }] },
    });
    expect((await post(path, '{}', { 'content-type': 'application/json' })).said).toBe('media_type');
    expect((await post(path, new Uint8Array(32 * 1024 * 1024 + 1), { 'content-type': multipartType })).said).toBe('too_large');
    expect((await sendMailgun('/v1/hooks/mailgun/demo.nobody-mime', aMail())).status).toBe(404);
    expect((await sendMailgun(path.replace('demo.', 'other.'), aMail())).status).toBe(404);
  });

  test('for another tenant are that tenant’s', async () => {
    const { path } = await made('mailgun', 'foreign');
    const mail = aMail();
    expect((await sendMailgun(path, mail)).said).toBe('accepted');
    expect(await kept(mail)).toEqual([]);
    expect(await kept(mail, otherTenant)).toHaveLength(1);
  });
});

const sendGridHeaders = (body: Buffer, { key = pair.privateKey, at = String(now()) } = {}): Record<string, string> => ({
  'content-type': multipartType,
  'x-twilio-email-event-webhook-timestamp': at,
  'x-twilio-email-event-webhook-signature': createSign('sha256').update(at).update(body).sign(key, 'base64'),
});
const sendGridForm = (mail: Buffer, envelope = '{}') => multipart({ to: 'support+demo@desk.example', email: mail, envelope });

describe('mails of SendGrid', () => {
  test('are kept as they came, once', async () => {
    const { path } = await made('sendgrid');
    const mail = aMail();
    const body = sendGridForm(mail);
    expect((await post(path, body, sendGridHeaders(body))).body).toEqual({ result: 'accepted' });
    expect((await post(path, body, sendGridHeaders(body))).body).toEqual({ result: 'duplicate' });
    const [row, ...more] = await kept(mail);
    expect(more).toEqual([]);
    expect(await bytesOf(row?.rawKey ?? '')).toEqual(mail);
  });

  test.each([
    ['{"to":["support+demo@desk.example"],"from":""}', 'Return-Path: <>\r\nDelivered-To: support+demo@desk.example\r\n'],
    ['{"to":["a@b.example\\r\\nX: 1", 1],"from":"ann@example.com"}', 'Return-Path: <ann@example.com>\r\n'],
    ['null', ''],
    ['{', ''],
  ])('with %s as their envelope begin with %j', async (envelope, lines) => {
    const { path } = await made('sendgrid');
    const mail = aMail();
    const body = sendGridForm(mail, envelope);
    expect((await post(path, body, sendGridHeaders(body))).said).toBe('accepted');
    const [row] = await kept(mail);
    expect(await bytesOf(row?.rawKey ?? '')).toEqual(Buffer.concat([Buffer.from(lines), mail]));
  });

  test('T16: brought again by somebody else they are not kept, even when they are here no more', async () => {
    const { path } = await made('sendgrid');
    const mail = aMail();
    const body = sendGridForm(mail);
    const headers = sendGridHeaders(body, { at: String(now() - 72 * 3_600) });
    expect((await post(path, body, headers)).said).toBe('accepted');
    const [row] = await kept(mail);
    await ask('delete from inbound_message where id = $1', [row?.id]);
    for (const signed of [headers, sendGridHeaders(body, { at: headers['x-twilio-email-event-webhook-timestamp'] ?? '' })])
      expect((await post(path, body, signed)).said).toBe('duplicate');
    expect(await kept(mail)).toEqual([]);
  });

  test('T15: that are not signed, signed otherwise or not in their time are not believed', async () => {
    const { path } = await made('sendgrid');
    const mail = aMail();
    const body = sendGridForm(mail);
    const good = sendGridHeaders(body);
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const without = (name: string) => Object.fromEntries(Object.entries(good).filter(([one]) => one !== name));
    const bad = [
      without('x-twilio-email-event-webhook-timestamp'),
      without('x-twilio-email-event-webhook-signature'),
      { ...good, 'x-twilio-email-event-webhook-signature': 'x' },
      { ...good, 'x-twilio-email-event-webhook-signature': 'A'.repeat(96) },
      { ...good, 'x-twilio-email-event-webhook-timestamp': String(now() - 1) },
      sendGridHeaders(sendGridForm(aMail())),
      sendGridHeaders(body, { key: stranger }),
      sendGridHeaders(body, { at: String(now() - 74 * 3_600) }),
      sendGridHeaders(body, { at: String(now() + 400) }),
    ];
    for (const one of bad)
      expect(await post(path, body, one), JSON.stringify(one)).toMatchObject({ status: 401, said: 'signature_invalid' });
    expect(await kept(mail)).toEqual([]);
  });

  test('that are not raw, no form, too large or for nobody are refused', async () => {
    const { path } = await made('sendgrid');
    const parsed = multipart({ text: 'Hello' });
    expect(await post(path, parsed, sendGridHeaders(parsed))).toMatchObject({ status: 400, body: { errors: [{ pointer: '/email' }] } });
    expect((await post(path, parsed, { ...sendGridHeaders(parsed), 'content-type': 'text/plain' })).said).toBe('media_type');
    expect((await post(path, new Uint8Array(32 * 1024 * 1024 + 1), sendGridHeaders(parsed))).said).toBe('too_large');
    expect((await post('/v1/hooks/sendgrid/demo.nobody', parsed, sendGridHeaders(parsed))).status).toBe(404);
  });
});

describe('a hook for a provider', () => {
  test.each<[Provider, string | undefined]>([
    ['twilio', undefined],
    ['mailgun', undefined],
    ['sendgrid', undefined],
    ['twilio', `whsec_${'A'.repeat(32)}`],
    ['sendgrid', 'a-secret-but-no-public-key'],
    ['sendgrid', generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'der', type: 'spki' }).toString('base64')],
  ])('of %s with %s as its secret is refused', async (provider, secret) => {
    const reply = await create({ provider, ...(secret === undefined ? {} : { secret }) });
    expect([reply.status, reply.body.errors?.[0]?.pointer]).toEqual([400, '/secret']);
  });

  test('of Mailgun has a name to which it brings raw mail', async () => {
    const reply = await create({ provider: 'mailgun', name: 'mailgun', secret: signingKey });
    expect([reply.status, reply.body.errors[0].pointer]).toEqual([400, '/name']);
  });

  test('gets another secret from the provider alone', async () => {
    const { id, path } = await made('twilio');
    const rotate = (body: object) => stage.call('admin', 'POST', `/v1/hook-endpoints/${id}/rotate-secret`, body);
    expect((await rotate({})).body.errors[0].pointer).toBe('/secret');
    const next = randomBytes(16).toString('hex');
    expect((await rotate({ secret: next, overlapHours: 1 })).status).toBe(200);
    const fields = { MessageSid: `SM${'1'.repeat(32)}`, MessageStatus: 'sent' };
    for (const token of [authToken, next]) {
      const signature = createHmac('sha1', token)
        .update(`http://api.test${path}MessageSid${fields.MessageSid}MessageStatussent`)
        .digest('base64');
      const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature };
      expect((await post(path, new URLSearchParams(fields).toString(), headers)).status).toBe(200);
    }
  });
});
