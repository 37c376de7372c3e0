/** Open tickets with their clocks, as a preview of other policies needs them. */
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import type { Clock } from '../../domain/sla/clock.js';
import type { MatchFacts } from '../../domain/sla/match.js';
import type { HeldTicket } from '../../domain/sla/preview.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { upToDate } from '../../domain/ticket/ticket.js';

/** An open ticket, with what conditions ask about it. */
export interface HeldRecord extends HeldTicket {
  readonly facts: MatchFacts;
}

interface Row {
  readonly state: Ticket;
  readonly tags: readonly string[];
  readonly tier: string | null;
  readonly clocks: readonly Clock[];
  readonly reopenedAt: Date | null;
  readonly customerAt: Date | null;
  readonly unansweredAt: Date | null;
  readonly deskAt: Date | null;
}

/** How many tickets are open. */
export async function countOpenTickets(tx: TenantTx, tenant: TenantId): Promise<number> {
  const { rows } = await sql<{ open: number }>`
    select count(*)::int as open from ticket where tenant_id = ${tenant} and status <> 'closed'`.execute(tx);
  return rows[0]?.open ?? 0;
}

/**
 * Open tickets by id, after a given one.
 *
 * Who spoke last is read from the events, by the rules of the clocks: automatic mail asks nothing, a machine's message answers nothing, and
 * what was resolved waits for no answer. Source: sla.md, R7–R9.
 */
export async function listHeldTickets(tx: TenantTx, tenant: TenantId, after: TicketId | null, limit: number): Promise<HeldRecord[]> {
  const { rows } = await sql<Row>`
    select t.state, t.tags, (select c.tier from customer c where c.tenant_id = t.tenant_id and c.id = t.requester_id) as tier,
      coalesce((select jsonb_agg(k.state) from sla_clock k where k.tenant_id = t.tenant_id and k.ticket_id = t.id), '[]') as clocks,
      said.reopened_at, said.customer_at, said.unanswered_at, said.desk_at
    from ticket t, lateral (
      select min(at) filter (where asks) as customer_at, min(at) filter (where asks and seq > coalesce(answered, 0)) as unanswered_at,
        max(at) filter (where answers) as desk_at, max(at) filter (where type = 'ticket.reopened') as reopened_at
      from (
        select e.*, max(seq) filter (where answers or type = 'ticket.resolved') over () as answered
        from (
          select seq, at, type,
            (type = 'message.received' or (type = 'ticket.created' and role in ('customer', 'service', 'system')))
              and coalesce(data ->> 'auto', 'false') <> 'true' as asks,
            type = 'message.sent' and role not in ('service', 'system') as answers
          from event
          where tenant_id = t.tenant_id and subject = 'ticket/' || t.id
            and type in ('ticket.created', 'message.received', 'message.sent', 'ticket.resolved', 'ticket.reopened')) e) e) said
    where t.tenant_id = ${tenant} and t.status <> 'closed' and t.id > ${after ?? ''} order by t.id limit ${limit}`.execute(tx);
  return rows.map(({ state, tags, tier, clocks, reopenedAt, customerAt, unansweredAt, deskAt }) => {
    const ticket = upToDate(state);
    const { product, priority, category, channel } = ticket;
    return {
      ticket,
      clocks,
      facts: { product, priority, category, channel, customerTier: tier, tags },
      cycleAt: reopenedAt?.getTime() ?? ticket.createdAt,
      customerAt: customerAt?.getTime() ?? null,
      unansweredAt: unansweredAt?.getTime() ?? null,
      deskAt: deskAt?.getTime() ?? null,
    };
  });
}
