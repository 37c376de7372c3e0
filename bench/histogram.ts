import { z } from 'zod';

/** Buckets of each doubling: a bucket is at most 1/128 wide. */
const perDoubling = 128;

export const HistogramData = z.object({ buckets: z.array(z.tuple([z.number(), z.number()])), sumMs: z.number(), maxMs: z.number() });
export type HistogramData = z.output<typeof HistogramData>;

/** What is said of a set of latencies, in milliseconds. */
export interface Summary {
  count: number;
  mean: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** Latencies in buckets of less than 0.8 %, so that millions of them cost little and two sets add up. */
export class Histogram {
  readonly #buckets = new Map<number, number>();
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  static from({ buckets, sumMs, maxMs }: HistogramData): Histogram {
    const histogram = new Histogram();
    for (const [bucket, count] of buckets) histogram.#put(bucket, count);
    histogram.#sumMs = sumMs;
    histogram.#maxMs = maxMs;
    return histogram;
  }

  get count(): number {
    return this.#count;
  }

  add(ms: number): void {
    this.#put(bucketOf(Math.max(0, Math.round(ms * 1_000))), 1);
    this.#sumMs += ms;
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  merge(other: Histogram): void {
    for (const [bucket, count] of other.#buckets) this.#put(bucket, count);
    this.#sumMs += other.#sumMs;
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
  }

  /** The value that this share of all is not above; a bucket's upper edge, so never too good. 0 when empty. */
  percentile(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (const bucket of [...this.#buckets.keys()].toSorted((a, b) => a - b)) {
      seen += this.#buckets.get(bucket) ?? 0;
      if (seen >= wanted) return Math.min(upperEdge(bucket) / 1_000, this.#maxMs);
    }
    return 0;
  }

  summary(): Summary {
    return {
      count: this.#count,
      mean: this.#count === 0 ? 0 : this.#sumMs / this.#count,
      p50: this.percentile(0.5),
      p95: this.percentile(0.95),
      p99: this.percentile(0.99),
      max: this.#maxMs,
    };
  }

  data(): HistogramData {
    return { buckets: [...this.#buckets], sumMs: this.#sumMs, maxMs: this.#maxMs };
  }

  #put(bucket: number, count: number): void {
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + count);
    this.#count += count;
  }
}

/** Below two doublings' worth each microsecond has its own bucket. */
function bucketOf(us: number): number {
  if (us < 2 * perDoubling) return us;
  const doublings = Math.floor(Math.log2(us / perDoubling));
  return doublings * perDoubling + Math.floor(us / 2 ** doublings);
}

/** The largest microsecond of a bucket. */
function upperEdge(bucket: number): number {
  if (bucket < 2 * perDoubling) return bucket;
  const doublings = Math.floor(bucket / perDoubling) - 1;
  return (bucket - doublings * perDoubling + 1) * 2 ** doublings - 1;
}
