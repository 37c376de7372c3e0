/** The audit as the database keeps it: only added to, with what it reports, sealed in order, and found out when somebody changes it. Source: security.md, section 7. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { sql } from 'kysely';
import { audit as auditCommand } from '../../cli/audit.js';
import { withTenant } from '../../db/client.js';
import type { Db } from '../../db/client.js';
import { recordAudit } from '../../db/queries/audit.js';
import { findChain, sealAudit, tellHeads, unsealedTenants, verifyAudit } from '../../db/queries/audit-chain.js';
import { cutAudit, tenantsToCut } from '../../db/queries/audit-retention.js';
import { AlreadyRecorded, recordOnRow } from '../../db/queries/projection.js';
import { findRetention, replaceRetention } from '../../db/queries/retention.js';
import { asTenantId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import { usualRetention } from '../../domain/privacy/retention.js';
import { day, second, toIso } from '../../domain/time.js';
import { createLogger } from '../../logger.js';
import { createAuditCut, startAuditSealer } from '../../worker/audit-sealer.js';
import { aTicket, anEnvelope, noon } from '../support/builders.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';

let database: TestDatabase;
let db: Db;
let relay: Db;
let tenant: TenantId;

beforeAll(async () => {
  database = await freshDatabase();
  ({ db, relay } = database);
});
afterAll(() => database[Symbol.asyncDispose]());

/** Each test has a tenant, and so a chain, of its own. */
beforeEach(async () => {
  tenant = await newTenant();
});

async function newTenant(): Promise<TenantId> {
  const id = asTenantId(randomUUID());
  await withTenant(db, id, async (tx) => {
    await tx
      .insertInto('tenant')
      .values({ tenantId: id, key: `t-${id.slice(0, 8)}`, name: 'Test' })
      .execute();
  });
  return id;
}

const add = (n: number, of = tenant): Promise<void> =>
  withTenant(db, of, (tx) =>
    recordAudit(
      tx,
      { tenant: of, actor: 'user/ada', requestId: `req-${n}`, source: 'api' },
      { action: 'team.changed', subject: `team/${n}`, changes: { count: n } },
    ),
  );
const addSome = async (count: number): Promise<void> => {
  for (let n = 1; n <= count; n += 1) await add(n);
};
const sealAll = async (of = tenant): Promise<void> => {
  while (((await sealAudit(relay, of, 100)) ?? 1) > 0);
};
const look = () => withTenant(db, tenant, (tx) => verifyAudit(tx, tenant));
const rows = (of = tenant) =>
  withTenant(db, of, async (tx) => {
    const { rows: found } = await sql<{ id: string; seq: number | null; subject: string }>`
      select id, seq::int as seq, subject from audit where tenant_id = ${of} order by seq nulls last, id`.execute(tx);
    return found;
  });

/** As somebody who may do anything, and switches off what keeps others from it. */
async function tamper(text: string, values: readonly unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: database.superuser });
  await client.connect();
  try {
    await client.query(`set session_replication_role = replica`);
    await client.query(text, [...values]);
  } finally {
    await client.end();
  }
}

const refused = { code: '42501' };

const nothing = (): void => undefined;

/** Somebody waits until somebody else has come so far. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = nothing;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

const settings = () => ({ DATABASE_URL: database.url });

/** As if they had been written before; their ids are random, so their order in the chain is too. */
const addOld = (count: number, at: number, of = tenant): Promise<void> =>
  withTenant(db, of, async (tx) => {
    await sql`
      insert into audit (tenant_id, id, at, actor, source, action, subject)
      select ${of}::uuid, gen_random_uuid(), ${toIso(at)}::timestamptz, 'user/ada', 'api', 'team.changed', 'team/' || n from generate_series(1, ${count}::int) n`.execute(
      tx,
    );
  });

/** Typed out from security.md, section 6. */
const keptDays = 400;
const since = (days: number): number => Date.now() - days * day;
const cutAll = (now = Date.now): Promise<void> =>
  createAuditCut({ db, relay, now, log: createLogger({ level: 'silent', pretty: false, name: 'test' }) })();
/** Past every check, as a mistake or an older version might have left it. */
const store = (retention: unknown, of: TenantId) =>
  withTenant(db, of, (tx) =>
    sql`update tenant set settings = jsonb_build_object('retention', ${JSON.stringify(retention)}::jsonb) where tenant_id = ${of}`.execute(
      tx,
    ),
  );

