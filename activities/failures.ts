/** Whether a failed send may be tried again: decided here and nowhere else. Source: reliability.md, R3 and section 7. */
import { ApplicationFailure } from '@temporalio/common';
import { SendError } from './ports.js';
import type { ProviderReply } from './ports.js';

/** The worker that comes back late finds another lease on its row: it must write nothing, and send nothing. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/**
 * What became of an attempt. `failed`: certainly not delivered, and never will be; `retry`: certainly not delivered;
 * `unknown`: nobody can say.
 */
export interface Verdict {
  readonly kind: 'failed' | 'retry' | 'unknown';
  /** For the ledger and for Temporal: no text of the provider. */
  readonly code: string;
  /** The address does not exist. */
  readonly badAddress: boolean;
}

/**
 * Judges a failed attempt by what the provider said, never by the kind of error: a reset before and after the final dot look the same.
 *
 * @param wired whether the point of no return was reached
 */
export function judge(error: unknown, wired: boolean): Verdict {
  const reply = error instanceof SendError ? error.reply : null;
  if (reply !== null) return { kind: isFinal(reply) ? 'failed' : 'retry', code: codeOf(reply), badAddress: isBadAddress(reply) };
  return { kind: wired ? 'unknown' : 'retry', code: wired ? 'no_reply' : 'not_sent', badAddress: false };
}

/** 503 says that the session went wrong, not that the mail was refused; neither do replies to our connection or our login. */
const isFinal = ({ code, concernsMail }: ProviderReply): boolean =>
  concernsMail && code >= 500 && code < 600 && ![503, 530, 535, 538].includes(code);

const isBadAddress = (reply: ProviderReply): boolean => isFinal(reply) && reply.code === 550 && reply.enhanced?.startsWith('5.1.') === true;

const codeOf = ({ code, enhanced }: ProviderReply): string => (enhanced === null ? `smtp_${code}` : `smtp_${code}_${enhanced}`);

/** Lets Temporal try again; codes only, because Temporal keeps no text of a provider or a database. */
export const tryAgain = (type: string, codes: readonly string[]): ApplicationFailure => {
  const distinct = [...new Set(codes)].toSorted();
  return ApplicationFailure.create({
    type,
    message: `${type}: ${distinct.join(', ')}`,
    nonRetryable: false,
    details: [{ codes: distinct }],
  });
};
