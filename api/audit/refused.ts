import type { Context } from 'hono';
import type { Principal } from '../../domain/access/principal.js';
import { accountable } from '../administration.js';
import { readerOf } from '../caller.js';
import type { Env } from '../caller.js';
import type { Refusal } from '../errors.js';
import { problemKind } from '../problems.js';

/** Tells the audit of a refusal for want of a right; of the others the log is enough. */
export function noteRefusal(c: Context<Env>, { code, details }: Refusal): void {
  // It may have come before anybody knew who asks.
  const principal: Principal | undefined = c.var.principal;
  if (principal === undefined || problemKind(code).status !== 403) return;
  const permission = details.members?.['permission'];
  const subject = `permission/${typeof permission === 'string' ? permission : code}`;
  c.var.deps.denials.note({ ...accountable(readerOf(c.var)), action: 'access.denied', subject, code });
}
