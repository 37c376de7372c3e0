/** Instants are whole epoch milliseconds, durations carry their unit in the name; this file alone turns them into text and back. */

export type Instant = number;

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;
export const year = 365 * day;

/** ISO 8601 in UTC with milliseconds. */
export const toIso = (at: Instant): string => new Date(at).toISOString();

/** Epoch milliseconds of an ISO 8601 instant; NaN when the text is none. */
export const fromIso = (text: string): Instant => Date.parse(text);

/** For interfaces that want a date; it is read in UTC only. */
export const toDate = (at: Instant): Date => new Date(at);
