/** The part of Twilio's REST API of 2010-04-01 that sends and lists messages. Source: twilio.com/docs/messaging/api/message-resource. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Log } from './log.js';
import type { SmsFaultRule, SmsFaults } from './twilio-faults.js';
import type { SmsMessage, SmsStore } from './twilio-store.js';

export interface TwilioAccount {
  accountSid: string;
  authToken: string;
  /** The account's only number. */
  from: string;
}

export interface TwilioRestOptions {
  account: TwilioAccount;
  store: SmsStore;
  faults: SmsFaults;
  log: Log;
}

type Env = { Bindings: HttpBindings };

const version = '2010-04-01';
const e164 = /^\+[1-9]\d{6,14}$/;

/** Numbers with which Twilio lets one test failures. Source: twilio.com/docs/iam/test-credentials. */
const failing: Readonly<Record<string, readonly [code: number, text: string]>> = {
  '+15005550001': [21211, "The 'To' number +15005550001 is not a valid phone number."],
  '+15005550002': [21612, "The 'To' phone number: +15005550002, is not currently reachable using the 'From' phone number."],
  '+15005550003': [21408, 'Permission to send an SMS has not been enabled for the region indicated by the To number: +15005550003.'],
  '+15005550004': [21610, 'Attempt to send to unsubscribed recipient'],
  '+15005550009': [21614, "'To' number is not a valid mobile number"],
};

/** The routes below `/2010-04-01`. */
export function createTwilioRest(options: TwilioRestOptions): Hono<Env> {
  const { account, store, faults, log } = options;
  const messages = `/${version}/Accounts/:account` as const;
  const app = new Hono<Env>();
  app.use(`${messages}/*`, async (c, next) => {
    if (!isAuthorised(c.req.header('authorization'), account)) return problem(c, 401, 20003, 'Authenticate');
    if (c.req.param('account') !== account.accountSid) return notFound(c);
    return next();
  });

  app.post(`${messages}/Messages.json`, async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const [to, from, body] = ['To', 'From', 'Body'].map((name) => form.get(name) ?? '');
    const wanted = { to: to ?? '', from: from ?? '', body: body ?? '' };
    const fault: Partial<SmsFaultRule> = faults.forMessage(wanted.to) ?? {};
    if (fault.mode === 'park') await faults.changed();
    if (c.env.incoming.socket.destroyed) return RESPONSE_ALREADY_SENT; // its sender has given up
    const early = before(c, fault);
    if (early !== undefined) return early;
    const wrong = fault.mode === 'reject' ? ([21610, 'Attempt to send to unsubscribed recipient'] as const) : check(wanted, account.from);
    if (wrong !== undefined) return problem(c, 400, ...wrong);
    const taken = await store.add(wanted);
    log(`taken for ${taken.to}: ${taken.body}`);
    return (await after(c, fault)) ?? c.json(resource(taken, account, 'queued'), 201);
  });

  app.get(`${messages}/Messages.json`, (c) => {
    const { To: to, From: from, PageSize: size, Page: number } = c.req.query();
    if (faults.forList(to ?? '') !== undefined) return c.html('<h1>503 Service Unavailable</h1>', 503);
    const pageSize = Math.min(Math.max(Number(size ?? 50) || 50, 1), 1_000);
    const page = Math.max(Number(number ?? 0) || 0, 0);
    const found = store
      .list()
      .filter((message) => (to === undefined || message.to === to) && (from === undefined || message.from === from));
    const shown = found.slice(page * pageSize, (page + 1) * pageSize);
    const uri = (wanted: number): string => {
      const query = new URLSearchParams({ ...c.req.query(), PageSize: String(pageSize), Page: String(wanted) });
      return `${listUri(account)}?${query.toString()}`;
    };
    return c.json({
      messages: shown.map((message) => resource(message, account, 'delivered')),
      page,
      page_size: pageSize,
      start: page * pageSize,
      end: Math.max(page * pageSize + shown.length - 1, 0),
      uri: uri(page),
      first_page_uri: uri(0),
      next_page_uri: (page + 1) * pageSize < found.length ? uri(page + 1) : null,
      previous_page_uri: page === 0 ? null : uri(page - 1),
    });
  });

  app.get(`${messages}/Messages/:file{.+\\.json}`, (c) => {
    const found = store.find(c.req.param('file').replace(/\.json$/, ''));
    return found === undefined ? notFound(c) : c.json(resource(found, account, 'delivered'));
  });
  return app;
}

