import type { MiddlewareHandler } from 'hono';
import type { Permission, Scoped } from '../../domain/access/permit.js';
import type { TenantTx } from '../../db/client.js';
import { findApproval } from '../../db/queries/approvals.js';
import { findHandoff } from '../../db/queries/handoffs.js';
import { findJourney } from '../../db/queries/journeys.js';
import { before } from '../caller.js';
import type { Env } from '../caller.js';
import { Refusal } from '../errors.js';
import { authorise } from '../middleware/auth.js';
import { forbidden } from '../forbidden.js';
import { openUnit } from '../unit.js';

interface Subject<Found> {
  /** Of the address. */
  readonly parameter: string;
  readonly pattern: RegExp;
  readonly find: (tx: TenantTx, reader: Env['Variables']['principal'], id: string) => Promise<Found | undefined>;
  readonly keep: (variables: { set: SetVariable }, found: Found) => void;
  readonly scope: (found: Found) => Scoped;
}
type SetVariable = <Name extends 'journey' | 'handoff' | 'approval'>(name: Name, value: Env['Variables'][Name]) => void;

/**
 * Loads what the address names and asks whether the caller may; before anything else of the request is looked at. Absent, foreign and malformed
 * take the same way out. The transaction stays open for whoever goes on with it.
 */
const guarding =
  <Found>({ parameter, pattern, find, keep, scope }: Subject<Found>) =>
  (permission: Permission): MiddlewareHandler<Env> =>
  async (c, next) => {
    const { principal, deps, deadline } = c.var;
    // Customers are told alike of every id, so that they do not learn which journeys there are.
    if (principal.role === 'customer') throw forbidden(permission);
    const id = c.req.param(parameter) ?? '';
    if (!pattern.test(id)) throw new Refusal('not_found');
    const unit = openUnit(deps.db, principal.tenant);
    try {
      const found = await before(
        deadline,
        unit.run((tx) => find(tx, principal, id)),
      );
      if (found === undefined) throw new Refusal('not_found');
      authorise(principal, permission, scope(found));
      keep(c, found);
      c.set('unit', unit);
      await next();
    } finally {
      void unit.leave();
    }
  };

/** `<journey>.<step>.<visit>`, in a list with the item behind it. */
const visitPattern = /^JRN-[0-9A-HJKMNP-TV-Z]{16}[.][A-Za-z0-9_-]{1,64}[.][1-9][0-9]{0,5}(?:[.][A-Za-z0-9_.:-]{1,128})?$/;

/** For routes about one journey: `c.var.journey`. */
export const onJourney = guarding({
  parameter: 'journeyId',
  pattern: /^JRN-[0-9A-HJKMNP-TV-Z]{16}$/,
  find: findJourney,
  keep: (c, found) => c.set('journey', found),
  scope: ({ mine }) => ({ addressed: mine.length > 0 }),
});

/** For routes about one handoff: `c.var.handoff`. */
export const onHandoff = guarding({
  parameter: 'handoffId',
  pattern: visitPattern,
  find: findHandoff,
  keep: (c, found) => c.set('handoff', found),
  scope: ({ isMine }) => ({ addressed: isMine }),
});

/** For routes about one approval: `c.var.approval`. */
export const onApproval = guarding({
  parameter: 'approvalId',
  pattern: visitPattern,
  find: findApproval,
  keep: (c, found) => c.set('approval', found),
  scope: ({ isMine }) => ({ addressed: isMine }),
});
