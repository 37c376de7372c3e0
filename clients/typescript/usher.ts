/** A typed client of Usher: every operation of `openapi.json`, with the credential, and a key for each write, so that repeating is safe. */
import createClient from 'openapi-fetch';
import type { Client } from 'openapi-fetch';
import type { components, paths } from './schema.js';

export type Usher = Client<paths>;
export type Problem = components['schemas']['Problem'];
/** As whoever asks may see it. */
export type Ticket = components['schemas']['StaffTicket'] | components['schemas']['CustomerTicket'];
export type Journey = components['schemas']['Journey'];

export interface Options {
  /** Address of the API, without `/v1`. */
  readonly url: string;
  /** An API key, or an access token. */
  readonly credential: string;
  /** The customer a service speaks for. */
  readonly actingFor?: string;
  /** How often a request is sent at most, where Usher asks to come again. */
  readonly tries?: number;
  readonly fetch?: typeof fetch;
  readonly wait?: (ms: number) => Promise<void>;
}

/** What Usher answered instead of what was asked for. */
export class UsherProblem extends Error {
  override readonly name = 'UsherProblem';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
    this.problem = problem;
  }
}

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Connects to one Usher as one caller.
 *
 * A write gets an `Idempotency-Key` unless it has one, and the same key on every try: what Usher asks to repeat (429, 503, a first try that still
 * runs) is repeated after the time it names, and done once.
 */
export function connect({ url, credential, actingFor, tries = 4, fetch: send = fetch, wait = later }: Options): Usher {
  const persistent = async (request: Request): Promise<Response> => {
    for (let attempt = 1; ; attempt += 1) {
      const response = await send(request.clone());
      const after = Number(response.headers.get('retry-after') ?? Number.NaN);
      const mayRepeat = (response.status === 429 || response.status === 503 || response.status === 409) && Number.isFinite(after);
      if (!mayRepeat || attempt >= tries) return response;
      await response.body?.cancel();
      await wait(after * 1_000);
    }
  };
  const client = createClient<paths>({ baseUrl: url.replace(/\/$/, ''), fetch: persistent });
  client.use({
    onRequest({ request }) {
      request.headers.set('authorization', `Bearer ${credential}`);
      if (actingFor !== undefined) request.headers.set('usher-acting-for', `customer/${actingFor}`);
      if (request.method !== 'GET' && !request.headers.has('idempotency-key')) {
        request.headers.set('idempotency-key', globalThis.crypto.randomUUID());
      }
      return request;
    },
  });
  return client;
}

/**
 * What a call answered.
 *
 * @throws UsherProblem
 */
export async function done<T>(call: Promise<{ readonly data?: T; readonly error?: unknown; readonly response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (isProblem(error)) throw new UsherProblem(error);
  if (data === undefined) throw new Error(`${response.url} answered ${response.status} without what was asked for`);
  return data;
}

const isProblem = (value: unknown): value is Problem => typeof value === 'object' && value !== null && 'code' in value && 'requestId' in value;
