/** Who did it: written `user/<id>`, `customer/<id>`, `service/<id>`, `key/<id>` or `system/<name>`. */

export const roles = ['customer', 'agent', 'lead', 'admin', 'service', 'operator', 'system'] as const;
/** What the actor acted as; a command sent by hand from the Temporal Web UI names none and counts as `operator`. */
export type Role = (typeof roles)[number];

export const actorPattern = /^(user|customer|service|key|system)\/[A-Za-z0-9._-]{1,64}$/;
export type Actor = string;

/** Where a command came from. */
export const sources = ['api', 'mail', 'operator', 'system'] as const;
export type Source = (typeof sources)[number];
