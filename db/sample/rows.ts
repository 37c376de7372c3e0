/** Rows of sample tickets, as the projection would have written them. */
import type { Life } from './lives.js';
import { eventOf } from './plan.js';
import type { StoryText } from './stories.js';
import { eventSubject, rowsOf } from '../queries/projection.js';
import { changingColumns, ticketUuid } from '../queries/ticket-row.js';
import type { ContentId } from '../../domain/ids.js';
import { toIso } from '../../domain/time.js';

/** What a column takes; arrays of texts are PostgreSQL arrays, objects are JSON. */
export type Value = string | number | boolean | null | readonly string[] | Readonly<Record<string, unknown>>;
export type Row = Readonly<Record<string, Value>>;

export interface LifeRows {
  readonly content: readonly Row[];
  readonly event: readonly Row[];
  readonly ticket: Row;
}

export function lifeRows(life: Life): LifeRows {
  const { story, steps, ticket } = life;
  let events = 0;
  const last = steps.at(-1);
  if (last === undefined) throw new Error(`story ${story.number} has no steps`);
  const rows = rowsOf(steps, last, () => eventOf(story.number, (events += 1)));
  const seqs = new Map(rows.events.flatMap(({ content, seq }) => (content === null ? [] : [[content, seq]])));
  return {
    content: story.texts.map((text) => contentRow(life, text, seqs.get(text.id) ?? null)),
    event: rows.events.map((event) => ({
      tenant_id: ticket.tenant,
      subject: eventSubject(ticket.id),
      seq: event.seq,
      id: event.id,
      type: event.type,
      at: toIso(event.at),
      product: ticket.product,
      actor: event.actor,
      role: event.role,
      source: event.source,
      command_id: event.commandId,
      run_id: event.runId,
      digest: String.raw`\x${event.digest}`,
      data: event.data,
      content_id: event.content,
      recorded_at: toIso(event.at),
      routing: 'routed',
    })),
    ticket: ticketRow(life),
  };
}

function contentRow({ ticket }: Life, text: StoryText, seq: number | null): Row {
  return {
    tenant_id: ticket.tenant,
    id: text.id,
    kind: text.kind,
    visibility: text.visibility,
    author_kind: text.author.kind,
    author_id: text.author.id,
    channel: ticket.channel,
    subject: text.subject,
    body: text.body,
    data: text.kind === 'opening' ? { tags: text.tags, customFields: {} } : null,
    created_at: toIso(text.at),
    ticket_id: ticket.id,
    seq,
    linked_at: toIso(text.at),
  };
}

function ticketRow({ ticket, story }: Life): Row {
  const held = (id: ContentId): StoryText | undefined => story.texts.find((text) => text.id === id);
  return {
    ...changingColumns(ticket),
    tenant_id: ticket.tenant,
    id: ticket.id,
    uuid: ticketUuid(ticket.id),
    product: ticket.product,
    scope: ticket.scope,
    channel: ticket.channel,
    requester_id: ticket.requester,
    subject: held(ticket.texts.subject)?.subject ?? null,
    description: held(ticket.texts.description)?.body ?? null,
    tags: held(ticket.texts.tags)?.tags ?? [],
    custom_fields: {},
    follow_up_of: ticket.links.followUpOf,
    created_at: toIso(ticket.createdAt),
    state: { ...ticket },
  };
}
