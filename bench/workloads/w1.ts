/** W1: creates. Source: performance.md, section 6. */
import { asTicketId } from '../../domain/ids.js';
import { ticketWorkflowId } from '../../workflows/ticket/start.js';
import type { Bench } from '../bench.js';
import { countTicket, medianCounts } from '../counts.js';
import type { Findings } from '../findings.js';
import { countKept } from '../lost.js';
import { compareWithStarts, endStarts } from '../raw-start.js';
import { warmUp } from '../rounds.js';
import { eachOf, sampleOf } from '../samples.js';
import { measureAside, measureRates, saturate } from './phases.js';

export async function w1(bench: Bench): Promise<Findings> {
  const { plan, target } = bench;
  const work = { work: 'create' } as const;
  await warmUp(bench, work);
  const saturated = await saturate(bench, work);
  const { rounds: paced, logBytes } = await measureRates(bench, work);
  const comparison = await compareWithStarts(bench);
  const rounds = [...saturated, ...paced];
  const created = [...rounds, ...comparison.rounds.filter((round) => round.work === 'create')].flatMap((round) => round.tickets);
  const kept = await countKept(bench, created, 'open');
  const sample = sampleOf(created, plan.sample);
  const counts = await eachOf(sample, 4, (id) => countTicket(target.client.workflow.getHandle(ticketWorkflowId(asTicketId(id)))));
  if (target.stack === undefined) await endStarts(bench, comparison);
  const aside = await measureAside(bench);
  return {
    workload: 'w1',
    rounds,
    ceiling: Math.max(...saturated.map((round) => round.reached)),
    comparison,
    kept,
    counts: medianCounts(counts),
    logBytes,
    ...aside,
  };
}
