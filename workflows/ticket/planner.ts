/** Keeps a ticket's clocks supplied: with the policy it falls under, with open hours to count by, with agents the ladder asks for. */
import { ActivityFailure, condition, isCancellation, TemporalFailure } from '@temporalio/workflow';
import type { PlanResult } from '../../activities/contract.js';
import type { Windows } from '../../domain/sla/windows.js';
import { findAgent, planLater, planNow } from '../proxies.js';
import type { TicketStart } from './start.js';
import { now } from '../support/clock.js';
import type { Journal } from './journal.js';

/** Looks policies and open hours up as they are wanted, one at a time, until the run ends. */
export async function keepPlanned(journal: Journal, start: TicketStart, changed: (what: string) => void): Promise<void> {
  for (;;) {
    await condition(() => journal.replan !== null || journal.windowsWanted(now()) !== null);
    if (journal.replan === null) await refreshWindows(journal, start);
    else await replan(journal, start);
    changed('planned');
  }
}

async function replan(journal: Journal, start: TicketStart): Promise<void> {
  const { replan: wanted } = journal;
  if (wanted === null) return;
  const { plan, windows, rematchOn, teamCalendar } = await lookUp(journal, start);
  // It holds from the change that asked for it, however long the answer took.
  journal.tell({ kind: 'planned', at: wanted.at, plan, windows, rematchOn, teamCalendar, reason: wanted.reason }, now());
  // What changed while the activity ran asks again.
  if (journal.replan === wanted) journal.planned();
}

async function lookUp(journal: Journal, start: TicketStart): Promise<PlanResult> {
  try {
    return await planNow.planSla(journal.planRequest(start, now()));
  } catch (error) {
    if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
    journal.planDeferred();
  }
  try {
    return await planLater(`plan ${start.ticketId}`).planSla(journal.planRequest(start, now()));
  } catch (error) {
    // Given up for good: the revision was never published. Without a policy there is nothing to count.
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return { plan: null, windows: null, rematchOn: [], teamCalendar: false };
  }
}

async function refreshWindows(journal: Journal, start: TicketStart): Promise<void> {
  const windows = await expand(journal, start);
  if (windows !== null) journal.tell({ kind: 'windows', at: now(), windows }, now());
}

async function expand(journal: Journal, { tenant, ticketId }: TicketStart): Promise<Windows | null> {
  const request = () => {
    const calendar = journal.ledger.plan?.calendar;
    const wanted = journal.windowsWanted(now());
    return calendar === undefined || wanted === null ? null : { tenant, calendar, ...wanted };
  };
  const quick = request();
  if (quick === null) return null;
  try {
    return await planNow.expandCalendar(quick);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
  }
  const patient = request();
  return patient === null ? null : planLater(`open hours ${ticketId}`).expandCalendar(patient);
}

/** Finds the agents the ladder asked for, one after the other. */
export async function keepStaffed(journal: Journal, { tenant, ticketId }: TicketStart, changed: (what: string) => void): Promise<void> {
  for (;;) {
    await condition(() => journal.reassignments.length > 0);
    const [wish] = journal.reassignments;
    if (wish === undefined) continue;
    const { clock, rung, team } = wish;
    const found = await findAgent(`agent for ${clock}/${rung} · ${ticketId}`)({ tenant, ticketId, team }).catch((error: unknown) => {
      if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
      return null;
    });
    journal.reassignments.shift();
    journal.assignByLadder(`sla/${clock}/${rung}/reassign`, found, now());
    changed('reassigned');
  }
}
