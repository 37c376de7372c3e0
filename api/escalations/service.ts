/** Escalations: raised on a ticket, acknowledged, resolved, sent back, ended. Source: service-desk.md, section 4. */
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { Answer } from '../middleware/idempotency.js';
import { ticketAnswer } from '../tickets/answers.js';
import { authorOf, contentIdOf, reasonText } from '../tickets/engine.js';
import type { CommandOptions, TicketEngine } from '../tickets/engine.js';
import { historyEntry, productsOf } from '../tickets/reads.js';
import { forbidden } from '../forbidden.js';
import { invalid, unknownReference } from '../tickets/refusals.js';
import { escalationName, parseEscalationName } from './names.js';
import type {
  AcknowledgeBody,
  EscalateBody,
  EscalationsQuery,
  EscalationSummary,
  EscalationView,
  ResolveEscalationBody,
} from './schema.js';
import { acceptedEscalation, escalationView } from './view.js';
import type { TenantTx } from '../../db/client.js';
import type { ContentRow } from '../../db/queries/content.js';
import { findAssignment } from '../../db/queries/directory.js';
import { findEscalation, listEscalationEvents, listEscalations } from '../../db/queries/escalations.js';
import type { EscalationFilter, WholeEscalation } from '../../db/queries/escalations.js';
import type { WholeTicket } from '../../db/queries/tickets.js';
import type { Principal } from '../../domain/access/principal.js';
import { asAgentId, asTeamId } from '../../domain/ids.js';
import type { TenantId } from '../../domain/ids.js';
import type { CommandFields } from '../../domain/ticket/command.js';
import type { EscalationStatus, EscalationTarget } from '../../domain/ticket/escalation.js';
import type { TicketAnswer } from '../../workflows/ticket/messages.js';

export type EscalationService = ReturnType<typeof createEscalationService>;

type Move = 'acknowledgeEscalation' | 'resolveEscalation' | 'sendBackEscalation' | 'withdrawEscalation' | 'closeEscalation';

/** Where each verb leads. */
const leadsTo: Readonly<Record<Move, EscalationStatus>> = {
  acknowledgeEscalation: 'in_progress',
  resolveEscalation: 'resolved',
  sendBackEscalation: 'in_progress',
  withdrawEscalation: 'closed',
  closeEscalation: 'closed',
};

