import { readFile } from 'node:fs/promises';
import { Hono } from 'hono';
import { createTransport } from 'nodemailer';
import { z } from 'zod';
import { listenLocally, localOnly, readJson } from './local-http.js';
import type { LocalHttp } from './local-http.js';
import { FaultRule } from './mail-faults.js';
import type { MailFaults } from './mail-faults.js';
import type { MailStore } from './mail-store.js';

const page = new URL('./mail-page.html', import.meta.url);

/** A mail written on the page, as a customer would send it. */
const Draft = z.strictObject({
  from: z.email(),
  to: z.email(),
  subject: z.string().max(500),
  text: z.string().max(100_000),
  inReplyTo: z.exactOptional(z.string().max(998)),
});

export interface MailHttpOptions {
  port: number;
  store: MailStore;
  faults: MailFaults;
  smtpPort: number;
}

/** The page that shows caught mail, and the same as JSON. */
export const startMailHttp = (options: MailHttpOptions): Promise<LocalHttp> => listenLocally(createMailApp(options), options.port);

function createMailApp({ store, faults, smtpPort }: MailHttpOptions): Hono {
  const app = new Hono();
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
  app.get('/api/messages/:id', async (c) => {
    const mail = await store.detail(c.req.param('id'));
    return mail === undefined ? c.json({ error: 'no such mail' }, 404) : c.json(mail);
  });
  app.get('/api/messages/:id/raw', async (c) => {
    const raw = await store.raw(c.req.param('id'));
    if (raw === undefined) return c.text('no such mail', 404);
    return c.body(new Uint8Array(raw), 200, { 'Content-Type': 'text/plain; charset=utf-8' });
  });

  app.post('/api/send', async (c) => {
    const draft = Draft.safeParse(await readJson(c.req));
    if (!draft.success) return c.json({ error: z.prettifyError(draft.error) }, 400);
    const { from, to, inReplyTo, ...rest } = draft.data;
    const transport = createTransport({
      host: '127.0.0.1',
      port: smtpPort,
      secure: false,
      ignoreTLS: true,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    const thread = inReplyTo === undefined ? {} : { inReplyTo, references: inReplyTo };
    try {
      const { response } = await transport.sendMail({ ...rest, ...thread, from: address(from), to: address(to) });
      return c.json({ response });
    } catch (error) {
      return c.json({ error: error instanceof Error ? error.message : String(error) }, 502);
    }
  });

  app.get('/api/faults', (c) => c.json(faults.list()));
  app.post('/api/faults', async (c) => {
    const rule = FaultRule.safeParse(await readJson(c.req));
    if (!rule.success) return c.json({ error: z.prettifyError(rule.error) }, 400);
    faults.set(rule.data);
    return c.json(faults.list());
  });
  return app;
}

/** An object, because a plain string would be read as a list of addresses. */
const address = (mailbox: string) => ({ name: '', address: mailbox });