describe('lines are only added', () => {
  beforeEach(async () => {
    await addSome(2);
    await sealAll();
    await add(3);
  });

  test('who writes them can neither change nor remove them, nor say where in the chain they stand', async () => {
    for (const statement of [
      sql`update audit set actor = 'user/eve'`,
      sql`update audit set seq = 9, prev_hash = '', hash = ''`,
      sql`delete from audit`,
      sql`truncate audit`,
      sql`update audit_chain set seq = 0`,
      sql`insert into audit (tenant_id, id, at, actor, source, action, subject, seq, prev_hash, hash)
        values (${tenant}, ${randomUUID()}, now(), 'user/eve', 'api', 'x.y', 'z/1', 1, '', '')`,
    ]) {
      await expect(withTenant(db, tenant, (tx) => statement.execute(tx))).rejects.toMatchObject(refused);
    }
    expect(await rows()).toHaveLength(3);
  });

  test('who seals them can do that once, and nothing else', async () => {
    for (const statement of [
      sql`update audit set actor = 'user/eve' where tenant_id = ${tenant}`,
      sql`update audit set seq = 9, prev_hash = '', hash = '' where tenant_id = ${tenant} and seq = 1`,
      sql`update audit set seq = null, prev_hash = null, hash = null where tenant_id = ${tenant} and seq = 1`,
      sql`delete from audit where tenant_id = ${tenant}`,
      sql`truncate audit`,
    ]) {
      await expect(statement.execute(relay)).rejects.toMatchObject(refused);
    }
    expect((await look()).bad).toBeNull();
  });

  test('the database’s superuser is stopped as well, as long as nothing is switched off', async () => {
    const client = new pg.Client({ connectionString: database.superuser });
    await client.connect();
    try {
      for (const text of [
        `update audit set subject = 'x/1' where tenant_id = '${tenant}'`,
        `delete from audit where tenant_id = '${tenant}'`,
        'truncate audit',
      ])
        await expect(client.query(text)).rejects.toMatchObject(refused);
    } finally {
      await client.end();
    }
  });

  test('other tenants see none of it, and write none', async () => {
    const other = await newTenant();
    await withTenant(db, other, async (tx) => {
      expect(await tx.selectFrom('audit').select('id').execute()).toEqual([]);
      expect(await tx.selectFrom('auditChain').select('seq').execute()).toEqual([]);
    });
    const foreign = withTenant(db, other, (tx) =>
      recordAudit(tx, { tenant, actor: 'user/eve', source: 'api' }, { action: 'x.y', subject: 'z/1' }),
    );
    await expect(foreign).rejects.toMatchObject(refused);
  });
});

