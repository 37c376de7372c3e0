import type { Recorder } from '../recorder.js';

/** Does one operation and records its calls; answers the ticket's number when all of it went well, else nothing. Never rejects. */
export type Operation = (task: Task, recorder: Recorder) => Promise<string | undefined>;

export interface Task {
  /** Counts on over the whole run: chooses people and texts. */
  index: number;
  product: string;
  /** Milliseconds; latency counts from here. */
  intendedAt: number;
}
