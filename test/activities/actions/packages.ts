/** The packages as the process that `npm start` runs, and the actions over real HTTP. */
import { createTickets } from '../../../activities/actions/desk-tickets.js';
import type { TicketOrders } from '../../../activities/actions/ports.js';
import type { RegisteredAction } from '../../../activities/actions/action.js';
import { createActions } from '../../../activities/actions/registry.js';
import { createPackages } from '../../../activities/adapters/packages.js';
import type { PackageAddresses } from '../../../activities/adapters/packages.js';
import type { Db } from '../../../db/client.js';
import { silent } from '../../../local/log.js';
import { freePort } from '../../../local/ports.js';
import { createPackagesPart } from '../../../local/stack-parts.js';
import type { PackagesPart } from '../../../local/stack-parts.js';

/** @param events whom it tells what happened */
export async function startPackagesPart(events?: { readonly url: string; readonly key: string }): Promise<PackagesPart> {
  const ports = { packages: await freePort() };
  const part = createPackagesPart({ ports, ...(events === undefined ? {} : { events }) }, silent, () => () => undefined);
  await part.start();
  return part;
}

export const addressesAt = (url: string): PackageAddresses => ({
  crm: `${url}/crm`,
  billing: `${url}/billing`,
  fieldOperations: `${url}/field-ops`,
  businessLogic: `${url}/business-logic`,
  support: `${url}/support`,
});

/** Nobody gives a ticket orders in most tests. */
const noOrders: TicketOrders = {
  edit: () => Promise.reject(new Error('no orders here')),
  assign: () => Promise.reject(new Error('no orders here')),
};

export function actionsAt(
  db: Db,
  addresses: PackageAddresses,
  { patienceMs = 60_000, orders = noOrders }: { readonly patienceMs?: number; readonly orders?: TicketOrders } = {},
): ReadonlyMap<string, RegisteredAction> {
  const { foreignTickets, ...packages } = createPackages(addresses, { patienceMs });
  return createActions({ ...packages, tickets: createTickets({ db, orders, foreign: foreignTickets }) });
}
