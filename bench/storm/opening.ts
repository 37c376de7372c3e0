/** Tickets that fall due when a storm wants them to: opened with hours to spare, then each given its own deadline. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Bench } from '../bench.js';
import { products } from '../desk.js';
import { createHttp } from '../http.js';
import type { Http } from '../http.js';
import type { Round } from '../rounds.js';
import { countedRound } from '../rounds.js';
import { eachOf } from '../samples.js';
import { dealt, deadlinesOf } from './parts.js';
import type { Part } from './parts.js';

/** More than a run lasts. */
const spareS = 6 * 3_600;
const clock = 'resolution.1';
const callers = 16;
const attempts = 3;
const originPatienceMs = 60_000;
/** Setting the deadlines may take this much longer than its beginning lets expect. */
const margin = 1.25;
/** What the system may need to come to rest before the calm is measured, and between the calm and the storm. */
const restMs = 15_000;
/** Deadlines set later than this before the first of them were set too late. */
const latestMs = 2_000;

export interface Tools {
  http: Http;
  /** May publish policies and set targets. */
  adminKey: string;
}

export const createTools = (apiUrl: string, adminKey: string): Tools => ({ http: createHttp(apiUrl), adminKey });

/** One clock, one rung at the breach, one mail to the lead; round the clock. */
export async function publishPolicy({ http, adminKey }: Tools): Promise<void> {
  const policy = {
    id: 'w4',
    name: 'W4',
    match: [{ field: 'product', op: 'in', values: [products.silent] }],
    calendar: { use: 'policy', id: '24x7' },
    targets: { resolution: { low: spareS, medium: spareS, high: spareS, urgent: spareS } },
    rungs: [{ id: 'late', clock: 'resolution', when: 'at_breach', actions: [{ notify: { to: ['lead'], channel: 'email' } }] }],
  };
  const { outcome, problem, body } = await http.post('/v1/sla/policy-sets', adminKey, { policies: [policy], mode: 'new_tickets' });
  if (outcome !== 'ok') throw new Error(`the policy could not be published: ${problem ?? outcome} ${JSON.stringify(body)}`);
}

/** As many as the part wants; those whose answer failed are made up for. */
export async function openTickets(bench: Bench, { name, tickets: wanted }: Part): Promise<{ tickets: string[]; rounds: Round[] }> {
  const rounds: Round[] = [];
  const tickets: string[] = [];
  for (let attempt = 1; tickets.length < wanted; attempt += 1) {
    if (attempt > attempts) throw new Error(`only ${tickets.length} of ${wanted} tickets could be opened`);
    const round = await countedRound(bench, { name: `${name}: opening`, work: 'create' }, wanted - tickets.length, callers);
    tickets.push(...round.tickets);
    rounds.push(round);
  }
  return { tickets, rounds };
}

export interface Deadlines {
  /** By ticket, in epoch milliseconds. */
  dueAt: ReadonlyMap<string, number>;
  firstAt: number;
  /** Deadlines set per second. */
  pace: number;
}

/**
 * Gives each ticket a budget that ends at its own whole second. A policy has one budget, and opening thousands takes longer than a minute.
 *
 * @throws Error when it took so long that the first deadlines were no longer ahead
 */
export async function setDeadlines(bench: Bench, tools: Tools, part: Part, tickets: readonly string[]): Promise<Deadlines> {
  const origins = await originsOf(bench, tickets);
  const give = async (ticket: string, budgetS: number): Promise<void> => {
    bench.signal.throwIfAborted();
    await override(tools, ticket, budgetS);
  };
  const first = tickets.slice(0, Math.max(20, Math.round(tickets.length / 20)));
  const pace = await paceOf(first, (ticket) => give(ticket, spareS + 1));
  const takesMs = (tickets.length / pace) * 1_000;
  const firstAt = Math.ceil((Date.now() + takesMs * margin + restMs) / 1_000 + part.calmS) * 1_000;
  bench.say(
    `${part.name}: ${pace.toFixed(0)} deadlines a second can be set; the first falls due in ${((firstAt - Date.now()) / 1_000).toFixed(0)} s`,
  );

  const deadlines = dealt(deadlinesOf(part, firstAt), part.tickets);
  const dueAt = new Map(tickets.map((ticket, index) => [ticket, deadlines[index] ?? firstAt]));
  const reached = await paceOf([...dueAt], ([ticket, due]) => give(ticket, (due - (origins.get(ticket) ?? due)) / 1_000));
  if (Date.now() > firstAt - latestMs) throw new Error('the deadlines were set too late: the system became slower meanwhile');
  return { dueAt, firstAt, pace: reached };
}

async function paceOf<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<number> {
  const began = performance.now();
  await eachOf(all, callers, work);
  return (all.length * 1_000) / (performance.now() - began);
}

async function override({ http, adminKey }: Tools, ticket: string, budgetS: number): Promise<void> {
  const body = { clock, budgetS, reason: 'Deadline of a measurement' };
  for (let attempt = 1; ; attempt += 1) {
    const { outcome, problem } = await http.post(`/v1/tickets/${ticket}/override-target`, adminKey, body);
    if (outcome === 'ok' || outcome === 'pending') return;
    if (attempt === attempts) throw new Error(`a deadline could not be set: ${problem ?? outcome}`);
  }
}

const Origin = z.object({ ticket: z.string(), origin: z.coerce.number() });

/** From when each clock counts, once every ticket has its clock. */
async function originsOf({ target, signal }: Bench, tickets: readonly string[]): Promise<Map<string, number>> {
  for (const until = Date.now() + originPatienceMs; ;) {
    signal.throwIfAborted();
    const rows = await target.sql(
      `select ticket_id as ticket, extract(epoch from origin_at) * 1000 as origin from sla_clock
       where clock = 'resolution#1' and phase = 'running' and ticket_id = any($1)`,
      [tickets],
    );
    if (rows.length === tickets.length) {
      return new Map(
        z
          .array(Origin)
          .parse(rows)
          .map(({ ticket, origin }) => [ticket, origin]),
      );
    }
    if (Date.now() > until) throw new Error(`only ${rows.length} of ${tickets.length} tickets have a running clock`);
    await sleep(500);
  }
}
