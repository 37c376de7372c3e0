import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { problemKind } from './problems.js';
import type { ProblemCode } from './problems.js';

interface Fetcher {
  readonly fetch: Parameters<typeof getRequestListener>[0];
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
  server.on('clientError', refuse);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : port, [Symbol.asyncDispose]: () => close(server) };
}

/** What goes wrong before there is a request, by the code Node gives it. */
const faults: Readonly<Partial<Record<string, ProblemCode>>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** What is no request, or never becomes one, is answered like everything else: by a problem. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = faults[error.code ?? ''] ?? 'invalid_request';
  const { status, title, text: detail } = problemKind(code);
  const requestId = randomUUID();
  const body = JSON.stringify({ type: `/problems/${code}`, title, status, detail, instance: '', code, requestId });
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'x-content-type-options: nosniff',
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
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
