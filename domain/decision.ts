/** A rule answers with a decision; throwing is for bugs. */

/** Codes of refusals by ticket rules. A code never changes its meaning. Source: api.md, section 4. */
export const ticketCodes = [
  'invalid_request',
  'forbidden',
  'version_mismatch',
  'ticket.not_found',
  'ticket.illegal_move',
  'ticket.closed',
  'ticket.not_closed',
  'ticket.stale_reply',
  'ticket.already_assigned',
  'ticket.id_taken',
  'ticket.restore_expired',
  'escalation.not_found',
  'escalation.illegal_move',
  'sla.unknown_clock',
] as const;
export type TicketCode = (typeof ticketCodes)[number];

/** What a refusal tells besides its code: enums, ids, numbers; no free text. */
export type Members = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export interface Refused<Code extends string = string> {
  readonly ok: false;
  readonly code: Code;
  readonly members: Members;
}

export interface Accepted<State, Event> {
  readonly ok: true;
  readonly state: State;
  /** In order; empty when the command changes nothing. */
  readonly events: readonly Event[];
}

export type Decision<State, Event, Code extends string = string> = Accepted<State, Event> | Refused<Code>;

export const refused = <Code extends string>(code: Code, members: Members = {}): Refused<Code> => ({ ok: false, code, members });
