/** What the audit keeps of a change: who, for whom, from where, by which request, and what of it is no text. Source: security.md, sections 6 and 7. */
import type { Origin } from '../actor.js';
import type { Json, JsonObject } from '../journey/json.js';

export const auditSources = ['api', 'operator', 'worker', 'mail', 'cli'] as const;
export type AuditSource = (typeof auditSources)[number];

/** One line, ready to be stored. */
export interface AuditEntry {
  readonly id: string;
  /** ISO 8601; null: when it is stored. */
  readonly at: string | null;
  readonly actor: string;
  readonly actingFor: string | null;
  readonly source: AuditSource;
  readonly action: string;
  /** `<kind>/<id>`. */
  readonly subject: string;
  readonly changes: Json;
  /** The content row that says why. */
  readonly reason: string | null;
  readonly requestId: string | null;
}

/** Who is behind a change, as commands name it. */
export interface Told {
  readonly role: string;
  readonly source: string;
}

/** What the log calls `system` is done by workers; whatever acts as an operator counts as one. */
export function auditSourceOf({ role, source }: Told): AuditSource {
  if (role === 'operator') return 'operator';
  return auditSources.find((known) => known === source) ?? 'worker';
}

/** A line of the event log, with the command that led to it. */
export interface LoggedChange extends Told, Origin {
  readonly id: string;
  readonly seq: number;
  readonly type: string;
  /** ISO 8601. */
  readonly at: string;
  readonly actor: string;
  readonly commandId: string;
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * One line of the audit for each command, from the lines of the event log it led to.
 *
 * @param subject `ticket/…`, `journey/…`, `handoff/…`
 * @param lines of one subject, in order
 */
export function auditEntries(subject: string, lines: readonly LoggedChange[]): AuditEntry[] {
  const commands: LoggedChange[][] = [];
  for (const line of lines) {
    const last = commands.at(-1);
    if (last?.[0]?.commandId === line.commandId) last.push(line);
    else commands.push([line]);
  }
  const area = subject.slice(0, subject.indexOf('/'));
  return commands.flatMap(([first, ...more]) => {
    if (first === undefined) return [];
    const { id, at, actor, kind, actingFor = null, reason = null, requestId = null } = first;
    const events = [first, ...more].map(({ seq, type, data }) => ({ seq, type, ...some(keptOf(data)) }));
    const action = `${area}.${kind}`;
    return [{ id, at, actor, actingFor, source: auditSourceOf(first), action, subject, changes: { events }, reason, requestId }];
  });
}

const some = (data: JsonObject): { readonly data?: JsonObject } => (Object.keys(data).length === 0 ? {} : { data });

/**
 * Members that hold ids, enumerations, instants, numbers or names of fields and steps, whatever the event. A member that is not here is not kept:
 * who adds one has made sure that nobody types it.
 */
const members: ReadonlySet<string> = new Set(
  `product status priority category channel requester team followUpOf auto author to toId from fromTeam assignee resolution changed priorityFrom
  priorityTo policySet until cause cycle held outcome escalation level takeOver by policy set revision mode stored clock instance rung budgetS
  consumedS remainingS dueAt at startAt target phase calendar step visit result stage template version templateVersion entry trigger goal deadlines
  freezeTasks pausedMs shiftMs decision voter delegate quorum owner attempt attempts attemptsLeft state role products teams active count scopes
  successor replaces overlapHours expiresAt permission code first last total removed texts answers previews visibility target verb control size
  kind type rate files rows deleted provider attachment message ticket outbound erasure rawMailDays closedTicketDays journeyEntryDays webhookDays
  auditDays content inbound_message journey_entry webhook_delivery webhook_attempt webhook_replay webhook_endpoint`
    .split(/\s+/)
    .filter((name) => name !== ''),
);

/** A word without spaces: an id, an enumeration, an instant, a name of a field. A mail address is none of these. */
const word = /^[\w.:/#*+-]{1,128}$/;
const mostItems = 50;

/** What of an event's data the audit keeps. */
export function keptOf(data: Readonly<Record<string, unknown>>, depth = 0): JsonObject {
  const kept: Record<string, Json> = {};
  for (const [name, value] of Object.entries(data)) {
    const plain = members.has(name) ? plainOf(value, depth) : undefined;
    if (plain !== undefined) kept[name] = plain;
  }
  return kept;
}

function plainOf(value: unknown, depth: number): Json | undefined {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'string') return word.test(value) ? value : undefined;
  if (typeof value !== 'object' || depth > 0) return undefined;
  if (!Array.isArray(value)) return keptOf({ ...value }, depth + 1);
  const items = value.slice(0, mostItems).map((item) => plainOf(item, depth + 1));
  return items.flatMap((item) => (item === undefined ? [] : [item]));
}
