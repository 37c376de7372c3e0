/** What follows from a call that failed: decided here and nowhere else. Source: reliability.md, R3; journeys.md, section 2. */
import { actionErrors } from '../../domain/journey/action.js';
import type { ActionDeclaration } from '../../domain/journey/action.js';
import { PackageError } from './ports.js';

export interface ActionVerdict {
  /**
   * `failed`: certainly not done; `doubt`: it may have been done, and asking again under the same key settles it; `unknown`: it may have been
   * done, and must not be done twice.
   */
  readonly kind: 'failed' | 'doubt' | 'unknown';
  /** As templates name it in `catch` and `nonRetryable`. */
  readonly error: string;
  readonly retryable: boolean;
}

/** What an attempt is said to have ended with when nothing came back. */
export const noAnswer = 'no_answer';

/** Judges by what the package said, never by the kind of error: a reset before and after the work look the same. */
export function judgeAction(error: unknown, { effect, errors = [] }: Pick<ActionDeclaration, 'effect' | 'errors'>): ActionVerdict {
  // A bug of ours, or the engine away, says nothing of whether anything was done.
  const { fault, code, ambiguous } =
    error instanceof PackageError ? error : ({ fault: 'unavailable', code: null, ambiguous: true } as const);
  if (ambiguous && effect === 'once') {
    return { kind: 'unknown', error: fault === 'unreadable' ? actionErrors.invalidOutput : noAnswer, retryable: false };
  }
  const kind = ambiguous ? 'doubt' : 'failed';
  switch (fault) {
    case 'unavailable':
      return { kind, error: actionErrors.unavailable, retryable: true };
    case 'timeout':
      return { kind, error: actionErrors.timeout, retryable: true };
    case 'rejected':
      return { kind, error: code !== null && errors.includes(code) ? code : actionErrors.rejected, retryable: false };
    case 'unreadable':
      return { kind, error: actionErrors.invalidOutput, retryable: false };
    case 'not_configured':
      return { kind, error: actionErrors.notConfigured, retryable: false };
  }
}
