import type { Action } from './action.js';
import type { BusinessLogic } from './ports.js';

/** `service.analyze_usage@1`. */
export const analyzeUsage: Action<BusinessLogic> = (input, { port, key, signal }) => port.analyzeUsage(input, { key, signal });
