import type { Action } from './action.js';
import type { Crm } from './ports.js';

/** `crm.recommend_plan@1`. */
export const recommendPlan: Action<Crm> = (input, { port, key, signal }) => port.recommendPlan(input, { key, signal });
