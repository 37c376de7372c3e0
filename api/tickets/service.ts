/** The verbs of tickets. */
import { v7 } from 'uuid';
import type { Caller, Reader } from '../caller.js';
import { Refusal, refusalOf } from '../errors.js';
import { authorise } from '../middleware/auth.js';
import { takeKey } from '../middleware/idempotency.js';
import { recordOnRow } from '../../db/queries/projection.js';
import { lockTicket } from '../../db/queries/tickets.js';
import type { TicketFacts, WholeTicket } from '../../db/queries/tickets.js';
import { originOf } from '../../domain/actor.js';
import { asAgentId, asTeamId } from '../../domain/ids.js';
import { decide } from '../../domain/ticket/decide.js';
import type { Priority } from '../../domain/ticket/status.js';
import { fromIso } from '../../domain/time.js';
import { createAssignmentCheck } from './assignment.js';
import { createOpening } from './create.js';
import type { CreateDeps } from './create.js';
import { createEdit, statusPermission } from './edit.js';
import { envelopeOf, reasonText } from './engine.js';
import type { TicketEngine, Written } from './engine.js';
import { forbidden } from '../forbidden.js';
import { invalid } from './refusals.js';
import type { AssignBody, StatusBody, WaitBody } from './schema.js';

export type TicketService = ReturnType<typeof createTicketService>;

