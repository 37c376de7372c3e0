import { collectDefaultMetrics, Counter, Registry } from 'prom-client';

export interface WorkerMetrics {
  readonly registry: Registry;
  /** A lost attempt or a Reset left something else in PostgreSQL than the workflow says. */
  readonly projectionRepaired: () => void;
  /** An inbound message was worked on; with what result. */
  readonly inbound: (result: string) => void;
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
  return { registry, inbound: (result) => inbound.inc({ provider: 'email', result }), projectionRepaired: () => repaired.inc() };
}
