/** Once a day, tenant by tenant: lets go of what is older than the tenant wants to keep. Source: security.md, section 6. */
import { withTenant } from '../db/client.js';
import type { Db, TenantTx } from '../db/client.js';
import type { FileStore } from '../db/files.js';
import { erase, filesToErase } from '../db/queries/erase.js';
import {
  claimSweep,
  deleteEntries,
  endSweep,
  findRetention,
  listTenants,
  markMailsGone,
  oldMails,
  oldTickets,
} from '../db/queries/retention.js';
import { deleteDeliveries, deleteEndpoints } from '../db/queries/webhook-sweep.js';
import type { TenantId } from '../domain/ids.js';
import { addRows } from '../domain/privacy/erasure.js';
import type { ErasedRows } from '../domain/privacy/erasure.js';
import { overSince } from '../domain/privacy/retention.js';
import type { Retention } from '../domain/privacy/retention.js';
import { hour, minute, second } from '../domain/time.js';
import type { Instant } from '../domain/time.js';
import type { Logger } from '../logger.js';
import { startRounds } from './rounds.js';

export interface RetentionDeps {
  readonly db: Db;
  /** Pool of the role usher_relay. */
  readonly relay: Db;
  readonly files: FileStore;
  readonly now: () => Instant;
}

/** Of one tenant on one day: rows by table, and `files`. */
export interface SweptTenant {
  readonly tenant: TenantId;
  readonly counts: ErasedRows;
}

/** Rows of one statement, so that none runs long. */
const batch = 200;
const statementMs = 20 * second;
/** Of a closed ticket; what else is known of it are enums and instants. */
const ticketTables: readonly string[] = ['attachment', 'content', 'ticket'];

/**
 * Makes the rounds: every tenant that was not swept today.
 *
 * @returns one round; it ends early when the signal says so, and the tenant it was at is taken up later
 */
export function createRetention({ db, relay, files, now }: RetentionDeps): (signal?: AbortSignal) => Promise<SweptTenant[]> {
  const inTenant = <T>(tenant: TenantId, work: (tx: TenantTx) => Promise<T>): Promise<T> => withTenant(db, tenant, work, { statementMs });

  const mails = async (tenant: TenantId, { rawMailDays }: Retention, stopped: () => boolean): Promise<ErasedRows> => {
    let count = 0;
    for (let found = batch; found === batch && !stopped(); count += found) {
      const old = await inTenant(tenant, (tx) => oldMails(tx, tenant, overSince(rawMailDays, now()), batch));
      for (const { rawKey } of old) await files.remove(rawKey);
      found = old.length;
      if (found === 0) break;
      await inTenant(tenant, (tx) =>
        markMailsGone(
          tx,
          tenant,
          old.map(({ id }) => id),
        ),
      );
    }
    return { inbound_message: count, files: count };
  };

  const tickets = async (tenant: TenantId, { closedTicketDays }: Retention, stopped: () => boolean): Promise<ErasedRows> => {
    let counts: ErasedRows = {};
    if (closedTicketDays === null) return counts;
    let after = '';
    while (!stopped()) {
      const page = { after, limit: batch };
      const ids = await inTenant(tenant, (tx) => oldTickets(tx, tenant, overSince(closedTicketDays, now()), page));
      const last = ids.at(-1);
      if (last === undefined) break;
      const scope = { kind: 'tickets', tenant, ids } as const;
      const keys = await inTenant(tenant, (tx) => filesToErase(tx, scope, ticketTables));
      for (const key of keys) await files.remove(key);
      counts = addRows(counts, { ...(await inTenant(tenant, (tx) => erase(tx, scope, ticketTables))), files: keys.length });
      after = last;
    }
    return counts;
  };

  const entries = async (tenant: TenantId, { journeyEntryDays }: Retention, stopped: () => boolean): Promise<ErasedRows> => {
    let count = 0;
    for (let deleted = batch; deleted === batch && !stopped(); count += deleted) {
      deleted = await inTenant(tenant, (tx) => deleteEntries(tx, tenant, overSince(journeyEntryDays, now()), batch));
    }
    return { journey_entry: count };
  };

  const webhooks = async (tenant: TenantId, { webhookDays }: Retention, stopped: () => boolean): Promise<ErasedRows> => {
    let counts: ErasedRows = {};
    for (let deleted = batch; deleted === batch && !stopped();) {
      const { deliveries, attempts } = await deleteDeliveries(relay, tenant, overSince(webhookDays, now()), batch);
      counts = addRows(counts, { webhook_delivery: deliveries, webhook_attempt: attempts });
      deleted = deliveries;
    }
    if (stopped()) return counts;
    const { replays, endpoints } = await deleteEndpoints(relay, tenant, overSince(webhookDays, now()));
    return addRows(counts, { webhook_replay: replays, webhook_endpoint: endpoints });
  };

  return async (signal) => {
    const stopped = (): boolean => signal?.aborted === true;
    const swept: SweptTenant[] = [];
    for (const tenant of await listTenants(relay)) {
      if (stopped()) break;
      if (!(await inTenant(tenant, (tx) => claimSweep(tx, tenant)))) continue;
      const settings = await inTenant(tenant, (tx) => findRetention(tx, tenant));
      let counts: ErasedRows = {};
      for (const part of [mails, tickets, entries, webhooks]) counts = addRows(counts, await part(tenant, settings, stopped));
      if (stopped()) break;
      await inTenant(tenant, (tx) => endSweep(tx, tenant, counts));
      swept.push({ tenant, counts });
    }
    return swept;
  };
}

/** Between two looks for tenants that were not swept today. Workers started together do not stay together. */
const pause = (): number => hour * (0.9 + 0.2 * Math.random());
/** Before the first one, so that a start is not made slower. */
const firstPause = (): number => 2 * minute * (1 + Math.random());

export interface RetentionOptions extends RetentionDeps {
  readonly log: Logger;
  /** Told what was let go of, tenant by tenant. */
  readonly onSwept: (counts: ErasedRows) => void;
}

/** Starts the rounds; disposing waits for one that is under way. */
export function startRetention({ log, onSwept, ...deps }: RetentionOptions): AsyncDisposable {
  const sweep = createRetention(deps);
  return startRounds({
    first: firstPause(),
    async round(signal) {
      for (const { tenant, counts } of await sweep(signal)) {
        onSwept(counts);
        log.info({ tenant, counts }, 'swept what was kept long enough');
      }
      return pause();
    },
    onFailed(error) {
      log.warn({ err: error }, 'retention not swept, will be tried again');
      return pause();
    },
  });
}
