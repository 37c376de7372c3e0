/**
 * Who may be told of an event as it happens, and how much of it.
 * Source: api-surfaces.md, section 1; security.md, sections 2 and 3.
 */
import { permit } from './permit.js';
import type { Permission, Scoped } from './permit.js';
import type { Principal } from './principal.js';
import { asAgentId, asTeamId } from '../ids.js';
import type { AgentId, CustomerId, ProductKey, TeamId } from '../ids.js';

/** What of a ticket decides who is told of it, as it is now. */
export interface ToldTicket extends Scoped {
  readonly product: ProductKey;
  readonly requester: CustomerId;
  readonly assignee: AgentId | null;
  readonly team: TeamId | null;
  readonly removed: boolean;
}

type Data = Readonly<Record<string, unknown>>;

/** An event of the log as far as it decides who is told. */
export interface Told {
  /** `<kind>/<id>` */
  readonly subject: string;
  readonly type: string;
  readonly data: Data;
  /** The ticket it is about; of a journey the one it was started for. */
  readonly ticket: ToldTicket | null;
}

/** Everything the log says; what customers may know; nothing, not even that it happened. */
export type Telling = 'whole' | 'public' | 'nothing';

const allowed = (principal: Principal, permission: Permission, row?: Scoped): boolean => permit(principal, permission, row) === 'allowed';

/** How much of an event this principal is told. What is not known here is for nobody but admins. */
export function tellingOf(principal: Principal, event: Told): Telling {
  const kind = event.subject.slice(0, Math.max(0, event.subject.indexOf('/')));
  switch (kind) {
    case 'ticket':
      return aboutTicket(principal, event);
    case 'journey':
    case 'handoff':
      return allowed(principal, 'journey.read', event.ticket ?? undefined) ? 'whole' : 'nothing';
    case 'template':
      return allowed(principal, 'template.draft') ? 'whole' : 'nothing';
    default:
      return allowed(principal, 'admin.manage') ? 'whole' : 'nothing';
  }
}

function aboutTicket(principal: Principal, event: Told): Telling {
  const { ticket, type, data } = event;
  if (ticket === null) return 'nothing';
  if (principal.role === 'customer') {
    const may = !ticket.removed && allowed(principal, 'ticket.read', ticket) && publicData(type, data) !== null;
    return may ? 'public' : 'nothing';
  }
  if (type === 'note.added' && !allowed(principal, 'note.read', ticket)) return 'nothing';
  // Who had it is told that it went elsewhere, or would show it for ever.
  const before = type === 'ticket.assigned' ? { ...ticket, ...hadBefore(data) } : ticket;
  return [ticket, before].some((row) => allowed(principal, 'ticket.events', row)) ? 'whole' : 'nothing';
}

/** Who had the ticket until an assignment; its ids were written from ids. */
export const hadBefore = ({ from, fromTeam }: Data): { readonly assignee: AgentId | null; readonly team: TeamId | null } => ({
  assignee: typeof from === 'string' ? asAgentId(from) : null,
  team: typeof fromTeam === 'string' ? asTeamId(fromTeam) : null,
});

/** Fields that a customer sees on a ticket. */
const publicFields: ReadonlySet<unknown> = new Set(['subject', 'category', 'priority', 'tags', 'customFields']);

/** What customers may know of each type; one that is not here they are not told of: notes, clocks, escalations, deliveries. */
const publicMembers: Readonly<Partial<Record<string, readonly string[]>>> = {
  'ticket.created': ['product', 'status', 'priority', 'category', 'channel', 'followUpOf'],
  'ticket.updated': ['changed', 'priorityFrom', 'priorityTo'],
  'ticket.assigned': ['assignee', 'team'],
  'ticket.status_changed': ['from', 'to'],
  'ticket.resolved': ['from', 'cycle'],
  'ticket.reopened': ['cycle'],
  'ticket.closed': ['from', 'cause'],
  'message.received': [],
  'message.sent': [],
};

/** The part of an event's data that customers may know; null: not even that it happened. */
export function publicData(type: string, data: Data): Data | null {
  const members = Object.hasOwn(publicMembers, type) ? publicMembers[type] : undefined;
  if (members === undefined) return null;
  const known = Object.fromEntries(Object.entries(data).filter(([name]) => members.includes(name)));
  if (type !== 'ticket.updated') return known;
  const changed = Array.isArray(data['changed']) ? data['changed'].filter((field) => publicFields.has(field)) : [];
  return changed.length === 0 ? null : { ...known, changed };
}
