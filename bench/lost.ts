/** Whether what was answered well is really there. Source: performance.md, section 8, rule 6. */
import { setTimeout as sleep } from 'node:timers/promises';
import { withTenant } from '../db/client.js';
import { asTenantId, asTicketId } from '../domain/ids.js';
import { ticketWorkflowId } from '../workflows/ticket/start.js';
import type { Bench } from './bench.js';
import { eachOf } from './samples.js';

/** Deliveries may keep a workflow open for a moment after its ticket has closed. */
const patienceMs = 60_000;
const atOnce = 16;

export interface Kept {
  answered: number;
  /** Rows in PostgreSQL with the expected status. */
  rows: number;
  /** Workflows in the expected state. */
  workflows: number;
  /** Answered, but not both. */
  lost: number;
}

/** Created tickets need a row that is open and a workflow that runs; lived ones a closed row and a completed workflow. */
export async function countKept(bench: Bench, tickets: readonly string[], expected: 'open' | 'closed'): Promise<Kept> {
  const rows = await rowsOf(bench, tickets, expected);
  const workflows = await workflowsOf(bench, tickets, expected === 'open' ? 'RUNNING' : 'COMPLETED');
  const lost = tickets.filter((id) => !rows.has(id) || !workflows.has(id)).length;
  return { answered: tickets.length, rows: rows.size, workflows: workflows.size, lost };
}

async function rowsOf({ target, desk }: Bench, tickets: readonly string[], expected: 'open' | 'closed'): Promise<Set<string>> {
  const tenant = asTenantId(desk.tenant);
  const found = new Set<string>();
  for (let from = 0; from < tickets.length; from += 1_000) {
    const rows = await withTenant(target.db, tenant, (tx) =>
      tx
        .selectFrom('ticket')
        .select('id')
        .where('tenantId', '=', tenant)
        .where('id', 'in', tickets.slice(from, from + 1_000))
        .where('status', expected === 'closed' ? '=' : '<>', 'closed')
        .execute(),
    );
    for (const { id } of rows) found.add(id);
  }
  return found;
}

async function workflowsOf({ target }: Bench, tickets: readonly string[], expected: 'RUNNING' | 'COMPLETED'): Promise<Set<string>> {
  const found = new Set<string>();
  const until = Date.now() + patienceMs;
  let waiting = [...tickets];
  for (;;) {
    await eachOf(waiting, atOnce, async (id) => {
      const { status } = await target.client.workflow.getHandle(ticketWorkflowId(asTicketId(id))).describe();
      if (status.name === expected) found.add(id);
    });
    waiting = waiting.filter((id) => !found.has(id));
    if (waiting.length === 0 || Date.now() > until) return found;
    await sleep(500);
  }
}
