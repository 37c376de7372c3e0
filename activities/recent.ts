/** What was loaded, kept in the worker's memory. */

export interface Recent<T> {
  /** What is kept under a key, if it still holds, else what is loaded: once, however many ask meanwhile. A failure is not kept. */
  readonly get: (key: string, load: () => Promise<T>, holds?: (kept: T) => boolean) => Promise<T>;
  readonly forget: (key: string) => void;
}

/** @param most kept in memory: the least recently used goes first */
export function recent<T>(most: number): Recent<T> {
  const kept = new Map<string, Promise<T>>();

  const begin = (key: string, load: () => Promise<T>): Promise<T> => {
    const loading = load();
    kept.set(key, loading);
    // A map hands out its oldest entry first, and what is used is put in anew.
    for (const oldest of kept.keys()) {
      if (kept.size <= most) break;
      kept.delete(oldest);
    }
    loading.catch(() => {
      if (kept.get(key) === loading) kept.delete(key);
    });
    return loading;
  };

  const get: Recent<T>['get'] = async (key, load, holds = () => true) => {
    const found = kept.get(key);
    if (found === undefined) return begin(key, load);
    const value = await found;
    // Meanwhile somebody may have begun to load it anew.
    if (kept.get(key) !== found) return holds(value) ? value : get(key, load, holds);
    kept.delete(key);
    if (!holds(value)) return begin(key, load);
    kept.set(key, found);
    return value;
  };

  return { get, forget: (key) => void kept.delete(key) };
}
