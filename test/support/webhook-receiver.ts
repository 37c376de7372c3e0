/** A receiver of webhooks as a customer would write one: it verifies by the standard alone, and answers as a test says. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly id: string;
  readonly timestampS: number;
  /** Signatures that one of its secrets explains. */
  readonly signedBy: readonly string[];
  readonly path: string;
  readonly body: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

export type Behaviour = (response: ServerResponse, received: Received) => void;

export interface WebhookReceiver extends AsyncDisposable {
  readonly url: string;
  /** What came, oldest first. */
  readonly received: Received[];
  /** How it answers from now on. */
  behave: Behaviour;
  /** As after a crash: nobody listens, and connections are gone. */
  stop(): Promise<void>;
  /** At the same address. */
  start(): Promise<void>;
}

export const answering =
  (status: number, headers: Readonly<Record<string, string>> = {}, body = ''): Behaviour =>
  (response) =>
    void response.writeHead(status, headers).end(body);

/** @param secrets as they were shown, `whsec_…` */
export async function startReceiver(secrets: () => readonly string[]): Promise<WebhookReceiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const header = (name: string): string => String(request.headers[name] ?? '');
      const [id, timestamp] = [header('webhook-id'), header('webhook-timestamp')];
      const given = header('webhook-signature').split(' ');
      const one: Received = {
        id,
        timestampS: Number(timestamp),
        signedBy: secrets().filter((secret) => given.some((signature) => matches(secret, signature, `${id}.${timestamp}.${body}`))),
        path: request.url ?? '',
        body,
        at: Date.now(),
      };
      receiver.received.push(one);
      receiver.behave(response, one);
    });
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  // Listening by number, it has an address of that kind.
  const { port } = server.address() as AddressInfo;
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${port}/hooks`,
    received: [],
    behave: answering(204),
    stop,
    start: () => listen(port),
    [Symbol.asyncDispose]: () => (server.listening ? stop() : Promise.resolve()),
  };
  return receiver;
}

function matches(secret: string, signature: string, text: string): boolean {
  const [version, mac = ''] = signature.split(',');
  const expected = createHmac('sha256', Buffer.from(secret.replace(/^whsec_/, ''), 'base64'))
    .update(text)
    .digest();
  const found = Buffer.from(mac, 'base64');
  return version === 'v1' && found.length === expected.length && timingSafeEqual(found, expected);
}
