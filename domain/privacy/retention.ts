/** How long a tenant keeps what nobody works on any more. Source: security.md, section 6. */
import { day } from '../time.js';
import type { Instant } from '../time.js';

export interface Retention {
  /** Days mails are kept as they came. */
  readonly rawMailDays: number;
  /** Days after its end for which a ticket keeps its texts and attachments; null: for ever. */
  readonly closedTicketDays: number | null;
  /** Days it is kept who entered which journey, and who was refused. */
  readonly journeyEntryDays: number;
}

/** Days each may be set to. */
export const retentionLimits = {
  rawMailDays: { least: 1, most: 3_650 },
  closedTicketDays: { least: 1, most: 36_500 },
  journeyEntryDays: { least: 30, most: 36_500 },
} as const satisfies { readonly [Name in keyof Retention]: { readonly least: number; readonly most: number } };

export const usualRetention: Retention = { rawMailDays: 30, closedTicketDays: null, journeyEntryDays: 365 };

/** What is older than this is over. */
export const overSince = (days: number, now: Instant): Instant => now - days * day;

/** Settings as they were stored; what is not there, or was never allowed, is as usual. */
export function retentionFrom(stored: Readonly<Record<string, unknown>>): Retention {
  const days = (name: keyof Retention): number | null => {
    const { least, most } = retentionLimits[name];
    const value = stored[name];
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most ? value : null;
  };
  return {
    rawMailDays: days('rawMailDays') ?? usualRetention.rawMailDays,
    closedTicketDays: days('closedTicketDays'),
    journeyEntryDays: days('journeyEntryDays') ?? usualRetention.journeyEntryDays,
  };
}
