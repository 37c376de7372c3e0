/** What the API counts. No ids, addresses or free text in labels. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface ApiMetrics {
  readonly registry: Registry;
  /** Seconds from request to answer of one command. */
  readonly command: (verb: string, outcome: string, seconds: number) => void;
  readonly idempotencyLookup: (result: 'hit' | 'miss' | 'conflict' | 'in_flight') => void;
  /** A clock was explained, and counted again. */
  readonly explained: (check: 'ok' | 'mismatch') => void;
  /** A request was refused because of a limit. */
  readonly limitReached: (limit: string) => void;
  readonly streamOpened: () => void;
  /** Why it ended is one of few words. */
  readonly streamEnded: (why: string) => void;
}

/** A registry of its own for each app, so that several live side by side in tests. */
export function createMetrics({ defaults = false }: { defaults?: boolean } = {}): ApiMetrics {
  const registry = new Registry();
  if (defaults) collectDefaultMetrics({ register: registry });
  const command = new Histogram({
    name: 'usher_command_seconds',
    help: 'Seconds until a command was answered',
    labelNames: ['verb', 'outcome'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  });
  const lookups = new Counter({
    name: 'usher_idempotency_lookup_total',
    help: 'Look-ups of Idempotency-Keys',
    labelNames: ['result'],
    registers: [registry],
  });
  const mismatches = new Counter({
    name: 'usher_sla_explain_mismatch_total',
    help: 'Explanations of clocks whose recorded time is not what their calendars say',
    registers: [registry],
  });
  const refused = new Counter({
    name: 'usher_rate_limited_total',
    help: 'Requests refused because a limit was reached',
    labelNames: ['limit'],
    registers: [registry],
  });
  const clients = new Gauge({ name: 'usher_sse_clients', help: 'Live streams that are open', registers: [registry] });
  const ended = new Counter({
    name: 'usher_sse_ended_total',
    help: 'Live streams that have ended, by why',
    labelNames: ['why'],
    registers: [registry],
  });
  return {
    registry,
    command: (verb, outcome, seconds) => command.observe({ verb, outcome }, seconds),
    idempotencyLookup: (result) => lookups.inc({ result }),
    explained: (check) => {
      if (check === 'mismatch') mismatches.inc();
    },
    limitReached: (limit) => refused.inc({ limit }),
    streamOpened: () => clients.inc(),
    streamEnded: (why) => {
      clients.dec();
      ended.inc({ why });
    },
  };
}
