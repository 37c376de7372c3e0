/** What a receiver's answer says. Source: api-surfaces.md, section 2. */
import { fromIso, second } from '../time.js';
import type { Instant } from '../time.js';

/** Why no answer came. */
export type NoAnswer = 'timeout' | 'connection' | 'tls' | 'name' | 'target_not_allowed' | 'secret_unreadable';

export type Answer =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfter: string | null }
  | { readonly kind: 'lost'; readonly reason: NoAnswer };

export interface Verdict {
  /** `gone`: nobody is there any more, by the receiver's own word. */
  readonly kind: 'succeeded' | 'failed' | 'gone';
  /** For the log of attempts and for Temporal: no text of the receiver. */
  readonly code: string;
  /** How long the receiver wants to be left alone; null: it does not say. */
  readonly restMs: number | null;
}

/** Answers of somebody who is busy: the only ones whose Retry-After counts. */
const busy: readonly number[] = [429, 502, 503, 504];

/** Anything but 2xx is a failure, a redirect too: it is not followed. */
export function judge(answer: Answer, now: Instant): Verdict {
  if (answer.kind === 'lost') return { kind: 'failed', code: answer.reason, restMs: null };
  const { status, retryAfter } = answer;
  const code = `http_${status}`;
  if (status >= 200 && status < 300) return { kind: 'succeeded', code, restMs: null };
  if (status === 410) return { kind: 'gone', code, restMs: null };
  return { kind: 'failed', code, restMs: busy.includes(status) && retryAfter !== null ? restOf(retryAfter, now) : null };
}

const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Seconds, or a date. Source: RFC 9110, section 10.2.3. */
function restOf(text: string, now: Instant): number | null {
  if (/^\d{1,9}$/.test(text)) return Number(text) * second;
  return httpDate.test(text) ? Math.max(0, fromIso(text) - now) : null;
}
