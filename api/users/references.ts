import type { TenantTx } from '../../db/client.js';
import { unknownAmong } from '../../db/queries/users.js';
import type { TenantId } from '../../domain/ids.js';
import { Refusal } from '../errors.js';

interface References {
  /** Null: every product, which always exists. */
  readonly products?: readonly string[] | null;
  readonly teams?: readonly string[];
  readonly agents?: readonly string[];
}

/**
 * Makes sure that what a body refers to is there.
 *
 * @param at where in the body the members stand
 * @throws Refusal `unknown_reference` with the pointer to the first that is not
 */
export async function assertKnown(
  tx: TenantTx,
  tenant: TenantId,
  { products, teams = [], agents = [] }: References,
  at = '',
): Promise<void> {
  const given = { products: products ?? [], teams, agents };
  const unknown = await unknownAmong(tx, tenant, given);
  for (const kind of ['products', 'teams', 'agents'] as const) {
    const [first] = unknown[kind];
    if (first !== undefined)
      throw new Refusal('unknown_reference', { members: { pointer: `${at}/${kind}/${given[kind].indexOf(first)}` } });
  }
}
