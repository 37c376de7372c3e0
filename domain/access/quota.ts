/** Counting in windows of time that are the same for everyone, so that several processes can add up what they counted. */
import type { Instant } from '../time.js';

/** How one limit stands after a request. */
export interface Quota {
  readonly name: string;
  readonly most: number;
  readonly windowS: number;
  readonly left: number;
  /** Seconds until the count begins anew; at least one. */
  readonly resetS: number;
}

/** The number of the window an instant lies in. */
export const windowAt = (now: Instant, windowS: number): number => Math.floor(now / (windowS * 1_000));

/** When a window ends. */
export const windowEnd = (window: number, windowS: number): Instant => (window + 1) * windowS * 1_000;

export const quotaOf = ({ name, most, windowS }: Pick<Quota, 'name' | 'most' | 'windowS'>, used: number, now: Instant): Quota => ({
  name,
  most,
  windowS,
  left: Math.max(0, most - used),
  resetS: Math.max(1, Math.ceil((windowEnd(windowAt(now, windowS), windowS) - now) / 1_000)),
});

/** The fields RateLimit-Policy and RateLimit, as a list of items. Source: draft-ietf-httpapi-ratelimit-headers, sections 3 and 4. */
export const rateLimitHeaders = (quotas: readonly Quota[]): Readonly<Record<string, string>> => ({
  'ratelimit-policy': quotas.map(({ name, most, windowS }) => `"${name}";q=${most};w=${windowS}`).join(', '),
  ratelimit: quotas.map(({ name, left, resetS }) => `"${name}";r=${left};t=${resetS}`).join(', '),
});
