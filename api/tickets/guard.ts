import type { Context, MiddlewareHandler } from 'hono';
import { permit } from '../../domain/access/permit.js';
import type { Permission } from '../../domain/access/permit.js';
import { parseTicketId, uuidPattern } from '../../domain/ids.js';
import type { TenantTx } from '../../db/client.js';
import { findTicketFacts, findWholeTicket } from '../../db/queries/tickets.js';
import type { TicketFacts, TicketKey } from '../../db/queries/tickets.js';
import { before } from '../caller.js';
import type { Env } from '../caller.js';
import { Refusal } from '../errors.js';
import { authorise } from '../middleware/auth.js';
import { openUnit } from '../unit.js';

interface Terms {
  /** Whether removed tickets count; `asked`: with `includeRemoved=true`, for those who may remove. */
  readonly removed?: boolean | 'asked';
}

type Find = (tx: TenantTx, c: Context<Env>, key: TicketKey, counts: { readonly removed: boolean }) => Promise<TicketFacts | undefined>;

/**
 * Loads the ticket of the address and asks whether the caller may; before anything else of the request is looked at.
 * Absent, foreign and malformed take the same way out. The transaction stays open for whoever goes on with it.
 */
const guarding =
  (find: Find, permission: Permission, { removed: counts = false }: Terms): MiddlewareHandler<Env> =>
  async (c, next) => {
    const { principal, deps, deadline } = c.var;
    const asked = counts === 'asked' && c.req.query('includeRemoved') === 'true';
    if (asked && permit(principal, 'ticket.remove') !== 'allowed')
      throw new Refusal('forbidden', { members: { permission: 'ticket.remove' } });
    const removed = counts === true || asked;
    const text = c.req.param('ticketId') ?? '';
    const uuid = text.toLowerCase();
    const key = parseTicketId(text) ?? (uuidPattern.test(uuid) ? { uuid } : null);
    if (key === null) throw new Refusal('not_found');
    const unit = openUnit(deps.db, principal.tenant);
    try {
      const row = await before(
        deadline,
        unit.run((tx) => find(tx, c, key, { removed })),
      );
      if (row === undefined) throw new Refusal('not_found');
      authorise(principal, permission, row);
      c.set('ticket', row);
      c.set('unit', unit);
      await next();
    } finally {
      // Still open: nobody went on with it, or not in time.
      void unit.leave();
    }
  };

/** For routes that need few facts of the ticket: `c.var.ticket`. */
export const onTicket = (permission: Permission, terms: Terms = {}): MiddlewareHandler<Env> =>
  guarding((tx, c, key, counts) => findTicketFacts(tx, c.var.principal, key, counts), permission, terms);

/** For routes that answer with the ticket, as it is or as they leave it: `c.var.whole` too. */
export const onWholeTicket = (permission: Permission, terms: Terms = {}): MiddlewareHandler<Env> =>
  guarding(
    async (tx, c, key, counts) => {
      const row = await findWholeTicket(tx, c.var.principal, key, counts);
      if (row !== undefined) c.set('whole', row);
      return row;
    },
    permission,
    terms,
  );

/** For routes about no row, or about one they look up themselves: asks the role alone. */
export const onRole =
  (permission: Permission): MiddlewareHandler<Env> =>
  async (c, next) => {
    authorise(c.var.principal, permission);
    await next();
  };
