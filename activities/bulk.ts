/**
 * Works on batches: each instance is asked by Update, as a caller of the API would ask it, and what it answers is kept. Source: journeys-change.md, section 6.
 *
 * The page wants a signal whose outcome the instance's own projection writes. An Update is as safe, and says more: the instance alone decides, by the
 * same rules; a refusal comes back with its code instead of being written down by the one who refuses; the batch and the turn name the command, so that
 * asking again, after a crash or for want of an answer, gets the first answer (from the server in the same run, from the instance's list of handled
 * commands in a later one); and what the event log shows of that command counts, whatever was heard or not.
 */
import { cancellationSignal } from '@temporalio/activity';
import { v5 } from 'uuid';
import { withTenant } from '../db/client.js';
import type { Db, TenantTx } from '../db/client.js';
import { endBatch, findBatch, markBatch } from '../db/queries/bulk.js';
import { claimItem, findStanding, listOpenItems, settleItem } from '../db/queries/bulk-items.js';
import type { ClaimedItem, InstanceStanding } from '../db/queries/bulk-items.js';
import { storeContent } from '../db/queries/content.js';
import type { ContentRow } from '../db/queries/content.js';
import { orderFor } from '../domain/bulk/command.js';
import { done, noAnswer, refusedWith } from '../domain/bulk/outcome.js';
import type { Settled } from '../domain/bulk/outcome.js';
import { asContentId } from '../domain/ids.js';
import type { ContentId, TenantId } from '../domain/ids.js';
import type { Instances } from './bulk-ports.js';
import type { BatchRequest, BatchStatus, BulkActivities } from './contract.js';
import { tryAgain, withoutText } from './failures.js';
import { CommandRefused } from './ports.js';

export interface BulkDeps {
  readonly db: Db;
  readonly instances: Instances;
  /** How long a statement may take, in milliseconds; the pool's own limit when absent. */
  readonly statementMs?: () => number;
}

/** Names the command of one turn of a batch, once for ever; the id of a handoff would be too long for it. */
const commandIdOf = (batch: string, n: number): string => `bulk/${batch}/${n}`;

export function createBulk({ db, instances, statementMs }: BulkDeps): BulkActivities {
  const inTenant = <T>(tenant: TenantId, work: (tx: TenantTx) => Promise<T>): Promise<T> =>
    withoutText('bulk.retry', () => withTenant(db, tenant, work, { statementMs: statementMs?.() }));

  return {
    findBatch: (request) => inTenant(request.tenant, (tx) => statusIn(tx, request)),

    readBatchPage: ({ tenant, batch, after, limit }) =>
      inTenant(tenant, async (tx) => ({
        items: await listOpenItems(tx, tenant, batch, { after, limit }),
        status: await statusIn(tx, { tenant, batch }),
      })),

    async askInstance({ tenant, batch, n, isLast }) {
      const commandId = commandIdOf(batch, n);
      const claimed = await inTenant(tenant, async (tx) => {
        const item = await claimItem(tx, tenant, batch, n);
        if (item !== undefined) await storeContent(tx, tenant, textsOf(item, commandId));
        return item;
      });
      if (claimed === undefined) return 'settled';
      const answer = await ask(instances, claimed, commandId);
      return inTenant(tenant, async (tx) => {
        const { command, ref } = claimed;
        const isDone = answer.kind === 'settled' && answer.settled.outcome === 'ok';
        const standing = isDone ? null : await findStanding(tx, tenant, { target: command.target, ref, commandId });
        const settled = judge(answer, standing, command.target, isLast);
        if (settled === null) return 'no_answer';
        await settleItem(tx, tenant, batch, { n, ...settled });
        return 'settled';
      });
    },

    markBatch: (request) =>
      inTenant(request.tenant, async (tx) => {
        await markBatch(tx, request.tenant, request.batch, request.state);
        return statusIn(tx, request);
      }),

    endBatch: (request) =>
      inTenant(request.tenant, async (tx) => {
        await endBatch(tx, request.tenant, request.batch);
        return statusIn(tx, request);
      }),
  };
}

async function statusIn(tx: TenantTx, { tenant, batch }: BatchRequest): Promise<BatchStatus> {
  const found = await findBatch(tx, tenant, batch);
  if (found === undefined) throw tryAgain('bulk.retry', ['not_started']);
  const { state, rate, total, ok, failed, skipped, endedAt } = found;
  return { state, rate, total, ok, failed, skipped, ended: endedAt !== null };
}

type Answer = { readonly kind: 'settled'; readonly settled: Settled } | { readonly kind: 'gone' | 'silent' };

async function ask(
  instances: Instances,
  { command, place, ref, words, actor, role, roles }: ClaimedItem,
  commandId: string,
): Promise<Answer> {
  const order = orderFor(command, place);
  if (order === null) return { kind: 'settled', settled: refusedWith('step_not_open') };
  const said = {
    ...(words.reason === undefined ? {} : { reason: contentOf(commandId, 'reason') }),
    ...(words.comment === undefined ? {} : { comment: contentOf(commandId, 'comment') }),
  };
  try {
    const kind = await instances.ask({ ref, order, commandId, actor, role, roles, ...said }, cancellationSignal());
    return kind === 'done' ? { kind: 'settled', settled: done } : { kind };
  } catch (error) {
    if (error instanceof CommandRefused) return { kind: 'settled', settled: refusedWith(error.code) };
    // The worker ends: another one asks.
    if (cancellationSignal().aborted) throw tryAgain('bulk.retry', ['interrupted']);
    return { kind: 'silent' };
  }
}

/**
 * What came of it; null: nobody knows yet.
 *
 * An answer may be lost, and the run that gave it may be over: what the log has of the command was accepted.
 */
function judge(answer: Answer, standing: InstanceStanding | null, target: 'journeys' | 'handoffs', isLast: boolean): Settled | null {
  if (standing?.isRecorded === true) return done;
  if (answer.kind === 'settled') return answer.settled;
  if (answer.kind === 'silent') return isLast ? noAnswer : null;
  if (standing?.isOver !== true) return { outcome: 'failed', code: 'not_found' };
  return refusedWith(target === 'journeys' ? 'journey_ended' : 'handoff.illegal_move');
}

/** The id of a text, the same each time its instance is asked. */
const contentOf = (commandId: string, name: string): ContentId => asContentId(v5(`usher:content:${commandId}:${name}`, v5.URL));

/** Texts as rows of their own, which each instance makes its own when it accepts the command. */
const textsOf = ({ words, actor, journeyId }: ClaimedItem, commandId: string): ContentRow[] =>
  (['reason', 'comment'] as const).flatMap((kind) => {
    const body = words[kind];
    if (body === undefined || journeyId === null) return [];
    const authorId = actor.slice(actor.indexOf('/') + 1);
    const id = contentOf(commandId, kind);
    return [{ id, kind, visibility: 'internal', authorKind: 'agent', authorId, body, journeyId, commandId }];
  });
