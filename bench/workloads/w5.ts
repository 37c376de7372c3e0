/** W5: a thousand live streams beside whole lives. Source: performance.md, sections 5 and 6, G15. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { demo } from '../../db/seed.js';
import type { Bench } from '../bench.js';
import { products } from '../desk.js';
import { Histogram } from '../histogram.js';
import type { Summary } from '../histogram.js';
import { countKept } from '../lost.js';
import type { Outcome } from '../outcome.js';
import { residentKb } from '../processes.js';
import { ms, systemRow } from '../report.js';
import type { Row } from '../report.js';
import { openRoundNow, warmUp, withoutTickets } from '../rounds.js';
import type { Round } from '../rounds.js';
import type { Logged } from '../stream/arrivals.js';
import { openKeys } from '../stream/keys.js';
import { startReaders } from '../stream/readers.js';
import type { ReadersReport } from '../stream/readers-job.js';
import type { Surroundings } from '../surroundings.js';
import type { Verdict } from '../verdicts.js';

const perCredential = 20;
/** Every so many-th reader loses its connection, so many times a round. */
const cuts = { every: 10, times: 3 } as const;
/** G15, and none may be lost or told twice. */
const goal = { p99Ms: 250, eventsPerSecond: 10 } as const;
const settleLimitMs = 30_000;

export async function w5(bench: Bench, surroundings: Surroundings): Promise<Outcome> {
  const { target, plan, signal, say } = bench;
  const [rate = 1] = plan.rates;
  const keys = await openKeys(target.db, Math.ceil(plan.streams / perCredential));
  await warmUp(bench, { work: 'life' });
  await untilPublished(bench);

  await using readers = startReaders(signal);
  say(`opening ${plan.streams} streams`);
  const from = await headOf(bench);
  await readers.open(`${target.info.apiUrl}/v1/stream?product=${products.silent}`, keys, perCredential);
  const quietMb = apiMb(bench);
  const round = openRoundNow(bench, { name: `lives, ${rate}/s, beside ${plan.streams} streams`, work: 'life' }, rate, plan.openSeconds);
  // Told at the end; until then its failure has been heard of.
  round.catch(() => undefined);
  for (let cut = 1; cut <= cuts.times; cut += 1) {
    await sleep((plan.openSeconds * 1_000) / (cuts.times + 1), undefined, { signal });
    await readers.drop(cuts.every);
  }
  const lives = await round;
  await untilPublished(bench);
  const busyMb = apiMb(bench);
  const log = await logBehind(bench, from);
  // Who was cut off last may still be on the way back.
  await readers.until(log.at(-1)?.position ?? 0, settleLimitMs);
  const report = await readers.compare(log);
  const kept = await countKept(bench, lives.tickets, 'closed');

  const latency = Histogram.from(report.latency).summary();
  const perSecond = log.length / lives.seconds;
  const verdicts = verdictsOf(report, latency, perSecond);
  const problems = [
    ...lives.faults.map((fault) => `does not count: ${lives.name}: ${fault}`),
    ...(kept.lost > 0 ? [`LOST: ${kept.lost} of ${kept.answered} lives`] : []),
    ...Object.entries(report.problems).map(([problem, count]) => `${count} times a stream was answered with ${problem}`),
  ];
  return {
    findings: { workload: 'w5', streams: report, latency, perSecond, lives: withoutTickets(lives), kept, memoryMb: { quietMb, busyMb } },
    rows: [systemRow(surroundings), ...rowsOf(report, { latency, perSecond, lives, quietMb, busyMb })],
    notes,
    verdicts,
    problems,
    ok: problems.length === 0 && (plan.quick || verdicts.every(({ ok }) => ok)),
  };
}

const notes = [
  'Latency counts from the beginning of the transaction that records an event, which is before its commit, to its last byte in the reader.',
];

const headOf = async ({ target }: Bench): Promise<number> => {
  const [row] = await target.sql<{ position: string }>('select position from stream_head where tenant_id = $1', [demo.tenant]);
  return Number(row?.position ?? 0);
};

/** Until everything recorded has its position, and a moment more for the readers. */
async function untilPublished({ target, signal }: Bench): Promise<void> {
  for (const until = Date.now() + settleLimitMs; ;) {
    const [row] = await target.sql<{ left: string }>('select count(*) as left from stream_event where position is null');
    await sleep(1_000, undefined, { signal });
    if (Number(row?.left ?? 0) === 0) return;
    if (Date.now() > until) throw new Error('events are not published: is the relay of the stream at work?');
  }
}

const Line = z.object({ position: z.coerce.number(), recorded: z.coerce.number() });

/** What every reader was to hear. */
async function logBehind({ target }: Bench, from: number): Promise<Logged[]> {
  const rows = await target.sql(
    `select s.position, extract(epoch from e.recorded_at) * 1000 as recorded
     from stream_event s join event e on e.tenant_id = s.tenant_id and e.id = s.event_id
     where s.tenant_id = $1 and s.position > $2 and e.product = $3 order by s.position`,
    [demo.tenant, from, products.silent],
  );
  return z
    .array(Line)
    .parse(rows)
    .map(({ position, recorded }) => ({ position, recordedAt: recorded }));
}

function apiMb({ target }: Bench): number | undefined {
  const pid = target.stack?.api.pid;
  const kb = pid === undefined ? undefined : residentKb(pid);
  return kb === undefined ? undefined : Math.round(kb / 1_024);
}

const limit = (what: string, counted: number, most: number): Verdict => ({ what, counted, limit: most, ok: counted <= most });

function verdictsOf({ missed, doubled, strange }: ReadersReport, { p99 }: Summary, perSecond: number): Verdict[] {
  return [
    limit('ms from the log to the reader, p99', Math.round(p99), goal.p99Ms),
    limit('events missed by a reader', missed, 0),
    limit('events told twice or out of order', doubled, 0),
    limit('events told that nobody recorded', strange, 0),
    {
      what: 'events a second to each reader',
      counted: Math.round(perSecond * 10) / 10,
      limit: goal.eventsPerSecond,
      atLeast: true,
      ok: perSecond >= goal.eventsPerSecond,
    },
  ];
}

interface Measured {
  readonly latency: Summary;
  readonly perSecond: number;
  readonly lives: Round;
  readonly quietMb: number | undefined;
  readonly busyMb: number | undefined;
}

function rowsOf(report: ReadersReport, { latency, perSecond, lives, quietMb, busyMb }: Measured): Row[] {
  const { p50, p95, p99, max } = latency;
  const shares = Object.entries(lives.cpu).map(([name, seconds]) => `${name} ${((seconds * 100) / lives.seconds).toFixed(0)} %`);
  return [
    ['streams; events a second to each; told in all', `${report.readers}; ${perSecond.toFixed(1)}; ${report.told}`],
    ['from the log to the reader, p50 p95 p99 max', `${[p50, p95, p99, max].map(ms).join(' ')} ms`],
    ['missed, told twice, strange', `${report.missed}, ${report.doubled}, ${report.strange}`],
    ['connections cut and back; not back; told on coming back', `${report.cut}; ${report.away}; ${report.caughtUp}`],
    ['lives beside', `${lives.ok} of ${lives.sent} at ${lives.rate ?? 0}/s`],
    ['share of a core', shares.length === 0 ? 'not counted' : shares.join(', ')],
    ['processor of the readers', `${((report.cpuSeconds * 100) / lives.seconds).toFixed(0)} % of a core, opening included`],
    ['resident memory of the API, quiet and busy', quietMb === undefined ? 'not counted' : `${quietMb} MB, ${busyMb ?? 0} MB`],
  ];
}
