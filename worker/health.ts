/** The worker's own small listener: alive, ready, measured. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { Registry } from 'prom-client';

export type Check = () => Promise<void>;

export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Registry;
  /** By name; each rejects when its part does not work. */
  readonly checks: Readonly<Record<string, Check>>;
}

/** A check that has not answered by then has failed. */
const patience = 2_000;

/** Serves `/livez`, `/readyz` (503 with the failing parts) and `/metrics`. */
export async function serveHealth({ host, port, metrics, checks }: HealthOptions): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, body: string): void =>
      void response.writeHead(status, { 'content-type': type }).end(body);
    const json = (status: number, body: unknown): void => answer(status, 'application/json', JSON.stringify(body));
    if (request.url === '/livez') return json(200, { status: 'alive' });
    if (request.url === '/readyz') {
      return void readiness(checks).then((failing) => json(failing.length === 0 ? 200 : 503, { ready: failing.length === 0, failing }));
    }
    if (request.url === '/metrics') {
      return void metrics.metrics().then(
        (text) => answer(200, metrics.contentType, text),
        () => answer(500, 'text/plain', 'metrics are not available'),
      );
    }
    return json(404, { status: 'unknown' });
  });
  await listen(server, port, host);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Names of the checks that fail now. */
async function readiness(checks: HealthOptions['checks']): Promise<string[]> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const late = AbortSignal.timeout(patience);
      const timeout = new Promise<never>((_, reject) => late.addEventListener('abort', () => reject(new Error('late')), { once: true }));
      return Promise.race([check(), timeout]).then(
        () => null,
        () => name,
      );
    }),
  );
  return results.filter((name) => name !== null);
}

const listen = (server: Server, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
