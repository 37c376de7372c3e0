/** Approvals: votes and who gives them. Source: journeys.md, section 9. */
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { JourneyEngine, Sent } from '../journeys/engine.js';
import { oneText } from '../journeys/texts.js';
import type { Answer } from '../middleware/idempotency.js';
import { unknownReference } from '../tickets/refusals.js';
import { iso, isoOrNull } from '../tickets/view.js';
import type { ApprovalsQuery, ApprovalView, DelegateBody, VoteBody } from './schema.js';
import { findApproval, listApprovals } from '../../db/queries/approvals.js';
import type { ApprovalFacts, ApprovalRecord } from '../../db/queries/approvals.js';
import { findHandoff } from '../../db/queries/handoffs.js';
import { findPeople } from '../../db/queries/journey-questions.js';
import type { HandoffCommandFields } from '../../domain/handoff/command.js';
import { fromIso, toIso } from '../../domain/time.js';

export type ApprovalService = ReturnType<typeof createApprovalService>;

/** What became of it; the workflow says nothing of the vote itself. */
type VoteSent = Sent<{ readonly projected: boolean }>;
type VoteFields = HandoffCommandFields['vote'];
type DelegateFields = HandoffCommandFields['delegate'];

export function createApprovalService(
  { keys, log }: Pick<Deps, 'keys' | 'log'>,
  engine: Pick<JourneyEngine, 'look' | 'within' | 'command' | 'commandHandoff'>,
) {
  /** The handoff that is voted about; whoever is asked without seeing its journey sends by what the vote says of it. */
  const handoffOf = async (caller: Caller, row: ApprovalFacts, id: string) =>
    (await engine.look(caller, (tx) => findHandoff(tx, caller.principal, id))) ?? {
      id,
      journeyId: row.journeyId,
      version: row.version,
      state: 'awaiting_approval',
    };

  /** The approval as stored; the workflow says nothing of it. */
  const finish = async (caller: Caller, { id }: ApprovalFacts, sent: VoteSent): Promise<Answer> => {
    const location = `/v1/approvals/${id}`;
    const accepted = { id, commandId: caller.commandId };
    if (sent === 'accepted') return { status: 202, body: accepted, headers: { location, 'preference-applied': 'respond-async' } };
    try {
      const found =
        sent !== 'repeated' && !sent.projected ? undefined : await engine.within(caller, (tx) => findApproval(tx, caller.principal, id));
      if (found !== undefined) return { status: 200, body: approvalView(found) };
    } catch (error) {
      if (sent === 'repeated') throw error;
      log.warn({ approval: id, reason: error instanceof Error ? error.message : 'unknown' }, 'accepted, but not read back');
    }
    if (sent === 'repeated') throw new Refusal('not_found');
    return { status: 202, body: accepted, headers: { location, 'usher-projection': 'pending', 'retry-after': '2' } };
  };

  /** Who comes too late is told how the vote ended, also when it was the last thing to happen. */
  const told = async (caller: Caller, { id }: ApprovalFacts, sending: Promise<VoteSent>): Promise<VoteSent> => {
    try {
      return await sending;
    } catch (error) {
      if (!(error instanceof Refusal) || !overCodes.includes(error.code)) throw error;
      const { outcome = null } = (await engine.look(caller, (tx) => findApproval(tx, caller.principal, id))) ?? {};
      throw outcome === null ? error : new Refusal('approval_closed', { members: { outcome } });
    }
  };

  return {
    /** Newest first. */
    async list(reader: Reader, query: ApprovalsQuery): Promise<Page<ApprovalView>> {
      const { limit, cursor, ...filter } = query;
      const binding = cursorBinding(reader.principal, 'approvals', query);
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor) };
      const rows = await engine.within(reader, (tx) => listApprovals(tx, reader.principal, filter, { limit, ...after }));
      return pageOf(rows, limit, approvalView, ({ position, id }) => writeCursor(keys, binding, { position, id }));
    },

    get: (row: ApprovalFacts): ApprovalView => approvalView(row),

    async vote(caller: Caller, row: ApprovalFacts, { comment, ...given }: VoteBody): Promise<Answer> {
      const { id, texts } = oneText(caller, row.journeyId, 'comment', comment);
      const fields: VoteFields = { ...given, ...(id === undefined ? {} : { comment: id }) };
      const sending = { texts, roles: row.readerRoles };
      const { handoffId, step, visit } = row;
      const sent =
        handoffId === null
          ? engine.command(caller, journeyOf(row), 'vote', { step, visit, ...fields }, sending)
          : engine.commandHandoff(caller, await handoffOf(caller, row, handoffId), 'vote', fields, sending);
      return finish(caller, row, await told(caller, row, sent));
    },

    async delegate(caller: Caller, row: ApprovalFacts, { to, until }: DelegateBody): Promise<Answer> {
      const { tenant } = caller.principal;
      const [person] = await engine.look(caller, (tx) => findPeople(tx, tenant, { users: [to], roles: [], team: null }));
      if (person === undefined) throw unknownReference('/to');
      const fields: DelegateFields = { to, toRoles: person.roles, ...(until === undefined ? {} : { until: fromIso(until) }) };
      const sending = { roles: row.readerRoles };
      const { handoffId, step, visit } = row;
      const sent =
        handoffId === null
          ? engine.command(caller, journeyOf(row), 'delegate', { step, visit, ...fields }, sending)
          : engine.commandHandoff(caller, await handoffOf(caller, row, handoffId), 'delegate', fields, sending);
      return finish(caller, row, await told(caller, row, sent));
    },
  };
}

/** What a command is refused with whose workflow is over. */
const overCodes: readonly string[] = ['journey_ended', 'handoff.illegal_move'];

const journeyOf = ({ journeyId, version }: ApprovalFacts) => ({ id: journeyId, version });

const approvalView = (row: ApprovalRecord): ApprovalView => ({
  id: row.id,
  journey: row.journeyId,
  handoff: row.handoffId,
  step: row.step,
  visit: row.visit,
  round: row.round,
  state: row.outcome === null ? 'open' : 'closed',
  outcome: row.outcome,
  cause: row.cause,
  requester: row.requester,
  eligible: row.eligible.map(({ id, roles }) => ({ id, roles: [...roles] })),
  required: row.required,
  votes: row.votes.map((vote) => ({ ...vote })),
  delegations: row.delegations.map(({ from, to, at, until }) => ({ from, to, at: toIso(at), until: until === null ? null : toIso(until) })),
  escalations: row.escalations.map(({ rung, at }) => ({ rung, at: toIso(at) })),
  evidenceHash: row.evidenceHash,
  awaitsMe: row.isMine,
  openedAt: iso(row.openedAt),
  dueAt: isoOrNull(row.dueAt),
  closedAt: isoOrNull(row.closedAt),
});
