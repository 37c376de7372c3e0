import type { DeliveryTally } from '../activities/attempt.js';
import type { SlaTally } from '../activities/sla-tally.js';
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import type { Swept } from './sweep.js';

export interface WorkerMetrics {
  readonly registry: Registry;
  /** A lost attempt or a Reset left something else in PostgreSQL than the workflow says. */
  readonly projectionRepaired: () => void;
  /** What becomes of outbound messages. */
  readonly outbound: DeliveryTally;
  /** What the clocks of tickets do. */
  readonly serviceLevels: SlaTally;
  /** An inbound message was worked on; with what result. */
  readonly inbound: (result: string) => void;
  /** A round of the sweep ended. */
  readonly swept: (counts: Swept) => void;
}

export function createMetrics(): WorkerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const repaired = new Counter({
    name: 'usher_projection_repaired_total',
    help: 'Projections that met another history',
    registers: [registry],
  });
  const inbound = new Counter({
    name: 'usher_inbound_total',
    help: 'Inbound mail worked on',
    labelNames: ['provider', 'result'],
    registers: [registry],
  });
  const settled = new Counter({
    name: 'usher_outbound_total',
    help: 'Messages to one recipient that came to an end',
    labelNames: ['channel', 'state'],
    registers: [registry],
  });
  const repeated = new Counter({
    name: 'usher_outbound_possible_duplicate_total',
    help: 'Messages sent once more although an earlier attempt may have gone out',
    registers: [registry],
  });
  const nobody = new Counter({
    name: 'usher_notice_without_recipient_total',
    help: 'Notices to staff that found nobody, not even a fallback recipient',
    registers: [registry],
  });
  const outbound: DeliveryTally = {
    settled: (channel, state) => settled.inc({ channel, state }),
    possibleDuplicate: () => repeated.inc(),
    nobody: () => nobody.inc(),
  };
  const gone = new Counter({
    name: 'usher_swept_total',
    help: 'Rows deleted because nobody needs them any more: texts no ticket took, answers kept for repetitions',
    labelNames: ['kind'],
    registers: [registry],
  });
  const swept = ({ texts, answers }: Swept): void => {
    gone.inc({ kind: 'text' }, texts);
    gone.inc({ kind: 'answer' }, answers);
  };
  return {
    registry,
    outbound,
    serviceLevels: createSlaTally(registry),
    swept,
    inbound: (result) => inbound.inc({ provider: 'email', result }),
    projectionRepaired: () => repaired.inc(),
  };
}

function createSlaTally(registry: Registry): SlaTally {
  const lateness = new Histogram({
    name: 'usher_sla_lateness_seconds',
    help: 'Seconds from when a breach or rung was due to when it was recorded',
    buckets: [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300],
    registers: [registry],
  });
  const breaches = new Counter({
    name: 'usher_sla_breaches_total',
    help: 'Clocks breached',
    labelNames: ['clock', 'policy'],
    registers: [registry],
  });
  const warnings = new Counter({
    name: 'usher_sla_warnings_total',
    help: 'Rungs that fired before a breach',
    labelNames: ['clock', 'policy'],
    registers: [registry],
  });
  return {
    late: (seconds) => lateness.observe(seconds),
    breached: (clock, policy) => breaches.inc({ clock, policy }),
    warned: (clock, policy) => warnings.inc({ clock, policy }),
  };
}
