/** Follows what happens to the tickets of a product: first how they stand, then each event as it comes. */
import { follow } from '../stream.js';
import type { StreamOptions } from '../stream.js';

/** @param onEvent returns false when it has seen enough */
export async function followTickets(
  usher: Pick<StreamOptions, 'url' | 'credential'>,
  onEvent: (type: string, data: unknown) => boolean,
): Promise<void> {
  const stop = new AbortController();
  const events = follow({ ...usher, path: '/v1/stream?product=demo&types=ticket.*&snapshot=true', signal: stop.signal });
  for await (const { type, data } of events) if (!onEvent(type, data)) stop.abort();
}
