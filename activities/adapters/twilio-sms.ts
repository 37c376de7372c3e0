/** SMS over Twilio's REST API: one request per message, no retries of its own. Source: reliability.md, R3, R4 and section 7. */
import twilio from 'twilio';
import { SendError } from '../ports.js';
import type { HttpReply, SmsSender } from '../ports.js';

export interface TwilioOptions {
  readonly accountSid: string;
  readonly authToken: string;
  /** The sender: a number of the account in E.164, or a name it may send under. */
  readonly from: string;
  /** Where the API is: Twilio's own, one of its regions, or a stand-in. */
  readonly apiUrl: string;
  /** Address of our API, for reports. */
  readonly publicUrl: string;
}

/** Milliseconds of one request, from its first byte to the last of the answer. */
const patience = 10_000;
/** How many of the newest messages to a number are looked through. */
const newest = 100;

/** Nothing listens there, or there is no way there: no byte of the request has left. */
const unreached: readonly string[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH'];

/** SMS from one account's number. */
export function createTwilioSms(options: TwilioOptions): SmsSender {
  return {
    async send({ to, text, reportPath }, { signal, beforeWire }) {
      try {
        await beforeWire();
      } catch (error) {
        throw new SendError('stopped before the wire', null, { cause: error });
      }
      const reports = reportPath === null ? {} : { statusCallback: options.publicUrl + reportPath };
      const message = { to, from: options.from, body: text, ...reports };
      const { sid, status } = await call(options, signal, ({ messages }) => messages.create(message));
      return { providerId: sid, text: status };
    },
    async find(to, reference, signal) {
      // Not by date: a message that still waits in Twilio's queue has none.
      const listed = await call(options, signal, ({ messages }) => messages.list({ to, limit: newest, pageSize: newest }));
      return listed.find(({ body }) => body.includes(reference))?.sid ?? null;
    },
  };
}

type TwilioClient = ReturnType<typeof twilio>;
type RequestClient = InstanceType<typeof twilio.RequestClient>;

/** One request, ended by the signal. Its errors hold the request with number and text, so they go no further. */
async function call<T>(options: TwilioOptions, signal: AbortSignal, request: (client: TwilioClient) => Promise<T>): Promise<T> {
  const http = httpClient(options.apiUrl, AbortSignal.any([signal, AbortSignal.timeout(patience)]));
  const client = twilio(options.accountSid, options.authToken, { httpClient: http, autoRetry: false });
  try {
    return await request(client);
  } catch (error) {
    throw sendError(error, http);
  }
}

/** Twilio's HTTP client, with another address for the API and an end to its patience. */
function httpClient(apiUrl: string, signal: AbortSignal): RequestClient {
  // A kept connection that the other side has just closed would look like a lost answer.
  const http = new twilio.RequestClient({ timeout: patience, keepAlive: false, autoRetry: false });
  http.axios.defaults.signal = signal;
  const api = new URL(apiUrl);
  http.axios.interceptors.request.use((config) => {
    const { pathname, search } = new URL(config.url ?? '');
    config.url = new URL(`${api.pathname.replace(/\/$/, '')}${pathname}${search}`, api).href;
    return config;
  });
  return http;
}

function sendError(error: unknown, { lastResponse }: RequestClient): SendError {
  const text = error instanceof Error ? error.message : 'unknown failure';
  // A yes that cannot be read is no answer.
  if (lastResponse !== undefined && lastResponse.statusCode >= 300) return new SendError(text, replyOf(error, lastResponse));
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  return new SendError(text, null, { unreached: unreached.includes(code) });
}

function replyOf(error: unknown, { statusCode, headers }: { readonly statusCode: number; readonly headers: unknown }): HttpReply {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : null;
  return { kind: 'http', status: statusCode, code, retryAfterMs: retryAfter(headers) };
}

/** Twilio gives seconds. */
function retryAfter(headers: unknown): number | null {
  const given = typeof headers === 'object' && headers !== null && 'retry-after' in headers ? Number(headers['retry-after']) : Number.NaN;
  return Number.isFinite(given) && given > 0 ? Math.min(given, 3_600) * 1_000 : null;
}
