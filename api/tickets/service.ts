/** The verbs of tickets. */
import { v7 } from 'uuid';
import type { Caller, Reader } from '../caller.js';
import { CommandLost, CommandRefused } from '../commands.js';
import type { Deps } from '../deps.js';
import { Refusal, refusalOf } from '../errors.js';
import { authorise } from '../middleware/auth.js';
import { takeKey, ticketIdOf } from '../middleware/idempotency.js';
import type { ContentRow } from '../../db/queries/content.js';
import { findAssignment, isTaken } from '../../db/queries/directory.js';
import type { Assignment, Contact, NewCustomer } from '../../db/queries/directory.js';
import { rename } from '../../db/queries/idempotency.js';
import { recordOnRow } from '../../db/queries/projection.js';
import { findCreated, findCreateFacts, findTicketFacts, lockTicket } from '../../db/queries/tickets.js';
import type { TicketFacts } from '../../db/queries/tickets.js';
import { seesProduct } from '../../domain/access/principal.js';
import type { Permission } from '../../domain/access/permit.js';
import { ticketSettings } from '../../domain/configuration/settings.js';
import { asAgentId, asCustomerId, asProductKey, asTeamId } from '../../domain/ids.js';
import type { CustomerId, TicketId } from '../../domain/ids.js';
import type { CommandFields, EditFields, TextField } from '../../domain/ticket/command.js';
import { decide } from '../../domain/ticket/decide.js';
import type { Priority, TicketStatus } from '../../domain/ticket/status.js';
import { fromIso } from '../../domain/time.js';
import { authorOf, contentIdOf, envelopeOf, reasonText } from './engine.js';
import type { TicketEngine, Written } from './engine.js';
import type { AssignBody, CreateTicket, EditTicket, StatusBody, WaitBody } from './schema.js';

/** Numbers a create tries before it gives up; each further one is a collision of 40 bits. */
const mostTries = 8;
const rememberMs = 30_000;
const mostRemembered = 10_000;
/** Repetitions of an edit whose merge was overtaken. */
const mostMerges = 4;

export type TicketService = ReturnType<typeof createTicketService>;

