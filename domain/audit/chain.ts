/**
 * The chain of a tenant's audit: each line is numbered and hashed together with the line before it, so that none can be altered, taken out, put
 * in or moved without every later hash saying so. Source: security.md, section 7.
 */
import { canonical } from '../journey/json.js';
import type { Json } from '../journey/json.js';

/** What a line says; what it does not say is left out of the text that is hashed. */
export interface AuditRecord {
  readonly id: string;
  readonly tenant: string;
  /** ISO 8601 in UTC with milliseconds. */
  readonly at: string;
  readonly actor: string;
  readonly actingFor: string | null;
  readonly source: string;
  readonly action: string;
  readonly subject: string;
  readonly changes: Json;
  readonly reason: string | null;
  readonly requestId: string | null;
}

/** A place in the chain. */
export interface Link {
  /** From 1, without gaps; 0: before the first. */
  readonly seq: number;
  /** Hex. */
  readonly hash: string;
}

export interface SealedRecord extends AuditRecord, Link {
  readonly prevHash: string;
}

/** SHA-256 of the bytes of a hash followed by a text in UTF-8; both hashes in hex. */
export type Chaining = (previous: string, text: string) => string;

/** What stands before the first line. */
export const beginning: Link = { seq: 0, hash: '0'.repeat(64) };

/** The text of a line that is hashed. */
export function sealedText(record: AuditRecord, seq: number): string {
  const { id, tenant, at, actor, actingFor, source, action, subject, changes, reason, requestId } = record;
  const always = { id, tenant, at, actor, source, action, subject, changes, seq };
  return canonical({
    ...always,
    ...(actingFor === null ? {} : { actingFor }),
    ...(reason === null ? {} : { reason }),
    ...(requestId === null ? {} : { requestId }),
  });
}

/** Numbers and chains lines behind the last one, in the order given. */
export function seal<Line extends AuditRecord>(after: Link, records: readonly Line[], chain: Chaining): (Line & SealedRecord)[] {
  let last = after;
  return records.map((record) => {
    const seq = last.seq + 1;
    const sealed = { ...record, seq, prevHash: last.hash, hash: chain(last.hash, sealedText(record, seq)) };
    last = sealed;
    return sealed;
  });
}

/**
 * What is wrong with a line: `missing`, there is none of this number; `misplaced`, there is one more than the numbers allow; `unchained`, it names
 * another hash before it than there is; `altered`, it does not say what was sealed.
 */
export type Fault = 'missing' | 'misplaced' | 'unchained' | 'altered';

export interface BadLine {
  readonly seq: number;
  /** Null: of a line that is not there. */
  readonly id: string | null;
  readonly fault: Fault;
}

/**
 * Looks for the first line that is not as it was sealed.
 *
 * @param after the last line known to be good
 * @param lines those behind it, by their numbers
 * @returns how far it is good, and the first bad line; null: none of these
 */
export function findBreak(
  after: Link,
  lines: readonly SealedRecord[],
  chain: Chaining,
): { readonly good: Link; readonly bad: BadLine | null } {
  let good = after;
  for (const line of lines) {
    const { seq, id } = line;
    const next = good.seq + 1;
    if (seq > next) return { good, bad: { seq: next, id: null, fault: 'missing' } };
    if (seq < next) return { good, bad: { seq, id, fault: 'misplaced' } };
    if (line.prevHash !== good.hash) return { good, bad: { seq, id, fault: 'unchained' } };
    if (line.hash !== chain(good.hash, sealedText(line, seq))) return { good, bad: { seq, id, fault: 'altered' } };
    good = { seq, hash: line.hash };
  }
  return { good, bad: null };
}

/**
 * Whether a chain that is good as far as it goes still has the line that somebody noted as its last.
 *
 * @param end the last line there is
 * @returns null: it may
 */
export function findLoss(end: Link, noted: Link): BadLine | null {
  if (end.seq < noted.seq) return { seq: end.seq + 1, id: null, fault: 'missing' };
  return end.seq === noted.seq && end.hash !== noted.hash ? { seq: noted.seq, id: null, fault: 'altered' } : null;
}
