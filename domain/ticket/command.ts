/**
 * The commands of a ticket: the verb of the API in camelCase is the Update's name and the `kind` here.
 * Fields only grow; texts travel as the id of a content row that exists already.
 */
import type { Actor, Origin, Role, Source } from '../actor.js';
import type { AgentId, ContentId, CustomerId, ProductKey, TeamId, TenantId, TicketId } from '../ids.js';
import type { Instant } from '../time.js';
import type { EscalationOutcome, EscalationTarget } from './escalation.js';
import type { Channel, DirectCloseCause, OpenStatus, Priority, TicketStatus } from './status.js';
import type { TicketSettings } from './ticket.js';

/** What every command carries besides its own fields. */
export interface Envelope extends Omit<Origin, 'reason'> {
  /** The same id again gets the first answer. */
  readonly commandId: string;
  readonly actor: Actor;
  readonly role: Role;
  readonly source: Source;
  /** Refuse with `version_mismatch` unless the ticket is at this version. */
  readonly expectedVersion?: number;
  /** When its channel received it (mail gateway, API); now when absent. The clocks count it from then, however late it got here. */
  readonly receivedAt?: Instant;
}

export interface OpenFields {
  readonly tenant: TenantId;
  readonly ticketId: TicketId;
  readonly scope: string;
  readonly product: ProductKey;
  readonly channel: Channel;
  readonly priority: Priority;
  readonly category: string | null;
  readonly requester: CustomerId;
  readonly copied: readonly CustomerId[];
  /** Holds subject, description, tags and custom fields. */
  readonly content: ContentId;
  readonly team?: TeamId;
  /** Initial status, by staff only; `new` when absent. */
  readonly status?: OpenStatus;
  readonly settings: TicketSettings;
  /** Opened by automatic mail: no answer goes out. */
  readonly auto?: boolean;
  readonly followUpOf?: TicketId;
  /** Service levels: the policy set it is pinned to. */
  readonly sla?: { readonly set: number };
}

/** Texts of a ticket that can be edited. */
export const textFields = ['subject', 'tags', 'customFields'] as const;
export type TextField = (typeof textFields)[number];

export interface EditFields {
  /** Holds the new texts that `changed` names. */
  readonly fields?: ContentId;
  readonly changed?: readonly TextField[];
  readonly category?: string | null;
  readonly priority?: Priority;
  readonly team?: TeamId | null;
  readonly assignee?: AgentId | null;
  readonly status?: TicketStatus;
  readonly until?: Instant;
  readonly reason?: ContentId;
}

export interface ReplyFields {
  readonly content: ContentId;
  /** Recipients; the requester and everyone copied when absent. */
  readonly to?: readonly CustomerId[];
  readonly then?: 'waiting_on_customer' | 'resolved';
  /** The last public message its author had seen. */
  readonly basedOn?: ContentId;
  readonly force?: boolean;
}

export interface CommandFields {
  readonly open: OpenFields;
  readonly reply: ReplyFields;
  readonly receive: {
    readonly content: ContentId;
    readonly author: CustomerId;
    readonly auto?: boolean;
    readonly copied?: readonly CustomerId[];
  };
  readonly note: { readonly content: ContentId };
  readonly edit: EditFields;
  readonly assign: { readonly agent?: AgentId; readonly team?: TeamId; readonly ifUnassigned?: boolean; readonly reason?: ContentId };
  readonly claim: { readonly agent: AgentId };
  readonly unassign: { readonly reason?: ContentId };
  readonly priority: {
    readonly priority: Priority;
    readonly reason?: ContentId;
    /** The ladder raised it: the clocks' targets stay. */
    readonly keepTargets?: boolean;
  };
  readonly start: { readonly reason?: ContentId; readonly cause?: 'until' };
  readonly awaitCustomer: { readonly until?: Instant; readonly reason?: ContentId };
  readonly hold: { readonly until?: Instant; readonly reason?: ContentId };
  readonly resolve: { readonly resolution?: ContentId };
  readonly reopen: { readonly reason?: ContentId };
  readonly close: { readonly cause?: DirectCloseCause | 'window' | 'cancelled'; readonly reason?: ContentId };
  readonly remove: { readonly reason?: ContentId };
  readonly restore: { readonly reason?: ContentId };
  /** By a customer it only asks. */
  readonly escalate: {
    readonly to?: EscalationTarget;
    readonly level?: number;
    readonly reason?: ContentId;
    readonly takeOver?: boolean;
    /** Open seconds within which somebody must acknowledge; no window when absent. */
    readonly ackWithinS?: number;
  };
  /** `agent`: who acknowledges, and gets the ticket if it is taken over. */
  readonly acknowledgeEscalation: { readonly escalation: number; readonly agent?: AgentId; readonly takeOver?: boolean };
  readonly resolveEscalation: { readonly escalation: number; readonly outcome: EscalationOutcome; readonly text: ContentId };
  readonly sendBackEscalation: { readonly escalation: number; readonly reason: ContentId };
  readonly withdrawEscalation: { readonly escalation: number };
  readonly closeEscalation: { readonly escalation: number };
  readonly pauseClocks: { readonly reason?: ContentId };
  readonly resumeClocks: { readonly reason?: ContentId };
  readonly overrideTarget: { readonly clock: string; readonly budgetS: number; readonly reason?: ContentId };
  readonly waive: { readonly clock: string; readonly reason?: ContentId };
  /** Asks for the policy again, by a newer set: a published revision reaches open tickets this way. */
  readonly replan: { readonly set: number };
  /** Told by the ticket's own deliveries, never by a caller. */
  readonly deliveryEnded: { readonly message: string; readonly outcome: 'failed' | 'unknown' };
}

export type CommandKind = keyof CommandFields;
export type Command<Kind extends CommandKind> = { readonly kind: Kind } & Envelope & CommandFields[Kind];
export type TicketCommand = { [Kind in CommandKind]: Command<Kind> }[CommandKind];

/** The verbs callers and operators may send, in the order they are documented. */
export const verbs = [
  'open',
  'reply',
  'receive',
  'note',
  'edit',
  'assign',
  'claim',
  'unassign',
  'priority',
  'start',
  'awaitCustomer',
  'hold',
  'resolve',
  'reopen',
  'close',
  'remove',
  'restore',
  'escalate',
  'acknowledgeEscalation',
  'resolveEscalation',
  'sendBackEscalation',
  'withdrawEscalation',
  'closeEscalation',
  'pauseClocks',
  'resumeClocks',
  'overrideTarget',
  'waive',
  'replan',
] as const satisfies readonly CommandKind[];
export type Verb = (typeof verbs)[number];