export function createTicketService(deps: Pick<Deps, 'commands' | 'now'>, engine: TicketEngine) {
  const { commands, now } = deps;

  const open = async (caller: Caller, start: TicketId, fields: Omit<CommandFields['open'], 'ticketId'>): Promise<Written> => {
    const { tenant } = caller.principal;
    const numbers = Array.from({ length: mostTries }, (_, n) => ticketIdOf(caller.scope, n));
    for (const ticketId of numbers.slice(Math.max(0, numbers.indexOf(start)))) {
      if (ticketId !== start && caller.claim !== null) {
        const { scope } = caller.claim;
        await engine.within(caller, (tx) => rename(tx, tenant, scope, ticketId));
      }
      try {
        const { product, priority, status = 'new' } = fields;
        const facts = { tenant, ticketId, product, priority, status };
        const args = { ...envelopeOf(caller), ...fields, ticketId };
        return await engine.finish(
          caller,
          ticketId,
          await engine.deliver(caller, 'open', ticketId, () => commands.open(facts, args, caller.deadline)),
        );
      } catch (error) {
        if (error instanceof CommandLost && error.kind === 'over') {
          const created = await engine.within(caller, (tx) => findCreated(tx, tenant, ticketId));
          if (created?.scope === caller.scope) return engine.finish(caller, ticketId, null);
        } else if (!(error instanceof CommandRefused && error.code === 'ticket.id_taken')) {
          throw error;
        }
      }
    }
    throw new Error('no free ticket number');
  };

  /** Memberships may be half a minute old, as everywhere; only what was found is remembered. */
  const remembered = new Map<string, { found: Assignment; until: number }>();
  const lookUp = async (caller: Caller, agent: string | null, team: string | null): Promise<Assignment> => {
    const { tenant } = caller.principal;
    const name = `${tenant} ${agent ?? '-'} ${team ?? '-'}`;
    const known = remembered.get(name);
    if (known !== undefined && known.until > now()) return known.found;
    const found = await engine.within(caller, (tx) => findAssignment(tx, tenant, { agent, team }));
    if (remembered.size >= mostRemembered) remembered.clear();
    if ((agent === null || found.agent !== null) && (team === null || found.teamExists))
      remembered.set(name, { found, until: now() + rememberMs });
    return found;
  };

  /** Checks whom a ticket is given to: there, active, and at home in the product and team. */
  const checkAssignment = async (
    caller: Caller,
    row: Pick<TicketFacts, 'product' | 'team'>,
    { agent, team }: { agent: string | null; team: string | null | undefined },
    pointers: { agent: string; team: string },
  ): Promise<void> => {
    if (agent === null && (team === null || team === undefined)) return;
    const found = await lookUp(caller, agent, team ?? null);
    if (typeof team === 'string' && !found.teamExists) throw unknownReference(pointers.team);
    if (agent === null) return;
    if (found.agent === null || !found.agent.active) throw unknownReference(pointers.agent);
    const missing = [
      ...(found.agent.products === null || found.agent.products.includes(row.product) ? [] : ['product']),
      ...atHome(found.agent, team === undefined ? row.team : team),
    ];
    if (missing[0] !== undefined) throw new Refusal('not_permitted_agent', { members: { missing: missing[0] } });
  };

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
      await recordOnRow(tx, { commandId, kind, actor, role, source, runId: 'api', at, events, ticket: state, planned: [] }, v7);
    });
  };

  const wait = (
    caller: Caller,
    row: TicketFacts,
    kind: 'awaitCustomer' | 'hold' | 'start',
    { until, reason }: WaitBody,
  ): Promise<Written> => {
    const { id, texts } = reasonText(caller, reason);
    return engine.run(caller, row, kind, { ...untilOf(until), ...(id === undefined ? {} : { reason: id }) }, { texts });
  };

  const withReason = (
    caller: Caller,
    row: TicketFacts,
    kind: 'reopen' | 'close' | 'unassign' | 'start',
    reason: string | undefined,
  ): Promise<Written> => {
    const { id, texts } = reasonText(caller, reason);
    return engine.run(caller, row, kind, id === undefined ? {} : { reason: id }, { texts });
  };

  const service = {
    /** Opens a ticket; the same key again finds the same ticket. Source: reliability.md, R5. */
    async create(caller: Caller, input: CreateTicket): Promise<Written> {
      const { principal } = caller;
      if (principal.role === 'customer' && input.status !== undefined) throw forbidden('ticket.edit');
      const asked = whoAsks(caller, input);
      const contacts = asked.customer === null ? asked.contacts : [];
      const first = ticketIdOf(caller.scope, 0);
      const content = contentIdOf(caller, 'opening');
      const text: ContentRow = {
        id: content,
        kind: 'opening',
        visibility: 'public',
        ...(principal.role === 'customer' ? authorOf(caller) : { authorKind: 'customer', authorId: asked.customer }),
        channel: input.channel,
        subject: input.subject,
        body: input.description,
        data: { tags: unique(input.tags ?? []), customFields: input.customFields ?? {} },
      };
      // Somebody else may store the same new customer at the same time: then it is found at the second look.
      for (let look = 1; ; look += 1) {
        try {
          const prepared = await engine.within(caller, async (tx) => {
            const product = seesProduct(principal, asProductKey(input.product)) ? input.product : '';
            const facts = await findCreateFacts(tx, principal.tenant, { product, customer: asked.customer, contacts, ticketId: first });
            if (facts === undefined) throw unknownReference('/product');
            if (asked.customer !== null && !facts.customerExists) throw unknownReference('/requester/customerId');
            checkCategory(facts.settings.categories, input.category ?? null);
            const { requester, newcomers } = settleRequester(asked, facts.contacts);
            if (facts.takenBy === caller.scope) {
              // The key still decides: a kept answer is replayed, another body is refused, a first call that lives is waited for.
              await takeKey(tx, caller, { ticketId: first });
              return { ...facts, requester, start: first, again: true };
            }
            const wanted = facts.takenBy === null ? first : ticketIdOf(caller.scope, 1);
            const texts = [{ ...text, authorId: text.authorId ?? requester }];
            const chosen = await takeKey(tx, caller, { texts, newcomers, ticketId: wanted });
            return { ...facts, requester, start: chosen ?? wanted, again: false };
          });
          if (prepared.again) return await engine.finish(caller, first, null);
          const { settings, requester, start } = prepared;
          return await open(caller, start, {
            tenant: principal.tenant,
            scope: caller.scope,
            product: asProductKey(input.product),
            channel: input.channel,
            priority: input.priority ?? settings.defaultPriority,
            category: input.category ?? null,
            requester,
            copied: [],
            content,
            ...(settings.defaultTeam === null ? {} : { team: asTeamId(settings.defaultTeam) }),
            ...(input.status === undefined ? {} : { status: input.status }),
            settings: ticketSettings(settings),
          });
        } catch (error) {
          if (!isTaken(error) || look > 2) throw error;
        }
      }
    },

    /** All parts as one command, all or nothing; each part needs its own permission. */
    async edit(caller: Caller, row: TicketFacts, input: EditTicket): Promise<Written> {
      for (const permission of partsOf(input, row, caller)) authorise(caller.principal, permission, row);
      await checkAssignment(
        caller,
        row,
        { agent: input.assigneeId ?? null, team: input.teamId },
        { agent: '/assigneeId', team: '/teamId' },
      );
      if (input.category !== undefined && input.category !== null) {
        const { category } = input;
        const { tenant } = caller.principal;
        const facts = await engine.within(caller, (tx) =>
          findCreateFacts(tx, tenant, { product: row.product, customer: null, contacts: [], ticketId: row.id }),
        );
        checkCategory(facts?.settings.categories ?? [], category);
      }
      let present = row;
      for (let attempt = 0; ; attempt += 1) {
        const { fields, texts } = editFields(caller, present, input, attempt);
        const merging = input.customFields !== undefined;
        try {
          return await engine.run(caller, present, 'edit', fields, { texts, ...(merging ? { expectedVersion: present.version } : {}) });
        } catch (error) {
          const overtaken = error instanceof Refusal && error.code === 'version_mismatch' && merging && caller.expected === null;
          if (!overtaken || attempt >= mostMerges) throw error;
          const fresh = await engine.within(caller, (tx) => findTicketFacts(tx, caller.principal, row.id));
          if (fresh === undefined) throw new Refusal('not_found');
          present = fresh;
        }
      }
    },

    async remove(caller: Caller, row: TicketFacts, reason: string | undefined): Promise<void> {
      const said = reason?.trim() ?? '';
      if (said.length < 3 || said.length > 500) throw new Refusal('reason_required');
      await changeClosed(caller, row, 'remove', said);
    },

    async restore(caller: Caller, row: TicketFacts, reason: string | undefined): Promise<Written> {
      await changeClosed(caller, row, 'restore', reason);
      return engine.finish(caller, row.id, null);
    },

    async assign(caller: Caller, row: TicketFacts, { agentId, teamId, reason }: AssignBody): Promise<Written> {
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

    async claim(caller: Caller, row: TicketFacts): Promise<Written> {
      if (!isPerson(caller)) throw forbidden('ticket.assign');
      await checkAssignment(caller, row, { agent: caller.principal.id, team: undefined }, { agent: '', team: '' });
      return engine.run(caller, row, 'claim', { agent: asAgentId(caller.principal.id) });
    },

    async unassign(caller: Caller, row: TicketFacts, reason: string | undefined): Promise<Written> {
      if (caller.principal.role === 'agent' && row.assignee !== null && row.assignee !== caller.principal.id)
        throw forbidden('ticket.assign');
      return withReason(caller, row, 'unassign', reason);
    },

    priority(caller: Caller, row: TicketFacts, { priority, reason }: { priority: Priority; reason?: string }): Promise<Written> {
      const { id, texts } = reasonText(caller, reason);
      return engine.run(caller, row, 'priority', { priority, ...(id === undefined ? {} : { reason: id }) }, { texts });
    },

    start: (caller: Caller, row: TicketFacts, reason: string | undefined): Promise<Written> => withReason(caller, row, 'start', reason),
    awaitCustomer: (caller: Caller, row: TicketFacts, input: WaitBody): Promise<Written> => wait(caller, row, 'awaitCustomer', input),
    hold: (caller: Caller, row: TicketFacts, input: WaitBody): Promise<Written> => wait(caller, row, 'hold', input),
    reopen: (caller: Caller, row: TicketFacts, reason: string): Promise<Written> => withReason(caller, row, 'reopen', reason),
    close: (caller: Caller, row: TicketFacts, reason: string | undefined): Promise<Written> => withReason(caller, row, 'close', reason),

    resolve(caller: Caller, row: TicketFacts, resolution: string | undefined): Promise<Written> {
      const { id, texts } = reasonText(caller, resolution, 'resolution');
      return engine.run(caller, row, 'resolve', id === undefined ? {} : { resolution: id }, { texts });
    },

    /** The verb that leads to a status, with that verb's permission. */
    status(caller: Caller, row: TicketFacts, { status, until, reason }: StatusBody): Promise<Written> {
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

interface Asked {
  readonly customer: CustomerId | null;
  readonly contacts: readonly Contact[];
  readonly name: string | null;
}

function whoAsks({ principal }: Reader, { requester }: CreateTicket): Asked {
  if (principal.role === 'customer') {
    const other = requester !== undefined && !('customerId' in requester && requester.customerId === principal.id);
    if (other) throw forbidden('ticket.create');
    return { customer: asCustomerId(principal.id), contacts: [], name: null };
  }
  if (requester === undefined)
    throw new Refusal('invalid_request', { errors: [{ pointer: '/requester', code: 'required', message: 'is required' }] });
  if ('customerId' in requester) return { customer: asCustomerId(requester.customerId), contacts: [], name: null };
  const { email, phone, name } = requester;
  return {
    customer: null,
    contacts: [
      ...(email === undefined ? [] : [{ kind: 'email' as const, value: email }]),
      ...(phone === undefined ? [] : [{ kind: 'phone' as const, value: phone }]),
    ],
    name: name ?? null,
  };
}

/** The customer behind the contact points, or a new one; the mail address counts before the number. */
function settleRequester(
  { customer, contacts, name }: Asked,
  known: readonly (Contact & { customer: CustomerId })[],
): { requester: CustomerId; newcomers: NewCustomer[] } {
  const found = customer ?? known.find((contact) => contact.kind === 'email')?.customer ?? known[0]?.customer;
  if (found !== undefined) return { requester: found, newcomers: [] };
  const id = asCustomerId(v7());
  return { requester: id, newcomers: [{ id, name, externalId: null, contacts }] };
}

function editFields(caller: Caller, row: TicketFacts, input: EditTicket, attempt: number): { fields: EditFields; texts: ContentRow[] } {
  const { category, priority, status, assigneeId, teamId } = input;
  const given = {
    ...(input.subject === undefined ? {} : { subject: input.subject }),
    ...(input.tags === undefined ? {} : { tags: unique(input.tags) }),
    ...(input.customFields === undefined ? {} : { customFields: merged(row.customFields, input.customFields) }),
  };
  const changed = (['subject', 'tags', 'customFields'] as const satisfies readonly TextField[]).filter((name) => name in given);
  const id = contentIdOf(caller, `fields.${attempt}`);
  const fields: EditFields = {
    ...(changed.length === 0 ? {} : { fields: id, changed }),
    ...(category === undefined ? {} : { category }),
    ...(priority === undefined ? {} : { priority }),
    ...(teamId === undefined ? {} : { team: teamId === null ? null : asTeamId(teamId) }),
    ...(assigneeId === undefined ? {} : { assignee: assigneeId === null ? null : asAgentId(assigneeId) }),
    ...(status === undefined ? {} : { status }),
  };
  return { fields, texts: changed.length === 0 ? [] : [{ id, kind: 'fields', visibility: 'internal', ...authorOf(caller), data: given }] };
}

const mostFields = 50;

/** RFC 7396 on one level. */
function merged(present: Readonly<Record<string, unknown>>, patch: NonNullable<EditTicket['customFields']>): Record<string, unknown> {
  const all = Object.entries({ ...present, ...patch }).filter(([, value]) => value !== null);
  if (all.length > mostFields) throw invalid('/customFields', `a ticket has at most ${mostFields} fields`);
  return Object.fromEntries(all);
}

/** The permission each part of an edit needs. */
function partsOf(input: EditTicket, row: TicketFacts, { principal }: Reader): Permission[] {
  const edits = ['subject', 'category', 'tags', 'customFields', 'priority'].some((name) => name in input);
  const gives = input.teamId !== undefined || (input.assigneeId !== undefined && input.assigneeId !== principal.id);
  const givesBack = input.teamId === undefined && input.assigneeId === null && (row.assignee === null || row.assignee === principal.id);
  if (principal.role === 'agent' && gives && !givesBack) throw forbidden('ticket.assign');
  return [
    ...(edits ? (['ticket.edit'] as const) : []),
    ...(input.assigneeId !== undefined || input.teamId !== undefined ? (['ticket.assign'] as const) : []),
    ...(input.status === undefined ? [] : [statusPermission(input.status, row)]),
  ];
}

function statusPermission(status: TicketStatus, row: Pick<TicketFacts, 'status'>): Permission {
  switch (status) {
    case 'new':
      return 'ticket.edit';
    case 'in_progress':
      return row.status === 'resolved' ? 'ticket.reopen' : 'ticket.wait';
    case 'waiting_on_customer':
    case 'on_hold':
      return 'ticket.wait';
    case 'resolved':
      return 'ticket.resolve';
    case 'closed':
      return 'ticket.close';
  }
}

const atHome = (agent: { role: string; teams: readonly string[] }, team: string | null): string[] =>
  team === null || agent.role === 'admin' || agent.teams.includes(team) ? [] : ['team'];

function checkCategory(known: readonly string[], category: string | null): void {
  if (category !== null && known.length > 0 && !known.includes(category)) throw unknownReference('/category');
}

const untilOf = (until: string | undefined): { until?: number } => (until === undefined ? {} : { until: fromIso(until) });
const unique = (items: readonly string[]): string[] => [...new Set(items)];
const isPerson = ({ principal }: Reader): boolean => principal.actor.startsWith('user/');
const forbidden = (permission: string): Refusal => new Refusal('forbidden', { members: { permission } });
const unknownReference = (pointer: string): Refusal => new Refusal('unknown_reference', { members: { pointer } });
const invalid = (pointer: string, message: string): Refusal =>
  new Refusal('invalid_request', { errors: [{ pointer, code: 'invalid', message }] });