export function createTicketService(deps: CreateDeps, engine: TicketEngine) {
  const { now } = deps;
  const checkAssignment = createAssignmentCheck(deps, engine);

  const changeClosed = async (caller: Caller, row: TicketFacts, kind: 'remove' | 'restore', reason: string | undefined): Promise<void> => {
    if (caller.expected === 'never') throw new Refusal('version_mismatch', { members: { current: row.version } });
    const { id, texts } = reasonText(caller, reason);
    const { tenant } = caller.principal;
    const command = {
      kind,
      ...envelopeOf(caller),
      ...(caller.expected === null ? {} : { expectedVersion: caller.expected }),
      ...(id === undefined ? {} : { reason: id }),
    };
    await engine.within(caller, async (tx) => {
      await takeKey(tx, caller, { texts });
      const ticket = await lockTicket(tx, tenant, row.id);
      const at = now();
      const decision = decide(ticket ?? null, command, at);
      if (!decision.ok) throw refusalOf(decision.code, decision.members);
      if (decision.events.length === 0) return;
      const { commandId, actor, role, source } = command;
      const { events, state } = decision;
      const said = { commandId, kind, actor, role, source, ...originOf(command) };
      await recordOnRow(tx, { ...said, runId: 'api', at, events, ticket: state, planned: [] }, v7);
    });
  };

  const wait = (
    caller: Caller,
    row: WholeTicket,
    kind: 'awaitCustomer' | 'hold' | 'start',
    { until, reason }: WaitBody,
  ): Promise<Written> => {
    const { id, texts } = reasonText(caller, reason);
    return engine.run(caller, row, kind, { ...untilOf(until), ...(id === undefined ? {} : { reason: id }) }, { texts });
  };

  const withReason = (
    caller: Caller,
    row: WholeTicket,
    kind: 'reopen' | 'close' | 'unassign' | 'start',
    reason: string | undefined,
  ): Promise<Written> => {
    const { id, texts } = reasonText(caller, reason);
    return engine.run(caller, row, kind, id === undefined ? {} : { reason: id }, { texts });
  };

  const service = {
    create: createOpening(deps, engine),

    edit: createEdit(engine, checkAssignment),

    async remove(caller: Caller, row: TicketFacts, reason: string | undefined): Promise<void> {
      const said = reason?.trim() ?? '';
      if (said.length < 3 || said.length > 500) throw new Refusal('reason_required');
      await changeClosed(caller, row, 'remove', said);
    },

    async restore(caller: Caller, row: TicketFacts, reason: string | undefined): Promise<Written> {
      await changeClosed(caller, row, 'restore', reason);
      return engine.finish(caller, row.id, null, null);
    },

    async assign(caller: Caller, row: WholeTicket, { agentId, teamId, reason }: AssignBody): Promise<Written> {
      // Agents take work, they do not hand it out.
      if (caller.principal.role === 'agent' && (agentId !== caller.principal.id || teamId !== undefined)) throw forbidden('ticket.assign');
      await checkAssignment(caller, row, { agent: agentId ?? null, team: teamId }, { agent: '/agentId', team: '/teamId' });
      const { id, texts } = reasonText(caller, reason);
      const to = {
        ...(agentId === undefined ? {} : { agent: asAgentId(agentId) }),
        ...(teamId === undefined ? {} : { team: asTeamId(teamId) }),
      };
      return engine.run(caller, row, 'assign', { ...to, ...(id === undefined ? {} : { reason: id }) }, { texts });
    },

    async claim(caller: Caller, row: WholeTicket): Promise<Written> {
      if (!isPerson(caller)) throw forbidden('ticket.assign');
      await checkAssignment(caller, row, { agent: caller.principal.id, team: undefined }, { agent: '', team: '' });
      return engine.run(caller, row, 'claim', { agent: asAgentId(caller.principal.id) });
    },

    async unassign(caller: Caller, row: WholeTicket, reason: string | undefined): Promise<Written> {
      if (caller.principal.role === 'agent' && row.assignee !== null && row.assignee !== caller.principal.id)
        throw forbidden('ticket.assign');
      return withReason(caller, row, 'unassign', reason);
    },

    priority(caller: Caller, row: WholeTicket, { priority, reason }: { priority: Priority; reason?: string }): Promise<Written> {
      const { id, texts } = reasonText(caller, reason);
      return engine.run(caller, row, 'priority', { priority, ...(id === undefined ? {} : { reason: id }) }, { texts });
    },

    start: (caller: Caller, row: WholeTicket, reason: string | undefined): Promise<Written> => withReason(caller, row, 'start', reason),
    awaitCustomer: (caller: Caller, row: WholeTicket, input: WaitBody): Promise<Written> => wait(caller, row, 'awaitCustomer', input),
    hold: (caller: Caller, row: WholeTicket, input: WaitBody): Promise<Written> => wait(caller, row, 'hold', input),
    reopen: (caller: Caller, row: WholeTicket, reason: string): Promise<Written> => withReason(caller, row, 'reopen', reason),
    close: (caller: Caller, row: WholeTicket, reason: string | undefined): Promise<Written> => withReason(caller, row, 'close', reason),

    resolve(caller: Caller, row: WholeTicket, resolution: string | undefined): Promise<Written> {
      const { id, texts } = reasonText(caller, resolution, 'resolution');
      return engine.run(caller, row, 'resolve', id === undefined ? {} : { resolution: id }, { texts });
    },

    /** The verb that leads to a status, with that verb's permission. */
    status(caller: Caller, row: WholeTicket, { status, until, reason }: StatusBody): Promise<Written> {
      authorise(caller.principal, statusPermission(status, row), row);
      if (until !== undefined && status !== 'waiting_on_customer' && status !== 'on_hold')
        throw invalid('/until', 'belongs to waiting_on_customer and on_hold');
      const waiting = { ...(until === undefined ? {} : { until }), ...(reason === undefined ? {} : { reason }) };
      switch (status) {
        case 'new':
          return engine.run(caller, row, 'edit', { status });
        case 'in_progress':
          return withReason(caller, row, row.status === 'resolved' ? 'reopen' : 'start', reason);
        case 'waiting_on_customer':
          return wait(caller, row, 'awaitCustomer', waiting);
        case 'on_hold':
          return wait(caller, row, 'hold', waiting);
        case 'resolved':
          if (reason !== undefined) throw invalid('/reason', 'is not told when resolving; send a resolution to …/resolve');
          return service.resolve(caller, row, undefined);
        case 'closed':
          return withReason(caller, row, 'close', reason);
      }
    },
  };

  return service;
}

const untilOf = (until: string | undefined): { until?: number } => (until === undefined ? {} : { until: fromIso(until) });
const isPerson = ({ principal }: Reader): boolean => principal.actor.startsWith('user/');
