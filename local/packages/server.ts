/** CRM, billing, field operations, business logic and support system in one process: what actions call over real HTTP. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { listenLocally, localOnly, readJson } from '../local-http.js';
import type { Log } from '../log.js';
import { operations, Refusal } from './answers.js';
import { Behaviour, BehaviourRule } from './behaviour.js';
import { createEmitter } from './emitter.js';
import type { EmitterOptions } from './emitter.js';

export interface PackagesOptions {
  /** 0 takes any free port. */
  readonly port: number;
  readonly events: Omit<EmitterOptions, 'log'>;
  readonly log: Log;
}

/** The packages, none of which ever loses an answer it was not told to lose. */
export interface Packages extends AsyncDisposable {
  /** Each package below its name; `/calls` and `/behave` are for tests. */
  readonly url: string;
  stop(): Promise<void>;
}

/** One request as it came in. */
export const PackageCallLine = z.object({
  path: z.string(),
  key: z.string().nullable(),
  body: z.unknown(),
  /** It was done, now; a repetition under the same key is not. */
  executed: z.boolean(),
  at: z.string(),
});
export type PackageCallLine = z.output<typeof PackageCallLine>;

type Env = { Bindings: HttpBindings };

interface Stored {
  readonly body: string;
  readonly answer: Readonly<Record<string, unknown>>;
}

const keptCalls = 5_000;
const huge = 'x'.repeat(200 * 1024);

/** Starts the packages in this process. */
export async function startPackages({ port, events, log }: PackagesOptions): Promise<Packages> {
  const behaviour = new Behaviour();
  const emitter = createEmitter({ ...events, log });
  const calls: PackageCallLine[] = [];
  const answers = new Map<string, Stored>();
  const app = new Hono<Env>();
  app.use(localOnly);
  app.get('/', (c) => c.json({ operations: Object.keys(operations) }));
  app.get('/calls', (c) => {
    const { path = '/', key } = c.req.query();
    return c.json(calls.filter((call) => call.path.startsWith(path) && (key === undefined || call.key === key)));
  });
  app.delete('/calls', (c) => {
    calls.length = 0;
    answers.clear();
    return c.body(null, 204);
  });
  app.get('/behave', (c) => c.json(behaviour.list()));
  app.post('/behave', async (c) => {
    const rule = BehaviourRule.safeParse(await readJson(c.req));
    if (!rule.success) return c.json({ error: z.prettifyError(rule.error) }, 400);
    behaviour.set(rule.data);
    return c.json(behaviour.list());
  });
  app.delete('/behave', (c) => {
    behaviour.clear();
    return c.body(null, 204);
  });

  /** Does it once for each key; the same key with another body is a mistake of its sender. */
  const carryOut = (path: string, key: string, body: unknown): Stored['answer'] => {
    const before = answers.get(key);
    const text = JSON.stringify(body);
    if (before !== undefined && before.body !== text) throw new Refusal(422, 'idempotency_key_reused');
    const call: PackageCallLine = { path, key, body, executed: false, at: new Date().toISOString() };
    calls.push(call);
    calls.splice(0, calls.length - keptCalls);
    if (before !== undefined) return before.answer;
    const { answer, happenings = [] } = operations[path]?.(body, key) ?? noOperation();
    call.executed = true;
    answers.set(key, { body: text, answer });
    for (const happening of happenings) emitter.tell(happening, key);
    log(`${path}: ${JSON.stringify(answer)}`);
    return answer;
  };

  for (const path of Object.keys(operations)) {
    app.post(path, async (c) => {
      const rule = behaviour.take(path);
      const body = await readJson(c.req);
      const key = c.req.header('idempotency-key') ?? null;
      const note = (): unknown => calls.push({ path, key, body, executed: false, at: new Date().toISOString() });
      if (rule.delayMs !== undefined) await sleep(rule.delayMs);
      if (rule.status !== undefined || rule.hang === 'before' || rule.drop === 'before') note();
      if (rule.hang === 'before') return RESPONSE_ALREADY_SENT; // though it never is
      if (rule.drop === 'before') return breakOff(c);
      if (rule.status !== undefined) return problem(c, rule.status, rule.code ?? 'told_to_fail');
      if (key === null) return problem(c, 400, 'idempotency_key_missing');
      try {
        return answered(c, rule, carryOut(path, key, body));
      } catch (error) {
        if (error instanceof Refusal) return problem(c, error.status, error.code);
        throw error;
      }
    });
  }

  const http = await listenLocally(app, port);
  const stop = async (): Promise<void> => {
    emitter.stop();
    await http.stop();
  };
  return { url: `http://127.0.0.1:${http.port}`, stop, [Symbol.asyncDispose]: stop };
}

const noOperation = (): never => {
  throw new Refusal(404, 'not_found');
};

/** What is answered although it was done. */
function answered(c: Context<Env>, { hang, drop, answer }: Partial<BehaviourRule>, done: Stored['answer']): Response {
  if (hang === 'after') return RESPONSE_ALREADY_SENT; // though it never is
  if (drop === 'after') return breakOff(c);
  switch (answer) {
    case 'html':
      return c.html('<h1>200 OK</h1>');
    case 'huge':
      return c.json({ ...done, notes: huge });
    case 'strange':
      return c.json({ result: 'fine' });
    default:
      return c.json(done);
  }
}

function breakOff(c: Context<Env>): Response {
  c.env.incoming.socket.destroy();
  return RESPONSE_ALREADY_SENT;
}

/** RFC 9457, as most APIs have it. */
function problem(c: Context<Env>, status: number, code: string): Response {
  c.header('Content-Type', 'application/problem+json');
  if (status >= 300 && status < 400) c.header('Location', '/');
  return c.body(JSON.stringify({ title: code, status, code }), asStatus(status));
}

/** The rule and the refusals allow statuses from 300 to 599 only, all of which have a body. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const asStatus = (status: number): ContentfulStatusCode => status as ContentfulStatusCode;
