/** Finds who else could have a ticket. Source: sla.md, section 6. */
import { withTenant } from '../db/client.js';
import type { Db } from '../db/client.js';
import { findNextAgent } from '../db/queries/staffing.js';
import type { StaffingActivities } from './contract.js';

export interface StaffingDeps {
  readonly db: Db;
}

export const createStaffing = ({ db }: StaffingDeps): StaffingActivities => ({
  findAgent: ({ tenant, ticketId, team }) => withTenant(db, tenant, (tx) => findNextAgent(tx, { tenant, ticketId, team })),
});
