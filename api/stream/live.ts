/** The streams of a process that runs: followed by ear, and by the clock where a ring is lost. */
import type { Deps } from '../deps.js';
import { createHub } from './hub.js';
import type { StreamHub } from './streams.js';
import type { TailSource } from './tail.js';
import { listenFor } from '../../db/bell.js';
import { withTenant } from '../../db/client.js';
import type { Db } from '../../db/client.js';
import { findHead, listPublished } from '../../db/queries/stream.js';
import { streamChannel } from '../../db/queries/stream-relay.js';
import { asTenantId } from '../../domain/ids.js';
import { second } from '../../domain/time.js';

/** Where tails read. */
export const sourceOf = (db: Db, onFailed: (error: unknown) => void): TailSource => ({
  head: (tenant) => withTenant(db, tenant, (tx) => findHead(tx, tenant)),
  read: (tenant, after, limit) => withTenant(db, tenant, (tx) => listPublished(tx, tenant, after, limit)),
  onFailed,
});

/** The tenants a notification names; null: any. */
const tenantsOf = (payload: string) => (payload === '' ? null : payload.split(',').map(asTenantId));

/** Starts listening; disposing ends every stream. */
export function openStreams({
  db,
  url,
  log,
  metrics,
  now,
}: Pick<Deps, 'db' | 'log' | 'metrics' | 'now'> & { readonly url: string }): AsyncDisposable & { readonly streams: StreamHub } {
  const streams = createHub({
    source: sourceOf(db, (error) => log.warn({ err: error }, 'published events cannot be read')),
    now,
    onOpened: metrics.streamOpened,
    onEnded: (why, afterMs) => {
      metrics.streamEnded(why);
      log.debug({ why, ms: afterMs }, 'stream ended');
    },
    onUnchecked: (error) => log.warn({ err: error }, 'rights of a stream cannot be looked at'),
  });
  const bell = listenFor({
    url,
    role: 'usher_app',
    channel: streamChannel,
    name: 'usher-api-stream',
    onRing: (payload) => void streams.ring(tenantsOf(payload)),
    onBroken: (reason) => log.warn({ reason }, 'nothing is heard of published events; they are looked for each second'),
  });
  const clock = setInterval(() => void streams.tick(), second);
  return {
    streams,
    async [Symbol.asyncDispose]() {
      clearInterval(clock);
      streams.close();
      await bell[Symbol.asyncDispose]();
    },
  };
}
