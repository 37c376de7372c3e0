/** What a provider reports of a message it took; it only moves forward. Source: service-desk.md, section 3; security.md, T14. */

/** From the first to the last: what is said later of an earlier state changes nothing. */
const deliveries = ['deferred', 'accepted', 'bounced', 'delivered', 'opened'] as const;
type Delivery = (typeof deliveries)[number];

const ofTwilio: Readonly<Record<string, Delivery>> = {
  accepted: 'accepted',
  scheduled: 'accepted',
  queued: 'accepted',
  sending: 'accepted',
  sent: 'accepted',
  failed: 'bounced',
  undelivered: 'bounced',
  delivered: 'delivered',
  read: 'opened',
};

/** Those of Twilio that say something. */
export const statuses: readonly string[] = Object.keys(ofTwilio);

export interface Report {
  /** As Twilio writes it. */
  readonly status: string;
  readonly code: string | null;
}

/** Where a message has come to: the furthest of what is known of it and what was reported, in whatever order. */
export function furthest(
  known: string | null,
  reports: readonly Report[],
): { readonly delivery: Delivery; readonly code: string | null } | null {
  let best: { readonly delivery: Delivery; readonly code: string | null } | null = null;
  let rank = deliveries.findIndex((one) => one === known);
  for (const { status, code } of reports) {
    const delivery = Object.hasOwn(ofTwilio, status) ? ofTwilio[status] : undefined;
    if (delivery === undefined || deliveries.indexOf(delivery) <= rank) continue;
    rank = deliveries.indexOf(delivery);
    best = { delivery, code: delivery === 'bounced' ? code : null };
  }
  return best;
}
