/** A peer in small: a process that looks every five minutes for what is overdue and marks it, on the table that our own clocks are in. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Target } from '../target.js';
import { scanEveryMs } from './scanner-lateness.js';

/** One look at the table. */
export interface Scan {
  /** When it began, in epoch milliseconds. */
  at: number;
  marked: number;
  /** Until the marks were committed. */
  ms: number;
}

/** `live` looks when its time has come; `timed` is asked after each storm what a look costs that finds all of it. */
type ScannerName = 'live' | 'timed';

/** What a scanner knows is what it has marked itself: that our clocks have noted the breach already must not spare it the work. */
export async function openScannerTable({ sql }: Pick<Target, 'sql'>): Promise<void> {
  await sql('create schema if not exists bench');
  await sql(`
    create table if not exists bench.scanner_mark (
      scanner text not null, ticket_id text not null, clock text not null, due_at timestamptz not null, marked_at timestamptz not null,
      primary key (scanner, ticket_id, clock))`);
}

export async function scan({ sql }: Pick<Target, 'sql'>, scanner: ScannerName): Promise<Scan> {
  const at = Date.now();
  const rows = await sql(
    `insert into bench.scanner_mark (scanner, ticket_id, clock, due_at, marked_at)
     select $1, c.ticket_id, c.clock, c.due_at, clock_timestamp() from sla_clock c
     where c.due_at <= $2 and c.phase = 'running'
       and not exists (select from bench.scanner_mark m where m.scanner = $1 and m.ticket_id = c.ticket_id and m.clock = c.clock)
     returning ticket_id`,
    [scanner, new Date(at)],
  );
  return { at, marked: rows.length, ms: Date.now() - at };
}

/** How late the live scanner marked these; what it has not come upon yet is left out. */
export async function markedLate({ sql }: Pick<Target, 'sql'>, tickets: readonly string[]): Promise<number[]> {
  const rows = await sql(
    `select extract(epoch from marked_at - due_at) * 1000 as late from bench.scanner_mark where scanner = 'live' and ticket_id = any($1)`,
    [tickets],
  );
  return z
    .array(z.object({ late: z.coerce.number() }))
    .parse(rows)
    .map(({ late }) => late);
}

export interface LiveScanner extends AsyncDisposable {
  readonly firstAt: number;
  /** Those that fell into the run. */
  readonly scans: readonly Scan[];
  /** Looks that failed, with the reason. */
  readonly faults: readonly string[];
}

/** @param firstAt when it looks first; from then on every five minutes */
export function startScanner(target: Pick<Target, 'sql'>, firstAt: number): LiveScanner {
  const stopped = new AbortController();
  const scans: Scan[] = [];
  const faults: string[] = [];
  const run = async (): Promise<void> => {
    for (let at = firstAt; ; at += scanEveryMs) {
      await sleep(Math.max(0, at - Date.now()), undefined, { signal: stopped.signal });
      await scan(target, 'live').then(
        (done) => scans.push(done),
        (error: unknown) => faults.push(`a scan failed: ${error instanceof Error ? error.message : String(error)}`),
      );
    }
  };
  const running = run().catch((error: unknown) => {
    if (!stopped.signal.aborted) throw error;
  });
  return {
    firstAt,
    scans,
    faults,
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await running;
    },
  };
}
