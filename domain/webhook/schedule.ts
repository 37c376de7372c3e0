/** When an event is sent to an endpoint again, and what its last attempt means for the endpoint. Source: api-surfaces.md, section 2. */
import { day, hour, minute, second } from '../time.js';
import type { Instant } from '../time.js';
import type { Verdict } from './verdict.js';

/** Pauses before each attempt; the first is made at once. 75 h 35 min in all. */
const pauses: readonly number[] = [0, 5 * second, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour];
export const mostAttempts = pauses.length;

/** Attempts for which an event keeps the later ones of its subject back: 35 minutes. The table of deliveries says the same. */
export const holdingAttempts = 4;

/** Each pause is up to a fifth shorter or longer, so that what failed together does not come back together. */
const jitter = 0.2;
/** A receiver may ask for no longer rest than this. */
const longestRest = 24 * hour;

/** The type of events that only try an endpoint out: sent once, at once, in no order. */
export const testType = 'webhook.test';

export type DeliveryState = 'waiting' | 'pending' | 'succeeded' | 'failed' | 'dropped';

/** What becomes of a delivery after an attempt. */
export type AfterAttempt =
  { readonly state: 'succeeded' } | { readonly state: 'failed' } | { readonly state: 'pending'; readonly pauseMs: number };

/**
 * What follows from an attempt.
 *
 * @param failed attempts of this delivery that had failed before
 * @param chance between 0 and 1
 */
export function afterAttempt(
  { kind, restMs }: Pick<Verdict, 'kind' | 'restMs'>,
  { type, failed, chance }: { readonly type: string; readonly failed: number; readonly chance: number },
): AfterAttempt {
  if (kind === 'succeeded') return { state: 'succeeded' };
  const pause = pauses[failed + 1];
  if (kind === 'gone' || type === testType || pause === undefined) return { state: 'failed' };
  const planned = pause * (1 - jitter + 2 * jitter * chance);
  return { state: 'pending', pauseMs: Math.round(Math.max(planned, Math.min(restMs ?? 0, longestRest))) };
}

/** Attempts at one endpoint at the same time; one that only ever fails is asked by one at a time until it answers well again. */
export const slotsOf = (failuresInRow: number): number => (failuresInRow >= 10 ? 1 : 4);

/** Until there is a free slot again: longer each time, so that what waits costs little. */
export const busyPause = (times: number, chance: number): number =>
  Math.round(5 * second * 2 ** Math.min(times, 6) * (1 - jitter + 2 * jitter * chance));

/** Without a single success for so long, an endpoint whose event went through all its attempts in vain is disabled. */
const patience = 3 * day;

/** `gone`: the receiver says that nobody is there any more; `failing`: nothing has arrived for days. */
export type GivenUp = 'gone' | 'failing';

/**
 * Why an endpoint is disabled by an attempt; null: it is not.
 *
 * @param goodSince its last success, or when it was enabled, if that is later
 */
export function givenUp(
  verdict: Pick<Verdict, 'kind'>,
  after: AfterAttempt,
  type: string,
  goodSince: Instant,
  now: Instant,
): GivenUp | null {
  if (verdict.kind === 'gone') return 'gone';
  return after.state === 'failed' && type !== testType && now - goodSince >= patience ? 'failing' : null;
}