describe('sealing', () => {
  test('numbers lines from 1 in the order they were made, in batches, and again after a break', async () => {
    await addSome(5);
    expect([await sealAudit(relay, tenant, 3), await sealAudit(relay, tenant, 3), await sealAudit(relay, tenant, 3)]).toEqual([3, 2, 0]);
    expect((await rows()).map(({ seq, subject }) => [seq, subject])).toEqual([1, 2, 3, 4, 5].map((n) => [n, `team/${n}`]));
    await add(6);
    await sealAll();
    expect(await look()).toMatchObject({ bad: null, checked: 6, end: { seq: 6 }, isWhole: true, unsealed: 0 });
  });

  test('by many at once is one chain without gaps', async () => {
    await addSome(40);
    const sealers = Array.from({ length: 6 }, async () => {
      for (let tries = 0; tries < 40; tries += 1) await sealAudit(relay, tenant, 3);
    });
    await Promise.all(sealers);
    await sealAll();
    expect(await look()).toMatchObject({ bad: null, checked: 40, isWhole: true });
  });

  test('a line that is committed late is sealed late, behind those that came before it', async () => {
    const held = gate();
    const begun = gate();
    const late = withTenant(db, tenant, async (tx) => {
      await recordAudit(tx, { tenant, actor: 'user/ada', source: 'api' }, { action: 'team.changed', subject: 'team/late' });
      begun.open();
      await held.opened;
    });
    await begun.opened;
    await add(2);
    await sealAll();
    held.open();
    await late;
    await sealAll();
    expect((await rows()).map(({ subject }) => subject)).toEqual(['team/2', 'team/late']);
    expect((await look()).bad).toBeNull();
  });

  test('only tenants that wait are looked at, and each has a chain of its own', async () => {
    const other = await newTenant();
    await addSome(2);
    await add(1, other);
    const waiting = await unsealedTenants(relay);
    expect(waiting).toEqual(expect.arrayContaining([tenant, other]));
    expect(new Set(waiting).size).toBe(waiting.length);
    await sealAll();
    expect(await unsealedTenants(relay)).not.toContain(tenant);
    await sealAll(other);
    expect((await findChain(relay, tenant)).head.seq).toBe(2);
    expect((await findChain(relay, other)).head.seq).toBe(1);
  });

  test('the worker’s loop seals within five seconds and tells the ends to the log once a day', async () => {
    await addSome(3);
    const told: string[] = [];
    const log = createLogger({ level: 'info', pretty: false, name: 'test' }, { write: (text: string) => void told.push(text) });
    const startedAt = Date.now();
    {
      await using one = startAuditSealer({ db, relay, log });
      await using other = startAuditSealer({ db, relay, log });
      expect(other).not.toBe(one);
      await vi.waitFor(async () => expect((await rows()).every(({ seq }) => seq !== null)).toBe(true), { timeout: 120_000, interval: 50 });
      // Within five, and what a busy machine adds.
      expect(Date.now() - startedAt).toBeLessThan(20 * second);
      const { head } = await findChain(relay, tenant);
      await vi.waitFor(() => expect(told.join('')).toContain(head.hash), { timeout: 120_000, interval: 50 });
    }
    expect(told.filter((text) => text.includes(tenant))).toHaveLength(1);
    expect((await tellHeads(relay)).map((head) => head.tenant)).not.toContain(tenant);
    expect((await look()).bad).toBeNull();
  });
});

describe('T36: what somebody changed who could is found', () => {
  beforeEach(async () => {
    await addSome(6);
    await sealAll();
  });

  test.each([
    ['actor', `'user/eve'`],
    ['acting_for', `'customer/x'`],
    ['source', `'operator'`],
    ['action', `'team.removed'`],
    ['subject', `'team/9'`],
    ['changes', `'{"count": 9}'`],
    ['reason', `gen_random_uuid()`],
    ['request_id', `null`],
    ['at', `at + interval '1 millisecond'`],
    ['id', `gen_random_uuid()`],
    ['hash', `decode(repeat('ab', 32), 'hex')`],
    ['prev_hash', `decode(repeat('ab', 32), 'hex')`],
  ])('another %s is found, in the first line and in the last', async (column, value) => {
    await tamper(`update audit set ${column} = ${value} where tenant_id = $1 and seq in (6)`, [tenant]);
    expect((await look()).bad).toMatchObject({ seq: 6 });
    await tamper(`update audit set ${column} = ${value} where tenant_id = $1 and seq = 1`, [tenant]);
    expect((await look()).bad).toMatchObject({ seq: 1, fault: column === 'prev_hash' ? 'unchained' : 'altered' });
  });

  test('a line taken out, or cut off at the end, is found', async () => {
    await tamper('delete from audit where tenant_id = $1 and seq = 6', [tenant]);
    expect((await look()).bad).toEqual({ seq: 6, id: null, fault: 'missing' });
    await tamper('delete from audit where tenant_id = $1 and seq = 3', [tenant]);
    expect(await look()).toMatchObject({ bad: { seq: 3, id: null, fault: 'missing' }, checked: 2, end: { seq: 2 } });
  });

  test('two lines that changed places are found', async () => {
    await tamper(
      `update audit a set seq = b.seq + 100, prev_hash = b.prev_hash, hash = b.hash from audit b
       where a.tenant_id = $1 and b.tenant_id = $1 and ((a.seq = 2 and b.seq = 3) or (a.seq = 3 and b.seq = 2))`,
      [tenant],
    );
    await tamper('update audit set seq = seq - 100 where tenant_id = $1 and seq > 100', [tenant]);
    expect((await look()).bad).toMatchObject({ seq: 2, fault: 'altered' });
  });

  test('`usher audit verify` names it, by its exit code too, and holds ends that were noted against the chain', async () => {
    const run = async (...args: string[]): Promise<{ code: number; out: string }> => {
      const print = vi.spyOn(console, 'log').mockImplementation(() => undefined);
      try {
        const code = await auditCommand(['verify', '--tenant', tenant, ...args], settings);
        return { code, out: print.mock.calls.flat().join('\n') };
      } finally {
        print.mockRestore();
      }
    };
    const { head } = await findChain(relay, tenant);
    const good = await run('--head', `${tenant}:6:${head.hash}`);
    expect(good).toEqual({ code: 0, out: `${tenant}: 6 lines are as they were sealed; the last is 6, ${head.hash}` });
    const other = await run('--head', `${tenant}:6:${'ab'.repeat(32)}`);
    expect(other).toMatchObject({ code: 1, out: expect.stringContaining('line 6 is not what was sealed') as string });
    expect((await run('--head', `${tenant}:7:${head.hash}`)).out).toContain('line 7 is missing');
    await tamper(`update audit set actor = 'user/eve' where tenant_id = $1 and seq = 4`, [tenant]);
    const [, , , fourth] = await rows();
    expect(await run()).toEqual({ code: 1, out: `${tenant}: line 4 (${fourth?.id}) is not what was sealed; the 3 before it are good` });
    const { code, out } = await run('--json');
    expect([code, JSON.parse(out)]).toMatchObject([
      1,
      { ok: false, tenants: [{ tenant, ok: false, checked: 3, firstBad: { seq: 4, id: fourth?.id, fault: 'altered' }, head: { seq: 3 } }] },
    ]);
    await expect(run('--head', 'nonsense')).rejects.toThrow('--head nonsense is not ID:SEQ:HASH');
    await expect(run('--tenant', 'somebody')).rejects.toThrow('somebody is not the id of a tenant');
    await expect(run('--tenant', randomUUID())).rejects.toThrow('there is no tenant');
  });
});

