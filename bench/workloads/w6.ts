/** W6: five hundred journeys with a step every ten seconds each, alone and beside whole lives of tickets. Source: performance.md, sections 5 and 6, G18. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.js';
import { countTicket, medianCounts } from '../counts.js';
import { beatsBetween } from '../journeys/beats.js';
import type { Beats } from '../journeys/beats.js';
import { beatSeconds, startFleet } from '../journeys/fleet.js';
import type { Outcome } from '../outcome.js';
import type { Cpu } from '../processes.js';
import { cpuBetween, cpuOf } from '../processes.js';
import { countsText, ms, systemRow } from '../report.js';
import type { Row } from '../report.js';
import { openRoundNow, withoutTickets } from '../rounds.js';
import { eachOf, sampleOf } from '../samples.js';
import type { Surroundings } from '../surroundings.js';
import type { Verdict } from '../verdicts.js';
import { journeyWorkflowId } from '../../workflows/journey/start.js';

const fleetSize = { full: 500, quick: 50 };
const mostLateMs = 3_000;
/** What is late at the end of a period is recorded after it. */
const graceMs = 15_000;

interface Period {
  name: string;
  beats: Beats;
  /** Seconds of processor time by process. */
  cpu: Cpu;
  expected: number;
}

export async function w6(bench: Bench, surroundings: Surroundings): Promise<Outcome> {
  const { target, plan, say } = bench;
  const { stack } = target;
  if (stack === undefined) throw new Error('w6 starts hundreds of journeys that never end: it needs a system of its own');
  const size = plan.quick ? fleetSize.quick : fleetSize.full;
  const { journeys, pace } = await startFleet(bench, stack, size);
  say(`${size} journeys started, ${pace.toFixed(1)}/s`);
  // The first beats of all follow the starts; the second ones are as they stay.
  await sleep(beatSeconds * 1_000, undefined, { signal: bench.signal });

  const period = async (name: string, work: (seconds: number) => Promise<unknown>): Promise<Period> => {
    const before = cpuOf(stack);
    const from = Date.now();
    await work(plan.openSeconds);
    const until = Date.now();
    const cpu = cpuBetween(before, cpuOf(stack));
    await sleep(graceMs, undefined, { signal: bench.signal });
    const beats = await beatsBetween(target, journeys, from, until);
    say(`${name}: ${beats.due} steps, late by ${ms(beats.lateness.p50)} ms at p50, ${ms(beats.lateness.p99)} ms at p99`);
    return { name, beats, cpu, expected: Math.floor((size * (until - from)) / (beatSeconds * 1_000)) };
  };
  const alone = await period('alone', (seconds) => sleep(seconds * 1_000, undefined, { signal: bench.signal }));
  const [rate = 2] = plan.rates;
  const rounds: Awaited<ReturnType<typeof openRoundNow>>[] = [];
  const beside = await period(`beside ${rate} lives/s`, async (seconds) => {
    rounds.push(await openRoundNow(bench, { name: 'lives beside', work: 'life' }, rate, seconds));
  });

  const counted = await eachOf(sampleOf(journeys, plan.sample), 4, async (id) => ({
    counts: await countTicket(target.client.workflow.getHandle(journeyWorkflowId(id))),
    visits: await visitsOf(bench, id),
  }));
  const perStep = medianCounts(
    counted.map(({ counts: { transitions, events, tasks, upserts, cached }, visits }) => ({
      transitions: per(transitions, visits),
      events: per(events, visits),
      tasks: per(tasks, visits),
      upserts: per(upserts, visits),
      cached,
    })),
  );
  const verdicts: Verdict[] = [alone].map(({ name, beats }) => ({
    what: `${name}: ms late at p99, step`,
    counted: Math.round(beats.lateness.p99),
    limit: mostLateMs,
    ok: beats.lateness.p99 <= mostLateMs,
  }));
  const periods = [alone, beside];
  const problems = [
    ...periods.flatMap(({ name, beats }) => (beats.silent > 0 ? [`${name}: ${beats.silent} journeys made no step`] : [])),
    ...rounds.flatMap(({ name, faults }) => faults.map((fault) => `does not count: ${name}: ${fault}`)),
  ];
  return {
    findings: { workload: 'w6', journeys: size, pace, periods, perStep, lives: rounds.map(withoutTickets) },
    rows: [
      systemRow(surroundings),
      ['journeys; started', `${size}; ${pace.toFixed(1)}/s`],
      ...periods.flatMap(rowsOf),
      ['transitions, events, tasks, upserts of a step', countsText(perStep)],
      ['tasks on the cached workflow', `${(perStep.cached * 100).toFixed(1)} %`],
      ...rounds.flatMap(({ calls }) =>
        Object.entries(calls).map(([call, { p50, p95, p99 }]): Row => [
          `lives beside: ${call}, p50 p95 p99`,
          `${ms(p50)} ${ms(p95)} ${ms(p99)} ms`,
        ]),
      ),
    ],
    notes: [
      'A step is late from the instant its wait was over until the record of what followed; the next wait counts from that instant, not from the record.',
    ],
    verdicts,
    problems,
    ok: problems.length === 0 && (plan.quick || verdicts.every(({ ok }) => ok)),
  };
}

const per = (count: number, visits: number): number => Math.round((count / Math.max(1, visits)) * 10) / 10;

async function visitsOf({ target }: Bench, journey: string): Promise<number> {
  const [row] = await target.sql<{ count: number }>('select count(*)::int as count from journey_visit where journey_id = $1', [journey]);
  return row?.count ?? 0;
}

const rowsOf = ({ name, beats: { due, lateness, drift, silent }, cpu, expected }: Period): Row[] => [
  [`${name}: steps; expected; journeys without one`, `${due}; ${expected}; ${silent}`],
  [`${name}: step late by p50 p95 p99 max`, `${ms(lateness.p50)} ${ms(lateness.p95)} ${ms(lateness.p99)} ${ms(lateness.max)} ms`],
  [`${name}: beyond ten seconds from step to step, p50 p99`, `${ms(drift.p50)} ${ms(drift.p99)} ms`],
  [
    `${name}: processor per step`,
    `${Object.entries(cpu)
      .map(([part, seconds]) => `${part} ${((seconds * 1_000) / Math.max(1, due)).toFixed(1)}`)
      .join(', ')} ms`,
  ],
];
