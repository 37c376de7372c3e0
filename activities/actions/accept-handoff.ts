import type { Action } from './action.js';
import type { HandoffReceiver } from './ports.js';

/** `<package>.accept_handoff@1`: what an automatic handoff does at the package that receives it. Source: journeys.md, section 8. */
export const acceptHandoff: Action<HandoffReceiver> = (input, { port, key, signal }) => port.acceptHandoff(input, { key, signal });
