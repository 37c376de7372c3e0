/** Names that are made, never invented: the same visit gets the same ones in every run. */
import type { VisitKey } from './visit.js';

export const visitKey = (step: string, visit: number, item: string | null): VisitKey =>
  item === null ? `${step}.${visit}` : `${step}.${visit}.${item}`;

/** `<journey>.<step>.<visit>`: handoffs and approvals are known by it. */
export const publicId = (journeyId: string, key: VisitKey): string => `${journeyId}.${key}`;

/** The step's name of a handoff that nobody gave one; no step begins with `_`. */
export const namelessStep = '_extra';

/** `ann` of `user/ann`; people of the directory go by it. */
export const personOf = (actor: string): string => actor.slice(actor.indexOf('/') + 1);

/** The person who started a journey, as the directory knows them; null: nobody did. */
export const requesterOf = ({ requester }: { readonly requester: string | null }): string | null =>
  requester === null ? null : personOf(requester);
