/** Events as the live stream tells them: with what decides who may hear of each, and nothing a text was kept apart for. Source: api-surfaces.md, section 1. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from '../client.js';
import { journeySubject } from './journey-projection.js';
import { keptHours } from './stream-relay.js';
import type { ToldTicket } from '../../domain/access/audience.js';
import type { EventOrigin, ToldEvent } from '../../domain/event/cloud-event.js';
import { asAgentId, asCustomerId, asProductKey, asTeamId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';

/** Whom a handoff asks, as templates name them. */
export interface Addressed {
  readonly toPackage: string;
  readonly fromPackage: string;
  readonly assignee: string | null;
  readonly people: readonly string[];
  readonly roles: readonly string[];
}

export interface LoggedEvent {
  readonly id: string;
  readonly subject: string;
  readonly seq: number;
  readonly type: string;
  readonly at: Date;
  readonly actor: string;
  readonly role: string;
  readonly source: string;
  readonly commandId: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly content: string | null;
  readonly journeyId: string | null;
  /** `<type>/<id>`: what the journey is about. */
  readonly entity: string | null;
  /** The template of its journey, or whose entry was refused. */
  readonly template: string | null;
  /** The ticket it is about, as it is now; of a journey the one it was started for. */
  readonly ticket: ToldTicket | null;
  readonly handoff: Addressed | null;
}

/** `event` is null when the log has no such line any more. */
export interface PublishedEvent {
  readonly position: number;
  /** Epoch milliseconds: from then on its position is kept for a day. */
  readonly publishedAt: number;
  readonly event: LoggedEvent | null;
}

interface Line {
  readonly id: string | null;
  readonly subject: string;
  readonly seq: number;
  readonly type: string;
  readonly at: Date;
  readonly actor: string;
  readonly role: string;
  readonly source: string;
  readonly commandId: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly content: string | null;
  readonly journeyId: string | null;
  readonly entity: string | null;
  readonly template: string | null;
  readonly product: string | null;
  readonly requester: string | null;
  readonly assignee: string | null;
  readonly team: string | null;
  readonly removed: boolean | null;
  readonly handoff: Addressed | null;
}

const columns = sql`
  e.id, e.subject, e.seq, e.type, e.at, e.actor, e.role, e.source, e.command_id, e.data, e.content_id as content, e.journey_id, e.entity,
  coalesce(j.template_key, case when e.subject like 'template/%' then substr(e.subject, 10) end) as template,
  t.product, t.requester_id as requester, t.assignee_id as assignee, t.team_id as team, t.removed_at is not null as removed,
  case when h.id is not null then jsonb_build_object('toPackage', h.to_package, 'fromPackage', h.from_package, 'assignee', h.assignee,
    'people', h.people, 'roles', h.roles) end as handoff`;

/** What an event `e` is about; each by its key. */
const joins = sql`
  left join journey j on j.tenant_id = e.tenant_id and j.id = e.journey_id
  left join ticket t on t.tenant_id = e.tenant_id
    and t.id = case when e.subject like 'ticket/%' then substr(e.subject, 8) when j.subject_type = 'ticket' then j.subject_id end
  left join handoff h on h.tenant_id = e.tenant_id and e.subject like 'handoff/%' and h.id = substr(e.subject, 9)`;

/** Events behind a position, in order. */
export async function listPublished(tx: TenantTx, tenant: TenantId, after: number, limit: number): Promise<PublishedEvent[]> {
  const { rows } = await sql<Line & Pick<PublishedEvent, 'position' | 'publishedAt'>>`
    select s.position::float8 as position, (extract(epoch from s.published_at) * 1000)::float8 as published_at, ${columns}
    from stream_event s left join event e on e.tenant_id = s.tenant_id and e.id = s.event_id ${joins}
    where s.tenant_id = ${tenant} and s.position > ${after} order by s.position limit ${limit}`.execute(tx);
  return rows.map(({ position, publishedAt, id, ...line }) => ({
    position,
    publishedAt,
    event: id === null ? null : eventOf({ ...line, id }),
  }));
}

/** Events of one journey behind a number, published or not, in order. */
export const listOfJourney = (tx: TenantTx, tenant: TenantId, id: string, after: number, limit: number): Promise<LoggedEvent[]> =>
  listLogged(tx, sql`e.tenant_id = ${tenant} and e.subject = ${journeySubject(id)} and e.seq > ${after}`, limit);

/** One event of the log; undefined when it has no such line. */
export const findLogged = async (tx: TenantTx, tenant: TenantId, id: string): Promise<LoggedEvent | undefined> =>
  (await listLogged(tx, sql`e.tenant_id = ${tenant} and e.id = ${id}::uuid`, 1))[0];

/** An event as rules speak of it. */
export const toldOf = ({ at, ticket, ...event }: LoggedEvent): ToldEvent & EventOrigin => ({
  ...event,
  at: at.getTime(),
  product: ticket?.product ?? null,
});

async function listLogged(tx: TenantTx, condition: RawBuilder<unknown>, limit: number): Promise<LoggedEvent[]> {
  const { rows } = await sql<Line & { readonly id: string }>`
    select ${columns} from event e ${joins} where ${condition} order by e.seq limit ${limit}`.execute(tx);
  return rows.map(eventOf);
}

const eventOf = ({ product, requester, assignee, team, removed, ...event }: Line & { readonly id: string }): LoggedEvent => ({
  ...event,
  ticket:
    product === null || requester === null
      ? null
      : {
          product: asProductKey(product),
          requester: asCustomerId(requester),
          assignee: assignee === null ? null : asAgentId(assignee),
          team: team === null ? null : asTeamId(team),
          removed: removed === true,
        },
});

/** The position given last; 0: none yet. */
export async function findHead(tx: TenantTx, tenant: TenantId): Promise<number> {
  const { rows } = await sql<{ position: number }>`
    select position::float8 as position from stream_head where tenant_id = ${tenant}`.execute(tx);
  return rows[0]?.position ?? 0;
}

/** Whether everything behind a position is still there and not older than positions are kept; a position never given is not. */
export async function isResumable(tx: TenantTx, tenant: TenantId, position: number): Promise<boolean> {
  const { rows } = await sql<{ resumable: boolean }>`
    select case when ${position}::bigint = h.position then true else exists (
      select from stream_event s where s.tenant_id = ${tenant} and s.position = ${position}::bigint + 1
        and s.published_at >= now() - make_interval(hours => ${keptHours})) end as resumable
    from (select coalesce((select position from stream_head where tenant_id = ${tenant}), 0) as position) h`.execute(tx);
  return rows[0]?.resumable === true;
}
