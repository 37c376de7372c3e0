/** What became of each deadline, by the tables and by the mail server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { MailPart } from '../../local/stack-parts.js';
import type { Target } from '../target.js';
import type { Struck } from './tally.js';

const Count = z.coerce.number();
const Instant = z.coerce.number().nullable();

const Row = z.object({
  ticket: z.string(),
  due: Instant,
  breaches: Count,
  breached: Instant,
  recorded: Instant,
  rungs: Count,
  fired: Instant,
  notices: Count,
  sent: Instant,
  message_ids: z.array(z.string()),
});

/** Each ticket beside what is recorded of it, counted with no condition that would hide a second one. */
const query = `
  select s.ticket, extract(epoch from c.due_at) * 1000 as due,
    b.n as breaches, b.breached, b.recorded, r.n as rungs, r.fired, o.n as notices, o.sent, o.message_ids
  from unnest($1::text[]) as s(ticket)
  left join sla_clock c on c.ticket_id = s.ticket and c.clock = 'resolution#1'
  cross join lateral (
    select count(*) as n, max((e.data ->> 'breachedAt')::bigint) as breached, extract(epoch from max(e.recorded_at)) * 1000 as recorded
    from event e where e.tenant_id = $2 and e.subject = 'ticket/' || s.ticket and e.type = 'sla.breached') b
  cross join lateral (
    select count(*) as n, extract(epoch from max(g.fired_at)) * 1000 as fired
    from sla_rung g where g.tenant_id = $2 and g.ticket_id = s.ticket) r
  cross join lateral (
    select count(*) as n, extract(epoch from max(m.sent_at)) * 1000 as sent,
      coalesce(array_agg(m.message_id) filter (where m.message_id is not null), '{}') as message_ids
    from outbound_message m where m.tenant_id = $2 and m.ticket_id = s.ticket and m.template = 'notice') o`;

/** @param due when each was to fall due */
export async function evidenceOf(target: Target, tenant: string, due: ReadonlyMap<string, number>, mail: MailPart): Promise<Struck[]> {
  const rows = z.array(Row).parse(await target.sql(query, [[...due.keys()], tenant]));
  const caught = new Map<string, number>();
  for (const { messageId } of await mail.messages()) if (messageId !== null) caught.set(messageId, (caught.get(messageId) ?? 0) + 1);
  return rows.map(({ ticket, due: kept, breached, recorded, fired, sent, message_ids: ids, ...counts }) => ({
    ...counts,
    dueAt: due.get(ticket) ?? Number.NaN,
    keptDueAt: kept,
    breachedAt: breached,
    recordedAt: recorded,
    firedAt: fired,
    sentAt: sent,
    mails: ids.reduce((sum, id) => sum + (caught.get(id) ?? 0), 0),
  }));
}

const Drained = z.object({ rungs: Count, sent: Count });

/** How far the desk has come since an instant. */
async function progressSince({ sql }: Pick<Target, 'sql'>, since: number): Promise<{ rungs: number; sent: number }> {
  const [row] = z.array(Drained).parse(
    await sql(
      `select (select count(*) from sla_rung where recorded_at >= $1) as rungs,
         (select count(*) from outbound_message where template = 'notice' and sent_at >= $1) as sent`,
      [new Date(since)],
    ),
  );
  return row ?? { rungs: 0, sent: 0 };
}

const patienceMs = 240_000;

/** Waits until so many breaches are recorded and told of, or the patience is over: what is missing then is lost. */
export async function untilDrained(target: Target, since: number, tickets: number, heard: (text: string) => void): Promise<void> {
  const until = Date.now() + patienceMs;
  for (let step = 1; ; step += 1) {
    const { rungs, sent } = await progressSince(target, since);
    if ((rungs >= tickets && sent >= tickets) || Date.now() > until) return;
    if (step % 10 === 0) heard(`${rungs} breaches recorded, ${sent} notices sent, of ${tickets}`);
    await sleep(1_000);
  }
}
