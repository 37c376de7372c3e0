/** Mail that comes in: kept before it is acknowledged, worked off by a relay, looked at by a person where it has to be. */
import { v5 as uuidFrom } from 'uuid';
import { accountable } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso } from '../tickets/view.js';
import { RawMailReader } from './raw-mail.js';
import { mostBytes } from './schema.js';
import type { InboundReceipt, QuarantinedMail, QuarantineDecision, QuarantineQuery } from './schema.js';
import { newFileKey } from '../../db/files.js';
import type { TenantTx } from '../../db/client.js';
import { recordAudit } from '../../db/queries/audit.js';
import type { Accountable } from '../../db/queries/audit.js';
import { leaveQuarantine, listQuarantine, storeInbound } from '../../db/queries/inbound.js';
import type { QuarantinedRow } from '../../db/queries/inbound.js';
import { quarantineCauses } from '../../domain/messaging/thread.js';
import type { TenantId } from '../../domain/ids.js';

export type InboundService = ReturnType<typeof createInboundService>;

/** One for all mailboxes of a tenant, so that a mail delivered to two of them is one mail. */
const account = 'mail';

/** The same mail always under the same id, so that all that is derived from it is derived again. */
const idOf = (tenant: TenantId, externalId: string): string => uuidFrom(`email/${account}/${externalId}`, tenant);

/** Who brings a mail, and in which transaction it is kept. */
export interface MailBearer {
  readonly by: Accountable;
  readonly within: <T>(work: (tx: TenantTx) => Promise<T>) => Promise<T>;
  /** False: what brought the mail was here before, and so nothing is kept. */
  readonly isNew?: (tx: TenantTx) => Promise<boolean>;
}

export function createInboundService(
  { files, keys, now, answerWithin }: Pick<Deps, 'files' | 'keys' | 'now' | 'answerWithin'>,
  engine: Pick<TicketEngine, 'within'>,
) {
  const keep = async ({ by, within, isNew }: MailBearer, body: AsyncIterable<Uint8Array>): Promise<InboundReceipt> => {
    const { tenant } = by;
    const rawKey = newFileKey('raw');
    const mail = new RawMailReader(mostBytes);
    await files.putStream(rawKey, mail.through(body));
    if (mail.tooLarge) await files.put(rawKey, mail.header());
    const { messageId, hash, ...summary } = mail.summary();
    const externalId = messageId ?? `sha256:${hash}`;
    const cause = mail.tooLarge ? ('too_large' as const) : null;
    const row = {
      id: idOf(tenant, externalId),
      channel: 'email',
      account,
      externalId,
      cause,
      rawKey,
      size: mail.size,
      mailId: messageId,
      ...summary,
    } as const;
    // Should it fail, the file stays: the row may be there after all.
    const stored = await within(async (tx) => {
      if ((await isNew?.(tx)) === false) return { id: row.id, duplicate: true };
      const kept = await storeInbound(tx, tenant, row);
      const line = {
        action: 'inbound.received',
        subject: `inbound/${kept.id}`,
        changes: { channel: row.channel, size: row.size, cause },
      };
      if (!kept.duplicate) await recordAudit(tx, by, line);
      return kept;
    });
    if (stored.duplicate) await files.remove(rawKey);
    return { id: stored.id, result: stored.duplicate ? 'duplicate' : 'accepted' };
  };

  const leave = async (caller: Caller, id: string, { reason }: QuarantineDecision, to: 'received' | 'discarded'): Promise<Answer> => {
    await engine.within(caller, async (tx) => {
      await takeKey(tx, caller);
      if (!(await leaveQuarantine(tx, caller.principal, id, { to, reason }))) throw new Refusal('not_found');
      const action = to === 'received' ? 'inbound.released' : 'inbound.discarded';
      await recordAudit(tx, accountable(caller), { action, subject: `inbound/${id}`, changes: { state: to } });
    });
    return { status: 200, body: { id, state: to === 'received' ? 'released' : 'discarded' } };
  };

  return {
    /** Keeps a raw mail, whatever it holds; only then is it acknowledged. */
    submit(reader: Reader, body: AsyncIterable<Uint8Array>): Promise<InboundReceipt> {
      // The upload had its own time; what follows has that of any request.
      const within: MailBearer['within'] = (work) => engine.within({ ...reader, deadline: now() + answerWithin }, work);
      return keep({ by: accountable(reader), within }, body);
    },

    keep,

    async list(reader: Reader, query: QuarantineQuery): Promise<Page<QuarantinedMail>> {
      const { limit, cursor } = query;
      const binding = cursorBinding(reader.principal, 'quarantine', query);
      const after = cursor === undefined ? undefined : readCursor(keys, binding, cursor);
      const rows = await engine.within(reader, (tx) =>
        listQuarantine(tx, reader.principal, { limit, ...(after === undefined ? {} : { after }) }),
      );
      return pageOf(rows, limit, quarantinedMail, (last) => writeCursor(keys, binding, last));
    },

    /** It is worked off again, with the instant it came in. */
    release: (caller: Caller, id: string, decision: QuarantineDecision): Promise<Answer> => leave(caller, id, decision, 'received'),

    /** It is never worked off. */
    discard: (caller: Caller, id: string, decision: QuarantineDecision): Promise<Answer> => leave(caller, id, decision, 'discarded'),
  };
}

const quarantinedMail = ({ id, cause, detail, sender, subject, product, size, receivedAt }: QuarantinedRow): QuarantinedMail => ({
  id,
  cause: quarantineCauses.find((known) => known === cause) ?? 'unparsable',
  detail,
  sender,
  subject,
  product,
  size,
  receivedAt: iso(receivedAt),
});
