/** Instants as people write them in a case file. */
import { fromIso, toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

const pattern = /^(\d{4}-\d\d-\d\d)(?:[Tt]|[ \t]+)(\d\d:\d\d)(:\d\d(?:\.\d{1,3})?)?[ \t]*(?:[Zz]|([+-]\d\d)(?::?(\d\d))?)$/;

/**
 * Reads an ISO 8601 instant, and what YAML calls a timestamp: a space for the `T`, seconds left out, an offset in place of the `Z`. An instant
 * without zone is refused: it would mean another one on another machine.
 *
 * @returns null when the text is none, or names a date or time that does not exist
 */
export function parseInstant(text: string): Instant | null {
  const [, date = '', time = '', seconds = ':00', hours, minutes = '00'] = pattern.exec(text.trim()) ?? [];
  const midnight = fromIso(`${date}T00:00:00Z`);
  if (Number.isNaN(midnight) || !toIso(midnight).startsWith(date) || time.startsWith('24')) return null;
  const at = fromIso(`${date}T${time}${seconds}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`);
  return Number.isNaN(at) ? null : at;
}

/** An instant as a case file has it: UTC, milliseconds only where there are any. */
export const showInstant = (at: Instant): string => toIso(at).replace('.000Z', 'Z');
