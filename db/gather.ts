/** Units of work that come at the same time, done in one transaction: under load a message costs a share of its statements. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TenantId } from '../domain/ids.js';

/** Does work for many; answers in their order. */
export type ForMany<Item, Result> = (tenant: TenantId, items: readonly Item[]) => Promise<readonly Result[]>;

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** While many ask at once: those who come meanwhile share what a call costs by itself. In milliseconds. */
const busy = 10;

/**
 * Lets callers ask for one each, while what they ask for is done for many: one call at a time and tenant, which takes whoever waits by then.
 * Alone nobody waits for anybody. When a call fails for many, each is tried by itself, so that one's fault is not another's.
 *
 * @param most taken by one call
 */
export function gathering<Item, Result>(forMany: ForMany<Item, Result>, most: number): (tenant: TenantId, item: Item) => Promise<Result> {
  const lines = new Map<TenantId, Waiting<Item, Result>[]>();

  const serve = async (tenant: TenantId, line: Waiting<Item, Result>[]): Promise<void> => {
    // Those that are ready in the same turn come along.
    await new Promise(setImmediate);
    while (line.length > 0) {
      const some = line.splice(0, most);
      await answer(tenant, some);
      if (some.length > 1 && line.length < most) await sleep(busy);
    }
    lines.delete(tenant);
  };

  const answer = async (tenant: TenantId, some: readonly Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await forMany(
        tenant,
        some.map(({ item }) => item),
      );
      results.forEach((result, index) => some[index]?.resolve(result));
    } catch (error) {
      const [first, ...others] = some;
      if (others.length === 0) first?.reject(error);
      else await Promise.all(some.map((one) => answer(tenant, [one])));
    }
  };

  return (tenant, item) =>
    new Promise((resolve, reject) => {
      const line = lines.get(tenant);
      if (line !== undefined) {
        line.push({ item, resolve, reject });
        return;
      }
      const begun = [{ item, resolve, reject }];
      lines.set(tenant, begun);
      void serve(tenant, begun);
    });
}
