/** W3: whole lives of nine calls. Source: performance.md, sections 2.3 and 6. */
import { asTicketId } from '../../domain/ids.js';
import { ticketWorkflowId } from '../../workflows/ticket/start.js';
import type { Bench } from '../bench.js';
import type { TicketCounts } from '../counts.js';
import { countTicket, medianCounts } from '../counts.js';
import { deliveriesOf } from '../deliveries.js';
import { products } from '../desk.js';
import type { Findings } from '../findings.js';
import { countKept } from '../lost.js';
import { compareWithStarts, endStarts } from '../raw-start.js';
import { countedRound, warmUp } from '../rounds.js';
import { eachOf, sampleOf } from '../samples.js';
import { measureAside, measureRates, saturate } from './phases.js';

export async function w3(bench: Bench): Promise<Findings> {
  const { plan, target } = bench;
  const work = { work: 'life', product: plan.deliveries ? products.mailing : products.silent } as const;
  await warmUp(bench, work);
  const saturated = await saturate(bench, work);
  const { rounds: paced, logBytes } = await measureRates(bench, work);
  const rounds = [...saturated, ...paced];
  const lived = rounds.flatMap((round) => round.tickets);
  const kept = await countKept(bench, lived, 'closed');
  const sample = sampleOf(
    paced.flatMap((round) => round.tickets),
    plan.sample,
  );
  const counts = await countAll(bench, sample);
  const delivery = plan.deliveries ? await countDeliveries(bench, sample, counts) : undefined;
  const comparison = await compareWithStarts(bench);
  if (target.stack === undefined) await endStarts(bench, comparison);
  const aside = await measureAside(bench);
  return {
    workload: 'w3',
    rounds,
    ceiling: Math.max(...saturated.map((round) => round.reached)),
    comparison,
    kept,
    counts,
    logBytes,
    ...(delivery === undefined ? {} : { delivery }),
    ...aside,
  };
}

const countAll = async ({ target }: Bench, tickets: readonly string[]): Promise<TicketCounts> =>
  medianCounts(await eachOf(tickets, 4, (id) => countTicket(target.client.workflow.getHandle(ticketWorkflowId(asTicketId(id))))));

/** The same lives without mail, for the difference. */
async function countDeliveries(bench: Bench, sample: readonly string[], mailing: TicketCounts): Promise<NonNullable<Findings['delivery']>> {
  const { tickets } = await countedRound(bench, { name: 'lives without mail', work: 'life' }, bench.plan.sample);
  await countKept(bench, tickets, 'closed');
  const silent = await countAll(bench, tickets);
  const { count, states } = await deliveriesOf(bench, sample);
  const perLife = count / Math.max(1, sample.length);
  return {
    transitions: (mailing.transitions - silent.transitions) / perLife,
    events: (mailing.events - silent.events) / perLife,
    perLife,
    states,
  };
}
