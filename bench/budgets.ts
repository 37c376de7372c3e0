import { readFileSync } from 'node:fs';
import { z } from 'zod';

const Limit = z.number().nonnegative();

/** What one thing may cost; raised only in the change that needs it, which says why. */
const Budgets = z.strictObject({
  /** A ticket's life in nine calls, without deliveries. */
  life: z.strictObject({ transitions: Limit, events: Limit, tasks: Limit, upserts: Limit }),
  /** What each delivery adds. */
  delivery: z.strictObject({ transitions: Limit, events: Limit }),
  /** An event on its way to an endpoint, and what each further attempt adds in transitions; it adds no event. */
  webhook: z.strictObject({ transitions: Limit, events: Limit, attempt: Limit }),
  refusal: z.strictObject({ events: Limit }),
  /** Statements of the worker for one command; the second number counts the one that sets the tenant, too. */
  projection: z.strictObject({ statements: Limit, withSetConfig: Limit }),
  /** Growth of the worker's resident memory. */
  cachedTicketKb: Limit,
  bundleBytes: Limit,
});

export const budgets = Budgets.parse(JSON.parse(readFileSync(new URL('./budgets.json', import.meta.url), 'utf8')));
