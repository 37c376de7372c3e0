/** A desk without Temporal: the real rules and the real projection on a real database, one ticket at a time. */
import { randomUUID } from 'node:crypto';
import { createProjection } from '../../activities/projection.js';
import type { MailCommand, ReceivedFields, TicketCommands } from '../../activities/ports.js';
import { withTenant } from '../../db/client.js';
import type { TenantTx } from '../../db/client.js';
import { demo, newApiKey, seedDemo } from '../../db/seed.js';
import { asContentId, asCustomerId, asProductKey } from '../../domain/ids.js';
import type { ContentId, CustomerId, TicketId } from '../../domain/ids.js';
import { planMessages } from '../../domain/messaging/plan.js';
import type { OpenFields, TicketCommand } from '../../domain/ticket/command.js';
import { decide } from '../../domain/ticket/decide.js';
import type { TicketStep } from '../../domain/ticket/step.js';
import type { Ticket } from '../../domain/ticket/ticket.js';
import { anEnvelope, anOpen } from '../support/builders.js';
import { freshDatabase } from '../support/db.js';
import type { TestDatabase } from '../support/db.js';

export const tenant = demo.tenant;
export const customer = (index: number): CustomerId => asCustomerId(demo.customers[index] ?? '');
export const product = asProductKey(demo.product);

export interface TestDesk extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly tickets: Map<TicketId, Ticket>;
  readonly commands: TicketCommands;
  /** Looks or changes, in the tenant. */
  see<T>(work: (tx: TenantTx) => Promise<T>): Promise<T>;
  open(fields?: Partial<OpenFields>): Promise<Ticket>;
  /** Decides and projects; throws the code of a refusal. */
  apply(id: TicketId, command: TicketCommand, at?: number): Promise<Ticket>;
  text(fields: {
    kind: 'opening' | 'message' | 'resolution';
    subject?: string;
    body: string;
    html?: string;
    author?: string;
  }): Promise<ContentId>;
}

/** @param now clock of the desk */
export async function openTestDesk(now: () => number = Date.now): Promise<TestDesk> {
  const database = await freshDatabase();
  await seedDemo(database.url, { admin: newApiKey(), lead: newApiKey(), agent: newApiKey(), customer: newApiKey(), gateway: newApiKey() });
  const tickets = new Map<TicketId, Ticket>();
  const handled = new Set<string>();
  const { project } = createProjection({ db: database.db, newId: randomUUID, onRepaired: () => undefined });

  const run = async (id: TicketId, command: TicketCommand, at: number): Promise<Ticket> => {
    const before = tickets.get(id) ?? null;
    const known = before !== null && handled.has(`${id}/${command.commandId}`);
    if (known) return before;
    const decision = decide(before, command, at);
    if (!decision.ok) throw new Error(decision.code);
    const { state: ticket, events } = decision;
    tickets.set(id, ticket);
    handled.add(`${id}/${command.commandId}`);
    const { commandId, kind, actor, role, source } = command;
    const step: TicketStep = {
      commandId,
      kind,
      actor,
      role,
      source,
      runId: 'run',
      at,
      events,
      ticket,
      planned: planMessages(ticket, events),
    };
    if (events.length > 0) await project([step]);
    return ticket;
  };
  const see = <T>(work: (tx: TenantTx) => Promise<T>): Promise<T> => withTenant(database.db, tenant, work);
  const text: TestDesk['text'] = async ({ kind, subject, body, html, author }) => {
    const id = randomUUID();
    await see((tx) =>
      tx
        .insertInto('content')
        .values({
          tenantId: tenant,
          id,
          kind,
          visibility: 'public',
          authorKind: author === undefined ? 'customer' : 'agent',
          authorId: author ?? null,
          subject: subject ?? null,
          body,
          html: html ?? null,
        })
        .execute(),
    );
    return asContentId(id);
  };
  return {
    database,
    tickets,
    see,
    text,
    apply: (id, command, at = now()) => run(id, command, at),
    async open(fields = {}) {
      const content = fields.content ?? (await text({ kind: 'opening', subject: 'It does not start', body: 'Since this morning.' }));
      const open = anOpen({ tenant, product, requester: customer(0), ...fields, content });
      return run(open.ticketId, { kind: 'open', ...anEnvelope({ commandId: `open/${open.ticketId}` }), ...open }, now());
    },
    commands: {
      async open({ ticketId, ...envelope }: MailCommand, fields: Omit<OpenFields, 'tenant' | 'ticketId'>) {
        const before = tickets.get(ticketId);
        if (before?.status === 'closed') return 'taken';
        try {
          await run(ticketId, { kind: 'open', ...envelope, ...fields, ticketId }, now());
          return 'opened';
        } catch (error) {
          if (error instanceof Error && error.message === 'ticket.id_taken') return 'taken';
          throw error;
        }
      },
      async receive({ ticketId, commandId, actor, role, source }: MailCommand, fields: ReceivedFields) {
        const before = tickets.get(ticketId);
        if (before === undefined || before.status === 'closed') return 'closed';
        await run(ticketId, { kind: 'receive', commandId, actor, role, source, ...fields }, now());
        return 'received';
      },
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
