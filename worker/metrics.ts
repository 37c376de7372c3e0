import type { DeliveryTally } from '../activities/attempt.js';
import type { SlaTally } from '../activities/sla-tally.js';
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import type { Routed } from '../activities/journey-entry-routing.js';
import type { ErasedRows } from '../domain/privacy/erasure.js';
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
  /** An attempt to bring an event to journeys ended, so many milliseconds after it came. */
  readonly routed: (event: { readonly from: string }, result: string, lateMs: number, led: Routed) => void;
  /** So many events concerned nobody. */
  readonly passed: (count: number) => void;
  /** So many events got their position in the live stream. */
  readonly published: (count: number) => void;
  /** An attempt to send an event to a webhook endpoint ended. */
  readonly webhook: (outcome: string) => void;
  /** A webhook endpoint was disabled because nothing arrives there. */
  readonly webhookDisabled: (cause: string) => void;
  /** So many lines of the audit were sealed. */
  readonly sealed: (count: number) => void;
  /** A round of the sweep ended. */
  readonly swept: (counts: Swept) => void;
  /** What a tenant has kept long enough was let go of. */
  readonly letGo: (counts: ErasedRows) => void;
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
    help: 'Rows deleted because nobody needs them any more: texts no ticket took, answers kept for repetitions, previews nobody used, old webhooks',
    labelNames: ['kind'],
    registers: [registry],
  });
  const swept = ({ texts, answers, previews }: Swept): void => {
    gone.inc({ kind: 'text' }, texts);
    gone.inc({ kind: 'answer' }, answers);
    gone.inc({ kind: 'preview' }, previews);
  };
  const letGo = ({ webhook_delivery = 0 }: ErasedRows): void => gone.inc({ kind: 'webhook' }, webhook_delivery);
  const lag = new Histogram({
    name: 'usher_relay_lag_seconds',
    help: 'Seconds from when an event came to when every journey it concerns was told',
    labelNames: ['from'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300],
    registers: [registry],
  });
  const relayed = new Counter({
    name: 'usher_relay_events_total',
    help: 'Events by how an attempt to route them ended; those that concern no template are passed',
    labelNames: ['result'],
    registers: [registry],
  });
  const followed = new Counter({
    name: 'usher_relay_effects_total',
    help: 'What events led to: journeys told, entries that took effect',
    labelNames: ['effect'],
    registers: [registry],
  });
  const routed: WorkerMetrics['routed'] = ({ from }, result, lateMs, { told, entered }) => {
    relayed.inc({ result });
    if (result !== 'routed') return;
    lag.observe({ from }, lateMs / 1_000);
    followed.inc({ effect: 'told' }, told);
    followed.inc({ effect: 'entered' }, entered);
  };
  const sealed = new Counter({
    name: 'usher_audit_sealed_total',
    help: 'Lines of the audit that were sealed',
    registers: [registry],
  });
  const published = new Counter({
    name: 'usher_stream_published_total',
    help: 'Events given their position in the live stream',
    registers: [registry],
  });
  const attempts = new Counter({
    name: 'usher_webhook_attempts_total',
    help: 'Attempts to send an event to a webhook endpoint, by what its answer came to',
    labelNames: ['outcome'],
    registers: [registry],
  });
  const disabled = new Counter({
    name: 'usher_webhook_disabled_total',
    help: 'Webhook endpoints disabled because nobody is there, or nothing arrived for days',
    labelNames: ['cause'],
    registers: [registry],
  });
  return {
    registry,
    webhook: (outcome) => attempts.inc({ outcome }),
    webhookDisabled: (cause) => disabled.inc({ cause }),
    published: (count) => published.inc(count),
    sealed: (count) => sealed.inc(count),
    routed,
    passed: (count) => relayed.inc({ result: 'passed' }, count),
    outbound,
    serviceLevels: createSlaTally(registry),
    swept,
    letGo,
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
