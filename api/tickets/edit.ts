/** A change of several parts of a ticket at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller, Reader } from '../caller.js';
import { Refusal } from '../errors.js';
import { authorise } from '../middleware/auth.js';
import type { ContentRow } from '../../db/queries/content.js';
import { findWholeTicket } from '../../db/queries/tickets.js';
import type { TicketFacts, WholeTicket } from '../../db/queries/tickets.js';
import type { Permission } from '../../domain/access/permit.js';
import { asAgentId, asTeamId } from '../../domain/ids.js';
import type { EditFields, TextField } from '../../domain/ticket/command.js';
import type { TicketStatus } from '../../domain/ticket/status.js';
import type { CheckAssignment } from './assignment.js';
import { authorOf, contentIdOf } from './engine.js';
import type { TicketEngine, Written } from './engine.js';
import { forbidden } from '../forbidden.js';
import { checkCategory, invalid } from './refusals.js';
import type { EditTicket } from './schema.js';

/** Repetitions of an edit whose merge was overtaken, each after a longer pause: what overtook it may not be in the row yet. About half a second in all. */
const mostMerges = 7;
const mergePauseMs = 20;

/** All parts as one command, all or nothing; each part needs its own permission. */
export function createEdit(engine: TicketEngine, checkAssignment: CheckAssignment) {
  return async (caller: Caller, row: WholeTicket, input: EditTicket): Promise<Written> => {
    for (const permission of partsOf(input, row, caller)) authorise(caller.principal, permission, row);
    await checkAssignment(caller, row, { agent: input.assigneeId ?? null, team: input.teamId }, { agent: '/assigneeId', team: '/teamId' });
    if (input.category !== undefined) checkCategory(row.categories, input.category);
    let present = row;
    for (let attempt = 0; ; attempt += 1) {
      const { fields, texts } = editFields(caller, present, input, attempt);
      const merging = input.customFields !== undefined;
      try {
        return await engine.run(caller, present, 'edit', fields, { texts, ...(merging ? { expectedVersion: present.version } : {}) });
      } catch (error) {
        const overtaken = error instanceof Refusal && error.code === 'version_mismatch' && merging && caller.expected === null;
        if (!overtaken || attempt >= mostMerges) throw error;
        await sleep(attempt * mergePauseMs);
        const fresh = await engine.within(caller, (tx) => findWholeTicket(tx, caller.principal, row.id));
        if (fresh === undefined) throw new Refusal('not_found');
        present = fresh;
      }
    }
  };
}

function editFields(caller: Caller, row: TicketFacts, input: EditTicket, attempt: number): { fields: EditFields; texts: ContentRow[] } {
  const { category, priority, status, assigneeId, teamId } = input;
  const given = {
    ...(input.subject === undefined ? {} : { subject: input.subject }),
    ...(input.tags === undefined ? {} : { tags: [...new Set(input.tags)] }),
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

/** The permission of the verb that leads to a status. */
export function statusPermission(status: TicketStatus, row: Pick<TicketFacts, 'status'>): Permission {
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
