import type { MiddlewareHandler } from 'hono';
import { permit } from '../../domain/access/permit.js';
import type { Permission } from '../../domain/access/permit.js';
import { parseTicketId, uuidPattern } from '../../domain/ids.js';
import { withTenant } from '../../db/client.js';
import { findTicketFacts } from '../../db/queries/tickets.js';
import { answerWithin, before } from '../caller.js';
import type { Env } from '../caller.js';
import { Refusal } from '../errors.js';
import { authorise } from '../middleware/auth.js';

/**
 * Loads the ticket of the address and asks whether the caller may; before anything else of the request is looked at.
 * Absent, foreign and malformed take the same way out.
 *
 * @param removed whether removed tickets count; `asked`: with `includeRemoved=true`, for those who may remove
 */
export const onTicket =
  (permission: Permission, { removed: counts = false }: { removed?: boolean | 'asked' } = {}): MiddlewareHandler<Env> =>
  async (c, next) => {
    const { principal, deps, startedAt } = c.var;
    const asked = counts === 'asked' && c.req.query('includeRemoved') === 'true';
    if (asked && permit(principal, 'ticket.remove') !== 'allowed')
      throw new Refusal('forbidden', { members: { permission: 'ticket.remove' } });
    const removed = counts === true || asked;
    const text = c.req.param('ticketId') ?? '';
    const uuid = text.toLowerCase();
    const id = parseTicketId(text) ?? (uuidPattern.test(uuid) ? { uuid } : null);
    if (id === null) throw new Refusal('not_found');
    const row = await before(
      startedAt + answerWithin,
      withTenant(deps.db, principal.tenant, (tx) => findTicketFacts(tx, principal, id, { removed })),
    );
    if (row === undefined) throw new Refusal('not_found');
    authorise(principal, permission, row);
    c.set('ticket', row);
    await next();
  };

/** For routes about no row, or about one they look up themselves: asks the role alone. */
export const onRole =
  (permission: Permission): MiddlewareHandler<Env> =>
  async (c, next) => {
    authorise(c.var.principal, permission);
    await next();
  };
