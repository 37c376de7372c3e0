/** Counts requests in this process, and in PostgreSQL what several processes count together: now and then, all at once, never for one request. */
import { createHash } from 'node:crypto';
import type { Logger } from '../../logger.js';
import type { RequestCount } from '../../db/queries/request-limits.js';
import type { Counted } from '../../domain/access/limits.js';
import { quotaOf, windowAt, windowEnd } from '../../domain/access/quota.js';
import type { Quota } from '../../domain/access/quota.js';
import type { TenantId } from '../../domain/ids.js';
import type { Networks } from './address.js';

/** How a request stands: with each limit it counts against, and with the one that was reached. */
export interface Taken {
  readonly quotas: readonly Quota[];
  readonly reached: Quota | null;
}

export interface Limiter {
  /** Counts one request, unless one of its limits is reached: then it counts against none. */
  take(counts: readonly Counted[]): Taken;
  /** How it would stand. */
  look(counts: readonly Counted[]): Taken;
}

export interface RequestLimits {
  readonly limiter: Limiter;
  /** Whose word counts about where a request comes from. */
  readonly proxies: Networks;
}

/** Adds what was counted, and says what all have counted together. */
export type ShareCounts = (counts: readonly RequestCount[]) => Promise<readonly RequestCount[]>;

export interface SharedLimiter extends Limiter, AsyncDisposable {
  /** Tells the others what was counted here since the last time, and hears what they counted. */
  share(): Promise<void>;
}

interface Options {
  readonly now: () => number;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  /** How many processes serve the API. */
  readonly replicas: number;
  /** Where they add up what they counted. */
  readonly store: ShareCounts;
}

interface Entry {
  window: number;
  readonly windowS: number;
  readonly tenant: TenantId | null;
  /** Counted here. */
  mine: number;
  /** Of mine, what the others know. */
  told: number;
  /** Counted by the others. */
  others: number;
}

/** How often counts are added up, in milliseconds: so much later than at once a limit may be noticed. */
const shareEveryMs = 1_000;
/** Counts kept at once. Beyond it those that are over are forgotten, and if none are, the oldest. */
const mostEntries = 50_000;

export function createLimiter({ now, log, replicas, store }: Options): SharedLimiter {
  const entries = new Map<string, Entry>();
  let isLost = false;

  const entryOf = ({ name, of, windowS, tenant }: Counted): Entry => {
    const key = `${name} ${of}`;
    const window = windowAt(now(), windowS);
    const known = entries.get(key);
    if (known !== undefined && known.window === window) return known;
    if (known === undefined && entries.size >= mostEntries) makeRoom(entries, now());
    const fresh = { window, windowS, tenant, mine: 0, told: 0, others: 0 };
    entries.set(key, fresh);
    return fresh;
  };

  /** Nobody adds up what belongs to no tenant: there each process allows its part. */
  const partOf = ({ most, tenant }: Counted): number => (tenant === null ? Math.max(1, Math.ceil(most / replicas)) : most);

  const quotas = (counts: readonly Counted[]): Quota[] =>
    counts.map((count) => {
      const { mine, others } = entryOf(count);
      return quotaOf({ ...count, most: partOf(count) }, mine + others, now());
    });

  const look = (counts: readonly Counted[]): Taken => {
    const standing = quotas(counts);
    return { quotas: standing, reached: standing.find(({ left }) => left === 0) ?? null };
  };

  const tell = async (): Promise<void> => {
    const at = now();
    const fresh = [...entries].flatMap(([key, entry]) => {
      const isOver = windowEnd(entry.window, entry.windowS) <= at;
      if (isOver) entries.delete(key);
      return isOver || entry.tenant === null || entry.mine === entry.told
        ? []
        : [{ entry, tenant: entry.tenant, name: nameOf(key), mine: entry.mine }];
    });
    if (fresh.length === 0) return;
    const told = fresh.map(({ entry, tenant, name, mine }) => ({
      tenant,
      name,
      endsAt: windowEnd(entry.window, entry.windowS),
      count: mine - entry.told,
    }));
    try {
      const totals = new Map((await store(told)).map((total) => [`${total.tenant} ${total.name}`, total.count]));
      for (const { entry, tenant, name, mine } of fresh) {
        entry.told = mine;
        entry.others = Math.max(0, (totals.get(`${tenant} ${name}`) ?? mine) - mine);
      }
      if (isLost) log.info('requests are counted together again');
      isLost = false;
    } catch (error) {
      // What was not told is told next time. Meanwhile each counts by itself: too much is let through rather than too little.
      if (!isLost) log.warn({ err: error }, 'requests are counted by each process alone');
      isLost = true;
    }
  };

  /** One telling at a time, or what is on its way would be told twice. */
  let telling: Promise<void> | null = null;
  const share = (): Promise<void> => (telling ??= tell().finally(() => (telling = null)));

  const timer = replicas > 1 ? setInterval(() => void share(), shareEveryMs).unref() : undefined;

  return {
    look,
    take(counts) {
      const standing = look(counts);
      if (standing.reached !== null) return standing;
      for (const count of counts) entryOf(count).mine += 1;
      return { quotas: quotas(counts), reached: null };
    },
    share,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      if (replicas > 1) await share();
    },
  };
}

/** Whose a count is does not leave the process. */
const nameOf = (key: string): string => createHash('sha256').update(key).digest('hex').slice(0, 32);

/** A tenth at least, so that it is not looked for at every request. */
function makeRoom(entries: Map<string, Entry>, now: number): void {
  for (const [key, { window, windowS }] of entries) if (windowEnd(window, windowS) <= now) entries.delete(key);
  for (const key of entries.keys()) {
    if (entries.size <= mostEntries * 0.9) return;
    entries.delete(key);
  }
}
