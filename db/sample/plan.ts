/** How large a sample desk is, and the ids of what belongs to it: the same for the same size, so that a second run finds the first. */
import { asAgentId, asContentId, asCustomerId, asTeamId, ticketIdFrom } from '../../domain/ids.js';
import type { AgentId, ContentId, CustomerId, TeamId, TicketId } from '../../domain/ids.js';

export const sizes = {
  small: { tickets: 10, open: 6, customers: 8, agents: 5, teams: 2 },
  medium: { tickets: 10_000, open: 500, customers: 2_000, agents: 50, teams: 8 },
  large: { tickets: 100_000, open: 5_000, customers: 20_000, agents: 200, teams: 20 },
} as const satisfies Record<string, SampleSize>;
export type SizeName = keyof typeof sizes;

export interface SampleSize {
  readonly tickets: number;
  /** Of them; the newest. */
  readonly open: number;
  readonly customers: number;
  readonly agents: number;
  readonly teams: number;
}

/** Mails nobody: its customers do not exist. */
export const sampleProduct = 'sample';

const kinds = { agent: 1, customer: 2, team: 3, content: 4, event: 5 } as const;

const idOf = (kind: keyof typeof kinds, number: number): string =>
  `5a3b1e0${kinds[kind]}-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;

export const agentOf = (number: number): AgentId => asAgentId(idOf('agent', number));
export const customerOf = (number: number): CustomerId => asCustomerId(idOf('customer', number));
export const teamOf = (number: number): TeamId => asTeamId(idOf('team', number));

/** A ticket has far fewer texts and events than that. */
const mostPerTicket = 64;
export const contentOf = (ticket: number, number: number): ContentId => asContentId(idOf('content', ticket * mostPerTicket + number));
export const eventOf = (ticket: number, number: number): string => idOf('event', ticket * mostPerTicket + number);

const bits = 1n << 40n;
/** Odd, so that no two numbers are scattered to the same place. */
const scatter = 0x9e_37_79_b9_7fn;

/** Ticket numbers in no visible order, like those the API gives. */
export function ticketOf(number: number): TicketId {
  const scattered = (BigInt(number + 1) * scatter) % bits;
  return ticketIdFrom(Buffer.from(scattered.toString(16).padStart(10, '0'), 'hex'));
}