describe('old lines', () => {
  test('leave by the days of their own tenant', async () => {
    const patient = await newTenant();
    await withTenant(db, patient, async (tx) => {
      const { revision } = await findRetention(tx, patient);
      expect(await replaceRetention(tx, patient, revision, { ...usualRetention, auditDays: 500 })).toMatchObject({ auditDays: 500 });
    });
    for (const of of [tenant, patient]) {
      for (const days of [501, 450, 401]) {
        await addOld(1, since(days), of);
        await sealAll(of);
      }
    }
    await cutAll();
    expect((await rows()).filter(({ subject }) => subject.startsWith('team/'))).toEqual([]);
    expect((await rows(patient)).map(({ seq }) => seq)).toEqual([2, 3, null]);
    await sealAll(patient);
    expect(await withTenant(db, patient, (tx) => verifyAudit(tx, patient))).toMatchObject({ bad: null, checked: 3, isWhole: true });
  });

  test.each([
    { auditDays: 30 },
    { auditDays: 399 },
    { auditDays: 0 },
    { auditDays: -1 },
    { auditDays: '30' },
    { auditDays: null },
    'rubbish',
    30,
  ])('none younger than 400 days goes where %j is stored', async (stored) => {
    await store(stored, tenant);
    await addOld(1, since(401));
    await sealAll();
    await addOld(1, since(399));
    await sealAll();
    await cutAll();
    expect((await rows()).map(({ seq }) => seq)).toEqual([2, null]);
  });

  test('none younger than 400 days goes where somebody asks the database itself', async () => {
    await addOld(1, since(399));
    await sealAll();
    await expect(cutAudit(relay, tenant, since(30), 100)).rejects.toMatchObject(refused);
    expect(await rows()).toHaveLength(1);
  });

  test('leave from the beginning once their time is over; what is left is whole, and one line says what went', async () => {
    const now = Date.now();
    await addOld(5, now - (keptDays + 1) * day);
    await sealAll();
    await addOld(3, now - (keptDays - 1) * day);
    await sealAll();
    expect(await tenantsToCut(relay)).toContain(tenant);
    expect(await tenantsToCut(relay)).not.toContain(tenant);
    expect([
      await cutAudit(relay, tenant, now - keptDays * day, 2),
      await cutAudit(relay, tenant, now - keptDays * day, 100),
      await cutAudit(relay, tenant, now - keptDays * day, 100),
    ]).toEqual([2, 3, 0]);
    await sealAll();
    expect((await rows()).map(({ seq }) => seq)).toEqual([6, 7, 8, 9, 10]);
    expect(await look()).toMatchObject({ bad: null, checked: 5, isWhole: true });
    const { cut } = await findChain(relay, tenant);
    expect(cut.seq).toBe(5);
    const told = await withTenant(db, tenant, (tx) =>
      tx.selectFrom('audit').select(['actor', 'source', 'changes']).where('action', '=', 'audit.cut').orderBy('seq').execute(),
    );
    expect(told).toEqual([
      { actor: 'system/audit', source: 'worker', changes: { first: 1, last: 2, removed: 2 } },
      { actor: 'system/audit', source: 'worker', changes: { first: 3, last: 5, removed: 3 } },
    ]);
    await tamper('delete from audit where tenant_id = $1 and seq = 6', [tenant]);
    expect((await look()).bad).toMatchObject({ seq: 6, fault: 'missing' });
  });

  test('stay when one of them is not as it was sealed: that would be gone with them', async () => {
    const now = Date.now();
    await addOld(3, now - (keptDays + 1) * day);
    await sealAll();
    await tamper(`update audit set actor = 'user/eve' where tenant_id = $1 and seq = 2`, [tenant]);
    expect(await cutAudit(relay, tenant, now - keptDays * day, 100)).toMatchObject({ seq: 2, fault: 'altered' });
    expect(await rows()).toHaveLength(3);
  });

  test('no younger line goes, whatever the clock of a worker says', async () => {
    await addSome(2);
    await sealAll();
    await expect(cutAll(() => Date.now() + 1_000 * day)).rejects.toMatchObject(refused);
    expect(await rows()).toHaveLength(2);
  });
});

