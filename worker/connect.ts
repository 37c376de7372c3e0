/** Connections at boot: a dependency that starts at the same time is waited for, one that never comes ends the process. */
import { NativeConnection } from '@temporalio/worker';
import type { Logger } from '../logger.js';

const patience = 60_000;
const firstPause = 500;
const longestPause = 5_000;

/**
 * Tries until it works.
 *
 * @throws the last error when it did not work for a minute
 */
export async function untilUp<T>(what: string, log: Logger, attempt: () => Promise<T>, stop?: AbortSignal): Promise<T> {
  const deadline = Date.now() + patience;
  for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() + pause > deadline || stop?.aborted === true) throw error;
      log.warn({ what, retryInMs: pause }, 'not reachable yet');
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

export interface TemporalSettings {
  readonly TEMPORAL_ADDRESS: string;
  readonly TEMPORAL_API_KEY?: string | undefined;
  readonly TEMPORAL_TLS: boolean;
}

/**
 * Connects so many times, once or more. Messages go uncompressed without TLS: within one machine or cluster, packing them would cost more
 * than sending them.
 */
export async function connectTemporal(
  { TEMPORAL_ADDRESS, TEMPORAL_API_KEY, TEMPORAL_TLS }: TemporalSettings,
  times: number,
): Promise<readonly [NativeConnection, ...NativeConnection[]]> {
  const tls = TEMPORAL_TLS || TEMPORAL_API_KEY !== undefined;
  const connect = (): Promise<NativeConnection> =>
    NativeConnection.connect({
      address: TEMPORAL_ADDRESS,
      ...(TEMPORAL_API_KEY === undefined ? {} : { apiKey: TEMPORAL_API_KEY }),
      tls,
      grpcCompression: { codec: tls ? 'gzip' : 'none' },
    });
  return [await connect(), ...(await Promise.all(Array.from({ length: times - 1 }, connect)))];
}
