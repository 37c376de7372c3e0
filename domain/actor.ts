/** Who did it: written `user/<id>`, `customer/<id>`, `service/<id>`, `key/<id>` or `system/<name>`. */
import { uuidPattern } from './ids.js';

export const roles = ['customer', 'agent', 'lead', 'admin', 'service', 'operator', 'system'] as const;
/** What the actor acted as; a command sent by hand from the Temporal Web UI names none and counts as `operator`. */
export type Role = (typeof roles)[number];

export const actorPattern = /^(user|customer|service|key|system)\/[A-Za-z0-9._-]{1,64}$/;
export type Actor = string;

/** Where a command came from. */
export const sources = ['api', 'mail', 'operator', 'system'] as const;
export type Source = (typeof sources)[number];

/** What the audit is told of a command besides who sent it. */
export interface Origin {
  /** The request it came with. */
  readonly requestId?: string;
  /** The customer its sender acts for. */
  readonly actingFor?: Actor;
  /** The content row that says why. */
  readonly reason?: string;
}

/** Fields in which commands carry the text that says why, some of them a code instead. */
interface Said extends Origin {
  readonly comment?: string;
  readonly resolution?: string;
  readonly text?: string;
}

/** That of a command; of several texts the one that says why. */
export function originOf({ requestId, actingFor, reason, comment, resolution, text }: Said): Origin {
  const why = [reason, comment, resolution, text].find((id) => id !== undefined && uuidPattern.test(id));
  return {
    ...(requestId === undefined ? {} : { requestId }),
    ...(actingFor === undefined ? {} : { actingFor }),
    ...(why === undefined ? {} : { reason: why }),
  };
}
