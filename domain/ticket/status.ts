/** The ticket's enumerations and the one table of legal moves. Source: service-desk.md, section 1. */

export const ticketStatuses = ['new', 'in_progress', 'waiting_on_customer', 'on_hold', 'resolved', 'closed'] as const;
export type TicketStatus = (typeof ticketStatuses)[number];

/** Statuses in which somebody still works, or waits, on the ticket. */
export const openStatuses = ['new', 'in_progress', 'waiting_on_customer', 'on_hold'] as const satisfies readonly TicketStatus[];
export type OpenStatus = (typeof openStatuses)[number];

export const priorities = ['low', 'medium', 'high', 'urgent'] as const;
export type Priority = (typeof priorities)[number];

export const channels = ['email', 'chat', 'phone', 'sms', 'social', 'in_app', 'web', 'api'] as const;
export type Channel = (typeof channels)[number];

/** Causes for which a ticket closes at once, from any status. */
export const directCloseCauses = ['merged', 'spam', 'erased'] as const;
export type DirectCloseCause = (typeof directCloseCauses)[number];

/** From → to, without the direct close; a new status does not compile until it has its row. */
export const moves: Readonly<Record<TicketStatus, readonly TicketStatus[]>> = {
  new: ['in_progress', 'waiting_on_customer', 'on_hold', 'resolved'],
  in_progress: ['waiting_on_customer', 'on_hold', 'resolved'],
  waiting_on_customer: ['in_progress', 'on_hold', 'resolved'],
  on_hold: ['in_progress', 'waiting_on_customer', 'resolved'],
  resolved: ['in_progress', 'closed'],
  closed: [],
};

/** Whether the table allows the move; staying where one is needs no leave and is not asked here. */
export const mayMove = (from: TicketStatus, to: TicketStatus): boolean => moves[from].includes(to);
