/** What readers of the live stream got, held against what the log says. */
import { Histogram } from '../histogram.js';

/** Something a reader was told. */
export interface Arrival {
  readonly position: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** One reader, over all its connections. */
export interface ReaderLog {
  readonly arrivals: readonly Arrival[];
  /** The position its first connection began at. */
  readonly from: number;
  /** When its connections were lost, and when it was back. */
  readonly gaps: readonly { readonly lostAt: number; readonly backAt: number }[];
}

/** An event that all of them were to hear. */
export interface Logged {
  readonly position: number;
  /** Epoch milliseconds: when the transaction that recorded it began, which is before its commit. */
  readonly recordedAt: number;
}

export interface StreamTally {
  /** Events told, by all readers together. */
  readonly told: number;
  /** From the log to the reader, of those who were there when it was recorded. */
  readonly latency: Histogram;
  /** Told to a reader when it came back. */
  readonly caughtUp: number;
  /** Never told to a reader who was to hear of them. */
  readonly missed: number;
  /** Told to the same reader twice, or behind a later one. */
  readonly doubled: number;
  /** Told, and not in the log. */
  readonly strange: number;
}

/** Compares: every reader was to hear of every event behind the position it began at. */
export function tallyOf(log: readonly Logged[], readers: readonly ReaderLog[]): StreamTally {
  const recorded = new Map(log.map(({ position, recordedAt }) => [position, recordedAt]));
  const latency = new Histogram();
  const counts = { told: 0, caughtUp: 0, missed: 0, doubled: 0, strange: 0 };
  for (const { arrivals, from, gaps } of readers) {
    const heard = new Set<number>();
    let last = from;
    for (const { position, at } of arrivals) {
      counts.told += 1;
      const recordedAt = recorded.get(position);
      if (heard.has(position) || position <= last) counts.doubled += 1;
      else if (recordedAt === undefined) counts.strange += 1;
      else if (gaps.some(({ lostAt, backAt }) => recordedAt >= lostAt - settleMs && recordedAt < backAt && at >= backAt))
        counts.caughtUp += 1;
      else latency.add(at - recordedAt);
      heard.add(position);
      last = Math.max(last, position);
    }
    counts.missed += log.filter(({ position }) => position > from && !heard.has(position)).length;
  }
  return { ...counts, latency };
}

/** What was recorded so shortly before the connection was cut may have been on its way. */
const settleMs = 1_000;
