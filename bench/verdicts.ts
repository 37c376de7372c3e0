import { budgets } from './budgets.js';
import type { Findings } from './findings.js';

/** One count and its limit. */
export interface Verdict {
  what: string;
  counted: number;
  limit: number;
  /** The limit is to be reached; else it is not to be passed. */
  atLeast?: true;
  ok: boolean;
}

/** Every count of the run that has a budget. Times have none. */
export function verdictsOf({ workload, counts, delivery, memory, statements }: Findings): Verdict[] {
  const verdicts: Verdict[] = [];
  const add = (what: string, counted: number, limit: number): void => void verdicts.push({ what, counted, limit, ok: counted <= limit });
  if (workload === 'w3' && delivery === undefined) {
    for (const count of ['transitions', 'events', 'tasks', 'upserts'] as const)
      add(`${count} of a life`, counts[count], budgets.life[count]);
  }
  if (delivery !== undefined) {
    add('transitions a delivery adds', delivery.transitions, budgets.delivery.transitions);
    add('events a delivery adds', delivery.events, budgets.delivery.events);
  }
  if (memory !== undefined)
    add(
      'kB of a cached ticket, the larger of heap and resident',
      Math.round(Math.max(memory.heapKb, memory.residentKb)),
      budgets.cachedTicketKb,
    );
  if (statements !== undefined) {
    const { set_config: tenants = 0, ...rest } = withoutTransactions(statements.worker);
    const own = Object.values(rest).reduce((sum, count) => sum + count, 0);
    add('statements of a projection', own, budgets.projection.statements);
    add('the same with set_config', own + tenants, budgets.projection.withSetConfig);
  }
  return verdicts;
}

const withoutTransactions = (counts: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).filter(([kind]) => !['begin', 'commit', 'rollback', 'start'].includes(kind)));
