/** All streams of this process: one tail for each tenant that anybody listens to, and the time of every stream. Source: api-surfaces.md, section 1. */
import { Refusal } from '../errors.js';
import { Feed } from './feed.js';
import type { Ending } from './feed.js';
import type { StreamHub, StreamRequest } from './streams.js';
import { Tail } from './tail.js';
import type { TailSource } from './tail.js';
import type { TenantId } from '../../domain/ids.js';
import { hour, second } from '../../domain/time.js';

const beatEvery = 15 * second;
/** Rights are looked at again this often; readers who came together do not ask together. */
const checkEvery = 30 * second;
const checkSpread = 250;
const oldest = hour;
/** A ring may be lost. */
const lookEvery = second;
const mostPerCredential = 20;
/** Rights looked at, and beginnings read, side by side: after a restart everyone comes back at once, and other requests need the database too. */
const atOnce = 4;

export interface HubOptions {
  readonly source: TailSource;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly onOpened?: () => void;
  readonly onEnded?: (why: Ending, afterMs: number) => void;
  /** Told when rights could not be looked at. */
  readonly onUnchecked?: (error: unknown) => void;
}

interface Open {
  readonly feed: Feed;
  readonly request: StreamRequest;
  readonly endsAt: number;
  beatAt: number;
  checkAt: number;
}

export function createHub({ source, now, onOpened, onEnded, onUnchecked }: HubOptions): StreamHub {
  const tails = new Map<TenantId, Tail>();
  const feeds = new Set<Open>();
  const perCredential = new Map<string, number>();
  let closed = false;
  let lookAt = 0;
  let opened = 0;

  const count = (credential: string, change: 1 | -1): void => {
    const next = (perCredential.get(credential) ?? 0) + change;
    if (next === 0) perCredential.delete(credential);
    else perCredential.set(credential, next);
  };

  const tailOf = (tenant: TenantId): Tail => {
    const tail = tails.get(tenant) ?? new Tail(tenant, source);
    tails.set(tenant, tail);
    return tail;
  };

  const leave = (tenant: TenantId, tail: Tail, feed: Feed): void => {
    tail.listeners.delete(feed);
    if (tail.listeners.size === 0 && tails.get(tenant) === tail) tails.delete(tenant);
  };

  let beginning = 0;
  const waiting: (() => void)[] = [];
  const turn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (beginning >= atOnce) await new Promise<void>((resolve) => void waiting.push(resolve));
    else beginning += 1;
    try {
      return await work();
    } finally {
      // Handed on, or given back.
      const next = waiting.shift();
      if (next === undefined) beginning -= 1;
      else next();
    }
  };

  const check = async (open: Open): Promise<void> => {
    try {
      open.feed.principal = await open.request.check();
    } catch (error) {
      if (error instanceof Refusal) open.feed.end('rights');
      else onUnchecked?.(error);
    }
  };

  const ring = async (tenants: readonly TenantId[] | null): Promise<void> => {
    const meant = tenants === null ? [...tails.values()] : tenants.flatMap((tenant) => tails.get(tenant) ?? []);
    await Promise.all(meant.map((tail) => tail.ring()));
  };

  return {
    get size() {
      return feeds.size;
    },
    ring,

    async open(request) {
      const { principal, credential } = request;
      const { tenant } = principal;
      if ((perCredential.get(credential) ?? 0) >= mostPerCredential) {
        throw new Refusal('rate_limited', { detail: `At most ${mostPerCredential} streams are open at once with one credential.` });
      }
      const tail = tailOf(tenant);
      const startedAt = now();
      const feed = new Feed({
        ...request,
        onEnded: (why) => {
          leave(tenant, tail, feed);
          feeds.delete(open);
          count(credential, -1);
          onEnded?.(why, now() - startedAt);
        },
      });
      const spread = (opened++ % 20) * checkSpread;
      const open: Open = {
        feed,
        request,
        endsAt: startedAt + oldest,
        beatAt: startedAt + beatEvery,
        checkAt: startedAt + checkEvery - spread,
      };
      count(credential, 1);
      onOpened?.();
      feeds.add(open);
      tail.listeners.add(feed);
      try {
        if (closed) feed.end('shutdown');
        else {
          await tail.ready;
          feed.begin(await turn(() => request.begin(tail)));
        }
      } catch (error) {
        feed.end('gone');
        throw error;
      }
      return feed.outlet;
    },

    async tick() {
      const at = now();
      const due: Open[] = [];
      for (const open of feeds) {
        if (open.endsAt <= at) open.feed.end('age');
        else if (open.beatAt <= at) {
          open.beatAt = at + beatEvery;
          open.feed.beat();
        }
        if (open.checkAt <= at && feeds.has(open)) {
          open.checkAt = at + checkEvery;
          due.push(open);
        }
      }
      const next = due.values();
      const checker = async (): Promise<void> => {
        for (const open of next) await check(open);
      };
      const checked = Array.from({ length: Math.min(atOnce, due.length) }, checker);
      if (lookAt <= at) {
        lookAt = at + lookEvery;
        checked.push(ring(null));
      }
      await Promise.all(checked);
    },

    close() {
      closed = true;
      for (const { feed } of feeds) feed.end('shutdown');
    },
  };
}
