import type { Action } from './action.js';
import type { Billing } from './ports.js';

/** `billing.charge@1`. */
export const charge: Action<Billing> = (input, { port, key, signal }) => port.charge(input, { key, signal });
