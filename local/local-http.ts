/** What the pages of the stand-in servers share: loopback only, strict contents, JSON that no other site's form can send. */
import { serve } from '@hono/node-server';
import type { Env, Hono, MiddlewareHandler } from 'hono';

const contentSecurity = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:";

/** Refuses names that merely lead here, and tells browsers to load nothing from elsewhere. */
export const localOnly: MiddlewareHandler = async (c, next) => {
  const { hostname } = new URL(c.req.url);
  if (!['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) return c.text('This page answers on this machine only.', 403);
  await next();
  c.header('Content-Security-Policy', contentSecurity);
  c.header('X-Content-Type-Options', 'nosniff');
  c.header('Cache-Control', 'no-store');
  return undefined;
};

/** Only what calls itself JSON: another site's form cannot send that. */
export async function readJson(request: { header(name: string): string | undefined; json(): Promise<unknown> }): Promise<unknown> {
  if (request.header('content-type')?.split(';')[0]?.trim() !== 'application/json') return undefined;
  return request.json().catch(() => undefined);
}

export interface LocalHttp {
  port: number;
  stop(): Promise<void>;
}

/** Listens on loopback; port 0 takes any free one. Stopping breaks what is still connected. */
export const listenLocally = <Bindings extends Env>({ fetch }: Pick<Hono<Bindings>, 'fetch'>, wanted: number): Promise<LocalHttp> =>
  new Promise((resolve, reject) => {
    const server = serve({ fetch, port: wanted, hostname: '127.0.0.1' }, ({ port }) => {
      resolve({
        port,
        stop: () =>
          new Promise((stopped) => {
            server.close(() => stopped());
            if ('closeAllConnections' in server) server.closeAllConnections();
          }),
      });
    });
    server.once('error', reject);
  });
