import { z } from 'zod';
import { Histogram, HistogramData } from './histogram.js';

/** How a call ended: `pending` was accepted, and PostgreSQL follows (202); `limited` is a 429. */
export const outcomes = ['ok', 'pending', 'limited', 'timeout', 'error'] as const;
export type Outcome = (typeof outcomes)[number];

const CallData = z.object({ histogram: HistogramData, outcomes: z.record(z.enum(outcomes), z.number()) });

export const RecordedData = z.object({ calls: z.record(z.string(), CallData), problems: z.record(z.string(), z.number()) });
export type RecordedData = z.output<typeof RecordedData>;

interface Call {
  histogram: Histogram;
  outcomes: Record<Outcome, number>;
}

/** What calls took and how they ended, by the name of the call. Latencies are of answered calls and of failed ones alike. */
export class Recorder {
  readonly #calls = new Map<string, Call>();
  readonly #problems: Record<string, number> = {};

  add(name: string, ms: number, outcome: Outcome, problem?: string): void {
    const call = this.#calls.get(name) ?? newCall();
    this.#calls.set(name, call);
    call.histogram.add(ms);
    call.outcomes[outcome] += 1;
    if (problem !== undefined) this.#problems[`${name}: ${problem}`] = (this.#problems[`${name}: ${problem}`] ?? 0) + 1;
  }

  data(): RecordedData {
    const calls = [...this.#calls].map(([name, call]) => [name, { histogram: call.histogram.data(), outcomes: call.outcomes }]);
    return { calls: Object.fromEntries(calls), problems: this.#problems };
  }
}

const newCall = (): Call => ({ histogram: new Histogram(), outcomes: { ok: 0, pending: 0, limited: 0, timeout: 0, error: 0 } });
