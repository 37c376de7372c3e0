import { readFile } from 'node:fs/promises';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { z } from 'zod';
import { listenLocally, localOnly, readJson } from './local-http.js';
import type { Log } from './log.js';
import { SmsFaultRule, SmsFaults } from './twilio-faults.js';
import { createTwilioRest } from './twilio-rest.js';
import type { TwilioAccount } from './twilio-rest.js';
import type { SmsMessage } from './twilio-store.js';
import { SmsStore } from './twilio-store.js';

const page = new URL('./twilio-page.html', import.meta.url);

export interface TwilioStandInOptions {
  /** 0 takes any free port. */
  port: number;
  /** Where taken messages are kept. */
  dir: string;
  account: TwilioAccount;
  log: Log;
}

/** An SMS provider that takes everything and sends nothing. */
export interface TwilioStandIn extends AsyncDisposable {
  /** The page, under /api the same as JSON, and Twilio's REST API. */
  readonly url: string;
  /** Taken messages, newest first. */
  messages(to?: string): SmsMessage[];
  clear(): Promise<void>;
  /** Makes it misbehave; `{ mode: 'ok' }` ends all faults. */
  setFault(rule: SmsFaultRule): void;
  stop(): Promise<void>;
}

/** Starts the stand-in for Twilio in this process. */
export async function startTwilio({ port, dir, account, log }: TwilioStandInOptions): Promise<TwilioStandIn> {
  const store = await SmsStore.open(dir);
  const faults = new SmsFaults();
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(localOnly);
  app.get('/', async (c) => c.html(await readFile(page, 'utf8')));
  app.get('/api/messages', (c) => {
    const limit = Number(c.req.query('limit') ?? Number.POSITIVE_INFINITY);
    return c.json(store.list(c.req.query('to')).slice(0, limit));
  });
  app.delete('/api/messages', async (c) => {
    await store.clear();
    return c.body(null, 204);
  });
  app.get('/api/faults', (c) => c.json(faults.list()));
  app.post('/api/faults', async (c) => {
    const rule = SmsFaultRule.safeParse(await readJson(c.req));
    if (!rule.success) return c.json({ error: z.prettifyError(rule.error) }, 400);
    faults.set(rule.data);
    return c.json(faults.list());
  });
  app.route('/', createTwilioRest({ account, store, faults, log }));

  const http = await listenLocally(app, port);
  const stop = async (): Promise<void> => {
    faults.set({ mode: 'ok' });
    await http.stop();
  };
  return {
    url: `http://127.0.0.1:${http.port}`,
    messages: (to) => store.list(to),
    clear: () => store.clear(),
    setFault: (rule) => faults.set(rule),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
