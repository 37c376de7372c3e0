/** What a ticket is, while its workflow owns it: ids, enums, numbers and instants; texts by the id of the content row that holds them. */
import type { AgentId, ContentId, CustomerId, ProductKey, TeamId, TenantId, TicketId } from '../ids.js';
import { noSla } from '../sla/summary.js';
import type { SlaSummary } from '../sla/summary.js';
import type { Instant } from '../time.js';
import type { Escalation } from './escalation.js';
import type { Channel, DirectCloseCause, Priority, TicketStatus } from './status.js';

/** The product's settings a ticket keeps from the moment it opens, so that a later change never moves what is running. */
export interface TicketSettings {
  /** How long a resolved ticket may be reopened, in seconds. */
  readonly reopenWindowS: number;
  /** Which mails the customer gets. */
  readonly mail: { readonly acknowledgement: boolean; readonly reply: boolean; readonly resolved: boolean };
}

/** Which content row holds each text. */
export interface TicketTexts {
  readonly subject: ContentId;
  readonly description: ContentId;
  readonly tags: ContentId;
  readonly customFields: ContentId;
}

export interface TicketLinks {
  readonly followUpOf: TicketId | null;
}

export interface Ticket {
  readonly tenant: TenantId;
  readonly id: TicketId;
  readonly product: ProductKey;
  /** The create request's scope; another `open` under the same number but another scope is refused. */
  readonly scope: string;
  readonly status: TicketStatus;
  readonly priority: Priority;
  readonly category: string | null;
  readonly channel: Channel;
  readonly requester: CustomerId;
  /** People besides the requester who take part by mail. */
  readonly copied: readonly CustomerId[];
  readonly assignee: AgentId | null;
  readonly team: TeamId | null;
  readonly texts: TicketTexts;
  readonly links: TicketLinks;
  readonly settings: TicketSettings;
  /** Counts every event; equals the sequence number of the last one. */
  readonly version: number;
  /** Resolution cycle: 1, and one more with each reopening. */
  readonly cycle: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  readonly firstResponseAt: Instant | null;
  readonly resolvedAt: Instant | null;
  readonly closedAt: Instant | null;
  /** End of the reopen window; null unless resolved. */
  readonly reopenUntil: Instant | null;
  /** When waiting or holding ends by itself; null: not at all. */
  readonly waitUntil: Instant | null;
  readonly closeCause: 'customer' | 'staff' | 'window' | 'cancelled' | DirectCloseCause | null;
  readonly removedAt: Instant | null;
  /** The last public message of either side. */
  readonly lastPublicMessage: ContentId | null;
  /** Reopenings by mail of the last day, oldest first. */
  readonly mailReopens: readonly Instant[];
  /** Open ones, and the last of those closed. */
  readonly escalations: readonly Escalation[];
  readonly sla: SlaSummary;
}

/** A ticket as an older release left it, with what has been added since. */
export const upToDate = (ticket: Ticket): Ticket => ({ ...newcomer, ...ticket });

const newcomer = { escalations: [], sla: noSla } satisfies Partial<Ticket>;

export const isClosed = (ticket: Ticket): boolean => ticket.status === 'closed';

/** Most people besides the requester on one ticket. */
export const maxCopied = 20;
