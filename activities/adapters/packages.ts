/** The packages around the desk, each at its address over HTTP. */
import type { ActionPorts, Operation, Tickets } from '../actions/ports.js';
import { createPackageHttp } from './package-http.js';
import type { PackageHttpOptions, PackagePost } from './package-http.js';

/** Where each package is; null: nowhere, and everything asked of it fails for good. */
export interface PackageAddresses {
  readonly crm: string | null;
  readonly billing: string | null;
  readonly fieldOperations: string | null;
  readonly businessLogic: string | null;
  readonly support: string | null;
}

/** @param limits for all of them */
export function createPackages(
  addresses: PackageAddresses,
  limits: Omit<PackageHttpOptions, 'url'> = {},
): Omit<ActionPorts, 'tickets'> & { readonly foreignTickets: Tickets } {
  const at = (url: string | null): PackagePost => createPackageHttp({ url, ...limits });
  const [crm, billing, fieldOperations, businessLogic, support] = [
    at(addresses.crm),
    at(addresses.billing),
    at(addresses.fieldOperations),
    at(addresses.businessLogic),
    at(addresses.support),
  ];
  return {
    crm: {
      acceptHandoff: acceptHandoff(crm),
      qualifyLead: (input, call) => crm('/leads/qualify', input, call),
      recommendPlan: (input, call) => crm('/plans/recommend', input, call),
    },
    billing: {
      acceptHandoff: acceptHandoff(billing),
      charge: (input, call) => billing('/charges', input, call),
      refund: (input, call) => billing('/refunds', input, call),
    },
    fieldOperations: { acceptHandoff: acceptHandoff(fieldOperations) },
    businessLogic: {
      acceptHandoff: acceptHandoff(businessLogic),
      analyzeUsage: (input, call) => businessLogic('/usage/analyze', input, call),
      testService: (input, call) => businessLogic('/services/test', input, call),
    },
    support: { acceptHandoff: acceptHandoff(support) },
    foreignTickets: {
      triage: (_tenant, input, call) => support('/tickets/triage', input, call),
      assign: (_tenant, input, call) => support('/tickets/assign', input, call),
    },
  };
}

const acceptHandoff =
  (post: PackagePost): Operation =>
  (input, call) =>
    post('/handoffs', input, call);
