import type { Row } from './report.js';
import type { Verdict } from './verdicts.js';

/** What a run comes to, whichever workload it was. */
export interface Outcome {
  /** Everything, for the file of results. */
  findings: object;
  /** What the table says. */
  rows: Row[];
  /** What has to be known to read it. */
  notes: string[];
  verdicts: Verdict[];
  /** Why the run does not count, or not all of it; empty when it does. */
  problems: string[];
  /** Neither problems nor a verdict stand against it. */
  ok: boolean;
}
