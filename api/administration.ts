/** What routes of administrators share: who did it, at which revision, and that everybody hears of it. */
import type { AdminDoer } from '../db/queries/admin-log.js';
import type { Accountable } from '../db/queries/audit.js';
import { isTaken } from '../db/queries/errors.js';
import type { Caller, Reader } from './caller.js';
import { Refusal } from './errors.js';

export const doerOf = (caller: Caller): AdminDoer => {
  const { principal, commandId } = caller;
  return { ...accountable(caller), role: principal.role, commandId };
};

/** Who answers for what a request does. */
export const accountable = ({ principal: { tenant, actor, actingFor }, requestId }: Reader): Accountable => ({
  tenant,
  actor,
  requestId,
  source: 'api',
  ...(actingFor === null ? {} : { actingFor: `customer/${actingFor}` }),
});

/** @throws Refusal `version_required`, `version_mismatch` */
export function assertRevision({ expected }: Caller, present: number): void {
  if (expected === null) throw new Refusal('version_required');
  if (expected !== present) throw new Refusal('version_mismatch', { members: { current: present } });
}

export const etagOf = ({ revision }: { readonly revision: number }): string => `"${revision}"`;

/** @throws Refusal `already_exists` where a unique violation says so */
export async function unlessTaken<T>(pointer: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isTaken(error)) throw new Refusal('already_exists', { members: { pointer } });
    throw error;
  }
}

/** Makes whoever is asked next forget what they remembered, also when the change was late: it may have happened. */
export async function telling<T>(forget: () => void, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } finally {
    forget();
  }
}
