/** One batch, from its start until every instance of it has settled. */
import {
  ActivityFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  setHandler,
} from '@temporalio/workflow';
import { checkByWhom } from '../job/by-whom.js';
import { controls } from '../job/messages.js';
import { askInstance, findBatch, onBatch } from '../proxies.js';
import { now } from '../support/clock.js';
import { Batch } from './batch.js';
import type { BatchInput } from './batch.js';
import { descriptions, progress, updates } from './messages.js';
import type { BatchProgress } from './messages.js';
import { show } from './operators.js';
import { noTurns, restOf, withOne } from './pace.js';
import { Window } from './window.js';

export async function bulkWorkflow(input: BatchInput): Promise<BatchProgress> {
  const cancelled = CancellationScope.current().cancelRequested;
  // A request to cancel is the control of that name: those being asked are finished, and PostgreSQL told.
  return CancellationScope.nonCancellable(() => story(input, cancelled));
}

async function story(input: BatchInput, cancelled: Promise<never>): Promise<BatchProgress> {
  const { tenant, batch: id, pace, carried } = input;
  const which = { tenant, batch: id };
  const batch = new Batch(input);
  const window = new Window(
    {
      size: pace.window,
      asks: pace.asks,
      againMs: pace.againMs,
      ask: ({ n, ref }, isLast) => askInstance(ref)({ ...which, n, isLast }),
    },
    carried?.waiting ?? [],
  );
  const seen = (): BatchProgress => ({ ...batch.status, state: batch.state, after: batch.after, underWay: window.count });
  for (const control of controls) {
    const handler = async (): Promise<BatchProgress> => {
      batch.control(control);
      await condition(() => batch.isRecorded());
      return seen();
    };
    setHandler(updates[control], handler, { validator: checkByWhom, description: descriptions[control] });
  }
  setHandler(progress, seen, { description: descriptions.progress });
  void cancelled.catch(() => batch.control('cancel'));

  if (carried === undefined) await begin(batch, input);
  void keepRecorded(batch, input, () => show(seen()));

  let turns = carried?.turns ?? noTurns;
  let isThrough = batch.status.ended;
  if (!isThrough) {
    await condition(() => batch.isRecorded());
    // Of a batch that was cancelled before, only those are left that were asked: they are finished.
    const finishes = batch.state === 'cancelled';
    const isDropped = (): boolean => batch.state === 'cancelled' && !finishes;
    const page = await onBatch(`behind ${batch.after}`).readBatchPage({ ...which, after: batch.after, limit: pace.pageSize });
    batch.found(page.status);
    show(seen());
    for (const item of page.items) {
      await turn(
        () => batch.state !== 'paused' && window.hasRoom(),
        isDropped,
        () => restOf(turns, batch.status.rate, now()),
      );
      if (isDropped()) break;
      turns = withOne(turns, now());
      batch.after = item.n;
      window.begin(item);
    }
    isThrough = page.items.length < pace.pageSize || batch.state === 'cancelled';
  }
  if (isThrough && !batch.status.ended) {
    await condition(() => window.isEmpty() && batch.state !== 'paused' && batch.isRecorded());
    batch.found(await onBatch('the end').endBatch(which));
    // Something is left that an earlier run had begun and nobody carried on: from the first turn again.
    if (!batch.status.ended) batch.after = 0;
  }
  const waiting = await window.leave();
  await condition(() => batch.isRecorded() && allHandlersFinished());
  show(seen());
  if (batch.status.ended) return seen();
  return continueAsNew<typeof bulkWorkflow>(batch.carry(waiting, turns));
}

/** Waits for the transaction that started it, and takes up where an earlier run was ended. */
async function begin(batch: Batch, { tenant, batch: id }: BatchInput): Promise<void> {
  try {
    batch.found(await findBatch({ tenant, batch: id }));
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    batch.abandon();
  }
}

/** Until the next instance may be begun, or none may any more. */
async function turn(isFree: () => boolean, isDropped: () => boolean, rest: () => number): Promise<void> {
  for (;;) {
    await condition(() => isFree() || isDropped());
    if (isDropped() || rest() <= 0) return;
    await condition(isDropped, rest(), { summary: 'pace' });
  }
}

/** Tells PostgreSQL what state it is in, one after the other, until the run ends. */
async function keepRecorded(batch: Batch, { tenant, batch: id }: BatchInput, tell: () => void): Promise<void> {
  for (;;) {
    await condition(() => !batch.isRecorded());
    const { state } = batch;
    if (state === 'done') return;
    tell();
    batch.found(await onBatch(`mark as ${state}`).markBatch({ tenant, batch: id, state }));
  }
}
