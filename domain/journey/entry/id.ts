/** Names of journeys. Source: journeys.md, section 1. */
import { base32 } from '../../ids.js';

/** `JRN-` and sixteen characters of Crockford's base32. */
export const journeyIdPattern = /^JRN-[0-9A-HJKMNP-TV-Z]{16}$/;

/** Separates the parts of a text that is hashed; no part holds it. */
const separator = '\u001f';

/**
 * The text whose SHA-256 names a journey: two starters at once come to the same one.
 *
 * @param entry entries of this key so far, this one included
 */
export const journeyIdText = (tenant: string, key: string, entryKey: string, entry: number): string =>
  [tenant, key, entryKey, entry].join(separator);

/** @param digest at least ten bytes; the first ten count */
export const journeyIdFrom = (digest: Uint8Array): string => `JRN-${base32(digest.subarray(0, 10))}`;

/** The journey behind what a caller wrote, in any letter case; null when it is none. */
export function parseJourneyId(text: string): string | null {
  const upper = text.toUpperCase();
  return journeyIdPattern.test(upper) ? upper : null;
}
