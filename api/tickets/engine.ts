/** One command to one ticket, from stored text to answer; what every verb shares. */
import { v5 } from 'uuid';
import { before } from '../caller.js';
import type { Caller, Reader } from '../caller.js';
import { CommandLost, CommandRefused } from '../commands.js';
import type { Deps } from '../deps.js';
import { Refusal, refusalOf } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import { withTenant } from '../../db/client.js';
import type { TenantTx } from '../../db/client.js';
import type { ContentRow } from '../../db/queries/content.js';
import type { NewCustomer } from '../../db/queries/directory.js';
import { findTicket, lookAfterEnd } from '../../db/queries/tickets.js';
import type { TicketFacts, WholeTicket } from '../../db/queries/tickets.js';
import { permit } from '../../domain/access/permit.js';
import { asContentId } from '../../domain/ids.js';
import type { ContentId, TicketId } from '../../domain/ids.js';
import type { CommandFields, Envelope, Verb } from '../../domain/ticket/command.js';
import type { TicketAnswer } from '../../workflows/ticket/messages.js';
import { recordAfter } from './after.js';
import type { Known } from './after.js';
import type { AcceptedTicket, TicketView } from './schema.js';
import { acceptedView, ticketView } from './view.js';

/** What became of a command. `pending`: accepted, PostgreSQL follows; `accepted`: its result was not waited for. */
export type Written =
  | { readonly kind: 'done' | 'pending'; readonly id: TicketId; readonly version: number; readonly view: TicketView | AcceptedTicket }
  | { readonly kind: 'accepted'; readonly id: TicketId; readonly commandId: string };

export type TicketEngine = ReturnType<typeof createTicketEngine>;

export function createTicketEngine({ db, commands, metrics, log, now }: Pick<Deps, 'db' | 'commands' | 'metrics' | 'log' | 'now'>) {
  /** Looks at something before the answer is due, in the transaction the request has begun, which stays open. */
  const look = <T>({ principal, deadline, unit }: Reader, work: (tx: TenantTx) => Promise<T>): Promise<T> =>
    before(deadline, unit?.isOpen === true ? unit.run(work) : withTenant(db, principal.tenant, work));

  /** The same with an end: once it returns, what was written is kept. */
  const within = async <T>(reader: Reader, work: (tx: TenantTx) => Promise<T>): Promise<T> => {
    const result = await look(reader, work);
    await settle(reader);
    return result;
  };

  /** Sends, measures, and turns every bad end into a refusal; null: done before, and over since. */
  const deliver = async <T>(caller: Caller, verb: Verb, id: TicketId, send: () => Promise<T>): Promise<T | null> => {
    const startedAt = now();
    const measured = (outcome: string): void => metrics.command(verb, outcome, (now() - startedAt) / 1000);
    try {
      const answer = await send();
      measured('ok');
      return answer;
    } catch (error) {
      if (error instanceof CommandRefused) {
        measured('refused');
        if (error.code === 'ticket.closed') throw await closed(caller, id);
        if (error.code === 'ticket.id_taken') throw error;
        throw refusalOf(error.code, error.members);
      }
      if (!(error instanceof CommandLost)) {
        measured('error');
        throw error;
      }
      measured(error.kind);
      if (error.kind === 'over') throw error;
      if (error.kind === 'gone') return afterEnd(caller, id);
      log.warn({ err: error.cause, verb, ticket: id, kind: error.kind }, 'command lost');
      if (error.kind === 'unavailable') throw new Refusal('engine_unavailable');
      if (error.kind === 'busy') throw new Refusal('engine_busy');
      throw new Refusal('command_unconfirmed', { members: { idempotencyKey: caller.key } });
    }
  };

  /** No workflow runs: the command may have been its last one, or it came too late. */
  const afterEnd = async (caller: Caller, id: TicketId): Promise<null> => {
    const { tenant } = caller.principal;
    const { exists, done, followUp } = await within(caller, (tx) => lookAfterEnd(tx, tenant, id, caller.commandId));
    if (done) return null;
    if (!exists) throw new Refusal('not_found');
    throw new Refusal('ticket.closed', { members: followUp === null ? {} : { followUp } });
  };

  const closed = async (caller: Caller, id: TicketId): Promise<Refusal> => {
    const { tenant } = caller.principal;
    const { followUp } = await within(caller, (tx) => lookAfterEnd(tx, tenant, id, caller.commandId)).catch(() => ({ followUp: null }));
    return new Refusal('ticket.closed', { members: followUp === null ? {} : { followUp } });
  };

  /** What the command led to; a database that fails now does not undo what was accepted. */
  const finish = async (caller: Caller, id: TicketId, answer: TicketAnswer | null, known: Known | null): Promise<Written> => {
    if (answer !== null && !answer.projected) return pending(id, answer);
    const told = answer === null || known === null ? null : tell(caller, answer, known);
    if (told !== null) return told;
    try {
      const row = await within(caller, (tx) => findTicket(tx, caller.principal, id));
      if (row !== undefined) return { kind: 'done', id, version: row.version, view: ticketView(row) };
    } catch (error) {
      if (answer === null) throw error;
      log.warn({ ticket: id, reason: error instanceof Error ? error.message : 'unknown' }, 'accepted, but not read back');
      return pending(id, answer);
    }
    // Done, and out of the caller's sight by that: given to another team, for one.
    if (answer === null) throw new Refusal('not_found');
    return { kind: 'done', id, version: answer.version, view: acceptedView(answer.ticket) };
  };

  /**
   * Stores what belongs to a command, then sends it.
   *
   * @returns the workflow's answer; null: done before, and over since; `accepted`: the caller does not wait
   */
  const command = async <Kind extends Verb>(
    caller: Caller,
    row: TicketFacts,
    kind: Kind,
    fields: CommandFields[Kind],
    { texts = [], newcomers = [], also, expectedVersion }: CommandOptions = {},
  ): Promise<TicketAnswer | null | 'accepted'> => {
    const expected = caller.expected ?? expectedVersion;
    if (expected === 'never') throw new Refusal('version_mismatch', { members: { current: row.version } });
    if (texts.length > 0 || newcomers.length > 0 || caller.claim !== null || also !== undefined) {
      await within(caller, async (tx) => {
        await takeKey(tx, caller, { texts, newcomers });
        await also?.(tx);
      });
    } else {
      // Nothing was written, so nobody has to wait for the end.
      void caller.unit?.leave();
    }
    const args = { ...envelopeOf(caller), ...(expected === undefined ? {} : { expectedVersion: expected }), ...fields };
    if (!caller.async) return deliver(caller, kind, row.id, () => commands.send(row.id, kind, args, caller.deadline));
    await deliver(caller, kind, row.id, () => commands.accept(row.id, kind, args, caller.deadline));
    return 'accepted';
  };

  return {
    look,
    within,
    deliver,
    finish,
    command,

    /** A command whose answer is the ticket. */
    async run<Kind extends Verb>(
      caller: Caller,
      row: WholeTicket,
      kind: Kind,
      fields: CommandFields[Kind],
      options: CommandOptions = {},
    ): Promise<Written> {
      const answer = await command(caller, row, kind, fields, options);
      if (answer === 'accepted') return { kind: 'accepted', id: row.id, commandId: caller.commandId };
      return finish(caller, row.id, answer, { before: row, written: options.texts ?? [], statusLabels: row.statusLabels });
    },
  };
}

