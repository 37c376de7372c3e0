/** Whether a failed send may be tried again: decided here and nowhere else. Source: reliability.md, R3 and section 7. */
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { SendError } from './ports.js';
import type { HttpReply, SmtpReply } from './ports.js';

/** The worker that comes back late finds another lease on its row: it must write nothing, and send nothing. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** The reason of a notice went away while it was on its way to the wire. */
export class ReasonGone extends Error {
  override readonly name = 'ReasonGone';
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
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
  /** How long the provider wants to be left alone. */
  readonly retryAfterMs: number | null;
}

/**
 * Judges a failed attempt by what the provider said, never by the kind of error: a reset before and after the final dot look the same.
 *
 * @param wired whether the point of no return was reached
 */
export function judge(error: unknown, wired: boolean): Verdict {
  const { reply, unreached } = error instanceof SendError ? error : { reply: null, unreached: false };
  if (reply?.kind === 'smtp') return judgeSmtp(reply);
  if (reply?.kind === 'http') return judgeHttp(reply);
  return verdict(wired && !unreached ? 'unknown' : 'retry', wired && !unreached ? 'no_reply' : 'not_sent');
}

const verdict = (kind: Verdict['kind'], code: string, more: Partial<Verdict> = {}): Verdict => ({
  kind,
  code,
  badAddress: false,
  retryAfterMs: null,
  ...more,
});

function judgeSmtp(reply: SmtpReply): Verdict {
  const { code, enhanced } = reply;
  const badAddress = isFinal(reply) && code === 550 && enhanced?.startsWith('5.1.') === true;
  return verdict(isFinal(reply) ? 'failed' : 'retry', enhanced === null ? `smtp_${code}` : `smtp_${code}_${enhanced}`, { badAddress });
}

/** 503 says that the session went wrong, not that the mail was refused; neither do replies to our connection or our login. */
const isFinal = ({ code, concernsMail }: SmtpReply): boolean =>
  concernsMail && code >= 500 && code < 600 && ![503, 530, 535, 538].includes(code);

/** By the status alone: a provider's own numbers change. From 500 on it may have done what it was asked. */
function judgeHttp({ status, code, retryAfterMs }: HttpReply): Verdict {
  const name = code === null ? `http_${status}` : `http_${status}_${code}`;
  if (status >= 500) return verdict('unknown', 'no_reply');
  return [408, 425, 429].includes(status) ? verdict('retry', name, { retryAfterMs }) : verdict('failed', name);
}

/**
 * Lets Temporal try again; codes only, because Temporal keeps no text of a provider or a database.
 *
 * @param afterMs when; the retry policy says when left out
 * @param isUsual it belongs to the work, and nobody has to look at it
 */
export const tryAgain = (type: string, codes: readonly string[], afterMs?: number, isUsual = false): ApplicationFailure => {
  const distinct = [...new Set(codes)].toSorted();
  return ApplicationFailure.create({
    type,
    message: `${type}: ${distinct.join(', ')}`,
    nonRetryable: false,
    details: [{ codes: distinct }],
    ...(isUsual ? { category: ApplicationFailureCategory.BENIGN } : {}),
    ...(afterMs === undefined ? {} : { nextRetryDelay: Math.max(afterMs, 1) }),
  });
};

/** What an error of our own side comes to: the database's code, or nothing. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[0-9A-Z_]{1,30}$/.test(error.code)
    ? `database_${error.code}`
    : 'internal';

/** Ends the attempts: what was asked for does not exist and never will. */
export const neverAgain = (type: string): ApplicationFailure => ApplicationFailure.create({ type, message: type, nonRetryable: true });

/**
 * Runs work whose failures are kept in histories, where no text of a database belongs.
 *
 * @throws ApplicationFailure only: the one the work ended with, else one of this type that may be tried again
 */
export async function withoutText<T>(type: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ApplicationFailure ? error : tryAgain(type, [codeOf(error)]);
  }
}
