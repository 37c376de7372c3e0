/** What the actions of journeys are done with, from the settings. */
import type { Client } from '@temporalio/client';
import type { RegisteredAction } from '../activities/actions/action.js';
import { createTickets } from '../activities/actions/desk-tickets.js';
import { createActions } from '../activities/actions/registry.js';
import { createPackages } from '../activities/adapters/packages.js';
import type { Config } from '../config.js';
import type { Db } from '../db/client.js';
import { createTicketOrders } from './ticket-orders.js';

/** The built-in actions by `name@major`: packages at their addresses, tickets of the desk by its own commands. */
export function createJourneyActions(config: Config, db: Db, client: Client): ReadonlyMap<string, RegisteredAction> {
  const { foreignTickets, ...packages } = createPackages({
    crm: config.PACKAGES_CRM_URL ?? null,
    billing: config.PACKAGES_BILLING_URL ?? null,
    fieldOperations: config.PACKAGES_FIELD_OPS_URL ?? null,
    businessLogic: config.PACKAGES_BUSINESS_LOGIC_URL ?? null,
    support: config.PACKAGES_SUPPORT_URL ?? null,
  });
  const tickets = createTickets({ db, orders: createTicketOrders(client), foreign: foreignTickets });
  return createActions({ ...packages, tickets });
}
