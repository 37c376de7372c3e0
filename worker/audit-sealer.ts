/** Seals the audit: chains new lines, tells the ends of the chains to the log, takes old lines away. Source: security.md, section 7. */
import { withTenant } from '../db/client.js';
import type { Db } from '../db/client.js';
import { sealAudit, tellHeads, unsealedTenants } from '../db/queries/audit-chain.js';
import { cutAudit, tenantsToCut } from '../db/queries/audit-retention.js';
import { findRetention } from '../db/queries/retention.js';
import { overSince } from '../domain/privacy/retention.js';
import { minute, second } from '../domain/time.js';
import type { Instant } from '../domain/time.js';
import type { Logger } from '../logger.js';
import { startRounds } from './rounds.js';

export interface AuditCutDeps {
  readonly db: Db;
  /** Pool of the role usher_relay. */
  readonly relay: Db;
  readonly log: Logger;
  readonly now: () => Instant;
}

export interface AuditSealerOptions extends Omit<AuditCutDeps, 'now'> {
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

/**
 * Makes the rounds: every tenant whose audit was not looked through for old lines today loses those it keeps no longer.
 *
 * @returns one round; it ends early when the signal says so
 */
export function createAuditCut({ db, relay, log, now }: AuditCutDeps): (signal?: AbortSignal) => Promise<void> {
  return async (signal) => {
    const stopped = (): boolean => signal?.aborted === true;
    for (const tenant of await tenantsToCut(relay)) {
      if (stopped()) break;
      const { auditDays } = await withTenant(db, tenant, (tx) => findRetention(tx, tenant));
      for (let taken: number = batch; taken === batch && !stopped();) {
        const result = await cutAudit(relay, tenant, overSince(auditDays, now()), batch);
        taken = typeof result === 'number' ? result : 0;
        if (typeof result !== 'number') log.error({ tenant, ...result }, 'old lines of the audit stay: one is not as it was sealed');
        else if (result > 0) log.info({ tenant, lines: result }, 'old lines of the audit taken away');
      }
    }
  };
}

/** Starts the rounds; disposing waits for what it is at. */
export function startAuditSealer({ db, relay, log, onSealed }: AuditSealerOptions): AsyncDisposable {
  const cut = createAuditCut({ db, relay, log, now: Date.now });
  let lookAt = Date.now();

  /** Whoever can write to the database cannot take back what the log says, which is kept elsewhere. */
  const tell = async (): Promise<void> => {
    for (const { tenant, seq, hash } of await tellHeads(relay)) log.info({ tenant, seq, hash }, 'audit sealed up to here');
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
