/** A ticket's row, as the projection writes it. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { v5 } from 'uuid';
import type { Places } from '../statement.js';
import { awaitsAcknowledgement, levelOf } from '../../domain/ticket/escalation.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** The ticket's number as a UUIDv5, for callers whose ids are UUIDs. */
export const ticketUuid = (id: string): string => v5(`usher:ticket:${id}`, v5.URL);

const at = (moment: Instant | null): string | null => (moment === null ? null : toIso(moment));

/** Columns that change with the ticket's events; without its texts, which are read from content, and its state, which is JSON. */
export const changingColumns = (ticket: Ticket) => ({
  status: ticket.status,
  priority: ticket.priority,
  category: ticket.category,
  copied: [...ticket.copied],
  assignee_id: ticket.assignee,
  team_id: ticket.team,
  version: ticket.version,
  cycle: ticket.cycle,
  updated_at: at(ticket.updatedAt),
  first_response_at: at(ticket.firstResponseAt),
  resolved_at: at(ticket.resolvedAt),
  closed_at: at(ticket.closedAt),
  reopen_until: at(ticket.reopenUntil),
  wait_until: at(ticket.waitUntil),
  close_cause: ticket.closeCause,
  removed_at: at(ticket.removedAt),
  sla_state: ticket.sla.state,
  sla_breached: ticket.sla.breached,
  due_at: at(ticket.sla.dueAt),
  escalation_level: levelOf(ticket.escalations),
  ack_pending: awaitsAcknowledgement(ticket.escalations),
});

type Changing = ReturnType<typeof changingColumns> & { readonly state: string };

const text = sql`text`;
const uuid = sql`uuid`;
const int = sql`int`;
const instant = sql`timestamptz`;
const truth = sql`boolean`;

/** Their columns, with the types that a statement has to say. */
const types: Readonly<Record<keyof Changing, RawBuilder<unknown>>> = {
  status: text,
  priority: text,
  category: text,
  copied: sql`uuid[]`,
  assignee_id: uuid,
  team_id: uuid,
  version: int,
  cycle: int,
  updated_at: instant,
  first_response_at: instant,
  resolved_at: instant,
  closed_at: instant,
  reopen_until: instant,
  wait_until: instant,
  close_cause: text,
  removed_at: instant,
  sla_state: text,
  sla_breached: truth,
  due_at: instant,
  escalation_level: sql`smallint`,
  ack_pending: truth,
  state: sql`jsonb`,
};

/** All that a statement on the row may need of the ticket. */
export const rowValues = (ticket: Ticket) => ({
  ...changingColumns(ticket),
  state: JSON.stringify(ticket),
  tenant: ticket.tenant,
  id: ticket.id,
  uuid: ticketUuid(ticket.id),
  product: ticket.product,
  scope: ticket.scope,
  channel: ticket.channel,
  requester: ticket.requester,
  followUpOf: ticket.links.followUpOf,
  createdAt: toIso(ticket.createdAt),
  texts: JSON.stringify(ticket.texts),
  subjectText: ticket.texts.subject,
  descriptionText: ticket.texts.description,
  tagsText: ticket.texts.tags,
  customFieldsText: ticket.texts.customFields,
});

export type RowPlaces = Places<ReturnType<typeof rowValues>>;

const columns = (places: RowPlaces): (readonly [column: RawBuilder<unknown>, value: RawBuilder<unknown>])[] =>
  Object.entries(types).map(([column, type]) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const place = places[column as keyof Changing];
    return [sql.id(column), sql`${place}::${type}`];
  });

/**
 * Updates a row that holds these texts already. Without them in the statement PostgreSQL need not make their search vector again, which
 * for a long description takes longer than all the rest.
 */
export const rowUpdate = (places: RowPlaces): RawBuilder<unknown> => sql`
  update ticket set ${sql.join(columns(places).map(([column, value]) => sql`${column} = ${value}`))}
  where tenant_id = ${places.tenant} and id = ${places.id} and version < ${places.version}::int and state->'texts' = ${places.texts}::jsonb
  returning id`;

/**
 * Inserts the row, or updates one of a lower version. Texts are read from content, and only when another row holds them than before.
 *
 * @param newer how the version that is there compares with the ticket's
 */
export function rowWrite(places: RowPlaces, newer: RawBuilder<unknown> = sql`<`): RawBuilder<unknown> {
  const { tenant } = places;
  const held = (id: RawBuilder<unknown>): RawBuilder<unknown> => sql`from content where tenant_id = ${tenant} and id = ${id}`;
  const all = columns(places);
  return sql`
    insert into ticket (tenant_id, id, uuid, product, scope, channel, requester_id, follow_up_of, created_at, subject, description, tags, custom_fields,
      ${sql.join(all.map(([column]) => column))})
    select ${tenant}, ${places.id}, ${places.uuid}::uuid, ${places.product}, ${places.scope}, ${places.channel}, ${places.requester}::uuid,
      ${places.followUpOf}, ${places.createdAt}::timestamptz,
      (select coalesce(data->>'subject', subject) ${held(places.subjectText)}),
      (select body ${held(places.descriptionText)}),
      coalesce((select array(select jsonb_array_elements_text(data->'tags')) ${held(places.tagsText)} and jsonb_typeof(data->'tags') = 'array'), '{}'),
      coalesce((select data->'customFields' ${held(places.customFieldsText)} and jsonb_typeof(data->'customFields') = 'object'), '{}'),
      ${sql.join(all.map(([, value]) => value))}
    on conflict (tenant_id, id) do update set
      ${kept(sql`subject`, sql`'{texts,subject}'`)}, ${kept(sql`description`, sql`'{texts,description}'`)}, ${kept(sql`tags`, sql`'{texts,tags}'`)}, ${kept(sql`custom_fields`, sql`'{texts,customFields}'`)},
      ${sql.join(all.map(([column]) => sql`${column} = excluded.${column}`))}
    where ticket.version ${newer} excluded.version
    returning id`;
}

/** Takes the text that was read when another content row holds it than before; an unchanged reference keeps what the row has, so that erased text stays erased. */
const kept = (column: RawBuilder<unknown>, reference: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`${column} = case when ticket.state #>> ${reference} is distinct from excluded.state #>> ${reference}
        then excluded.${column} else ticket.${column} end`;