/** What a fault answers without taking the message. */
function before(c: Context<Env>, { mode, delayMs }: Partial<SmsFaultRule>): Response | undefined {
  if (mode === 'reset_before') return breakOff(c);
  if (mode === 'error_before') return c.html('<h1>503 Service Unavailable</h1>', 503);
  if (mode !== 'throttle') return undefined;
  if (delayMs !== undefined) c.header('Retry-After', String(Math.ceil(delayMs / 1_000)));
  return problem(c, 429, 20429, 'Too Many Requests');
}

/** What a fault answers although it has taken the message. */
async function after(c: Context<Env>, { mode, delayMs }: Partial<SmsFaultRule>): Promise<Response | undefined> {
  if (mode === 'delay') await sleep(delayMs ?? 5_000);
  if (mode === 'error_after') return c.html('<h1>500 Internal Server Error</h1>', 500);
  if (mode === 'reset_after') return breakOff(c);
  return mode === 'execute_then_timeout' ? RESPONSE_ALREADY_SENT : undefined; // though it never is
}

function breakOff(c: Context<Env>): Response {
  c.env.incoming.socket.destroy();
  return RESPONSE_ALREADY_SENT;
}

/** The first thing that is wrong with a message, as Twilio names it. */
function check({ to, from, body }: Pick<SmsMessage, 'to' | 'from' | 'body'>, own: string): readonly [number, string] | undefined {
  if (to === '') return [21604, "A 'To' phone number is required."];
  if (from === '') return [21603, "A 'From' phone number is required."];
  if (body === '') return [21602, 'Message body is required.'];
  if (body.length > 1_600) return [21617, 'The concatenated message body exceeds the 1600 character limit'];
  if (!e164.test(to)) return [21211, `The 'To' number ${to} is not a valid phone number.`];
  if (from !== own)
    return [21606, `The 'From' phone number ${from} is not a valid message-capable Twilio phone number for this destination.`];
  return failing[to];
}

const problem = (c: Context<Env>, status: ContentfulStatusCode, code: number, message: string): Response =>
  c.json({ code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status }, status);

const notFound = (c: Context<Env>): Response => problem(c, 404, 20404, `The requested resource ${c.req.path} was not found`);

/** HTTP Basic, the account's name and its token. */
function isAuthorised(header: string | undefined, { accountSid, authToken }: TwilioAccount): boolean {
  const expected = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;
  return timingSafeEqual(hash(header ?? ''), hash(expected));
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

const listUri = ({ accountSid }: TwilioAccount): string => `/${version}/Accounts/${accountSid}/Messages.json`;

/** RFC 2822, as in `Thu, 24 Aug 2023 05:01:45 +0000`. */
const rfc2822 = (iso: string): string => new Date(iso).toUTCString().replace('GMT', '+0000');

function resource({ sid, to, from, body, receivedAt }: SmsMessage, account: TwilioAccount, status: 'queued' | 'delivered') {
  const uri = listUri(account).replace(/\.json$/, `/${sid}`);
  return {
    account_sid: account.accountSid,
    api_version: version,
    body,
    date_created: rfc2822(receivedAt),
    date_sent: status === 'queued' ? null : rfc2822(receivedAt),
    date_updated: rfc2822(receivedAt),
    direction: 'outbound-api',
    error_code: null,
    error_message: null,
    from,
    messaging_service_sid: null,
    num_media: '0',
    num_segments: String(Math.max(Math.ceil(body.length / 160), 1)),
    price: null,
    price_unit: 'USD',
    sid,
    status,
    subresource_uris: { media: `${uri}/Media.json` },
    to,
    uri: `${uri}.json`,
  };
}
