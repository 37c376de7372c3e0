/** Whether an entry becomes a journey: match, dedupe, audience, re-entry, concurrency, capacity, in this order. Source: journeys.md, section 2. */
import { day } from '../../time.js';
import type { Instant } from '../../time.js';
import type { CompiledTemplate } from '../compile.js';
import { durationMs } from '../duration.js';
import type { GuardData, GuardEngine, GuardTrace } from '../expression.js';
import type { CompiledTrigger } from './entry.js';

export const entryReasons = [
  'duplicate_event',
  'audience',
  'reentry_not_allowed',
  'max_entries',
  'already_active',
  'capacity',
  'guard_error',
  'trigger_disabled',
  'input_invalid',
] as const;
export type EntryReason = (typeof entryReasons)[number];

/** Two events of one key within this time are one, unless the trigger says otherwise. */
export const dedupeWindowMs = day;
/** Open instances of a tenant, unless its settings say otherwise. */
export const usualCapacity = 500;

/** What the caller found out; all of it about the entry's key but for the last two. */
export interface EntryFacts {
  readonly now: Instant;
  /** The template is published and not paused, and the package of the event is switched on. */
  readonly isEnabled: boolean;
  /** An entry with the same dedupe key took effect within the trigger's window; of calls false. */
  readonly isRepeated: boolean;
  /** The open instance; null: there is none. */
  readonly open: string | null;
  readonly ended: number;
  readonly lastEndedAt: Instant | null;
  /** Open instances of the tenant. */
  readonly openInTenant: number;
  readonly capacity: number;
}

export type Considered =
  /** The trigger's own guard is not true: nobody asked to enter. */
  | { readonly kind: 'none' }
  /** Entries of the key so far, this one included. */
  | { readonly kind: 'start'; readonly entry: number }
  /** An instance is open: nothing changes, or what the entry brings is attached to it. */
  | Beside
  | Refusal;

export interface Beside {
  readonly kind: 'existing' | 'signal';
  readonly journeyId: string;
  readonly reason: 'already_active';
}
export interface Refusal {
  readonly kind: 'refuse';
  readonly reason: EntryReason;
  /** Of the guard that decided; null: none did. */
  readonly trace: GuardTrace | null;
}

const refuse = (reason: EntryReason, trace: GuardTrace | null = null): Refusal => ({
  kind: 'refuse',
  reason,
  trace,
});

/**
 * Decides an entry whose input fits its template.
 *
 * @param trigger null: a call, which needs no trigger and is never a repeated event
 * @param data as `entryData` makes it
 */
export const considerEntry = (
  template: CompiledTemplate,
  trigger: CompiledTrigger | null,
  facts: EntryFacts,
  data: GuardData,
  engine: GuardEngine,
): Considered => askedBy(trigger, data, engine) ?? admit(template, facts, data, engine);

/** The checks behind the match. */
export function admit(
  { entry = {} }: CompiledTemplate,
  facts: EntryFacts,
  data: GuardData,
  engine: GuardEngine,
): Exclude<Considered, { readonly kind: 'none' }> {
  if (!facts.isEnabled) return refuse('trigger_disabled');
  if (facts.isRepeated) return refuse('duplicate_event');
  const audience = entry.audience === undefined ? null : engine.evaluate(entry.audience, data);
  if (audience?.verdict === 'error') return refuse('guard_error', audience);
  if (audience !== null && audience.verdict !== 'true') return refuse('audience', audience);
  // Re-entry looks at ended entries only: while one is open its rule answers.
  if (facts.open !== null) return besides(entry, facts.open);
  const again = reentryFault(entry, facts);
  if (again !== null) return refuse(again);
  if (facts.openInTenant >= facts.capacity) return refuse('capacity');
  return { kind: 'start', entry: facts.ended + 1 };
}

/** What the trigger's own guard says; null: it lets in. */
export function askedBy(trigger: CompiledTrigger | null, data: GuardData, engine: GuardEngine): { readonly kind: 'none' } | Refusal | null {
  if (trigger?.when === undefined) return null;
  const trace = engine.evaluate(trigger.when, data);
  if (trace.verdict === 'error') return refuse('guard_error', trace);
  return trace.verdict === 'true' ? null : { kind: 'none' };
}

type Rules = NonNullable<CompiledTemplate['entry']>;

/** What becomes of an entry beside an open instance. */
export function besides({ onDuplicate = 'ignore' }: Rules = {}, journeyId: string): Beside | Refusal {
  if (onDuplicate === 'reject') return refuse('already_active');
  return { kind: onDuplicate === 'signal' ? 'signal' : 'existing', journeyId, reason: 'already_active' };
}

function reentryFault({ reentry = 'after_exit', maxEntries }: Rules, { ended, lastEndedAt, now }: EntryFacts): EntryReason | null {
  if (ended > 0 && reentry === 'never') return 'reentry_not_allowed';
  const rest = durationMs(reentry.slice('after:'.length)) ?? 0;
  if (lastEndedAt !== null && now < lastEndedAt + rest) return 'reentry_not_allowed';
  return maxEntries !== undefined && ended >= maxEntries ? 'max_entries' : null;
}
