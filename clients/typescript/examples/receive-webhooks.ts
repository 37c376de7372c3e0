/** Receives webhooks: answers at once, and believes only what Usher has signed. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { isFromUsher } from '../webhook.js';

/** @param onEvent called once for each webhook that is good; the same id may come again */
export function receiveWebhooks(secret: string, onEvent: (id: string, event: unknown) => void): Server {
  return createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const headers = {
        id: header(request, 'webhook-id'),
        timestamp: header(request, 'webhook-timestamp'),
        signature: header(request, 'webhook-signature'),
      };
      const isGood = isFromUsher(secret, { headers, body });
      response.writeHead(isGood ? 204 : 401).end();
      if (isGood) onEvent(headers.id, JSON.parse(body.toString('utf8')));
    });
  });
}

const header = (request: IncomingMessage, name: string): string => {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
};
