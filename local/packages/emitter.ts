/** Tells the desk what happened at the packages, some time after it did: best effort, as other systems' events are. */
import { createHash } from 'node:crypto';
import type { Log } from '../log.js';
import type { Happening } from './answers.js';

export interface EmitterOptions {
  /** `POST /v1/events` of the desk; absent: nobody is told. */
  readonly url?: string | undefined;
  /** API key. */
  readonly key?: string | undefined;
  /** How long after the answer. */
  readonly delayMs: number;
  /** Before each further try. */
  readonly pausesMs: readonly number[];
  readonly log: Log;
}

export interface Emitter {
  /** @param key of the effect that caused it: told twice, it is the same event */
  tell(happening: Happening, key: string): void;
  stop(): void;
}

/** Worth another try: nobody there, busy, or a fault of theirs. */
const passes = (status: number): boolean => status >= 500 || [408, 425, 429].includes(status);

export function createEmitter({ url, key, delayMs, pausesMs, log }: EmitterOptions): Emitter {
  const timers = new Set<NodeJS.Timeout>();
  const stopped = new AbortController();
  const later = (ms: number, work: () => Promise<void>): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      void work();
    }, ms);
    timers.add(timer);
  };
  const send = async (event: Readonly<Record<string, unknown>>, pauses: readonly number[]): Promise<void> => {
    if (url === undefined || key === undefined) return;
    const said = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(event),
      signal: AbortSignal.any([stopped.signal, AbortSignal.timeout(10_000)]),
    }).then(
      (response) => response.status,
      () => 503,
    );
    if (stopped.signal.aborted) return;
    log(`event ${String(event['type'])} ${String(event['id'])}: ${said}`);
    const [pause, ...rest] = pauses;
    if (passes(said) && pause !== undefined) later(pause, () => send(event, rest));
  };
  return {
    tell({ type, source, about, data }, effect) {
      if (url === undefined || key === undefined) return;
      const id = `pkg-${createHash('sha256').update(`${type}/${effect}`).digest('hex').slice(0, 24)}`;
      later(delayMs, () => send({ id, type, source, ...about, data }, pausesMs));
    },
    stop() {
      stopped.abort();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