export interface CommandOptions {
  readonly texts?: readonly ContentRow[];
  readonly newcomers?: readonly NewCustomer[];
  /** Work of the same transaction. */
  readonly also?: (tx: TenantTx) => Promise<void>;
  readonly expectedVersion?: number;
}

/** Ends the transaction the request has begun, if it is still open. */
async function settle({ deadline, unit }: Reader): Promise<void> {
  if (unit?.isOpen === true) await before(deadline, unit.end());
}

/** What it led to without reading it; null: some of it is not stored yet, or it holds words that are not known here. */
function tell({ principal }: Caller, { ticket, version: reached, stored = reached }: TicketAnswer, known: Known): Written | null {
  const { id, version } = ticket;
  if (version > stored) return null;
  if (permit(principal, 'ticket.read', ticket) === 'not_yours') return { kind: 'done', id, version, view: acceptedView(ticket) };
  const record = recordAfter(principal, ticket, known);
  return record === null ? null : { kind: 'done', id, version, view: ticketView(record) };
}

const pending = (id: TicketId, answer: TicketAnswer): Written => ({
  kind: 'pending',
  id,
  version: answer.version,
  view: acceptedView(answer.ticket),
});

/** What every command of the API carries. */
export const envelopeOf = ({ commandId, principal, requestId, receivedAt }: Caller): Envelope => ({
  commandId,
  actor: principal.actor,
  role: principal.role,
  source: 'api',
  receivedAt,
  requestId,
  ...(principal.actingFor === null ? {} : { actingFor: `customer/${principal.actingFor}` }),
});

/** Who wrote a text. */
export const authorOf = ({ principal }: Reader): Pick<ContentRow, 'authorKind' | 'authorId'> => ({
  authorKind: principal.role === 'customer' ? 'customer' : principal.role === 'service' ? 'service' : 'agent',
  authorId: principal.id,
});

/** The id of a text, the same for each repetition of the request. */
export const contentIdOf = (caller: Caller, name: string): ContentId => asContentId(v5(`usher:content:${caller.scope}:${name}`, v5.URL));

/** The content row of a reason, or none. */
export function reasonText(
  caller: Caller,
  reason: string | undefined,
  kind: 'reason' | 'resolution' = 'reason',
): { texts: ContentRow[]; id?: ContentId } {
  if (reason === undefined) return { texts: [] };
  const id = contentIdOf(caller, kind);
  return { id, texts: [{ id, kind, visibility: kind === 'reason' ? 'internal' : 'public', ...authorOf(caller), body: reason }] };
}
