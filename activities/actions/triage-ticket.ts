import type { Action } from './action.js';
import type { Tickets } from './ports.js';

/** `ticket.triage@1`. */
export const triageTicket: Action<Tickets> = (input, { tenant, port, key, signal }) => port.triage(tenant, input, { key, signal });
