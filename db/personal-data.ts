/**
 * Every column that can hold words, and what becomes of it when a person is erased. A table or column that is not here fails a test, so that
 * whoever adds one has to say. Source: security.md, section 6.
 */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { CustomerId, TenantId, TicketId } from '../domain/ids.js';
import { toIso } from '../domain/time.js';
import type { Instant } from '../domain/time.js';

/** What is erased together: all that hangs on a person, on some tickets or on some journeys. */
export type ErasureScope =
  | {
      readonly kind: 'person';
      readonly tenant: TenantId;
      readonly customer: CustomerId;
      /** Addresses, numbers and other systems' ids. */
      readonly knownAs: readonly string[];
      /** What came later is of somebody new. */
      readonly until: Instant;
    }
  | { readonly kind: 'tickets'; readonly tenant: TenantId; readonly ids: readonly TicketId[] }
  | { readonly kind: 'journeys'; readonly tenant: TenantId; readonly ids: readonly string[] };

/** What is written instead: nothing, an empty text, list or object, or a text that says nothing and is still the row's own. */
export type Blank = 'null' | 'text' | 'list' | 'object' | 'own';

/**
 * Why a column stays as it is. `id`: names something, also a person by a number of ours; `enum`: a word of ours; `staff`: of people who work
 * here, or in their words about no one person; `settings`: of the tenant; `digest`: nothing can be read from it; `made`: made from others.
 */
type Reason = 'id' | 'enum' | 'staff' | 'settings' | 'digest' | 'made';

export interface TablePlan {
  readonly table: string;
  /** Which of its rows belong to what is erased; null: none. Absent: the table has nothing of customers. */
  readonly whose?: (scope: ErasureScope) => RawBuilder<boolean> | null;
  /** Its rows are deleted. */
  readonly remove?: true;
  readonly blank?: Readonly<Record<string, Blank>>;
  /** Written besides. */
  readonly set?: Readonly<Record<string, string | number>>;
  /** The row says since when its texts are gone. */
  readonly marked?: true;
  /** The column that names the row's file, which goes first. */
  readonly file?: string;
  readonly keep: { readonly [Why in Reason]?: readonly string[] };
}

const texts = (values: readonly string[]): RawBuilder<string[]> => sql`${[...values]}::text[]`;
const ticketsOf = (scope: ErasureScope, column: string): RawBuilder<boolean> | null =>
  scope.kind === 'tickets' ? sql<boolean>`${sql.ref(column)} = any(${texts(scope.ids)})` : null;
const journeysOf = (scope: ErasureScope, column: string): RawBuilder<boolean> | null =>
  scope.kind === 'journeys' ? sql<boolean>`${sql.ref(column)} = any(${texts(scope.ids)})` : null;

type PersonScope = Extract<ErasureScope, { kind: 'person' }>;

/** Under which ids other systems may speak of them. */
const namesOf = ({ customer, knownAs }: PersonScope): string[] => [customer, ...knownAs];

const byAuthor = ({ tenant, customer }: PersonScope): RawBuilder<unknown> =>
  sql`select c.id from content c where c.tenant_id = ${tenant} and c.author_kind = 'customer' and c.author_id = ${customer}`;

const theirTickets = ({ tenant, customer }: PersonScope): RawBuilder<unknown> =>
  sql`select t.id from ticket t where t.tenant_id = ${tenant} and t.requester_id = ${customer}`;

/** Ids of journeys about the person or about one of their tickets, with those that these started. */
export const theirJourneys = (scope: PersonScope): RawBuilder<unknown> => sql`
  with recursive mine as (
    select j.id from journey j where j.tenant_id = ${scope.tenant} and (
      (j.subject_type = 'customer' and j.subject_id = any(${texts(namesOf(scope))}))
      or (j.subject_type = 'ticket' and j.subject_id in (${theirTickets(scope)})))
    union
    select j.id from journey j join mine m on j.parent_id = m.id where j.tenant_id = ${scope.tenant}
  ) select mine.id from mine`;

/** Whether a column names them, one of their tickets or journeys, as the log does: `<type>/<id>`. */
const isAbout = (scope: PersonScope, column: string): RawBuilder<boolean> => {
  const subject = sql.ref(column);
  return sql<boolean>`(${subject} = any(${texts(namesOf(scope).map((id) => `customer/${id}`))})
    or (${subject} like 'ticket/%' and substr(${subject}, 8) in (${theirTickets(scope)}))
    or (${subject} like 'journey/%' and substr(${subject}, 9) in (${theirJourneys(scope)})))`;
};

/** Events from outside that are about them. */
const events = (scope: PersonScope): RawBuilder<boolean> => sql<boolean>`(${isAbout(scope, 'subject')}
  or customer_id = any(${texts(namesOf(scope))}) or ticket_id in (${theirTickets(scope)}) or journey_id in (${theirJourneys(scope)}))`;

