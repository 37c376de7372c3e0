import type { Action } from './action.js';
import type { BusinessLogic } from './ports.js';

/** `service.test@1`. A service that fails its test is an answer, not an error. */
export const testService: Action<BusinessLogic> = (input, { port, key, signal }) => port.testService(input, { key, signal });
