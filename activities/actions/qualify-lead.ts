import type { Action } from './action.js';
import type { Crm } from './ports.js';

/** `crm.qualify_lead@1`. A score that came with the lead is recorded, and kept whatever the CRM makes of it. */
export const qualifyLead: Action<Crm> = async (input, { port, key, signal }) => {
  const answer = await port.qualifyLead(input, { key, signal });
  const supplied = input['leadScore'] ?? input['qualificationScore'];
  return supplied === undefined ? answer : { ...answer, score: supplied };
};
