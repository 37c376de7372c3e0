import { collectDefaultMetrics, Counter, Registry } from 'prom-client';

export interface WorkerMetrics {
  readonly registry: Registry;
  /** A lost attempt or a Reset left something else in PostgreSQL than the workflow says. */
  readonly projectionRepaired: () => void;
}

export function createMetrics(): WorkerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const repaired = new Counter({
    name: 'usher_projection_repaired_total',
    help: 'Projections that met another history',
    registers: [registry],
  });
  return { registry, projectionRepaired: () => repaired.inc() };
}
