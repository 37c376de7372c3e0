/** How much may be asked in which time, and what a request counts against. Source: security.md, section 8. */
import type { TenantId } from '../ids.js';
import type { Principal } from './principal.js';

interface Limit {
  readonly most: number;
  readonly windowS: number;
}

/** A tenant may have other numbers, never other times. */
export const standardLimits = {
  /** One key of a service. */
  service: { most: 1_200, windowS: 60 },
  /** One key of an agent, a lead or an admin, or the person, signed in. */
  staff: { most: 600, windowS: 60 },
  /** One customer, by whatever credential, also where a service acts for them. */
  customer: { most: 60, windowS: 60 },
  /** All of a tenant together. */
  tenant: { most: 12_000, windowS: 60 },
  /** One address without a credential, or with one that does not hold. */
  address: { most: 60, windowS: 60 },
  search: { most: 60, windowS: 60 },
  customerTickets: { most: 20, windowS: 3_600 },
  tickets: { most: 120, windowS: 60 },
} as const satisfies Readonly<Record<string, Limit>>;
export type LimitName = keyof typeof standardLimits;

/** The limits a tenant may change, by name. */
export const tenantLimitNames = [
  'service',
  'staff',
  'customer',
  'tenant',
  'search',
  'customerTickets',
  'tickets',
] as const satisfies readonly LimitName[];
export type TenantLimitName = (typeof tenantLimitNames)[number];

/** What a tenant changed; what is not named is as usual. */
export type TenantLimits = Readonly<Partial<Record<TenantLimitName, number>>>;

/** The demo tenant and those of load runs: as usual, a hundredfold. */
export const hundredfold: TenantLimits = Object.fromEntries(tenantLimitNames.map((name) => [name, standardLimits[name].most * 100]));

/** One count that a request adds to, and how far it may go. */
export interface Counted extends Limit {
  readonly name: LimitName;
  /** Whose it is; counts of one name and one of these are one. */
  readonly of: string;
  /** Null: of an address, which belongs to no tenant. */
  readonly tenant: TenantId | null;
}

interface Asking {
  readonly principal: Principal;
  /** The key, or the person where there is none. */
  readonly credential: string;
  readonly limits: TenantLimits;
}

interface Asked {
  readonly opensTicket: boolean;
  readonly searches: boolean;
}

/** What a request of somebody known counts against, the narrowest first. */
export function countsOf({ principal, credential, limits }: Asking, { opensTicket, searches }: Asked): Counted[] {
  const { tenant, role, id, actingFor } = principal;
  const count = (name: TenantLimitName, of: string): Counted => ({
    name,
    of,
    tenant,
    most: limits[name] ?? standardLimits[name].most,
    windowS: standardLimits[name].windowS,
  });
  const isCustomer = role === 'customer';
  const whose = isCustomer ? `customer/${id}` : credential;
  return [
    ...(isCustomer ? [count('customer', whose)] : []),
    ...(role === 'service' || actingFor !== null ? [count('service', credential)] : []),
    ...(role === 'service' || isCustomer ? [] : [count('staff', credential)]),
    ...(searches ? [count('search', whose)] : []),
    ...(opensTicket && isCustomer ? [count('customerTickets', whose)] : []),
    ...(opensTicket && (!isCustomer || actingFor !== null) ? [count('tickets', credential)] : []),
    count('tenant', tenant),
  ];
}

/** What a request of nobody known counts against. */
export const countOfAddress = (address: string): Counted => ({ name: 'address', of: address, tenant: null, ...standardLimits.address });
