import type { Action } from './action.js';
import type { Billing } from './ports.js';

/** `billing.refund@1`. */
export const refund: Action<Billing> = (input, { port, key, signal }) => port.refund(input, { key, signal });
