/** What the author of a batch is shown before it begins, and what binds the batch to it. Source: journeys-change.md, section 6. */
import { canonical } from '../journey/json.js';
import type { Json, JsonObject } from '../journey/json.js';
import { hour } from '../time.js';
import type { Instant } from '../time.js';
import type { Forecast } from './forecast.js';
import type { SkipCode } from './outcome.js';

/** How long what was shown may be relied on, in milliseconds. */
export const previewMs = hour;
/** Instances of one batch, at most: as many as one request can look at. */
export const mostItems = 10_000;
/** Instances shown one by one. */
const shown = 20;

export interface Foreseen {
  readonly ref: string;
  readonly forecast: Forecast;
}

export interface BulkSummary {
  /** `wouldApply` and all of `wouldSkip` together. */
  readonly total: number;
  readonly wouldApply: number;
  /** The most frequent first. */
  readonly wouldSkip: readonly { readonly code: SkipCode; readonly count: number }[];
  /** The first ones, in the order in which they would be asked. */
  readonly sample: readonly { readonly ref: string; readonly code: SkipCode | null }[];
}

export function summaryOf(items: readonly Foreseen[]): BulkSummary {
  const counts = new Map<SkipCode, number>();
  for (const { forecast } of items) if (forecast.code !== null) counts.set(forecast.code, (counts.get(forecast.code) ?? 0) + 1);
  const wouldSkip = [...counts].map(([code, count]) => ({ code, count })).toSorted((one, other) => other.count - one.count);
  return {
    total: items.length,
    wouldApply: items.filter(({ forecast }) => forecast.code === null).length,
    wouldSkip,
    sample: items.slice(0, shown).map(({ ref, forecast }) => ({ ref, code: forecast.code })),
  };
}

/** A preview as it is kept. */
export interface Previewed {
  readonly tenant: string;
  /** Whose it is: nobody else can start it. */
  readonly by: string;
  readonly id: string;
  readonly target: string;
  readonly verb: string;
  readonly args: JsonObject;
  readonly filter: JsonObject;
  readonly expiresAt: Instant;
}

/** What a token signs: everything a batch is made of but the instances, which its id stands for. */
export const previewText = ({ tenant, by, id, target, verb, args, filter, expiresAt }: Previewed): string =>
  canonical({ tenant, by, id, target, verb, args, filter, expiresAt } satisfies Record<string, Json>);

export const tokenOf = (id: string, signature: string): string => `${id}.${signature}`;

/** The id and the signature in a token; null when it cannot be one. */
export function partsOf(token: string): { readonly id: string; readonly signature: string } | null {
  const at = token.indexOf('.');
  return at < 1 ? null : { id: token.slice(0, at), signature: token.slice(at + 1) };
}
