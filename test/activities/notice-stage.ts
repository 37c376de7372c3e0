/** Notices to staff as their tickets leave them: planned, and nobody looked up yet. */
import { demo } from '../../db/seed.js';
import { ticketIdFrom } from '../../domain/ids.js';
import type { TicketId } from '../../domain/ids.js';
import type { NoticeAbout } from '../../domain/sla/notice.js';
import { hour, minute } from '../../domain/time.js';
import type { DeliveryRequest } from '../../activities/contract.js';
import { tenant } from './desk.js';
import type { TestDesk } from './desk.js';

let numbers = 0;
export const nextId = (): TicketId => ticketIdFrom(Buffer.from([5, 6, 7, Math.floor((numbers += 1) / 256), numbers % 256]));

export const mailTo = (...to: string[]): NoticeAbout['to'] => [{ channel: 'email', to }];

export interface Noticed extends Partial<NoticeAbout> {
  readonly message?: string;
  /** It goes out in a batch. */
  readonly relayed?: boolean;
}

/** A ticket of agent one in the demo team, whose resolution clock has just reached its deadline. */
export async function planNoticeOf(desk: TestDesk, now: number, noticed: Noticed = {}): Promise<DeliveryRequest> {
  const { to = mailTo('assignee'), message = 'notice/resolution#1/r100', relayed = false, ...changes } = noticed;
  const ticket = await desk.open({ ticketId: nextId() });
  const about: NoticeAbout = {
    clock: 'resolution#1',
    reason: 'breach',
    escalation: null,
    rungs: [
      { rung: 'r75', dueAt: now - hour, lateMs: hour },
      { rung: 'r100', dueAt: now, lateMs: 0 },
    ],
    to,
    ...changes,
  };
  const handAt = relayed ? new Date(Date.now() - 1_000) : null;
  await desk.see(async (tx) => {
    await tx
      .updateTable('ticket')
      .set({ assigneeId: demo.agents[0] ?? null, teamId: demo.team })
      .where('id', '=', ticket.id)
      .execute();
    await tx
      .insertInto('notice')
      .values({ tenantId: tenant, ticketId: ticket.id, message, clock: about.clock, about: JSON.stringify(about), handAt })
      .execute();
    if (about.clock !== null)
      await tx
        .insertInto('slaClock')
        .values(aClock(ticket.id, about.clock, now))
        .execute();
    if (about.escalation !== null)
      await tx
        .insertInto('escalation')
        .values(anEscalation(ticket.id, about.escalation, now))
        .execute();
  });
  return { tenant, ticketId: ticket.id, message };
}

const aClock = (ticketId: TicketId, clock: string, now: number) => ({
  tenantId: tenant,
  ticketId,
  clock,
  kind: 'resolution',
  product: demo.product,
  policySet: 1,
  policy: 'standard',
  calendarId: '24x7',
  calendarRevision: 1,
  phase: 'running',
  originAt: new Date(now),
  budgetS: 3_600,
  consumedS: 3_600,
  state: '{}',
  version: 1,
  updatedAt: new Date(now),
});

const anEscalation = (ticketId: TicketId, n: number, now: number) => ({
  tenantId: tenant,
  ticketId,
  n,
  product: demo.product,
  level: 2,
  toKind: 'team',
  status: 'pending',
  raisedBy: 'system/sla',
  ackDueAt: new Date(now + 30 * minute),
  createdAt: new Date(now),
  version: 1,
  state: '{}',
});
