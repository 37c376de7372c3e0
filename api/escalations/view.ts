/** Escalations as staff reads them. */
import { clockName } from '../clocks/names.js';
import { iso, isoOrNull } from '../tickets/view.js';
import { escalationName } from './names.js';
import type { EscalationSummary } from './schema.js';
import type { EscalationRecord } from '../../db/queries/escalations.js';
import type { Escalation } from '../../domain/ticket/escalation.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** As stored. */
export const escalationView = (row: EscalationRecord): EscalationSummary => ({
  id: escalationName(row),
  ticket: row.ticket,
  subject: 'ticket',
  product: row.product,
  level: row.level,
  to: { kind: row.toKind, id: row.toId },
  status: row.status,
  reason: row.reason,
  raisedBy: row.raisedBy,
  from: row.clock === null || row.rung === null ? null : { clock: clockName(row.clock), rung: row.rung },
  takeOver: row.takeOver,
  ackDueAt: isoOrNull(row.ackDueAt),
  owner: row.owner,
  acknowledgedAt: isoOrNull(row.acknowledgedAt),
  outcome: row.outcome,
  outcomeText: row.outcomeText,
  createdAt: iso(row.createdAt),
  resolvedAt: isoOrNull(row.resolvedAt),
  closedAt: isoOrNull(row.closedAt),
});

const instant = (at: Instant | null): string | null => (at === null ? null : toIso(at));

/** As its ticket's workflow answered: everything but texts. */
export const acceptedEscalation = ({ id: ticket, product }: Ticket, escalation: Escalation): EscalationSummary => ({
  id: escalationName({ ticket, n: escalation.n }),
  ticket,
  subject: 'ticket',
  product,
  level: escalation.level,
  to: { kind: escalation.to.kind, id: escalation.to.id ?? null },
  status: escalation.status,
  reason: null,
  raisedBy: escalation.raisedBy,
  from: escalation.from === null ? null : { clock: clockName(escalation.from.clock), rung: escalation.from.rung },
  takeOver: escalation.takeOver,
  ackDueAt: instant(escalation.ackDueAt),
  owner: escalation.owner,
  acknowledgedAt: instant(escalation.acknowledgedAt),
  outcome: escalation.outcome,
  outcomeText: null,
  createdAt: toIso(escalation.createdAt),
  resolvedAt: instant(escalation.resolvedAt),
  closedAt: instant(escalation.closedAt),
});
