import type { Recorder } from '../recorder.js';

/** Does one operation and records its calls; answers the ticket's number when all of it went well, else nothing. Never rejects. */
export type Operation = (index: number, intendedAt: number, recorder: Recorder) => Promise<string | undefined>;