export function createEscalationService({ keys, log }: Pick<Deps, 'keys' | 'log'>, engine: TicketEngine) {
  /** One step of an escalation, as a command to its ticket. */
  const move = async <Kind extends Move>(
    caller: Caller,
    escalation: WholeEscalation,
    kind: Kind,
    fields: CommandFields[Kind],
    options: CommandOptions = {},
  ): Promise<Answer> => {
    try {
      return await finish(caller, escalation, await engine.command(caller, escalation.facts, kind, fields, options));
    } catch (error) {
      // The ticket remembers the last of those that are closed; this one is there, and closed for longer.
      if (!(error instanceof Refusal) || error.code !== 'escalation.not_found') throw error;
      throw new Refusal('escalation.illegal_move', { members: { from: escalation.record.status, to: leadsTo[kind], allowed: [] } });
    }
  };

  /** The escalation as stored, or what the workflow said of it when the database cannot tell. */
  const finish = async (caller: Caller, { record }: WholeEscalation, answer: TicketAnswer | null | 'accepted'): Promise<Answer> => {
    const id = escalationName(record);
    const location = `/v1/escalations/${id}`;
    if (answer === 'accepted') {
      return { status: 202, body: { id, commandId: caller.commandId }, headers: { location, 'preference-applied': 'respond-async' } };
    }
    try {
      const read =
        answer === null || answer.projected ? await engine.within(caller, (tx) => readWhole(tx, caller.principal, record)) : undefined;
      if (read !== undefined) return { status: 200, body: read.view, headers: { etag: read.etag } };
      if (answer === null) throw new Refusal('not_found');
    } catch (error) {
      if (answer === null) throw error;
      log.warn({ escalation: id, reason: error instanceof Error ? error.message : 'unknown' }, 'accepted, but not read back');
    }
    const said = answer.ticket.escalations.find(({ n }) => n === record.n);
    const body = said === undefined ? escalationView(record) : acceptedEscalation(answer.ticket, said);
    const headers = { location, etag: `"${answer.version}"`, 'usher-projection': 'pending', 'retry-after': '2' };
    return { status: 202, body, headers };
  };

  /** Whoever is asked by name has to be there, and to see the product. */
  const checkTarget = async (caller: Caller, { product }: WholeTicket, { kind, id }: EscalationTarget): Promise<void> => {
    if (id === undefined) return;
    if (kind !== 'specialist' && kind !== 'team') throw invalid('/to/id', 'belongs to specialist and team');
    const wanted = kind === 'team' ? { agent: null, team: id } : { agent: id, team: null };
    const { agent, teamExists } = await engine.look(caller, (tx) => findAssignment(tx, caller.principal.tenant, wanted));
    if (kind === 'team' ? !teamExists : agent === null || !agent.active) throw unknownReference('/to/id');
    if (agent !== null && agent.products !== null && !agent.products.includes(product))
      throw new Refusal('not_permitted_agent', { members: { missing: 'product' } });
  };

  return {
    /** A customer only asks; the desk decides. */
    async raise(caller: Caller, row: WholeTicket, { to, level, reason, takeOver }: EscalateBody): Promise<Answer> {
      const { texts, id } = reasonText(caller, reason);
      const told = id === undefined ? {} : { reason: id };
      if (caller.principal.role === 'customer') return ticketAnswer(await engine.run(caller, row, 'escalate', told, { texts }));
      if (to === undefined)
        throw new Refusal('invalid_request', { errors: [{ pointer: '/to', code: 'required', message: 'is required' }] });
      const target = targetOf(to);
      await checkTarget(caller, row, target);
      const fields = {
        to: target,
        ...told,
        ...(level === undefined ? {} : { level }),
        ...(takeOver === undefined ? {} : { takeOver }),
      };
      const answer = await engine.command(caller, row, 'escalate', fields, { texts });
      if (answer === 'accepted') return ticketAnswer({ kind: 'accepted', id: row.id, commandId: caller.commandId });
      const written = await engine.finish(caller, row.id, answer, { before: row, written: texts, statusLabels: row.statusLabels });
      const raised = answer?.ticket.escalations.find((escalation) => escalation.reason === id);
      const { headers, ...rest } = ticketAnswer(written);
      const location = raised === undefined ? {} : { location: `/v1/escalations/${escalationName({ ticket: row.id, n: raised.n })}` };
      return { ...rest, headers: { ...headers, ...location } };
    },

    async list(reader: Reader, query: EscalationsQuery): Promise<Page<EscalationSummary>> {
      const { principal } = reader;
      const { limit, cursor } = query;
      const filter = filterOf(principal, query);
      const binding = cursorBinding(principal, 'escalations', query);
      const after = cursor === undefined ? {} : { after: placeOf(readCursor(keys, binding, cursor)) };
      const rows = await engine.within(reader, (tx) => listEscalations(tx, principal, filter, { limit, ...after }));
      return pageOf(rows, limit, escalationView, (last) =>
        writeCursor(keys, binding, { position: last.position, id: escalationName(last) }),
      );
    },

    async get(reader: Reader, escalation: WholeEscalation): Promise<{ view: EscalationView; etag: string }> {
      return engine.within(reader, (tx) => viewWhole(tx, reader.principal.tenant, escalation));
    },

    acknowledge(caller: Caller, escalation: WholeEscalation, { takeOver }: AcknowledgeBody): Promise<Answer> {
      const { n } = escalation.record;
      const fields = { escalation: n, agent: asAgentId(caller.principal.id), ...(takeOver === undefined ? {} : { takeOver }) };
      return move(caller, escalation, 'acknowledgeEscalation', fields);
    },

    resolve(caller: Caller, escalation: WholeEscalation, { outcome, text }: ResolveEscalationBody): Promise<Answer> {
      const id = contentIdOf(caller, 'outcome');
      const texts: ContentRow[] = [{ id, kind: 'outcome', visibility: 'internal', ...authorOf(caller), body: text }];
      return move(caller, escalation, 'resolveEscalation', { escalation: escalation.record.n, outcome, text: id }, { texts });
    },

    async sendBack(caller: Caller, escalation: WholeEscalation, reason: string): Promise<Answer> {
      assertRaiser(caller, escalation);
      const id = contentIdOf(caller, 'reason');
      const texts: ContentRow[] = [{ id, kind: 'reason', visibility: 'internal', ...authorOf(caller), body: reason }];
      return move(caller, escalation, 'sendBackEscalation', { escalation: escalation.record.n, reason: id }, { texts });
    },

    async withdraw(caller: Caller, escalation: WholeEscalation): Promise<Answer> {
      assertRaiser(caller, escalation);
      return move(caller, escalation, 'withdrawEscalation', { escalation: escalation.record.n });
    },

    async close(caller: Caller, escalation: WholeEscalation): Promise<Answer> {
      assertRaiser(caller, escalation);
      return move(caller, escalation, 'closeEscalation', { escalation: escalation.record.n });
    },
  };
}

/** Whoever raised it, and those who answer for the team, decide whether it is done. */
function assertRaiser({ principal: { role, actor } }: Caller, { record: { raisedBy } }: WholeEscalation): void {
  if (role !== 'lead' && role !== 'admin' && raisedBy !== actor) throw forbidden('ticket.escalate');
}

function targetOf({ kind, id }: NonNullable<EscalateBody['to']>): EscalationTarget {
  if (id === undefined) return { kind };
  return { kind, id: kind === 'team' ? asTeamId(id) : asAgentId(id) };
}

function filterOf(reader: Principal, { product, status, to, level, ticket, mine }: EscalationsQuery): EscalationFilter {
  // A ticket is of one product anyway.
  const products = productsOf(reader, ticket === undefined ? product : (product ?? ['*']));
  return {
    ...(products === undefined ? {} : { product: products }),
    ...(status === undefined ? {} : { status }),
    ...(to === undefined ? {} : { to }),
    ...(level === undefined ? {} : { level: level.map(Number) }),
    ...(ticket === undefined ? {} : { ticket: ticket.map((number) => number.toUpperCase()) }),
    ...(mine === undefined ? {} : { mine }),
  };
}

interface Read {
  readonly view: EscalationView;
  /** The ticket's: every step of an escalation is one of its ticket. */
  readonly etag: string;
}

async function viewWhole(tx: TenantTx, tenant: TenantId, { record, facts }: WholeEscalation): Promise<Read> {
  const history = await listEscalationEvents(tx, tenant, record);
  return { view: { ...escalationView(record), history: history.map(historyEntry) }, etag: etagOf(facts.version) };
}

async function readWhole(tx: TenantTx, reader: Principal, key: WholeEscalation['record']): Promise<Read | undefined> {
  const found = await findEscalation(tx, reader, key);
  return found && viewWhole(tx, reader.tenant, found);
}

export const etagOf = (version: number): string => `"${version}"`;

/** Where the page before ended; a cursor is signed, so it names an escalation. */
function placeOf({ position, id }: { readonly position: string; readonly id: string }): { position: string; ticket: string; n: number } {
  const key = parseEscalationName(id);
  if (key === null) throw new Refusal('cursor_invalid');
  return { position, ...key };
}
