/** Which ticket a mail belongs to, and what becomes of it. A ticket number in subject or body proves nothing. Source: service-desk.md, section 3; security.md, T17. */
import type { TicketId } from '../ids.js';
import { messageIdsIn, valuesOf } from './headers.js';
import type { Header } from './headers.js';

/** The Message-IDs a mail quotes, the best clue first: In-Reply-To, then References from the last to the first; each once, at most 100. */
export function quotedIds(headers: readonly Header[]): string[] {
  const answered = valuesOf(headers, 'in-reply-to').flatMap(messageIdsIn);
  const before = valuesOf(headers, 'references').flatMap(messageIdsIn).toReversed();
  return [...new Set([...answered, ...before])].slice(0, 100);
}

/** What can be looked up about a mail. */
export interface Clues {
  readonly quoted: readonly string[];
  /** The ticket of a Message-ID that bears our signature. */
  readonly signed: (messageId: string) => TicketId | null;
  /** Tickets of Message-IDs we have stored, ours or others'. */
  readonly stored: ReadonlyMap<string, TicketId>;
  /** Ticket of an answer address whose token is right. */
  readonly reply: TicketId | null;
}

/** The ticket a mail answers, first hit: a Message-ID we signed, one we have stored, the answer address; null: none. */
export function findThread({ quoted, signed, stored, reply }: Clues): TicketId | null {
  for (const messageId of quoted) {
    const ticket = signed(messageId);
    if (ticket !== null) return ticket;
  }
  for (const messageId of quoted) {
    const ticket = stored.get(messageId);
    if (ticket !== undefined) return ticket;
  }
  return reply;
}

export const quarantineCauses = [
  'too_large',
  'unparsable',
  'not_participant',
  'sender_blocked',
  'auth_failed',
  'loop_suspected',
  'malware',
] as const;
export type QuarantineCause = (typeof quarantineCauses)[number];

export interface RouteFacts {
  /** Nobody wrote it. */
  readonly auto: boolean;
  /** A person looked at it and let it through. */
  readonly released: boolean;
  readonly thread: {
    readonly ticket: TicketId;
    readonly sender: 'participant' | 'agent' | 'stranger';
    readonly strangers: 'new_ticket' | 'quarantine';
  } | null;
}

export type Route =
  | { readonly kind: 'receive'; readonly ticket: TicketId }
  | { readonly kind: 'open'; readonly followUpOf: TicketId | null }
  | { readonly kind: 'quarantine'; readonly cause: QuarantineCause };

/**
 * What becomes of a mail. Only a participant writes into a ticket; a released stranger opens one that is linked, because a release
 * says that the mail is harmless, not who sent it. An agent's mail counts as a stranger's: nothing authenticates its sender.
 */
export function routeMail({ auto, released, thread }: RouteFacts): Route {
  if (thread?.sender === 'participant') return { kind: 'receive', ticket: thread.ticket };
  if (auto && !released) return { kind: 'quarantine', cause: 'loop_suspected' };
  if (thread === null) return { kind: 'open', followUpOf: null };
  const held = thread.sender === 'agent' || thread.strangers === 'quarantine';
  return held && !released ? { kind: 'quarantine', cause: 'not_participant' } : { kind: 'open', followUpOf: thread.ticket };
}

/** What becomes of a participant's mail whose ticket is closed: a follow-up; automatic mail never starts anything. */
export const routeClosed = ({ auto, released }: Pick<RouteFacts, 'auto' | 'released'>, ticket: TicketId): Route =>
  auto && !released ? { kind: 'quarantine', cause: 'loop_suspected' } : { kind: 'open', followUpOf: ticket };
