/** Tickets with clocks in a database, as their workflows would have left them: the real rules and the real projection, no server. */
import { randomUUID } from 'node:crypto';
import { withTenant } from '../../db/client.js';
import type { Db, TenantTx } from '../../db/client.js';
import { insertPolicySet, lockPolicySets } from '../../db/queries/policy-sets.js';
import { recordOnRow } from '../../db/queries/projection.js';
import { insertReprojection } from '../../db/queries/reprojection.js';
import { demo } from '../../db/seed.js';
import { asCustomerId, ticketIdFrom } from '../../domain/ids.js';
import type { TicketId } from '../../domain/ids.js';
import { act, follow } from '../../domain/sla/desk.js';
import type { Outcome } from '../../domain/sla/desk.js';
import { emptyLedger } from '../../domain/sla/ledger.js';
import type { Ledger } from '../../domain/sla/ledger.js';
import { planOf } from '../../domain/sla/policy.js';
import type { Policy } from '../../domain/sla/policy.js';
import type { OpenFields, TicketCommand } from '../../domain/ticket/command.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { anEnvelope, anOpen } from './builders.js';
import { aPolicy } from './policies.js';
import { storeText } from './ticket-run.js';

/** Monday, 20 July 2026, 09:00 UTC. */
export const monday = Date.UTC(2026, 6, 20, 9);
export const customer = asCustomerId(demo.customers[0] ?? '');

const { tenant } = demo;
const calendar = { id: '24x7', revision: 1 };
const windows = { calendar, from: 0, until: monday * 2, windows: [[0, monday * 2] as const], zoneData: '' };

export interface Held {
  readonly ticket: Ticket;
  readonly ledger: Ledger;
}

export class ClockedDesk {
  private readonly db: Db;
  private count = 0;

  constructor(db: Db) {
    this.db = db;
  }

  inTenant<T>(work: (tx: TenantTx) => Promise<T>, of = tenant): Promise<T> {
    return withTenant(this.db, of, work);
  }

  /** Opens a ticket on Monday under a revision, with a clock of eight hours; under revision 0 it has none. Later ones have higher numbers. */
  async open(set: number, changes: Partial<OpenFields> = {}, role: 'customer' | 'agent' = 'customer'): Promise<Held> {
    this.count += 1;
    const ticketId = ticketIdFrom(Uint8Array.of(0, 0, 0, this.count >> 8, this.count & 255));
    const content = await storeText(this.db, 'opening', { body: 'Since this morning.' });
    const fields = anOpen({ tenant, requester: customer, ticketId, content, sla: { set }, ...changes });
    const command: TicketCommand = { kind: 'open', ...anEnvelope({ commandId: `open/${ticketId}`, role }), ...fields };
    const opened = act(null, set === 0 ? emptyLedger : { ...emptyLedger, planned: false }, command, monday);
    if (!opened.ok) throw new Error(opened.code);
    const held = await this.record(opened, command, monday);
    return set === 0 ? held : this.plan(held, set);
  }

  async send(held: Held, command: TicketCommand, at: number): Promise<Held> {
    const outcome = act(held.ticket, held.ledger, command, at);
    if (!outcome.ok) throw new Error(outcome.code);
    return this.record(outcome, command, at);
  }

  /** Pins a revision, as its workflow does when it is told to; the clocks follow later. */
  pin(held: Held, set: number): Promise<Held> {
    return this.send(held, { kind: 'replan', ...anEnvelope({ commandId: `reproject/${set}` }), set }, monday);
  }

  /** Lets the clocks follow a policy of the revision the ticket is pinned to. */
  plan(held: Held, set: number, policy: Policy = aPolicy()): Promise<Held> {
    const plan = planOf(policy, set, calendar);
    const fact = { kind: 'planned', at: monday, plan, windows, rematchOn: [], teamCalendar: false, reason: 'revision' } as const;
    const command: TicketCommand = { kind: 'replan', ...anEnvelope({ commandId: `plan/${held.ticket.version}` }), set };
    return this.record(follow(held.ticket, held.ledger, [fact], monday), command, monday);
  }

  async follows(held: Held, set: number, policy: Policy = aPolicy()): Promise<Held> {
    return this.plan(await this.pin(held, set), set, policy);
  }

  close(held: Held): Promise<Held> {
    return this.send(held, { kind: 'close', ...anEnvelope({ commandId: 'close', role: 'operator' }), cause: 'spam' }, monday);
  }

  /** Publishes the next revision for open tickets. */
  publish(): Promise<{ revision: number; id: string }> {
    return this.inTenant(async (tx) => {
      const by = `user/${demo.admin}`;
      const revision = (await lockPolicySets(tx, tenant)) + 1;
      await insertPolicySet(tx, tenant, { revision, policies: [aPolicy()], mode: 'reproject', by });
      const id = randomUUID();
      await insertReprojection(tx, tenant, { id, revision, by });
      return { revision, id };
    });
  }

  private async record({ ticket, ledger, events, sla }: Outcome, said: TicketCommand, at: number): Promise<Held> {
    const { commandId, kind, actor, role, source } = said;
    const step = { commandId, kind, actor, role, source, runId: 'run', at, events, ticket, planned: [], ...(sla === null ? {} : { sla }) };
    if (events.length > 0 || sla !== null) await this.inTenant((tx) => recordOnRow(tx, step, randomUUID));
    return { ticket, ledger };
  }
}

export const idsOf = (some: readonly { readonly ticket: TicketId }[]): TicketId[] => some.map(({ ticket }) => ticket);
