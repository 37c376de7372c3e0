/** The admin listener: alive, ready, measured. Reachable by the network's rules, not by credentials. */
import { Hono } from 'hono';
import { before } from '../caller.js';
import type { ApiMetrics } from '../metrics.js';

/** By name; each rejects while its part does not work. */
export type Checks = Readonly<Record<string, () => Promise<void>>>;

/** A check that has not answered by then has failed. */
const patience = 2_000;

export function createAdmin({ metrics, checks, now }: { metrics: ApiMetrics; checks: Checks; now: () => number }): Hono {
  return new Hono()
    .get('/livez', (c) => c.json({ status: 'alive' }))
    .get('/readyz', async (c) => {
      const results = await Promise.all(
        Object.entries(checks).map(([name, check]) =>
          before(now() + patience, check()).then(
            () => null,
            () => name,
          ),
        ),
      );
      const failing = results.filter((name) => name !== null);
      return c.json({ ready: failing.length === 0, failing }, failing.length === 0 ? 200 : 503);
    })
    .get('/metrics', async (c) => c.body(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType }));
}

/** Asks the worker whether it is ready, so that one address answers for both. */
export const workerCheck = (url: string) => async (): Promise<void> => {
  const answer = await fetch(new URL('/readyz', url), { signal: AbortSignal.timeout(patience) });
  if (!answer.ok) throw new Error(`the worker answers ${answer.status}`);
};
