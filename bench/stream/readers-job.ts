/** What the process that reads is told, and what it answers. */
import { z } from 'zod';
import { HistogramData } from '../histogram.js';

export const ReadersMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('open'), url: z.string(), keys: z.array(z.string()), each: z.number() }),
  /** Cuts the connections of every n-th reader. */
  z.object({ kind: z.literal('drop'), every: z.number() }),
  /** Answered once every reader has come so far, or when the time is over. */
  z.object({ kind: z.literal('wait'), position: z.number(), limitMs: z.number() }),
  /** Everything recorded; the readers are closed and what they got is compared. */
  z.object({ kind: z.literal('compare'), log: z.array(z.object({ position: z.number(), recordedAt: z.number() })) }),
]);
export type ReadersMessage = z.output<typeof ReadersMessage>;

export const ReadersReport = z.object({
  readers: z.number(),
  told: z.number(),
  caughtUp: z.number(),
  missed: z.number(),
  doubled: z.number(),
  strange: z.number(),
  /** Readers without a connection at the end. */
  away: z.number(),
  /** Connections that were cut. */
  cut: z.number(),
  latency: HistogramData,
  problems: z.record(z.string(), z.number()),
  cpuSeconds: z.number(),
});
export type ReadersReport = z.output<typeof ReadersReport>;

export const ReadersReply = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('done') }),
  z.object({ kind: z.literal('report'), report: ReadersReport }),
  z.object({ kind: z.literal('failed'), reason: z.string() }),
]);
export type ReadersReply = z.output<typeof ReadersReply>;
