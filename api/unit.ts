/** A transaction that one part of a request begins and another ends. */
import { withTenant } from '../db/client.js';
import type { Db, TenantTx } from '../db/client.js';
import type { TenantId } from '../domain/ids.js';

/**
 * By it, who looks at a row before a change and who writes the change share one transaction. It holds a connection until it ends, so nothing
 * but the database may be waited for in between.
 */
export interface Unit {
  /** False once it was ended, or undone by an error: what follows needs a transaction of its own. */
  readonly isOpen: boolean;
  /** Does work inside; an error undoes all that was done, and ends it. */
  run<T>(work: (tx: TenantTx) => Promise<T>): Promise<T>;
  /** Commits. */
  end(): Promise<void>;
  /** Ends it for who wrote nothing; what is still under way, because nobody waited for it, is undone. Tells no errors. */
  leave(): Promise<void>;
}

/** Begins one. Whatever happens, somebody has to end or leave it. */
export function openUnit(db: Db, tenant: TenantId): Unit {
  const begun = deferred<TenantTx>();
  const decided = deferred<void>();
  const over = withTenant(db, tenant, (tx) => {
    begun.resolve(tx);
    return decided.promise;
  });
  over.catch(begun.reject);
  const running = new Set<Promise<unknown>>();
  let isOpen = true;

  /** Work under way is waited for, also when nobody hears of it any more: its connection must not be another's meanwhile. */
  const close = async (decide: () => void): Promise<void> => {
    isOpen = false;
    await Promise.allSettled(running);
    decide();
    await over;
  };

  return {
    get isOpen() {
      return isOpen;
    },
    async run(work) {
      if (!isOpen) throw new Error('the unit is over');
      const job = begun.promise.then(work);
      running.add(job);
      try {
        return await job;
      } catch (error) {
        running.delete(job);
        await close(() => decided.reject(error)).catch(nothing);
        throw error;
      } finally {
        running.delete(job);
      }
    },
    end: async () => {
      if (isOpen) await close(decided.resolve);
    },
    leave: async () => {
      const late = running.size > 0;
      if (isOpen) await close(() => (late ? decided.reject(new Error('left')) : decided.resolve())).catch(nothing);
    },
  };
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

const nothing = (): void => undefined;

function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] = nothing;
  let reject: Deferred<T>['reject'] = nothing;
  const promise = new Promise<T>((accept, refuse) => {
    resolve = accept;
    reject = refuse;
  });
  // It may fail before anybody waits for it, or without.
  promise.catch(nothing);
  return { promise, resolve, reject };
}
