/** How late the steps of journeys were, by the event log. */
import { z } from 'zod';
import { summaryOf } from '../storm/tally.js';
import type { Summary } from '../histogram.js';
import type { Target } from '../target.js';
import { beatSeconds } from './fleet.js';

const Beat = z.object({ journey: z.string(), at: z.coerce.number(), recorded: z.coerce.number() });
type Beat = z.output<typeof Beat>;

export interface Beats {
  /** Beats that fell due in the period. */
  due: number;
  /** From the instant a wait was over to the record of the next step. */
  lateness: Summary;
  /** Milliseconds from one beat of a journey to its next beyond ten seconds: what lateness adds up to, as the next wait counts from the last one's end. */
  drift: Summary;
  /** Journeys without any beat in the period. */
  silent: number;
}

/** @param from to @param until epoch milliseconds; beats that fell due between them count, whenever they were recorded */
export async function beatsBetween(target: Target, journeys: readonly string[], from: number, until: number): Promise<Beats> {
  const rows = z.array(Beat).parse(
    await target.sql(
      `select e.journey_id as journey, extract(epoch from e.at) * 1000 as at, extract(epoch from e.recorded_at) * 1000 as recorded
       from event e
       where e.journey_id = any($1) and e.type = 'journey.step.completed' and e.data ->> 'step' = 'beat' and e.at >= $2 and e.at < $3
       order by e.journey_id, e.at`,
      [journeys, new Date(from), new Date(until)],
    ),
  );
  return {
    due: rows.length,
    lateness: summaryOf(rows.map(({ at, recorded }) => recorded - at)),
    drift: summaryOf(driftsOf(rows)),
    silent: journeys.length - new Set(rows.map(({ journey }) => journey)).size,
  };
}

const driftsOf = (rows: readonly Beat[]): number[] =>
  rows.flatMap((row, index) => {
    const before = rows[index - 1];
    return before === undefined || before.journey !== row.journey ? [] : [row.at - before.at - beatSeconds * 1_000];
  });
