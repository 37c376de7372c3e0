/** A ticket as people read it, and the columns it is made of. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Principal } from '../../domain/access/principal.js';
import type { Priority, TicketStatus } from '../../domain/ticket/status.js';

/** A ticket as stored, for its public view; instants as dates. */
export interface TicketRecord {
  readonly id: string;
  readonly product: string;
  readonly subject: string | null;
  readonly description: string | null;
  readonly status: TicketStatus;
  /** The product's own name of the status; null: the usual one. */
  readonly statusLabel: string | null;
  readonly priority: Priority;
  readonly category: string | null;
  readonly channel: string;
  readonly tags: readonly string[];
  readonly customFields: Readonly<Record<string, unknown>>;
  readonly requester: string;
  readonly assignee: string | null;
  readonly team: string | null;
  readonly firstResponseAt: Date | null;
  readonly resolvedAt: Date | null;
  readonly closedAt: Date | null;
  readonly reopenUntil: Date | null;
  readonly followUpOf: string | null;
  readonly followUps: readonly string[];
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Staff only. */
  readonly escalationLevel?: number;
  readonly slaState?: string;
  readonly slaBreached?: boolean;
  readonly dueAt?: Date | null;
  readonly removedAt?: Date | null;
  /** Only when asked for. */
  readonly requesterDetails?: {
    readonly id: string;
    readonly name: string | null;
    readonly emails: readonly string[];
    readonly phones: readonly string[];
  };
  readonly assigneeDetails?: { readonly id: string; readonly name: string; readonly email?: string } | null;
}

export interface TicketIncludes {
  readonly requester: boolean;
  readonly assignee: boolean;
}

const isStaff = (reader: Principal): boolean => reader.role !== 'customer';

/** The columns of the view; `t` is the ticket, `p` its product. */
export function ticketColumns(reader: Principal, include: TicketIncludes): RawBuilder<unknown> {
  const own = isStaff(reader) ? sql`` : sql` and f.requester_id = ${reader.id}`;
  return sql`
    t.id, t.product, t.subject, t.description, t.status, p.settings -> 'statusLabels' ->> t.status as status_label, t.priority, t.category,
    t.channel, t.tags, t.custom_fields, t.requester_id as requester, t.assignee_id as assignee, t.team_id as team, t.first_response_at,
    t.resolved_at, t.closed_at, t.reopen_until, t.follow_up_of, t.version, t.created_at, t.updated_at,
    array(select f.id from ticket f where f.tenant_id = t.tenant_id and f.follow_up_of = t.id and f.removed_at is null${own} order by f.id) as follow_ups
    ${isStaff(reader) ? sql`, t.escalation_level, t.sla_state, t.sla_breached, t.due_at, t.removed_at` : sql``}
    ${include.requester ? sql`, ${requesterObject(reader)} as requester_details` : sql``}
    ${include.assignee ? sql`, ${assigneeObject(reader)} as assignee_details` : sql``}`;
}

const requesterObject = (reader: Principal): RawBuilder<unknown> => sql`(
  select jsonb_build_object('id', c.id, 'name', c.name,
    'emails', coalesce((select jsonb_agg(k.value order by k.value) from customer_contact k where k.tenant_id = c.tenant_id and k.customer_id = c.id and k.kind = 'email'), '[]'),
    'phones', coalesce((select jsonb_agg(k.value order by k.value) from customer_contact k where k.tenant_id = c.tenant_id and k.customer_id = c.id and k.kind = 'phone'), '[]'))
  from customer c where c.tenant_id = ${reader.tenant} and c.id = t.requester_id)`;

const assigneeObject = (reader: Principal): RawBuilder<unknown> => sql`(
  select jsonb_build_object('id', a.id, 'name', a.name) ${isStaff(reader) ? sql`|| jsonb_build_object('email', a.email)` : sql``}
  from agent a where a.tenant_id = ${reader.tenant} and a.id = t.assignee_id)`;

export const ticketSource = sql`ticket t join product p on p.tenant_id = t.tenant_id and p.key = t.product`;

export const noIncludes: TicketIncludes = { requester: false, assignee: false };
