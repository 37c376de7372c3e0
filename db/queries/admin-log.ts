/** What administrators did, in the event log: one line under the thing it was done to. Ids, enums and names of fields, never texts. */
import { createHash, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { TenantTx } from '../client.js';
import { recordAudit } from './audit.js';
import type { Accountable } from './audit.js';
import { directoryChanges } from '../../domain/access/directory-changes.js';

export type AdminSubject =
  'tenant' | 'user' | 'team' | 'service_account' | 'api_key' | 'identity_provider' | 'product' | 'customer' | 'webhook_endpoint' | 'hook';

/** Who did it, and by which command. */
export interface AdminDoer extends Omit<Accountable, 'source'> {
  readonly role: string;
  readonly commandId: string;
}

export interface AdminEvent {
  readonly subject: `${AdminSubject}/${string}`;
  readonly type: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * Appends in the transaction that makes the change, with its line of the audit; numbers under one subject have no gaps.
 *
 * @returns its id and number
 */
export async function recordAdminEvent(
  tx: TenantTx,
  doer: AdminDoer,
  { subject, type, data = {} }: AdminEvent,
): Promise<{ readonly id: string; readonly seq: number }> {
  const { tenant, actor, role, commandId } = doer;
  const text = JSON.stringify(data);
  const digest = createHash('sha256')
    .update(JSON.stringify([commandId, type, text]))
    .digest();
  const source = role === 'system' ? 'system' : 'api';
  const routing = directoryChanges.includes(type) ? 'pending' : 'routed';
  // Whoever takes a number waits for who took the one before.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${tenant}/${subject}`}, 0))`.execute(tx);
  const { rows } = await sql<{ id: string; seq: number }>`
    insert into event (tenant_id, subject, seq, id, type, at, actor, role, source, command_id, run_id, digest, data, routing)
    select ${tenant}, ${subject}, coalesce(max(e.seq), 0) + 1, ${randomUUID()}, ${type}, now(), ${actor}, ${role}, ${source},
      ${commandId}, '', ${digest}, ${text}::jsonb, ${routing}
    from event e where e.tenant_id = ${tenant} and e.subject = ${subject}
    returning id, seq`.execute(tx);
  const [recorded] = rows;
  if (recorded === undefined) throw new Error('an event just recorded is not there');
  await recordAudit(tx, { ...doer, source: role === 'system' ? 'worker' : 'api' }, { action: type, subject, changes: data });
  return recorded;
}
