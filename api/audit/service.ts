/** The audit for those who may read it: its lines, and whether they are as they were written. Source: security.md, section 7. */
import type { Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso } from '../tickets/view.js';
import { AuditEntryView } from './schema.js';
import type { AuditQuery, AuditVerification, VerifyAudit } from './schema.js';
import { listAudit } from '../../db/queries/audit.js';
import type { AuditRow } from '../../db/queries/audit.js';
import { findLink, verifyAudit } from '../../db/queries/audit-chain.js';
import { fromIso } from '../../domain/time.js';

export type AuditService = ReturnType<typeof createAuditService>;

/** Looking through the chain ends this long before its answer is due. */
const margin = 2_000;

export function createAuditService({ keys }: Pick<Deps, 'keys'>, engine: Pick<TicketEngine, 'within'>) {
  return {
    /** Newest first. */
    async list(reader: Reader, query: AuditQuery): Promise<Page<AuditEntryView>> {
      const { limit, cursor, from, to, ...filter } = query;
      const binding = cursorBinding(reader.principal, 'audit', query);
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor) };
      const span = { ...(from === undefined ? {} : { from: fromIso(from) }), ...(to === undefined ? {} : { to: fromIso(to) }) };
      const rows = await engine.within(reader, (tx) => listAudit(tx, reader.principal, { ...filter, ...span }, { limit, ...after }));
      return pageOf(rows, limit, auditView, ({ at, id }) => writeCursor(keys, binding, { position: iso(at), id }));
    },

    /** Looks through the chain of the tenant, as far as the time of one answer goes. */
    async verify(reader: Reader, { after: seq }: VerifyAudit): Promise<AuditVerification> {
      const { tenant } = reader.principal;
      const { bad, checked, end, isWhole, unsealed } = await engine.within(reader, async (tx) => {
        const after = seq === 0 ? undefined : await findLink(tx, tenant, seq);
        if (seq !== 0 && after === undefined) {
          throw new Refusal('invalid_request', {
            errors: [{ pointer: '/after', code: 'unknown_line', message: 'is not the number of a sealed line' }],
          });
        }
        return verifyAudit(tx, tenant, { until: reader.deadline - margin, ...(after === undefined ? {} : { after }) });
      });
      return {
        ok: bad === null,
        checked,
        ...(bad === null ? {} : { firstBad: { ...bad } }),
        head: { ...end },
        next: bad === null && !isWhole ? end.seq : null,
        unsealed,
      };
    },
  };
}

const auditView = ({ at, hash, source, ...row }: AuditRow): AuditEntryView => ({
  ...row,
  source: AuditEntryView.shape.source.parse(source),
  at: iso(at),
  hash: hash?.toString('hex') ?? null,
});