describe('a change and its line', () => {
  const step = {
    ...anEnvelope({ commandId: 'c-1', requestId: 'req-1', actingFor: 'customer/x' }),
    kind: 'hold',
    runId: 'run',
    at: noon,
  } as const;
  const put = async (seq: number): Promise<void> => {
    const ticket = { ...aTicket({ version: seq }), tenant };
    await withTenant(db, tenant, async (tx) => {
      // The row needs neither product nor person to be stored for its events to be.
      await tx
        .insertInto('product')
        .values({ tenantId: tenant, key: 'demo', name: 'Demo', settings: '{}' })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      await tx
        .insertInto('customer')
        .values({ tenantId: tenant, id: ticket.requester })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      await recordOnRow(
        tx,
        { ...step, events: [{ type: 'ticket.status_changed', version: seq, data: { from: 'new', to: 'on_hold' } }], ticket, planned: [] },
        randomUUID,
      );
    });
  };

  test('are stored together, or not at all', async () => {
    await put(1);
    const [line] = await withTenant(db, tenant, (tx) => tx.selectFrom('audit').selectAll().execute());
    expect(line).toMatchObject({
      actor: step.actor,
      actingFor: 'customer/x',
      source: 'api',
      action: 'ticket.hold',
      subject: 'ticket/TKT-00000001',
      requestId: 'req-1',
      changes: { events: [{ seq: 1, type: 'ticket.status_changed', data: { from: 'new', to: 'on_hold' } }] },
    });
    expect(line?.at.getTime()).toBe(noon);
    // The same number again: nothing of it is kept, no line either.
    await expect(put(1)).rejects.toThrow(AlreadyRecorded);
    expect(await rows()).toHaveLength(1);
  });

  test('a change whose line cannot be stored is not stored', async () => {
    await tamper(`alter table audit add constraint no_hold check (tenant_id <> '${tenant}' or action <> 'ticket.hold')`);
    try {
      await expect(put(1)).rejects.toMatchObject({ code: '23514' });
    } finally {
      await tamper('alter table audit drop constraint no_hold');
    }
    const left = await withTenant(db, tenant, async (tx) => ({
      events: await tx.selectFrom('event').select('id').execute(),
      tickets: await tx.selectFrom('ticket').select('id').execute(),
    }));
    expect(left).toEqual({ events: [], tickets: [] });
  });

  test('an id that a caller chose freely stands there as a hash', async () => {
    await withTenant(db, tenant, (tx) =>
      recordAudit(tx, { tenant, actor: 'user/ada', source: 'api' }, { action: 'subject.noted', subject: 'lead/ada@example.com' }),
    );
    expect((await rows())[0]?.subject).toMatch(/^lead\/sha256:[0-9a-f]{32}$/);
  });
});