/** Answers kept for repetitions name what they are about, and nothing else tells. */
function answers(scope: PersonScope): RawBuilder<boolean> {
  const said = sql`coalesce(body, '') || coalesce(headers::text, '')`;
  return sql<boolean>`status is not null and status <> 410 and (
    exists (select from unnest(${texts(namesOf(scope))}) name where position(name in ${said}) > 0)
    or exists (select from regexp_matches(${said}, '(TKT-[0-9A-Z]{8}|JRN-[0-9A-Z]{16})', 'g') found(id)
      where found.id[1] in (${theirTickets(scope)}) or found.id[1] in (${theirJourneys(scope)})))`;
}

/** Found at one look for the whole person, where no index leads to a ticket or a journey. */
const once =
  (whose: (scope: PersonScope) => RawBuilder<boolean>) =>
  (scope: ErasureScope): RawBuilder<boolean> | null =>
    scope.kind === 'person' ? whose(scope) : null;

/** In an order in which a table comes before those by which its rows are found. */
export const personalData: readonly TablePlan[] = [
  {
    table: 'attachment',
    whose: (scope) =>
      scope.kind === 'person'
        ? sql<boolean>`(created_by = ${`customer/${scope.customer}`} or content_id in (${byAuthor(scope)}))`
        : ticketsOf(scope, 'ticket_id'),
    file: 'storage_key',
    blank: { name: 'text' },
    set: { state: 'rejected' },
    marked: true,
    keep: { id: ['ticket_id', 'storage_key', 'created_by'], enum: ['type', 'state', 'visibility'], digest: ['sha256'] },
  },
  {
    table: 'content',
    whose: (scope) =>
      scope.kind === 'person'
        ? sql<boolean>`author_kind = 'customer' and author_id = ${scope.customer}`
        : (ticketsOf(scope, 'ticket_id') ?? journeysOf(scope, 'journey_id')),
    blank: { subject: 'null', body: 'null', html: 'null', data: 'null' },
    marked: true,
    keep: { id: ['ticket_id', 'journey_id', 'command_id'], enum: ['kind', 'visibility', 'author_kind', 'channel'] },
  },
  {
    table: 'inbound_message',
    whose: (scope) =>
      scope.kind === 'person'
        ? sql<boolean>`sender = any(${texts(scope.knownAs)}) and received_at <= ${toIso(scope.until)}::timestamptz`
        : ticketsOf(scope, 'ticket_id'),
    file: 'raw_key',
    blank: { sender: 'null', subject: 'null', detail: 'null', mail_id: 'null', external_id: 'own', release_reason: 'null' },
    marked: true,
    keep: { id: ['account', 'raw_key', 'product', 'ticket_id', 'released_by'], enum: ['channel', 'state', 'cause'] },
  },
  {
    table: 'delivery_attempt',
    whose: (scope) => {
      const theirs =
        scope.kind === 'person'
          ? sql`o.recipient_kind = 'customer' and o.recipient_id = ${scope.customer}`
          : ticketsOf(scope, 'o.ticket_id');
      return theirs === null
        ? null
        : sql<boolean>`outbound_id in (select o.id from outbound_message o where o.tenant_id = ${scope.tenant} and ${theirs})`;
    },
    blank: { provider_text: 'null' },
    keep: { enum: ['outcome', 'provider_code'] },
  },
  {
    table: 'ticket',
    whose: (scope) => ticketsOf(scope, 'id'),
    blank: { subject: 'null', description: 'null', tags: 'list', custom_fields: 'object' },
    marked: true,
    keep: {
      id: ['id', 'product', 'scope', 'copied', 'follow_up_of', 'state'],
      enum: ['status', 'priority', 'category', 'channel', 'sla_state', 'close_cause'],
      made: ['search'],
    },
  },
  {
    table: 'idempotency',
    whose: once(answers),
    blank: { body: 'null', headers: 'object' },
    set: { status: 410 },
    keep: { id: ['ticket_id'], digest: ['scope', 'request_hash'] },
  },
  {
    table: 'journey_dedupe',
    whose: once(
      (scope) => sql<boolean>`event_id in (select i.id from inbound_event i where i.tenant_id = ${scope.tenant} and ${events(scope)})`,
    ),
    remove: true,
    keep: {},
  },
  {
    table: 'inbound_event',
    whose: once(events),
    blank: { data: 'object', subject: 'null', customer_id: 'null', lead_id: 'null' },
    keep: { id: ['id', 'source', 'ticket_id', 'journey_id', 'actor'], enum: ['type', 'state'] },
  },
  {
    table: 'journey',
    whose: (scope) => journeysOf(scope, 'id'),
    blank: { context: 'object', input: 'object' },
    keep: {
      id: ['id', 'template_key', 'subject_id', 'entry_key', 'trigger_id', 'trigger_event_id', 'parent_id', 'run_id', 'requester'],
      enum: ['subject_type', 'status', 'result', 'outcome', 'stage', 'current_step', 'open_steps'],
      digest: ['template_hash'],
    },
  },
  {
    table: 'journey_visit',
    whose: (scope) => journeysOf(scope, 'journey_id'),
    blank: { output: 'null', late_result: 'null', incident_detail: 'null' },
    keep: {
      id: ['journey_id', 'step', 'item'],
      enum: ['state', 'stage', 'outcome', 'cause', 'incident_code', 'outcomes'],
      staff: ['people', 'roles', 'assignee'],
    },
  },
  {
    table: 'journey_action',
    whose: (scope) => journeysOf(scope, 'journey_id'),
    blank: { output: 'null', late_result: 'null' },
    keep: { id: ['dedupe_key', 'journey_id', 'step', 'item', 'recipient'], enum: ['action', 'effect', 'state', 'error'] },
  },
  {
    table: 'journey_incident',
    whose: (scope) => journeysOf(scope, 'journey_id'),
    blank: { detail: 'null' },
    keep: { id: ['journey_id', 'step', 'item'], enum: ['code', 'resolution'], staff: ['resolved_by'] },
  },
  {
    table: 'handoff',
    whose: (scope) => journeysOf(scope, 'journey_id'),
    blank: { data: 'object' },
    keep: {
      id: ['id', 'journey_id', 'step', 'run_id'],
      enum: ['state', 'from_package', 'to_package', 'mode', 'owner', 'missing', 'outcome', 'reason'],
      staff: ['assignee', 'people', 'roles'],
    },
  },
  {
    table: 'journey_subject',
    whose: (scope) =>
      scope.kind === 'person'
        ? sql<boolean>`type = 'customer' and id = any(${texts(namesOf(scope))})`
        : scope.kind === 'tickets'
          ? sql<boolean>`type = 'ticket' and id = any(${texts(scope.ids)})`
          : null,
    remove: true,
    keep: {},
  },
  {
    table: 'identity',
    whose: once(({ customer }) => sql<boolean>`owner_kind = 'customer' and owner_id = ${customer}`),
    remove: true,
    keep: {},
  },
  {
    table: 'api_key',
    whose: once(({ customer }) => sql<boolean>`owner_kind = 'customer' and owner_id = ${customer}`),
    blank: { name: 'null' },
    keep: { id: ['prefix', 'created_by'], enum: ['owner_kind', 'scopes', 'products'], settings: ['addresses'], digest: ['hash'] },
  },
  {
    table: 'webhook_attempt',
    whose: once(
      (scope) => sql<boolean>`delivery_id in (
        select d.id from webhook_delivery d where d.tenant_id = ${scope.tenant} and ${isAbout(scope, 'd.subject')})`,
    ),
    blank: { answer: 'null' },
    keep: { enum: ['outcome', 'code'] },
  },
  {
    table: 'customer_contact',
    whose: once(({ customer }) => sql<boolean>`customer_id = ${customer}`),
    remove: true,
    keep: {},
  },
  {
    table: 'customer',
    whose: once(({ customer }) => sql<boolean>`id = ${customer}`),
    blank: { name: 'null', external_id: 'null', tier: 'null' },
    keep: {},
  },
  // Names of the person stand there while the erasure runs; the statement that ends it takes them away.
  {
    table: 'erasure',
    keep: { id: ['known_as', 'counts'], enum: ['state'], staff: ['requested_by', 'confirmed_by', 'withdrawn_by'], digest: ['report_hash'] },
  },

  // Ids, enums, numbers and instants alone.
  {
    table: 'event',
    keep: {
      id: ['subject', 'actor', 'command_id', 'run_id', 'journey_id', 'entity', 'data', 'product'],
      enum: ['type', 'role', 'source', 'routing'],
      digest: ['digest'],
    },
  },
  {
    table: 'outbound_message',
    keep: {
      id: ['dedupe_key', 'ticket_id', 'message', 'message_id', 'provider_id'],
      enum: ['template', 'channel', 'state', 'reason', 'delivery', 'error_code', 'recipient_kind'],
    },
  },
  { table: 'notice', keep: { id: ['ticket_id', 'message', 'clock', 'about'] } },
  {
    table: 'escalation',
    keep: {
      id: ['ticket_id', 'product', 'clock', 'rung', 'state'],
      enum: ['to_kind', 'status', 'outcome'],
      staff: ['raised_by', 'acknowledged_by', 'resolved_by'],
    },
  },
  {
    table: 'sla_clock',
    keep: {
      id: ['ticket_id', 'clock', 'product', 'policy', 'calendar_id', 'state'],
      enum: ['kind', 'phase', 'causes', 'breach_cause', 'reason'],
    },
  },
  { table: 'sla_segment', keep: { id: ['ticket_id', 'clock', 'calendar_id'], enum: ['state', 'causes'] } },
  { table: 'sla_rung', keep: { id: ['ticket_id', 'clock', 'rung', 'message'], enum: ['outcome'] } },
  { table: 'sla_reprojection', keep: { enum: ['state'], staff: ['started_by'] } },
  { table: 'sla_reprojection_ticket', keep: { id: ['ticket_id', 'before'], enum: ['outcome', 'code'] } },
  {
    table: 'journey_entry',
    keep: {
      id: ['template_key', 'trigger_id', 'event_id', 'subject_id', 'entry_key', 'journey_id', 'actor'],
      enum: ['subject_type', 'result', 'reason', 'detail'],
    },
  },
  { table: 'journey_goal', keep: { id: ['journey_id', 'goal', 'event_id'] } },
  { table: 'journey_trigger_state', keep: { id: ['template_key', 'trigger_id', 'subject_id'], enum: ['subject_type'] } },
  {
    table: 'approval',
    keep: {
      id: ['id', 'journey_id', 'handoff_id', 'step'],
      enum: ['outcome', 'cause'],
      staff: ['requester', 'earlier_voters', 'eligible', 'voters', 'delegations', 'escalations'],
      digest: ['evidence_hash'],
    },
  },
  { table: 'approval_vote', keep: { id: ['approval_id'], enum: ['decision'], staff: ['by', 'on_behalf_of'] } },
  {
    table: 'bulk_job',
    keep: { enum: ['target', 'verb', 'state'], staff: ['args', 'filter', 'reason', 'comment', 'actor', 'role', 'roles'] },
  },
  { table: 'bulk_item', keep: { id: ['ref', 'step', 'item'], enum: ['outcome', 'code'] } },
  {
    table: 'audit',
    keep: { id: ['actor', 'acting_for', 'subject', 'request_id', 'changes'], enum: ['source', 'action'], digest: ['prev_hash', 'hash'] },
  },
  { table: 'audit_chain', keep: { digest: ['hash', 'cut_hash'] } },
  { table: 'webhook_delivery', keep: { id: ['subject'], enum: ['type', 'state', 'reason'] } },
  { table: 'webhook_replay', keep: { enum: ['types', 'state'], staff: ['started_by'] } },
  { table: 'webhook_cursor', keep: {} },
  { table: 'hook_receipt', keep: { id: ['id'], enum: ['provider', 'code'] } },
  { table: 'request_count', keep: { digest: ['name'] } },
  { table: 'stream_event', keep: {} },
  { table: 'stream_head', keep: {} },
  { table: 'retention_sweep', keep: { id: ['counts'] } },

  // Of the tenant and of those who work there.
  { table: 'tenant', keep: { settings: ['key', 'name', 'settings'] } },
  { table: 'product', keep: { settings: ['key', 'name', 'settings'] } },
  { table: 'hook', keep: { settings: ['name', 'description', 'provider', 'secret', 'old_secret'], staff: ['created_by'] } },
  { table: 'team', keep: { settings: ['key', 'name', 'calendar_id'] } },
  { table: 'team_member', keep: {} },
  { table: 'agent', keep: { staff: ['name', 'email', 'phone', 'role', 'products'] } },
  { table: 'service_account', keep: { settings: ['name', 'scopes', 'products'] } },
  {
    table: 'identity_provider',
    keep: { settings: ['name', 'issuer', 'audience', 'algorithms', 'jwks_uri', 'token_type', 'people'] },
  },
  {
    table: 'webhook_endpoint',
    keep: {
      settings: ['url', 'types', 'product', 'description', 'secret', 'old_secret'],
      enum: ['state', 'cause', 'told'],
      staff: ['created_by'],
    },
  },
  { table: 'request_limits', keep: { settings: ['limits'] } },
  { table: 'sla_calendar', keep: { settings: ['id', 'name'] } },
  { table: 'sla_calendar_revision', keep: { settings: ['calendar_id', 'body'], staff: ['created_by'] } },
  { table: 'sla_policy_set', keep: { settings: ['policies', 'mode'], staff: ['created_by'] } },
  {
    table: 'journey_template',
    keep: { settings: ['key', 'name', 'category', 'document'], staff: ['editors', 'updated_by'], digest: ['hash'] },
  },
  {
    table: 'journey_template_version',
    keep: { settings: ['key', 'name', 'document', 'compiled', 'mode', 'status'], staff: ['published_by'], digest: ['hash'] },
  },
];
