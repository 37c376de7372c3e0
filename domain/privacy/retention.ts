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
  /** Days it is kept what was sent to webhook endpoints, and what came of each attempt, from when it came to an end. */
  readonly webhookDays: number;
  /** Days lines of the audit are kept. */
  readonly auditDays: number;
}

/** Days each may be set to. */
export const retentionLimits = {
  rawMailDays: { least: 1, most: 3_650 },
  closedTicketDays: { least: 1, most: 36_500 },
  journeyEntryDays: { least: 30, most: 36_500 },
  // A receiver that was away through all attempts is given up after days; then somebody has to be left time to send again what it missed.
  webhookDays: { least: 7, most: 365 },
  // The database lets no younger line of the audit go, whoever asks.
  auditDays: { least: 400, most: 36_500 },
} as const satisfies { readonly [Name in keyof Retention]: { readonly least: number; readonly most: number } };

export const usualRetention: Retention = {
  rawMailDays: 30,
  closedTicketDays: null,
  journeyEntryDays: 365,
  webhookDays: 30,
  auditDays: 400,
};

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
    webhookDays: days('webhookDays') ?? usualRetention.webhookDays,
    auditDays: days('auditDays') ?? usualRetention.auditDays,
  };
}
