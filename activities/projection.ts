/** Brings accepted commands to PostgreSQL, each once, whatever repeats. Source: temporal.md, 6.3; reliability.md, Reset. */
import type { Db, TenantTx } from '../db/client.js';
import { withTenant } from '../db/client.js';
import { handOver } from '../db/queries/notice-relay.js';
import {
  AlreadyRecorded,
  eventSubject,
  recordTicket,
  rewriteTicket,
  RowOfOtherTexts,
  rowsOf,
  storedEvents,
} from '../db/queries/projection.js';
import type { TicketStep } from '../domain/ticket/step.js';
import type { ProjectionActivities, ProjectionResult } from './contract.js';
import { tell } from './sla-tally.js';
import type { SlaTally } from './sla-tally.js';

export interface ProjectionDeps {
  readonly db: Db;
  /** A new time-ordered UUID. */
  readonly newId: () => string;
  /** Told when a lost attempt or a Reset left something else than the workflow says. */
  readonly onRepaired: () => void;
  /** Told of what the clocks did, once it is recorded for the first time. */
  readonly slaTally?: SlaTally;
  /** How long a statement of the present call may take, in milliseconds: less inside a workflow task, which waits for it. */
  readonly statementMs?: () => number;
}

/** Projects steps of one ticket, oldest first. */
export const createProjection = ({ db, newId, onRepaired, slaTally, statementMs }: ProjectionDeps): ProjectionActivities => ({
  async project(steps) {
    const last = steps.at(-1);
    if (last === undefined) return { stored: 0, conflict: false, notices: 'relayed' };
    const { tenant } = last.ticket;
    try {
      await withTenant(db, tenant, (tx) => recordTicket(tx, rowsOf(steps, last, newId)), { statementMs: statementMs?.(), forOne: true });
      if (slaTally !== undefined) tell(slaTally, steps);
      return { stored: last.ticket.version, conflict: false, notices: 'relayed' };
    } catch (error) {
      if (!(error instanceof AlreadyRecorded || error instanceof RowOfOtherTexts)) throw error;
    }
    const { fresh, ...result } = await withTenant(db, tenant, (tx) => reconcile(tx, steps, last, { newId, onRepaired }), {
      statementMs: statementMs?.(),
    });
    if (slaTally !== undefined) tell(slaTally, fresh);
    return { ...result, notices: 'relayed' };
  },
});

/**
 * Some numbers are taken: by this very attempt, by a lost one of the same command, or by another history; or the row is not what it was
 * taken for.
 *
 * @returns `fresh`: the steps none of which was recorded before
 */
async function reconcile(
  tx: TenantTx,
  steps: readonly TicketStep[],
  last: TicketStep,
  { newId, onRepaired }: Pick<ProjectionDeps, 'newId' | 'onRepaired'>,
): Promise<ProjectionResult & { readonly fresh: readonly TicketStep[] }> {
  const rows = rowsOf(steps, last, newId);
  const first = rows.events[0]?.seq ?? 0;
  const stored = new Map(
    (await storedEvents(tx, last.ticket.tenant, eventSubject(last.ticket.id), first)).map((event) => [event.seq, event]),
  );
  const foreign = rows.events.some((event) => {
    const found = stored.get(event.seq);
    return found !== undefined && found.digest !== event.digest && (found.runId !== event.runId || found.commandId !== event.commandId);
  });
  if (foreign) {
    onRepaired();
    return { stored: Math.max(...stored.keys()), conflict: true, fresh: [] };
  }
  const missing = { ...rows, events: rows.events.filter((event) => !stored.has(event.seq)) };
  if (missing.events.length > 0) await recordTicket(tx, missing, true);
  if (rows.events.some((event) => stored.has(event.seq) && stored.get(event.seq)?.digest !== event.digest)) {
    onRepaired();
    await rewriteTicket(tx, last.ticket);
  }
  // Stored by an attempt of before there were batches, which died before its run could deliver them.
  await handOver(
    tx,
    last.ticket.tenant,
    last.ticket.id,
    steps.flatMap(({ sla }) => (sla?.notices ?? []).map(({ message }) => message)),
  );
  const fresh = steps.filter(({ events }) => events.length > 0 && events.every(({ version }) => !stored.has(version)));
  return { stored: last.ticket.version, conflict: false, fresh };
}
