import type { Actor, Role } from '../actor.js';
import { asProductKey } from '../ids.js';
import type { CustomerId, ProductKey, TeamId, TenantId } from '../ids.js';

/** What a service key may do. Source: security.md, section 5. */
export const scopes = [
  'tickets:read',
  'tickets:write',
  'notes',
  'messages:write',
  'escalations',
  'customers:read',
  'customers:write',
  'journeys:read',
  'journeys:write',
  'events',
  'reports',
  'act_for',
] as const;
export type Scope = (typeof scopes)[number];

/** Who asks, as read for each request: identity, role and where it counts. */
export interface Principal {
  readonly tenant: TenantId;
  readonly actor: Actor;
  /** The id behind the actor: agent, customer or service account. */
  readonly id: string;
  readonly role: Exclude<Role, 'operator' | 'system'>;
  /** `*` = every product of the tenant. */
  readonly products: readonly ProductKey[] | '*';
  readonly teams: readonly TeamId[];
  /** Service accounts only. */
  readonly scopes: readonly Scope[];
  /** The customer a service acts for, with that customer's rights. */
  readonly actingFor: CustomerId | null;
}

export const seesProduct = (principal: Principal, product: ProductKey): boolean =>
  principal.products === '*' || principal.products.includes(product);

/**
 * What a credential with limits of its own leaves of its owner's reach; it never adds to it.
 *
 * @param limits null: none of this kind
 */
export function limited(
  principal: Principal,
  limits: { readonly scopes: readonly string[] | null; readonly products: readonly string[] | null },
): Principal {
  const { scopes: only, products } = limits;
  const among = (key: ProductKey): boolean => products === null || products.includes(key);
  return {
    ...principal,
    scopes: only === null ? principal.scopes : principal.scopes.filter((scope) => only.includes(scope)),
    products: principal.products === '*' ? (products?.map(asProductKey) ?? '*') : principal.products.filter(among),
  };
}
