import type { Action } from './action.js';
import type { Tickets } from './ports.js';

/** `ticket.assign@1`. */
export const assignTicket: Action<Tickets> = (input, { tenant, port, key, signal }) => port.assign(tenant, input, { key, signal });
