/**
 * What was refused for want of a right, in the audit: for each who tried, what and by which right one line at once, and one a minute later that
 * counts the rest. So a flood of them fills neither the disk nor the database. Source: security.md, section 7.
 */
import type { Db } from '../../db/client.js';
import { withTenant } from '../../db/client.js';
import { auditEntry, auditInsert } from '../../db/queries/audit.js';
import type { Accountable } from '../../db/queries/audit.js';
import { minute, second, toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';
import type { Logger } from '../../logger.js';

export interface Denial extends Omit<Accountable, 'source'> {
  /** `access.denied`: known, and not allowed; `sign_in.failed`: a credential of the tenant that does not hold. */
  readonly action: 'access.denied' | 'sign_in.failed';
  /** `<kind>/<id>`: the permission, the key, the identity provider. */
  readonly subject: string;
  /** Code of the problem. */
  readonly code: string;
}

export interface Denials extends AsyncDisposable {
  note(denial: Denial): void;
  /** Writes what is due; all of it when it ends. */
  write(): Promise<void>;
}

/** Who tried what, as long as they go on within a minute. */
interface Series {
  readonly denial: Denial;
  /** Since the last line. */
  count: number;
  since: Instant;
  last: Instant;
  /** When the last line was written; null: none yet. */
  writtenAt: Instant | null;
}

/** Principals are known, and permissions few; beyond this many at once only the log tells of them. */
const most = 10_000;
/** Lines of one statement. */
const batch = 200;
const pause = 2 * second;

export interface DenialOptions {
  readonly db: Db;
  readonly log: Logger;
  readonly now: () => Instant;
}

/** Keeps count until it is disposed. */
export function keepDenials({ db, log, now }: DenialOptions): Denials {
  const series = new Map<string, Series>();
  let ending = false;
  let writing: Promise<void> = Promise.resolve();

  const isDue = ({ count, writtenAt }: Series): boolean => count > 0 && (ending || writtenAt === null || writtenAt + minute <= now());

  const writeOf = async (tenant: Denial['tenant'], due: readonly Series[]): Promise<void> => {
    for (let from = 0; from < due.length; from += batch) {
      const some = due.slice(from, from + batch);
      const counts = some.map(({ count }) => count);
      const lines = some.map(({ denial, count, since, last }) => {
        const changes = { code: denial.code, count, at: toIso(since), until: toIso(last) };
        return auditEntry({ ...denial, source: 'api' }, { action: denial.action, subject: denial.subject, changes });
      });
      await withTenant(db, tenant, async (tx) => void (await auditInsert(tenant, lines).execute(tx)));
      for (const [index, one] of some.entries()) {
        one.count -= counts[index] ?? 0;
        one.writtenAt = now();
      }
    }
  };

  const writeDue = async (): Promise<void> => {
    const due = [...series.values()].filter(isDue);
    for (const tenant of new Set(due.map(({ denial }) => denial.tenant))) {
      const some = due.filter(({ denial }) => denial.tenant === tenant);
      try {
        await writeOf(tenant, some);
      } catch (error) {
        log.warn({ err: error, tenant, lines: some.length }, 'refusals not written to the audit, will be tried again');
      }
    }
    for (const [name, { count, writtenAt }] of series) {
      if (count === 0 && writtenAt !== null && writtenAt + minute <= now()) series.delete(name);
    }
  };

  const write = (): Promise<void> => (writing = writing.then(writeDue));
  const timer = setInterval(() => void write(), pause).unref();

  return {
    note(denial) {
      const { tenant, actor, actingFor, action, subject, code } = denial;
      const name = JSON.stringify([tenant, actor, actingFor, action, subject, code]);
      const at = now();
      const known = series.get(name);
      if (known === undefined) {
        if (series.size < most) series.set(name, { denial, count: 1, since: at, last: at, writtenAt: null });
        else log.warn({ tenant, actor, action, refused: subject, code }, 'refused, and not counted');
        return;
      }
      if (known.count === 0) known.since = at;
      known.count += 1;
      known.last = at;
    },
    write,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      ending = true;
      await write();
    },
  };
}
