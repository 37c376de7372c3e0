/** One storm: tickets that fall due together, what the desk makes of it, and what a scanner would have. */
import { setTimeout as sleep } from 'node:timers/promises';
import { asTicketId } from '../../domain/ids.js';
import { ticketWorkflowId } from '../../workflows/ticket/start.js';
import type { Bench } from '../bench.js';
import type { TicketCounts } from '../counts.js';
import { countTicket, medianCounts } from '../counts.js';
import { latenessByPhase, scanEveryMs, scanLateness } from '../engines/scanner-lateness.js';
import type { LiveScanner, Scan } from '../engines/scanner.js';
import { scan } from '../engines/scanner.js';
import type { Summary } from '../histogram.js';
import type { Stack } from '../../local/stack.js';
import type { Cpu } from '../processes.js';
import { cpuBetween, cpuOf, untilCalm } from '../processes.js';
import type { Round } from '../rounds.js';
import { openRoundNow } from '../rounds.js';
import { eachOf, sampleOf } from '../samples.js';
import { evidenceOf, untilDrained } from './evidence.js';
import type { Tools } from './opening.js';
import { openTickets, setDeadlines } from './opening.js';
import type { Part } from './parts.js';
import { perSecond } from './parts.js';
import type { Lateness, Tally } from './tally.js';
import { drainOf, latenessOf, summaryOf, tallyOf } from './tally.js';

/** The calm must be over, and the storm not begun. */
const gapMs = 3_000;
const restLimitMs = 10_000;
/** A calm shorter than this says nothing. */
const leastCalmS = 5;

/** What a scanner makes of the same deadlines. */
export interface Scanned {
  /** Of scanners that began at any moment, all together. */
  anyPhase: Summary;
  /** Of the one that ran beside, as its next look after each deadline has it. */
  thisPhase: Summary;
  /** The smallest p99 of a scanner, which happens to look just when it is right, and the largest. */
  p99Between: [number, number];
  /** The look that found all of this storm: what marking them took. */
  timed: Scan;
}

export interface Storm {
  part: Part;
  tickets: string[];
  firstAt: number;
  /** Tickets opened per second, deadlines set per second. */
  opened: number;
  pace: number;
  /** Deadlines of a second, at least and at most. */
  perSecond: [number, number];
  lateness: Lateness;
  /** Milliseconds from the last deadline to the last record, and to the last notice. */
  drain: { recordedMs: number; sentMs: number };
  tally: Tally;
  /** Creates before and during. */
  calm: Round;
  beside: Round;
  scanned: Scanned;
  /** Of a sample, from opening to breach. */
  counts: TicketCounts;
  /** Seconds of processor time from the first deadline until nothing was left to do. */
  cpu: Cpu;
}

export interface StormDeps {
  tools: Tools;
  scanner: LiveScanner;
  stack: Stack;
}

export async function runStorm(bench: Bench, { tools, scanner, stack }: StormDeps, part: Part): Promise<Storm> {
  const { target, desk, plan, say } = bench;
  const { tickets, rounds } = await openTickets(bench, part);
  const { dueAt, firstAt, pace } = await setDeadlines(bench, tools, part, tickets);
  await stack.mail.clear();
  const calm = await creates(bench, part, 'before', firstAt);

  await sleep(Math.max(0, firstAt - Date.now()), undefined, { signal: bench.signal });
  const before = cpuOf(stack);
  const [rate = 1] = plan.rates;
  const beside = await openRoundNow(bench, { name: `${part.name}: creates during`, work: 'create' }, rate, part.stormS);
  await sleep(Math.max(0, Math.max(...dueAt.values()) - Date.now()), undefined, { signal: bench.signal });
  await untilDrained(target, firstAt, part.tickets, (text) => say(`${part.name}: ${text}`));
  const cpu = cpuBetween(before, cpuOf(stack));
  await untilCalm(stack, restLimitMs); // a second record or mail would come now

  const struck = await evidenceOf(target, desk.tenant, dueAt, stack.mail);
  const lateness = latenessOf(struck);
  const tally = tallyOf(struck);
  const due = [...dueAt.values()];
  say(`${part.name}: breaches recorded ${lateness.recorded.p99.toFixed(0)} ms late at p99; ${tally.lost} lost, ${tally.doubled} doubled`);
  return {
    part,
    tickets,
    firstAt,
    opened: tickets.length / rounds.reduce((sum, round) => sum + round.seconds, 0),
    pace,
    perSecond: perSecond(due),
    lateness,
    drain: drainOf(struck),
    tally,
    calm,
    beside,
    scanned: await scanned(bench, scanner, dueAt),
    counts: medianCounts(
      await eachOf(sampleOf(tickets, plan.sample), 4, (id) =>
        countTicket(target.client.workflow.getHandle(ticketWorkflowId(asTicketId(id)))),
      ),
    ),
    cpu,
  };
}

/** The time that is left until the first deadline. */
async function creates(bench: Bench, { name }: Part, when: string, firstAt: number): Promise<Round> {
  await untilCalm(bench.target.stack, restLimitMs);
  const seconds = Math.floor((firstAt - gapMs - Date.now()) / 1_000);
  if (seconds < leastCalmS) throw new Error(`${Math.max(0, seconds)} s are too little to measure creates before the storm`);
  const [rate = 1] = bench.plan.rates;
  return openRoundNow(bench, { name: `${name}: creates ${when}`, work: 'create' }, rate, seconds);
}

async function scanned({ target }: Bench, { firstAt }: LiveScanner, dueAt: ReadonlyMap<string, number>): Promise<Scanned> {
  const due = [...dueAt.values()];
  const timed = await scan(target, 'timed');
  const scanner = { everyMs: scanEveryMs, takesMs: timed.ms };
  const phases = latenessByPhase(due, scanner);
  const p99s = phases.map((lateness) => summaryOf(lateness).p99);
  return {
    anyPhase: summaryOf(phases.flat()),
    thisPhase: summaryOf(scanLateness(due, { firstAt, ...scanner })),
    p99Between: [Math.min(...p99s), Math.max(...p99s)],
    timed,
  };
}
