/** `usher audit …`: the audit. */
import { parseArgs } from 'node:util';
import { createDb } from '../db/client.js';
import type { Db } from '../db/client.js';
import { verifyAudit } from '../db/queries/audit-chain.js';
import type { Verified } from '../db/queries/audit-chain.js';
import { listTenants } from '../db/queries/event-relay.js';
import type { BadLine, Link } from '../domain/audit/chain.js';
import { asTenantId, uuidPattern } from '../domain/ids.js';
import type { TenantId } from '../domain/ids.js';
import { UsageError } from './usage-error.js';

const auditUsage = `usher audit <command>    the audit

  verify                 looks whether every line is as it was sealed

usher audit verify --help says more.`;

const verifyUsage = `usher audit verify [flags]    looks through the audit of every tenant and names the first line that is not as it was sealed

  --tenant ID            this tenant only; may be given again
  --head ID:SEQ:HASH     an end of a tenant's chain as the worker's log told it once: it has to be there still; may be given again
  --json                 the outcome as JSON on standard output
  --help                 this text

Reads DATABASE_RELAY_URL, or DATABASE_URL where that is not set.
Exit code: 0 everything is as it was sealed, 1 something is not, or the database cannot be read, 2 the command line is wrong.`;

/** The settings it needs. */
interface Settings {
  readonly DATABASE_URL: string;
  readonly DATABASE_RELAY_URL?: string | undefined;
}

/** @throws UsageError */
export async function audit([command, ...args]: readonly string[], settings: () => Settings): Promise<number> {
  if (command === 'verify') return verify(args, settings);
  if (command === undefined || command === '--help' || command === '-h') {
    console.log(auditUsage);
    return command === undefined ? 2 : 0;
  }
  throw new UsageError(`usher audit knows no command ${command}`, 'usher audit --help');
}

interface Outcome extends Verified {
  readonly tenant: TenantId;
}

async function verify(args: readonly string[], settings: () => Settings): Promise<number> {
  const values = parse(args);
  if (values.help === true) {
    console.log(verifyUsage);
    return 0;
  }
  const heads = (values.head ?? []).map(headOf);
  const named = (values.tenant ?? []).map(tenantOf);
  const { DATABASE_URL, DATABASE_RELAY_URL = DATABASE_URL } = settings();
  const relay = createDb({ url: DATABASE_RELAY_URL, role: 'usher_relay', pool: 1, name: 'usher-audit', onBroken: () => undefined });
  try {
    const known = await listTenants(relay);
    const missing = [...named, ...heads.map(({ tenant }) => tenant)].find((tenant) => !known.includes(tenant));
    if (missing !== undefined) throw new UsageError(`there is no tenant ${missing}`, 'usher audit verify --help');
    const outcomes = await lookThrough(relay, named.length === 0 ? known : [...new Set(named)], heads);
    console.log(values.json === true ? JSON.stringify(report(outcomes), null, 2) : outcomes.map(sentence).join('\n'));
    return outcomes.every(({ bad }) => bad === null) ? 0 : 1;
  } finally {
    await relay.destroy();
  }
}

async function lookThrough(relay: Db, tenants: readonly TenantId[], heads: readonly Head[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const tenant of tenants) {
    const noted = heads.filter((head) => head.tenant === tenant);
    outcomes.push({ tenant, ...(await verifyAudit(relay, tenant, { noted })) });
  }
  return outcomes;
}

const report = (outcomes: readonly Outcome[]) => ({
  ok: outcomes.every(({ bad }) => bad === null),
  tenants: outcomes.map(({ tenant, bad, checked, end, unsealed }) => ({
    tenant,
    ok: bad === null,
    checked,
    ...(bad === null ? {} : { firstBad: bad }),
    head: end,
    unsealed,
  })),
});

function sentence({ tenant, bad, checked, end, unsealed }: Outcome): string {
  if (bad !== null) return `${tenant}: ${faultOf(bad)}; the ${end.seq} before it are good`;
  const waiting = unsealed === 0 ? '' : `, ${unsealed} too new to be sealed`;
  return `${tenant}: ${checked} lines are as they were sealed${waiting}; the last is ${end.seq}, ${end.hash}`;
}

function faultOf({ seq, id, fault }: BadLine): string {
  const line = id === null ? `line ${seq}` : `line ${seq} (${id})`;
  switch (fault) {
    case 'missing':
      return `${line} is missing`;
    case 'misplaced':
      return `${line} is one too many`;
    case 'unchained':
      return `${line} names another line before it than there is`;
    case 'altered':
      return `${line} is not what was sealed`;
  }
}

interface Head extends Link {
  readonly tenant: TenantId;
}

function headOf(text: string): Head {
  const [, tenant = '', seq = '', hash = ''] = /^([^:]+):([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (hash === '') throw new UsageError(`--head ${text} is not ID:SEQ:HASH`, 'usher audit verify --help');
  return { tenant: tenantOf(tenant), seq: Number(seq), hash };
}

function tenantOf(text: string): TenantId {
  if (!uuidPattern.test(text)) throw new UsageError(`${text} is not the id of a tenant`, 'usher audit verify --help');
  return asTenantId(text);
}

function parse(args: readonly string[]) {
  const flag = { type: 'boolean' } as const;
  const several = { type: 'string', multiple: true } as const;
  try {
    return parseArgs({ args: [...args], options: { tenant: several, head: several, json: flag, help: { ...flag, short: 'h' } } }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), 'usher audit verify --help');
  }
}
