import type { MiddlewareHandler } from 'hono';
import { findEscalation } from '../../db/queries/escalations.js';
import type { WholeEscalation } from '../../db/queries/escalations.js';
import type { Permission, Scoped } from '../../domain/access/permit.js';
import { before } from '../caller.js';
import type { Env } from '../caller.js';
import { Refusal } from '../errors.js';
import { authorise } from '../middleware/auth.js';
import { forbidden } from '../forbidden.js';
import { openUnit } from '../unit.js';
import { parseEscalationName } from './names.js';

/**
 * Loads the escalation of the address and asks whether the caller may; before anything else of the request is looked at. Absent, foreign and
 * malformed take the same way out. The transaction stays open for whoever goes on with it.
 */
export const onEscalation =
  (permission: Permission): MiddlewareHandler<Env> =>
  async (c, next) => {
    const { principal, deps, deadline } = c.var;
    // Customers are told alike of every number, so that they do not learn which tickets were escalated.
    if (principal.role === 'customer') throw forbidden(permission);
    const key = parseEscalationName(c.req.param('escalationId') ?? '');
    if (key === null) throw new Refusal('not_found');
    const unit = openUnit(deps.db, principal.tenant);
    try {
      const found = await before(
        deadline,
        unit.run((tx) => findEscalation(tx, principal, key)),
      );
      if (found === undefined) throw new Refusal('not_found');
      authorise(principal, permission, scopeOf(found));
      c.set('escalation', found);
      c.set('unit', unit);
      await next();
    } finally {
      void unit.leave();
    }
  };

/** Who is asked sees the escalation, whatever team the ticket belongs to. */
function scopeOf({ facts: { product, assignee, team }, addressed }: WholeEscalation): Scoped {
  return addressed ? { product, assignee, addressed } : { product, assignee, team, addressed };
}
