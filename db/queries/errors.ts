/** What PostgreSQL refuses on purpose. */

/** The constraint that lets no number of an event be given twice. */
export const eventKey = 'event_pkey';

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/**
 * Whether an error says that something that must be unique is there already.
 *
 * @param constraint which of them; any when absent
 */
export const isTaken = (error: unknown, constraint?: string): boolean =>
  codeOf(error) === '23505' &&
  (constraint === undefined || (error instanceof Error && 'constraint' in error && error.constraint === constraint));

/** Whether a statement found that it must not be kept, by the function `refuse`. */
export const isRefused = (error: unknown): boolean => codeOf(error) === 'UR001';
