import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:http';
import type { Outcome } from './recorder.js';

/** A call that has not been answered by then has failed. */
const limitMs = 10_000;

export interface HttpAnswer {
  outcome: Outcome;
  /** Status and problem code of what was not done. */
  problem: string | undefined;
  body: unknown;
}

export interface Http {
  /** Never rejects. */
  post(path: string, key: string, body: unknown): Promise<HttpAnswer>;
  /** Never rejects. */
  get(path: string, key: string): Promise<HttpAnswer>;
  close(): void;
}

/** A small client over kept connections: `fetch` would take as much time as the system under test. */
export function createHttp(baseUrl: string): Http {
  const { hostname, port } = new URL(baseUrl);
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 256 });
  const send = (method: 'GET' | 'POST', path: string, key: string, payload = ''): Promise<HttpAnswer> =>
    new Promise((resolve) => {
      const written = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
      const headers = { authorization: `Bearer ${key}`, ...(method === 'POST' ? written : {}) };
      const call = request({ agent, hostname, port, path, method, headers, timeout: limitMs }, (response) => {
        read(response).then(
          (text) => resolve(understand(response.statusCode ?? 0, text)),
          (error: unknown) => resolve(broken(error)),
        );
      });
      call.once('timeout', () => call.destroy(new Late()));
      call.once('error', (error) => resolve(broken(error)));
      call.end(payload);
    });
  return {
    post: (path, key, body) => send('POST', path, key, JSON.stringify(body)),
    get: (path, key) => send('GET', path, key),
    close: () => agent.destroy(),
  };
}

class Late extends Error {
  override readonly name = 'Late';
}

function understand(status: number, text: string): HttpAnswer {
  const body = parse(text);
  if (status === 202) return { outcome: 'pending', problem: undefined, body };
  if (status >= 200 && status < 300) return { outcome: 'ok', problem: undefined, body };
  const code = typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string' ? body.code : '';
  return { outcome: status === 429 ? 'limited' : 'error', problem: `${status} ${code}`.trim(), body };
}

const broken = (error: unknown): HttpAnswer => ({
  outcome: error instanceof Late ? 'timeout' : 'error',
  problem: error instanceof Late ? `no answer in ${limitMs / 1_000} s` : error instanceof Error ? error.message : String(error),
  body: undefined,
});

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function read(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const part of response) text += String(part);
  return text;
}
