import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';

interface Fetcher {
  readonly fetch: Hono['fetch'];
}

/**
 * In milliseconds. A request may take longer and have larger headers than the API itself allows, so that its own answer is the one a caller
 * sees; connections are looked at often enough for the times to mean what they say. Source: security.md, section 8.
 */
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 130_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 32 * 1024,
} as const;
/** Requests under way at the end get this long. */
const drainMs = 5_000;

/** Serves an app; disposing waits for requests under way. */
export async function listen(app: Fetcher, host: string, port: number): Promise<AsyncDisposable & { readonly port: number }> {
  const handle = getRequestListener(app.fetch);
  const server = createServer(limits, (incoming, outgoing) => void handle(incoming, outgoing));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : port, [Symbol.asyncDispose]: () => close(server) };
}

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    const late = setTimeout(() => server.closeAllConnections(), drainMs);
    server.close(() => {
      clearTimeout(late);
      resolve();
    });
    server.closeIdleConnections();
  });
