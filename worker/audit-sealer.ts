/** Seals the audit: chains new lines, tells the ends of the chains to the log, takes old lines away. Source: security.md, section 7. */
import type { Db } from '../db/client.js';
import { sealAudit, tellHeads, unsealedTenants } from '../db/queries/audit-chain.js';
import { cutAudit, tenantsToCut } from '../db/queries/audit-retention.js';
import { minute, second } from '../domain/time.js';
import type { Logger } from '../logger.js';
import { startRounds } from './rounds.js';

export interface AuditSealerOptions {
  /** Pool of the role usher_relay. */
  readonly relay: Db;
  readonly log: Logger;
  /** Told how many lines were sealed at once. */
  readonly onSealed?: (count: number) => void;
}

/** Lines of one transaction. */
const batch = 500;
/** A look is answered from an index that is mostly empty; lines are to be sealed within five seconds. */
const idle = second;
/** After a database that did not answer. */
const pause = 2 * second;
/** Between two looks at what is done once a day. */
const lookEvery = 10 * minute;

/** Starts the rounds; disposing waits for what it is at. */
export function startAuditSealer({ relay, log, onSealed }: AuditSealerOptions): AsyncDisposable {
  let lookAt = Date.now();

  /** Whoever can write to the database cannot take back what the log says, which is kept elsewhere. */
  const tell = async (): Promise<void> => {
    for (const { tenant, seq, hash } of await tellHeads(relay)) log.info({ tenant, seq, hash }, 'audit sealed up to here');
  };

  const cut = async (signal: AbortSignal): Promise<void> => {
    for (const tenant of await tenantsToCut(relay)) {
      for (let taken: number = batch; taken === batch && !signal.aborted;) {
        const result = await cutAudit(relay, tenant, Date.now(), batch);
        taken = typeof result === 'number' ? result : 0;
        if (typeof result !== 'number') log.error({ tenant, ...result }, 'old lines of the audit stay: one is not as it was sealed');
        else if (result > 0) log.info({ tenant, lines: result }, 'old lines of the audit taken away');
      }
    }
  };

  return startRounds({
    async round(signal) {
      let isMore = false;
      for (const tenant of await unsealedTenants(relay)) {
        const sealed = await sealAudit(relay, tenant, batch);
        if (sealed !== null && sealed > 0) onSealed?.(sealed);
        isMore ||= sealed === batch;
      }
      if (Date.now() >= lookAt) {
        lookAt = Date.now() + lookEvery;
        await tell();
        await cut(signal);
      }
      return isMore ? 0 : idle;
    },
    onFailed(error) {
      log.warn({ err: error }, 'the audit cannot be sealed, will be tried again');
      return pause;
    },
  });
}
