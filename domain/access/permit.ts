/**
 * The permission table and the one question asked of it. Deny by default.
 * Source: security.md, section 2.
 */
import type { AgentId, CustomerId, ProductKey, TeamId } from '../ids.js';
import { seesProduct } from './principal.js';
import type { Principal, Scope } from './principal.js';

/**
 * Reach of a permission for a role: `own` tickets of the customer; `self` about oneself; `assigned` to me, `team` = my teams' tickets
 * (an unteamed ticket counts for everybody of its product), `addressed` = asked by the escalation, the step or the handoff, `all` = the
 * tenant; a scope name = a service key that holds it.
 */
type Reach = 'own' | 'self' | 'assigned' | 'assigned_or_team' | 'addressed' | 'team' | 'all' | Scope;

type Row = Readonly<Partial<Record<Principal['role'], Reach>>>;

export const permissions = {
  'ticket.create': { customer: 'own', agent: 'team', lead: 'team', admin: 'all', service: 'tickets:write' },
  'ticket.read': { customer: 'own', agent: 'team', lead: 'team', admin: 'all', service: 'tickets:read' },
  'ticket.events': { agent: 'team', lead: 'team', admin: 'all', service: 'tickets:read' },
  'note.read': { agent: 'team', lead: 'team', admin: 'all', service: 'notes' },
  'note.add': { agent: 'team', lead: 'team', admin: 'all', service: 'notes' },
  'message.reply': { customer: 'own', agent: 'assigned_or_team', lead: 'team', admin: 'all', service: 'messages:write' },
  'ticket.edit': { agent: 'team', lead: 'team', admin: 'all', service: 'tickets:write' },
  'ticket.wait': { agent: 'assigned', lead: 'team', admin: 'all', service: 'tickets:write' },
  'ticket.assign': { agent: 'self', lead: 'team', admin: 'all', service: 'tickets:write' },
  'ticket.resolve': { agent: 'assigned', lead: 'team', admin: 'all', service: 'tickets:write' },
  'ticket.reopen': { customer: 'own', agent: 'assigned', lead: 'team', admin: 'all', service: 'tickets:write' },
  'ticket.close': { customer: 'own', lead: 'team', admin: 'all' },
  'ticket.remove': { admin: 'all' },
  'ticket.escalate': { customer: 'own', agent: 'team', lead: 'team', admin: 'all', service: 'escalations' },
  'escalation.handle': { agent: 'addressed', lead: 'team', admin: 'all' },
  'sla.pause': { lead: 'team', admin: 'all' },
  'sla.override': { lead: 'team', admin: 'all' },
  'sla.waive': { lead: 'team', admin: 'all' },
  'journey.read': { agent: 'team', lead: 'team', admin: 'all', service: 'journeys:read' },
  'journey.start': { lead: 'team', admin: 'all', service: 'journeys:write' },
  'journey.advance': { agent: 'addressed', lead: 'team', admin: 'all', service: 'journeys:write' },
  'journey.repair': { lead: 'team', admin: 'all' },
  'handoff.create': { agent: 'team', lead: 'team', admin: 'all', service: 'journeys:write' },
  'handoff.handle': { agent: 'addressed', lead: 'team', admin: 'all', service: 'journeys:write' },
  'handoff.decide': { agent: 'team', lead: 'team', admin: 'all' },
  'approval.vote': { agent: 'team', lead: 'team', admin: 'all' },
  'template.draft': { lead: 'team', admin: 'all' },
  'template.publish': { admin: 'all' },
  'event.publish': { admin: 'all', service: 'events' },
  'report.read': { lead: 'team', admin: 'all', service: 'reports' },
  'attachment.add': { customer: 'own', agent: 'team', lead: 'team', admin: 'all', service: 'tickets:write' },
  'customer.read': { customer: 'self', agent: 'team', lead: 'team', admin: 'all', service: 'customers:read' },
  'customer.write': { customer: 'self', agent: 'team', lead: 'team', admin: 'all', service: 'customers:write' },
  'operator.read': { lead: 'all', admin: 'all' },
  'config.read': { agent: 'team', lead: 'team', admin: 'all' },
  'config.write': { admin: 'all' },
  'admin.manage': { admin: 'all' },
  'privacy.erase': { admin: 'all' },
  'inbound.submit': { admin: 'all', service: 'messages:write' },
  'inbound.release': { lead: 'team', admin: 'all' },
  'audit.read': { lead: 'team', admin: 'all' },
  'audit.verify': { lead: 'team', admin: 'all' },
} as const satisfies Readonly<Record<string, Row>>;
export type Permission = keyof typeof permissions;

/** Scopes that cap a customer's rights in the hands of a service, where the service has no such right itself. Source: security.md, section 5. */
const caps: Readonly<Partial<Record<Permission, Scope>>> = { 'ticket.close': 'tickets:write' };

/** What of a row decides whether it is one's own; absent fields belong to nobody. */
export interface Scoped {
  readonly product?: ProductKey;
  readonly requester?: CustomerId;
  readonly copied?: readonly CustomerId[];
  readonly assignee?: AgentId | null;
  readonly team?: TeamId | null;
  /** Whether the escalation, the step or the handoff in question asks this principal. */
  readonly addressed?: boolean;
}

export type Verdict = 'allowed' | 'not_yours' | 'not_your_role';

/**
 * May this principal do that, to this row?
 *
 * @param row absent when the question is about no row (a list, a create)
 * @returns `not_yours` must read as 404, `not_your_role` as 403
 */
export function permit(principal: Principal, permission: Permission, row?: Scoped): Verdict {
  if (row !== undefined && !isVisible(principal, row)) return 'not_yours';
  const table: Row = permissions[permission];
  const reach = table[principal.role];
  if (reach === undefined) return 'not_your_role';
  if (principal.actingFor !== null) {
    const cap = table.service ?? caps[permission];
    if (cap === undefined || !principal.scopes.some((scope) => scope === cap)) return 'not_your_role';
  }
  if (reach === 'assigned') return row === undefined || row.assignee === principal.id ? 'allowed' : 'not_your_role';
  if (reach === 'addressed') return row === undefined || row.addressed === true ? 'allowed' : 'not_your_role';
  if (principal.role !== 'service') return 'allowed';
  return principal.scopes.some((scope) => scope === reach) ? 'allowed' : 'not_your_role';
}

/** Whether the row exists for this principal at all. */
function isVisible(principal: Principal, row: Scoped): boolean {
  if (row.product !== undefined && !seesProduct(principal, row.product)) return false;
  switch (principal.role) {
    case 'customer':
      return row.requester === principal.id;
    case 'agent':
    case 'lead':
      return row.team === undefined || row.team === null || row.assignee === principal.id || principal.teams.includes(row.team);
    case 'admin':
    case 'service':
      return true;
  }
}
