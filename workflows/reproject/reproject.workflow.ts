/** One revision of the policies, from its publication until every open ticket has been asked to follow it. */
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
import { findReprojection, markReprojection, reprojectPage } from '../proxies.js';
import { now } from '../support/clock.js';
import { Batch } from './batch.js';
import type { ReprojectionInput } from './batch.js';
import { descriptions, progress, updates } from './messages.js';
import type { ReprojectionProgress } from './messages.js';
import { show } from './operators.js';

export async function reprojectWorkflow(input: ReprojectionInput): Promise<ReprojectionProgress> {
  const cancelled = CancellationScope.current().cancelRequested;
  // A request to cancel is the control of that name: the page under way is finished, and PostgreSQL told.
  return CancellationScope.nonCancellable(() => story(input, cancelled));
}

async function story(input: ReprojectionInput, cancelled: Promise<never>): Promise<ReprojectionProgress> {
  const batch = new Batch(input);
  for (const control of controls) {
    const handler = async (): Promise<ReprojectionProgress> => {
      batch.control(control);
      await condition(() => batch.isRecorded());
      return batch.progress();
    };
    setHandler(updates[control], handler, { validator: checkByWhom, description: descriptions[control] });
  }
  setHandler(progress, () => batch.progress(), { description: descriptions.progress });
  void cancelled.catch(() => batch.control('cancel'));

  if (input.carried === undefined) await begin(batch, input);
  void keepRecorded(batch, input);

  while (!batch.isOver()) {
    await condition(() => batch.state !== 'paused');
    if (batch.isOver()) break;
    if (batch.shouldContinue()) {
      await condition(() => batch.isRecorded() && allHandlersFinished());
      return continueAsNew<typeof reprojectWorkflow>(batch.carry());
    }
    await turnPage(batch, input);
  }

  await condition(() => batch.isRecorded() && allHandlersFinished());
  return batch.progress();
}

/** Waits for the transaction that published the revision, and takes up where an earlier run was ended. */
async function begin(batch: Batch, { tenant, revision }: ReprojectionInput): Promise<void> {
  try {
    batch.found(await findReprojection({ tenant, revision }));
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    batch.abandon();
  }
  show(batch.progress());
}

async function turnPage(batch: Batch, { tenant, revision, pace }: ReprojectionInput): Promise<void> {
  const begun = now();
  const { after } = batch;
  const page = await reprojectPage(`open tickets after ${after ?? 'none'}`)({ tenant, revision, after, limit: pace.pageSize });
  const firstPassEnded = batch.turn(page);
  show(batch.progress());
  const rest = firstPassEnded ? pace.settleMs : begun + pace.pageMs - now();
  if (rest > 0) await condition(() => batch.isOver(), rest, { summary: firstPassEnded ? 'second pass' : 'pace' });
}

/** Tells PostgreSQL what state it is in, one after the other, until the run ends. */
async function keepRecorded(batch: Batch, { tenant, revision }: ReprojectionInput): Promise<void> {
  for (;;) {
    await condition(() => !batch.isRecorded());
    const { state } = batch;
    show(batch.progress());
    await markReprojection(`mark as ${state}`)({ tenant, revision, state });
    batch.recordedAs(state);
  }
}
