/** A person is erased when one admin asks for it and another one confirms. Source: security.md, sections 1 and 6. */
import type { Actor } from '../actor.js';
import { canonical } from '../journey/json.js';
import { toIso } from '../time.js';
import type { Instant } from '../time.js';

/** `waiting` for the second admin; once it runs, nobody can stop it. */
export const erasureStates = ['waiting', 'withdrawn', 'running', 'done'] as const;
export type ErasureState = (typeof erasureStates)[number];

export interface ErasureRequest {
  readonly state: ErasureState;
  readonly requestedBy: Actor;
}

/** `requester_excluded`: nobody confirms their own request, with whatever credential; `erasure_pending`: it runs; `erased`: it is over. */
export type ErasureRefusal = 'requester_excluded' | 'erasure_withdrawn' | 'erasure_pending' | 'erased';

/** `isNew`: the state changes by this. */
export type ErasureDecision =
  { readonly ok: true; readonly state: ErasureState; readonly isNew: boolean } | { readonly ok: false; readonly code: ErasureRefusal };

const refused = (code: ErasureRefusal): ErasureDecision => ({ ok: false, code });
const moved = (state: ErasureState): ErasureDecision => ({ ok: true, state, isNew: true });
const kept = ({ state }: ErasureRequest): ErasureDecision => ({ ok: true, state, isNew: false });

/** The second person agrees. Said again it changes nothing, whoever says it, but for who asked. */
export function confirm(request: ErasureRequest, by: Actor): ErasureDecision {
  if (by === request.requestedBy) return refused('requester_excluded');
  if (request.state === 'withdrawn') return refused('erasure_withdrawn');
  return request.state === 'waiting' ? moved('running') : kept(request);
}

/** Any admin takes a request back, as long as nobody has confirmed it. */
export function withdraw(request: ErasureRequest): ErasureDecision {
  switch (request.state) {
    case 'waiting':
      return moved('withdrawn');
    case 'withdrawn':
      return kept(request);
    case 'running':
      return refused('erasure_pending');
    case 'done':
      return refused('erased');
  }
}

/**
 * What is done once it is confirmed, in this order: journeys end before they could answer to the end of a ticket, all that is open before its
 * texts go, and the person comes last.
 */
export const erasureStages = ['cancel_journeys', 'close_tickets', 'tickets', 'journeys', 'person'] as const;
export type ErasureStage = (typeof erasureStages)[number];

/** Rows by table, in which something was erased. */
export type ErasedRows = Readonly<Record<string, number>>;

/** Adds up by table. */
export function addRows(one: ErasedRows, other: ErasedRows): ErasedRows {
  const sum: Record<string, number> = { ...one };
  for (const [table, rows] of Object.entries(other)) if (rows > 0) sum[table] = (sum[table] ?? 0) + rows;
  return sum;
}

/** What was done, by whom and when: ids, numbers and instants only. */
export interface ErasureReport {
  readonly erasure: string;
  readonly customer: string;
  readonly requestedBy: Actor;
  readonly requestedAt: Instant;
  readonly confirmedBy: Actor;
  readonly confirmedAt: Instant;
  readonly erasedAt: Instant;
  readonly rows: ErasedRows;
  readonly files: number;
}

/** The report as the text whose SHA-256 is its proof: canonical JSON (RFC 8785), instants as ISO 8601. */
export const reportText = ({ requestedAt, confirmedAt, erasedAt, rows, ...rest }: ErasureReport): string =>
  canonical({ ...rest, rows: { ...rows }, requestedAt: toIso(requestedAt), confirmedAt: toIso(confirmedAt), erasedAt: toIso(erasedAt) });
